//! How a stream arrived.

use serde::{Deserialize, Serialize};

/// Counters of one received stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StreamReport {
    /// RTP packets, late and duplicate ones too.
    pub packets: u64,
    /// Packets whose place was given up before they came, if they ever did.
    pub lost: u64,
    /// Packets that came after their place had been given up (counted in `lost` too).
    pub late: u64,
    /// Packets that had been received already.
    pub duplicate: u64,
    /// Packets that came out of order, yet in time.
    pub reordered: u64,
    /// Packets of payload types other than µ-law and A-law.
    pub other_payload: u64,
    /// Datagrams that are not RTP version 2 with a sound header.
    pub malformed: u64,
    /// Packets of another SSRC, or far off in sequence, that no second one confirmed.
    pub stray: u64,
    /// Times the stream began anew: another SSRC, or a jump of the sequence numbers.
    pub restarts: u64,
    /// Interarrival jitter in µs (RFC 3550, 6.4.1) at the last packet.
    pub jitter_us: u64,
}

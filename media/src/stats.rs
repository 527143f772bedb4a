//! Counters for metrics.

/// Counters since [`Media::bind`](crate::Media::bind) (they only grow) and gauges of this moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// RTP packets of running recordings.
    pub packets: u64,
    /// Bytes of all datagrams received, known or not, without UDP and IP headers.
    pub bytes: u64,
    /// Packets whose place was given up before they came, if they ever did.
    pub lost: u64,
    /// Packets that came after their place had been given up.
    pub late: u64,
    /// Packets that had been received already.
    pub duplicate: u64,
    /// Packets that came out of order, yet in time.
    pub reordered: u64,
    /// Packets of a payload type other than µ-law (0) and A-law (8): comfort noise, DTMF events, an unexpected codec.
    pub other_payload: u64,
    /// Datagrams from recordings' sources that are not RTP version 2 with a sound header.
    pub malformed: u64,
    /// Datagrams from addresses that no recording listens to.
    pub unknown_source: u64,
    /// Datagrams that the kernel dropped because a socket's buffer was full.
    pub socket_drops: u64,
    /// Audio replaced by silence because the disk did not take it in time, in ms, summed over recordings.
    pub dropped_ms: u64,
    /// Recordings that failed.
    pub failed: u64,
    /// Running recordings.
    pub active_recordings: u64,
    /// Audio waiting for the disk, in bytes.
    pub buffered_bytes: u64,
    /// Writer threads, more than configured while some are stuck.
    pub writer_threads: u64,
}

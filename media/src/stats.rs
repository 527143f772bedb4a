//! Counters for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::recorder::millis;
use crate::rtp::StreamReport;

/// Counters since [`Media::bind`](crate::Media::bind) (they only grow) and gauges of this moment. What streams count
/// is at most 100 ms old.
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
    /// Times a stream began anew: another SSRC, or a jump of its sequence numbers.
    pub restarts: u64,
    /// Datagrams from addresses that no recording listened to when they came.
    pub unknown_source: u64,
    /// Datagrams that the kernel dropped because a socket's buffer was full.
    pub socket_drops: u64,
    /// Audio replaced by silence because the disk did not take it in time, in ms, summed over recordings.
    pub dropped_ms: u64,
    /// Recordings that failed while they ran.
    pub failed: u64,
    /// Running recordings.
    pub active_recordings: u64,
    /// Audio waiting for the disk, in bytes.
    pub buffered_bytes: u64,
    /// Writer threads, more than configured while some are stuck.
    pub writer_threads: u64,
}

/// One receiving thread's part of [`Stats`]. The thread alone writes.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) packets: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) late: AtomicU64,
    pub(crate) duplicate: AtomicU64,
    pub(crate) reordered: AtomicU64,
    pub(crate) other_payload: AtomicU64,
    pub(crate) malformed: AtomicU64,
    pub(crate) restarts: AtomicU64,
    pub(crate) unknown_source: AtomicU64,
    pub(crate) dropped_frames: AtomicU64,
    pub(crate) active: AtomicU64,
}

impl Counters {
    /// Adds what a recording has counted.
    pub(crate) fn add(&self, since: &StreamReport, dropped_frames: u64) {
        for (counter, count) in [
            (&self.packets, since.packets),
            (&self.lost, since.lost),
            (&self.late, since.late),
            (&self.duplicate, since.duplicate),
            (&self.reordered, since.reordered),
            (&self.other_payload, since.other_payload),
            (&self.malformed, since.malformed),
            (&self.restarts, since.restarts),
            (&self.dropped_frames, dropped_frames),
        ] {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Adds this thread's part.
    pub(crate) fn add_to(&self, stats: &mut Stats) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        stats.packets += read(&self.packets);
        stats.bytes += read(&self.bytes);
        stats.lost += read(&self.lost);
        stats.late += read(&self.late);
        stats.duplicate += read(&self.duplicate);
        stats.reordered += read(&self.reordered);
        stats.other_payload += read(&self.other_payload);
        stats.malformed += read(&self.malformed);
        stats.restarts += read(&self.restarts);
        stats.unknown_source += read(&self.unknown_source);
        stats.dropped_ms += millis(read(&self.dropped_frames));
        stats.active_recordings += read(&self.active);
    }
}

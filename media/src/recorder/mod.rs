//! The timeline of a recording, without a socket, a clock or a file.
//!
//! A [`Timeline`] takes the datagrams of two sources with their times of arrival and gives one row of stereo frames
//! (8,000 a second, left = agent, right = customer) that is exactly as long as the time that has passed.
//!
//! **The invariant:** frames leave in order, each once, and after [`Timeline::advance`] at time *t* all frames up to
//! *t* − [`LATENCY`] have left. Whatever comes, or does not, changes what they hold, never how many there are.
//!
//! Where a packet goes is said by its RTP timestamp; where timestamp zero lies on the timeline is learnt from the
//! earliest arrivals (a packet can be delayed, but never come before it was sent), and followed if the sender's
//! clock drifts. The two sides are placed independently by the same rule, so they are aligned as well as their
//! quickest packets travel equally fast.

mod conceal;
mod offset;
mod timeline;
mod track;

pub use timeline::{Anchors, Resume, Side, StereoSink, Timeline};
pub use track::Anchor;

use std::time::Duration;

/// Frames per second.
pub const SAMPLE_RATE: u32 = 8_000;

/// How far behind the clock frames leave: the time that a packet may be late without loss.
///
/// It is the sum of what packets may be held for: 200 ms for one that is missing, 300 ms to learn where a
/// stream belongs, and a tick of the caller (100 ms).
pub const LATENCY: Duration = Duration::from_millis(600);

/// How long a missing packet is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_millis(200);
/// How long packets are held to learn where a stream belongs: fifteen packets, of which one at least will have been
/// quick.
pub(crate) const HOLD: Duration = Duration::from_millis(300);

/// Gaps up to this long are concealed, longer ones fade out in it and are silent after it (60 ms, as ITU-T G.711
/// Appendix I has it).
pub(crate) const CONCEALED: usize = 480;

/// A time as a position on the timeline.
pub(crate) fn position(at: Duration) -> i64 {
    (at.as_secs() * u64::from(SAMPLE_RATE) + u64::from(at.subsec_micros()) * u64::from(SAMPLE_RATE) / 1_000_000) as i64
}

/// A position as whole ms, rounded.
pub(crate) fn millis(position: u64) -> u64 {
    (position * 1_000 + u64::from(SAMPLE_RATE) / 2) / u64::from(SAMPLE_RATE)
}

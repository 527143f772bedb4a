//! What a finished recording is.

use std::path::PathBuf;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::rtp::StreamReport;

/// A recording under its final name.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// The file: WAV, 8,000 Hz, 16 bit, left = agent, right = customer.
    pub path: PathBuf,
    /// Wall time of the first sample, if known.
    pub started_at: Option<SystemTime>,
    /// Length in ms.
    pub duration_ms: u64,
    /// Length of the file in bytes, header included.
    pub bytes: u64,
    /// Stretches without audio that was spoken, in order of their beginning.
    pub gaps: Vec<Gap>,
    /// RTP packets that never came or came too late, both sides.
    pub lost_packets: u64,
    /// Audio replaced by silence because the disk did not take it in time, in ms.
    pub dropped_ms: u64,
    /// The left side's stream as this process received it.
    pub agent: StreamReport,
    /// The right side's.
    pub customer: StreamReport,
}

/// A stretch of the file that does not hold what was spoken, in ms from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// First ms.
    pub from_ms: u64,
    /// First ms after it.
    pub to_ms: u64,
    /// Why.
    pub reason: GapReason,
}

/// Why there is no audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GapReason {
    /// No process was there to receive it.
    Outage,
    /// Recording was paused.
    Paused,
    /// Nothing came from the agent's side for a second or longer.
    NoAgentAudio,
    /// Nothing came from the customer's side for a second or longer.
    NoCustomerAudio,
    /// The disk did not take it in time and the buffer was full.
    DiskTooSlow,
}

//! What recordings tell, beside the answers to calls.

use std::path::PathBuf;
use std::time::SystemTime;

use uuid::Uuid;

use crate::file::{Finished, WriteError};

/// Something that happened to a recording. Sent over [`Media::events`](crate::Media::events).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The file is open and audio is being written.
    Started {
        /// The recording.
        id: Uuid,
        /// How it began.
        started: Started,
    },
    /// The recording is complete under its final name.
    Finished {
        /// The recording.
        id: Uuid,
        /// What was written.
        finished: Finished,
    },
    /// Nothing more is written to this recording; the others go on. What is on the disk stays playable.
    Failed {
        /// The recording.
        id: Uuid,
        /// Why (disk full, file taken away, 4 GiB limit of WAV …).
        error: WriteError,
        /// The file that holds what was written until then, its header set right where the disk allowed it.
        kept: PathBuf,
        /// Length of what was kept, in ms.
        duration_ms: u64,
    },
}

/// How a recording began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// Wall time of the first sample of the file.
    pub started_at: SystemTime,
    /// `Some(length already in the file, in ms)` if an earlier process's file is continued.
    pub resumed_after_ms: Option<u64>,
    /// That file was paused when its process left it, and is.
    pub paused: bool,
}

//! RTP in, aligned stereo recordings out.

pub mod file;
mod shell;
mod stats;

pub use file::{Finished, Gap, GapReason, StreamReport, WriteError, recover};
pub use shell::{
    BindError, Event, FinishError, Media, MediaConfig, NoSuchRecording, RecordingSpec, StartError,
    Started,
};
pub use stats::Stats;

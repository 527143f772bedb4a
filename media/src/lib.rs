//! RTP in, aligned stereo recordings out.

pub mod analysis;
mod clock;
pub mod file;
pub mod g711;
pub mod recorder;
pub mod rtp;
mod shell;
mod stats;
mod writer;

pub use file::{Finished, Gap, GapReason, WriteError, recover};
pub use rtp::StreamReport;
pub use shell::{
    BindError, Event, FinishError, Media, MediaConfig, NoSuchRecording, RecordingSpec, StartError, Started,
};
pub use stats::Stats;

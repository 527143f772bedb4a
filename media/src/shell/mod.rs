//! The part that owns sockets, threads and the clock; everything it decides it asks the pure cores.

mod backlog;
mod config;
mod event;
mod media;
mod recording;
mod socket;
mod worker;

pub use config::{MediaConfig, RecordingSpec};
pub use event::{Event, Started};
pub use media::{BindError, FinishError, Media, NoSuchRecording, RetargetError, StartError};

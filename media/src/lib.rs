//! RTP in, aligned stereo recordings out.
//!
//! [`Media`] listens on a few UDP sockets and writes one WAV file per call from two RTP streams: left the agent, right
//! the customer. It is the thin shell around pure parts that have no clock, no socket and no file: [`rtp`] puts one
//! source's packets in order, [`recorder`] lays two sources on one timeline. Between them and the disk is a bounded
//! hand-off, so that a disk that freezes or fills up never stops the receiving.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use trunkline_media::{Media, MediaConfig, RecordingSpec};
//!
//! let media = Media::bind(MediaConfig::new("127.0.0.1:12000".parse()?))?;
//! let id = uuid::Uuid::now_v7();
//! media
//!     .start(RecordingSpec {
//!         id,
//!         path: "call.wav".into(),
//!         agent: "127.0.0.1:10010".parse()?,
//!         customer: "127.0.0.1:10012".parse()?,
//!         resume: false,
//!     })
//!     .await?;
//! let finished = media.finish(id).await?;
//! println!("{} ms, {} packets lost", finished.duration_ms, finished.lost_packets);
//! # Ok(())
//! # }
//! ```
//!
//! # After a crash
//! A recording under way is `call.wav.part` with `call.wav.part.json` beside it. A new process binds the same port and
//! either goes on with it (`resume: true`) or, if the call is over, makes it a finished file with [`recover`].

pub mod analysis;
mod clock;
pub mod file;
pub mod g711;
pub mod recorder;
pub mod rtp;
mod shell;
pub mod sound;
mod stats;
mod writer;

pub use file::{Finished, Gap, GapReason, WriteError, recover};
pub use rtp::StreamReport;
pub use shell::{
    BindError, Event, FinishError, Media, MediaConfig, NoSuchRecording, RecordingSpec, RetargetError, StartError,
    Started,
};
pub use stats::Stats;

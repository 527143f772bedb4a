//! Calls: from the moment a channel enters `Stasis` to the last byte of its recording.
//!
//! [`center`] is the pure core: it knows every running call, the agents and the queues, is fed with what Asterisk
//! reports, what operators command and what timers say, and answers with what has to be done. What has to be remembered
//! leaves it as a [`model::Record`]. Around it stand `shell` (the loop), `writer` and `spool` (records on their way into the
//! database) and `recorder` (commands to the media).

pub mod center;
pub mod directory;
mod filter;
mod handle;
mod history_store;
pub mod http;
mod metrics;
pub mod model;
pub mod names;
mod recorder;
mod shell;
mod spool;
mod store;
mod writer;

pub use metrics::CallMetrics;
pub use shell::{CallConfig, CallControl, CallStartError};

pub use handle::{AgentState, AsteriskStatus, CallCommandError, DeviceKind, DirectoryDevice, Handle};

//! Calls: from the moment a channel enters `Stasis` to the last byte of its recording.
//!
//! [`center`] is the pure core: it knows every running call, the agents and the queues, is fed with what Asterisk
//! reports, what operators command and what timers say, and answers with what has to be done. What has to be remembered
//! leaves it as a [`model::Record`].

pub mod center;
pub mod directory;
mod handle;
pub mod model;
pub mod names;

pub use handle::{AgentState, AsteriskStatus, CallCommandError, DirectoryDevice, Handle};

//! Calls: from the moment a channel enters `Stasis` to the last byte of its recording.
//!
//! [`center`] is the pure core: it knows every running call, the agents and the queues, is fed with what
//! Asterisk reports, what operators command and what timers say, and answers with what has to be done.
//! The [`shell`] does it: it owns the ARI connection, the media socket and the clock.
//! What has to be remembered goes through the [`spool`] into the journal, so that a running call never
//! waits for the database.

mod handle;

pub use handle::{AgentState, AsteriskStatus, CallCommandError, DirectoryDevice, Handle};

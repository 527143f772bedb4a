//! The pure core of call control: who is rung, who talks with whom, what is recorded and how every call ends.
//!
//! [`center`] knows every running call, the agents and the queues, is fed with what Asterisk reports, what people command and what timers
//! say, and answers with what has to be done. What has to be remembered leaves it as a [`model::Record`]. No socket, no clock, no
//! database: a production call can be replayed, and every rule is tested without waiting.
//!
//! It is a crate of its own so that a change of a rule is tested in seconds; the gateway's `calls` are the shell around it.

pub mod center;
pub mod directory;
pub mod flow;
pub mod hours;
pub mod lines;
pub mod model;
pub mod names;
pub mod queueing;
pub mod schedule;
mod sight;
pub mod sound;
mod terms;
pub mod while_waiting;

pub use sight::Sight;
pub use trunkline_routing::By;

pub use terms::{AgentState, CallCommandError, DeviceKind, DialRefusal, DirectoryDevice};

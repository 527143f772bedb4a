//! Calls: from the moment a channel enters `Stasis` to the last byte of its recording.
//!
//! The pure core is a crate of its own, `trunkline-calls` ([`center`]). Around it stand `shell` (the loop), `writer` and `spool`
//! (records on their way into the database) and `recorder` (commands to the media); `chats` tells the core of
//! conversations and writes whose they become.

mod chats;
mod chats_store;
mod clock;
mod config;
mod control;
mod controls_http;
mod dial_http;
mod disposition;
mod disposition_store;
mod filter;
mod handle;
pub(crate) mod history_store;
pub mod http;
mod links;
mod metrics;
mod notes;
mod notes_store;
mod recorder;
mod shell;
mod spool;
mod store;
mod stored;
mod supervise_http;
mod writer;

pub use trunkline_calls::{
    AgentState, By, CallCommandError, DeviceKind, DialRefusal, DirectoryDevice, center, directory, model, names,
};

pub use config::{CallConfig, ServerConfig};
pub use metrics::CallMetrics;
pub use shell::{CallControl, CallStartError};

pub(crate) use handle::Reachable;
pub use handle::{AsteriskStatus, Handle};

//! Messages that callers leave: fetched from the Asterisk that took them, kept as other files are, and a worklist of those that nobody has heard.
//!
//! What is said is with Asterisk until it is in the store of files, and only then removed there: each step is a job of its own that may run twice.

mod fetch;
mod http;
mod metrics;
mod store;
mod sweep;
mod wav;

pub(crate) use fetch::{fetch, remove};
pub use http::{Voicemail, router};
pub use metrics::VoicemailMetrics;
pub(crate) use sweep::{remove_all, sweep};

/// The job that fetches a message from the Asterisk that took it: `{voicemail_id}`.
pub(crate) const FETCH: &str = "voicemail.fetch";
/// The job that removes a message from there: `{asterisk, name}`.
pub(crate) const REMOVE: &str = "voicemail.remove";

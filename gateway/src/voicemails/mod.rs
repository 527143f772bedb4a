//! Messages that callers leave.

/// The job that fetches a message from the Asterisk that took it: `{voicemail_id}`.
pub(crate) const FETCH: &str = "voicemail.fetch";

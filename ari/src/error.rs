//! What can go wrong.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use crate::request::RawResponse;

/// Why a request failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// 404: no such channel, bridge, playback … For an ending that is as good as done, see [`OrGone`].
    #[error("not found: {message}")]
    NotFound {
        /// What Asterisk says.
        message: String,
    },
    /// The channel is not in a Stasis application (any more, or not yet): 409 for channels, 422 for bridges.
    #[error("not in a Stasis application: {message}")]
    NotInStasis {
        /// What Asterisk says.
        message: String,
    },
    /// 409 for any other reason, e.g. an id that exists already.
    #[error("conflict: {message}")]
    Conflict {
        /// What Asterisk says.
        message: String,
    },
    /// 412: the channel is in a state that does not allow it.
    #[error("precondition failed: {message}")]
    Precondition {
        /// What Asterisk says.
        message: String,
    },
    /// 401: wrong name or password.
    #[error("Asterisk refused the user name or password")]
    Unauthorized,
    /// 403: the user may only read, or the object belongs to a configuration file.
    #[error("forbidden: {message}")]
    Forbidden {
        /// What Asterisk says.
        message: String,
    },
    /// 400: a parameter is missing or wrong.
    #[error("bad request: {message}")]
    BadRequest {
        /// What Asterisk says.
        message: String,
    },
    /// Any other status.
    #[error("status {status}: {message}")]
    Http {
        /// HTTP status.
        status: u16,
        /// What Asterisk says.
        message: String,
    },
    /// No answer in time. The request may have been carried out.
    #[error("no answer within {after:?}")]
    Timeout {
        /// How long was waited.
        after: Duration,
    },
    /// There is no connection, or it was lost before the answer came. In the second case the request may have been
    /// carried out.
    #[error("not connected to Asterisk: {reason}")]
    Disconnected {
        /// What happened to it.
        reason: String,
    },
    /// The answer is not what the api-docs promise.
    #[error("unexpected answer: {reason}")]
    InvalidResponse {
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// Makes an error of an answer whose status is not 2xx.
    pub(crate) fn from_response(response: &RawResponse) -> Self {
        let message = message(&response.body);
        match response.status {
            400 => Self::BadRequest { message },
            401 => Self::Unauthorized,
            403 => Self::Forbidden { message },
            404 => Self::NotFound { message },
            409 | 422 if message.to_ascii_lowercase().contains("not in stasis") => Self::NotInStasis { message },
            409 => Self::Conflict { message },
            412 => Self::Precondition { message },
            status => Self::Http { status, message },
        }
    }

    /// True for a 404.
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// True where it is not known whether the request was carried out.
    pub const fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Disconnected { .. } | Self::InvalidResponse { .. })
    }
}

/// `{"message": "Channel not found"}`, or `{"error": …}`, or plain text.
fn message(body: &Bytes) -> String {
    #[derive(Deserialize)]
    struct Body {
        #[serde(alias = "error")]
        message: Option<String>,
    }
    serde_json::from_slice::<Body>(body)
        .ok()
        .and_then(|body| body.message)
        .unwrap_or_else(|| String::from_utf8_lossy(body).trim().chars().take(200).collect())
}

/// Ending what is already gone is success.
pub trait OrGone {
    /// `Ok(())` for success and for [`Error::NotFound`].
    fn or_gone(self) -> Result<(), Error>;
}

impl OrGone for Result<(), Error> {
    fn or_gone(self) -> Result<(), Error> {
        match self {
            Err(Error::NotFound { .. }) => Ok(()),
            other => other,
        }
    }
}

/// A configuration that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not a URL, or not `http`.
    #[error("base_url: expected something like http://127.0.0.1:8088/ari, found {found:?}: {reason}")]
    BaseUrl {
        /// What was given, without user name and password.
        found: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No application, or one with a comma.
    #[error("app: expected at least one name without a comma, found {found:?}")]
    App {
        /// What was given.
        found: Vec<String>,
    },
    /// A colon cannot be written in a user name (RFC 7617 section 2).
    #[error("username: expected a name without a colon")]
    Username,
    /// The HTTP client cannot be built.
    #[error("cannot build the HTTP client: {reason}")]
    HttpClient {
        /// Why not.
        reason: String,
    },
    /// The log of raw frames cannot be opened.
    #[error("log: cannot open {path}: {reason}")]
    Log {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// The address for Asterisk's outbound WebSockets cannot be bound.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: String,
        /// Why not.
        reason: String,
    },
}

//! What every adapter can do. One conformance suite (`tests/it/conformance.rs`) holds each of them to it.

use crate::model::{Failure, Outgoing, ProviderId, Told};
use chrono::{DateTime, Utc};
use http::{HeaderMap, Method};
use serde_json::Value;
use std::time::Duration;

/// A request that a provider made, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Webhook<'a> {
    /// Exactly as the provider knows it, with its query: a signature may be over it.
    pub url: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// It does not carry the provider's signature: 401, and nothing is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the signature is missing")]
    Missing,
    #[error("the signature is not of this body")]
    Wrong,
}

/// The body cannot be read; `at` says where, for the one who mends it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why} (at {at})")]
pub struct Malformed {
    pub why: String,
    /// A JSON path or a form field; `byte 17` where the text itself is broken.
    pub at: String,
}

/// This cannot be said at this provider, and why: told before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotSay {
    /// Characters, as the provider counts them.
    #[error("{is} characters; at most {limit}")]
    TooLong { limit: usize, is: usize },
    #[error("{is} bytes; at most {limit}")]
    TooLarge { limit: u64, is: u64 },
    #[error("a file of type {mime}; taken are {}", .allowed.join(", "))]
    FileType { mime: String, allowed: &'static [&'static str] },
    #[error("{is} choices; at most {limit}")]
    TooManyChoices { limit: usize, is: usize },
    /// A field that the provider bounds, by our name for it.
    #[error("{field}: at most {limit} characters")]
    Field { field: &'static str, limit: usize },
    /// The provider knows nothing like it.
    #[error("{0} is not possible here")]
    NoSuchThing(&'static str),
    #[error("there is nothing to send")]
    Empty,
    /// Neither a chat nor a message is called so at this provider.
    #[error("{0:?} is no address here")]
    Address(String),
}

/// A request to the provider, as data.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub method: Method,
    /// Complete, built on the account's `api_base`. It may hold a token (Telegram's does): never logged, see [`Request::name`].
    pub url: String,
    pub headers: HeaderMap,
    pub body: Body,
    /// For logs and metrics: `messages.send`, `media.upload`.
    pub name: &'static str,
    /// Whether asking once more does no harm. Only such a request is repeated when no answer came.
    pub repeatable: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    Empty,
    Json(Value),
    Form(Vec<(String, String)>),
    /// `multipart/form-data` with one file, opened by its blob key when it is sent.
    File {
        fields: Vec<(String, String)>,
        field: &'static str,
        key: String,
        file_name: String,
        mime: String,
        size: u64,
    },
}

/// What the provider answered.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    pub status: u16,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// How long the provider asks to be left alone: `Retry-After` in seconds, or as a date beside the answer's own `Date` (RFC 9110, 10.2.3). At most a day.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let wanted = text("retry-after")?;
        let seconds = if let Ok(seconds) = wanted.parse::<u64>() {
            seconds
        } else {
            let until = DateTime::parse_from_rfc2822(wanted).ok()?;
            let now = DateTime::parse_from_rfc2822(text("date")?).ok()?;
            u64::try_from((until - now).num_seconds()).unwrap_or(0)
        };
        Some(Duration::from_secs(seconds.min(86_400)))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Taken. A request that makes no message (typing, a read mark) has no id.
    Done {
        id: Option<ProviderId>,
    },
    /// A file was uploaded; the message comes next with this id of it.
    Uploaded {
        media: String,
    },
    /// Where the file can be fetched, from [`Adapter::media`]. `headers` go along with the download.
    Found {
        url: String,
        headers: HeaderMap,
        mime: Option<String>,
        size: Option<u64>,
        sha256: Option<String>,
    },
    Failed {
        failure: Failure,
        after: Option<Duration>,
    },
    /// An answer that says neither yes nor no: it may have been sent.
    Unclear {
        detail: String,
    },
}

/// What a provider's list says of an attempt that had no answer: see [`Adapter::looked`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    Sent {
        id: ProviderId,
    },
    /// It was surely not taken: it may be sent again.
    NotThere,
    /// It cannot be told: it may have been sent, and a person decides.
    Unclear {
        detail: String,
    },
}

pub trait Adapter: Send + Sync {
    /// Whether this webhook is the provider's. In constant time.
    fn verify(&self, webhook: Webhook<'_>) -> Result<(), Refused>;

    /// The body's things in the order in which they stand.
    fn parse(&self, body: &[u8]) -> Result<Vec<Told>, Malformed>;

    /// The requests that say it, one after the other: an upload, then the message. What `upload` (an answer's [`Outcome::Uploaded`]) gave is in the
    /// second's call: the shell calls `render` again with [`crate::model::Upload::provider_id`] set.
    fn render(&self, outgoing: &Outgoing) -> Result<Request, CannotSay>;

    /// What an answer to a request of this name means.
    fn understand(&self, name: &'static str, answer: Answer<'_>) -> Outcome;

    /// Asks where a file is; `None` where its own URL is all there is to it.
    fn media(&self, id: &str) -> Option<Request>;

    /// Asks whether an attempt without an answer was sent after all; `None` where the provider cannot be asked.
    fn look_for(&self, outgoing: &Outgoing) -> Option<Request>;

    /// As [`Adapter::parse`], for providers that put something into the URL as well: Twilio's status callbacks carry our reference there.
    fn read(&self, webhook: Webhook<'_>) -> Result<Vec<Told>, Malformed> {
        self.parse(webhook.body)
    }

    /// What the answer to [`Adapter::look_for`] says of the attempt, which was made between these two moments.
    fn looked(&self, outgoing: &Outgoing, between: (DateTime<Utc>, DateTime<Utc>), answer: Answer<'_>) -> Look {
        let _ = (outgoing, between, answer);
        Look::Unclear { detail: "this provider cannot be asked".to_owned() }
    }

    /// The headers that a download of [`crate::model::MediaAt::Url`] needs. Credentials only for the account's own host.
    fn download_headers(&self, url: &str) -> HeaderMap {
        let _ = url;
        HeaderMap::new()
    }

    /// Files larger than this many bytes are not to be had from the provider, whoever asks; known before the question.
    fn download_limit(&self) -> Option<u64> {
        None
    }
}

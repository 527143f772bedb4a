//! What a job is, before and after it is enqueued.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use trunkline_db::{DbError, JobId, TenantId};

/// Attempts that a job has when nothing else is said: with the usual [`Backoff`](crate::Backoff) about half a day.
const MAX_ATTEMPTS: u16 = 20;

/// A job to be enqueued.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub(crate) kind: &'static str,
    pub(crate) payload: Value,
    pub(crate) sealed: bool,
    pub(crate) key: Option<String>,
    pub(crate) priority: i16,
    pub(crate) run_at: Option<DateTime<Utc>>,
    pub(crate) max_attempts: u16,
}

impl NewJob {
    /// A job of this kind (`mail.send`: words of small letters, digits and `_`, separated by dots) with what its handler needs to know, at
    /// most 64 KiB of JSON.
    pub fn new(kind: &'static str, payload: Value) -> Self {
        Self { kind, payload, sealed: false, key: None, priority: 0, run_at: None, max_attempts: MAX_ATTEMPTS }
    }

    /// Of all jobs of a tenant with the same key, 1 to 256 bytes, at most one runs at a time, in the order in which they were enqueued: one
    /// that waits for its time, or to be tried again, holds the later ones up; a dead one does not.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Jobs of higher priority are taken first, within their tenant. Usually 0.
    #[must_use]
    pub fn priority(mut self, priority: i16) -> Self {
        self.priority = priority;
        self
    }

    /// Not before this time.
    #[must_use]
    pub fn run_at(mut self, at: DateTime<Utc>) -> Self {
        self.run_at = Some(at);
        self
    }

    /// How often it is tried before it is dead, at least once.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u16) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// The payload is encrypted: it is shown to nobody.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.sealed = true;
        self
    }
}

/// A job as its handler gets it.
#[derive(Debug, Clone)]
pub struct Job {
    /// The job: the same at each attempt, so that a handler can tell others apart what was sent twice.
    pub id: JobId,
    /// Whose it is; `None`: the installation's.
    pub tenant: Option<TenantId>,
    /// What it was enqueued with.
    pub payload: Value,
    /// Number of this attempt. It rises with every attempt, also over retries by hand.
    pub attempt: u32,
    /// Whether it is dead if this attempt fails.
    pub is_last_attempt: bool,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
}

/// A handler did what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done;

/// A handler could not do what was asked. The words are kept with the job and shown: no secrets in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Another attempt may succeed.
    Retry {
        /// What went wrong.
        error: String,
        /// Not before so long from now: what the other side asked for, such as `Retry-After`.
        after: Option<Duration>,
    },
    /// No attempt will succeed.
    Dead {
        /// What went wrong.
        error: String,
    },
}

impl Failure {
    /// Another attempt may succeed.
    pub fn retry(error: impl fmt::Display) -> Self {
        Self::Retry { error: error.to_string(), after: None }
    }

    /// Another attempt may succeed, but not before so long from now.
    pub fn retry_after(error: impl fmt::Display, after: Duration) -> Self {
        Self::Retry { error: error.to_string(), after: Some(after) }
    }

    /// No attempt will succeed.
    pub fn dead(error: impl fmt::Display) -> Self {
        Self::Dead { error: error.to_string() }
    }

    /// What went wrong.
    pub fn error(&self) -> &str {
        match self {
            Self::Retry { error, .. } | Self::Dead { error } => error,
        }
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::retry(error)
    }
}

/// How a job was found by somebody who wanted to change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It waits: for its time, for its turn, or for an earlier one of its key.
    Waiting,
    /// A worker has it.
    Running,
    /// It was done.
    Done,
    /// It will not be tried again.
    Dead,
}

impl Found {
    /// From the state as stored.
    pub(crate) fn from_state(state: &str) -> Self {
        match state {
            "running" => Self::Running,
            "done" => Self::Done,
            "dead" => Self::Dead,
            _ => Self::Waiting,
        }
    }
}

/// What there is of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Backlog {
    /// The kind.
    pub kind: String,
    /// Jobs that wait, for whatever.
    pub waiting: u64,
    /// Jobs that workers have.
    pub running: u64,
    /// Jobs that will not be tried again.
    pub dead: u64,
    /// For how long the oldest job has been due that could be taken.
    pub oldest_due: Duration,
}

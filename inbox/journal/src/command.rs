//! Commands: closures over a tenant's transaction that return events, and how they end.

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use trunkline_db::{DbError, TenantId, TenantTx};

use crate::event::{InvalidEvent, NewEvent, Sealed, Seq};

/// What a command gives back when it succeeds: a value for its caller and events for the journal.
#[derive(Debug)]
pub struct Outcome<T> {
    value: T,
    events: Vec<NewEvent>,
}

impl<T> Outcome<T> {
    /// A value, and nothing that happened.
    pub const fn new(value: T) -> Self {
        Self { value, events: Vec::new() }
    }

    /// And this happened.
    #[must_use]
    pub fn event(mut self, event: NewEvent) -> Self {
        self.events.push(event);
        self
    }

    /// And these happened, in this order.
    #[must_use]
    pub fn events(mut self, events: impl IntoIterator<Item = NewEvent>) -> Self {
        self.events.extend(events);
        self
    }
}

/// How a command fails from within. `?` turns a database's error into one; a refusal is made with [`Fault::Rejected`].
#[derive(Debug)]
pub enum Fault<E> {
    /// The command's own no: it is undone, and `E` is its answer.
    Rejected(E),
    /// The database's: a lost race is tried again, a database that is away is [`CommandError::Unavailable`].
    Db(DbError),
}

impl<E> From<DbError> for Fault<E> {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl<E> From<sqlx::Error> for Fault<E> {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Places of the events of one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeqRange {
    /// Place of its first event.
    pub first: Seq,
    /// Place of its last event.
    pub last: Seq,
}

/// A command that was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed<T> {
    /// What it returned.
    pub value: T,
    /// Where its events are, when it had any.
    pub seqs: Option<SeqRange>,
    /// When they were recorded.
    pub recorded_at: Option<DateTime<Utc>>,
}

/// Why a command was not carried out, though it may be later.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The database is away, or does not answer in time.
    #[error("{0}")]
    Database(String),
    /// It met others on the same rows again and again.
    #[error("lost the race for the same rows too often: {0}")]
    Contended(String),
    /// It did not end in time.
    #[error("the command did not end in time")]
    TooSlow,
    /// The journal is shutting down.
    #[error("the journal is shutting down")]
    Stopping,
}

/// How a command fails.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<E> {
    /// The command itself said no; it was undone.
    #[error("{0}")]
    Rejected(E),
    /// One of its events is none; it was undone.
    #[error(transparent)]
    Invalid(#[from] InvalidEvent),
    /// It was not carried out: nothing was written. It may be tried again.
    #[error("not carried out: {0}")]
    Unavailable(#[from] Unavailable),
    /// The connection broke while it was being committed, and what became of it could not be found out. It was either
    /// written as a whole, or not at all.
    #[error("the connection broke while it was being committed; the outcome is unknown")]
    Unknown,
    /// A statement of it was refused; it was undone.
    #[error(transparent)]
    Db(DbError),
}

impl<E> CommandError<E> {
    /// Whether trying again later may help, and surely nothing was written.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// How the lane's transaction ended for one command.
#[derive(Debug)]
pub(crate) enum Ending {
    Committed(Option<Placed>),
    /// It was undone for a reason of its own, which it holds itself.
    Refused,
    Failed(Failure),
}

/// Where a command's events came to stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) range: SeqRange,
    pub(crate) recorded_at: DateTime<Utc>,
}

/// An end that is not the command's own fault, or that it cannot know itself.
#[derive(Debug)]
pub(crate) enum Failure {
    Unavailable(Unavailable),
    Unknown,
    Db(DbError),
}

impl<E> From<Failure> for CommandError<E> {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable(why) => Self::Unavailable(why),
            Failure::Unknown => Self::Unknown,
            Failure::Db(error) => Self::Db(error),
        }
    }
}

/// What came of running a command, before its transaction ended.
#[derive(Debug)]
pub(crate) enum Ran {
    Done(Vec<Sealed>),
    /// To be undone alone. The command holds its answer.
    Refused,
    /// The transaction as a whole cannot go on.
    Stopped(DbError),
}

/// A command whose types are forgotten, so that a lane can hold any.
pub(crate) trait Command: Send {
    fn run<'a>(&'a mut self, tx: &'a mut TenantTx<'_>) -> BoxFuture<'a, Ran>;
    fn end(self: Box<Self>, ending: Ending);
}

/// One piece of a lane's work.
pub(crate) struct Job {
    pub(crate) tenant: TenantId,
    pub(crate) work: Work,
}

pub(crate) enum Work {
    Command(Box<dyn Command>),
    Append { events: Vec<Sealed>, answer: oneshot::Sender<Result<Placed, Failure>> },
}

impl Job {
    pub(crate) fn end(self, ending: Ending) {
        match self.work {
            Work::Command(command) => command.end(ending),
            Work::Append { answer, .. } => {
                // Whoever asked may have gone away meanwhile.
                let _ = answer.send(match ending {
                    Ending::Committed(Some(placed)) => Ok(placed),
                    Ending::Failed(failure) => Err(failure),
                    Ending::Committed(None) | Ending::Refused => Err(Failure::Unknown),
                });
            }
        }
    }
}

/// A command with its types.
pub(crate) struct Typed<T, E, F> {
    pub(crate) run: F,
    pub(crate) answer: oneshot::Sender<Result<Committed<T>, CommandError<E>>>,
    /// What the last run gave: its value, or its own refusal.
    pub(crate) held: Option<Result<T, CommandError<E>>>,
}

impl<T, E, F> Command for Typed<T, E, F>
where
    T: Send,
    E: Send,
    F: for<'t> Fn(&'t mut TenantTx<'_>) -> BoxFuture<'t, Result<Outcome<T>, Fault<E>>> + Send + Sync,
{
    fn run<'a>(&'a mut self, tx: &'a mut TenantTx<'_>) -> BoxFuture<'a, Ran> {
        let running = (self.run)(tx);
        let held = &mut self.held;
        Box::pin(async move {
            let refused = match running.await {
                Ok(outcome) => match Sealed::seal_all(outcome.events) {
                    Ok(sealed) => {
                        *held = Some(Ok(outcome.value));
                        return Ran::Done(sealed);
                    }
                    Err(invalid) => CommandError::Invalid(invalid),
                },
                Err(Fault::Rejected(answer)) => CommandError::Rejected(answer),
                Err(Fault::Db(error)) if error.is_contention() || error.is_unavailable() => return Ran::Stopped(error),
                Err(Fault::Db(error)) => CommandError::Db(error),
            };
            *held = Some(Err(refused));
            Ran::Refused
        })
    }

    fn end(self: Box<Self>, ending: Ending) {
        let answer = match (ending, self.held) {
            (Ending::Committed(placed), Some(Ok(value))) => {
                Ok(Committed { value, seqs: placed.map(|p| p.range), recorded_at: placed.map(|p| p.recorded_at) })
            }
            (Ending::Committed(_) | Ending::Refused, Some(Err(refused))) => Err(refused),
            (Ending::Failed(failure), _) => Err(failure.into()),
            // A lane ends a command only as it ran.
            (Ending::Committed(_) | Ending::Refused, _) => Err(CommandError::Unknown),
        };
        // Whoever asked may have gone away meanwhile.
        let _ = self.answer.send(answer);
    }
}

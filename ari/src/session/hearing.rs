//! Whether the events of our applications reach us.
//!
//! An open WebSocket does not prove it. When Asterisk cleans up after a socket while another one registers the same
//! application, it may take back the registration of the *new* one (22.10.1, about one in two hundred that coincide):
//! PINGs and requests are answered, `GET /applications/{app}` shows nothing unusual, and no event ever comes. So each
//! application is sent an event of our own from time to time, and it has to come back.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Now;

/// What became of the request that sends the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SelfTest {
    /// Asterisk has taken it: the event has to come.
    Sent,
    /// Asterisk does not know the application any more.
    NoApplication,
    /// It could not be sent; that says nothing about events.
    Failed,
}

/// One test after another, for as long as the session is live.
#[derive(Debug)]
pub(super) struct Hearing {
    next: Duration,
    round: Option<Round>,
}

#[derive(Debug)]
struct Round {
    began: DateTime<Utc>,
    awaited: Vec<Awaited>,
    /// None of it failed.
    whole: bool,
}

#[derive(Debug)]
struct Awaited {
    application: String,
    /// By when its event has to have come; not known before the request was answered.
    due: Option<Duration>,
}

/// What the deadline was for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Nothing,
    /// Send these applications their event.
    Ask(Vec<String>),
    /// An event did not come.
    Deaf,
}

impl Hearing {
    /// Begins with a test at once.
    pub(super) fn new(now: Duration) -> Self {
        Self { next: now, round: None }
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        match &self.round {
            Some(round) => round.awaited.iter().filter_map(|awaited| awaited.due).min(),
            None => Some(self.next),
        }
    }

    pub(super) fn turn(&mut self, now: Now, applications: &[String], interval: Duration) -> Turn {
        if let Some(round) = &self.round {
            let overdue = round.awaited.iter().filter_map(|awaited| awaited.due).any(|due| now.monotonic >= due);
            return if overdue { Turn::Deaf } else { Turn::Nothing };
        }
        if now.monotonic < self.next {
            return Turn::Nothing;
        }
        self.next = now.monotonic + interval;
        if applications.is_empty() {
            return Turn::Nothing;
        }
        let awaited = applications.iter().map(|name| Awaited { application: name.clone(), due: None }).collect();
        self.round = Some(Round { began: now.wall, awaited, whole: true });
        Turn::Ask(applications.to_vec())
    }

    /// The request was answered. An event may have come before.
    pub(super) fn sent(&mut self, now: Now, application: &str, outcome: SelfTest, patience: Duration) -> bool {
        let Some(round) = &mut self.round else { return true };
        let Some(awaited) = round.awaited.iter_mut().find(|awaited| awaited.application == application) else {
            return true;
        };
        match outcome {
            SelfTest::Sent => awaited.due = Some(now.monotonic + patience),
            SelfTest::NoApplication => return false,
            SelfTest::Failed => {
                round.whole = false;
                self.forget(application);
            }
        }
        true
    }

    /// The event came back. When all of a test have: since when it is proven that events come.
    pub(super) fn heard(&mut self, application: &str) -> Option<DateTime<Utc>> {
        self.forget(application)
    }

    fn forget(&mut self, application: &str) -> Option<DateTime<Utc>> {
        let round = self.round.as_mut()?;
        round.awaited.retain(|awaited| awaited.application != application);
        if !round.awaited.is_empty() {
            return None;
        }
        let proven = round.whole.then_some(round.began);
        self.round = None;
        proven
    }
}

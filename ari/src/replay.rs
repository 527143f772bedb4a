//! Running a session again from its log: the same lines give the same updates, in virtual time.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let file = std::io::BufReader::new(std::fs::File::open("call.jsonl")?);
//! for told in trunkline_ari::replay::Replay::new(file) {
//!     let (at, update) = told?;
//!     println!("{at} {update:?}");
//! }
//! # Ok(())
//! # }
//! ```

use std::collections::VecDeque;
use std::io::BufRead;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::Limits;
use crate::log::{Entry, Line};
use crate::session::{Input, Now, Output, Role, Session, SessionConfig};
use crate::update::Update;

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The file cannot be read.
    #[error("cannot read line {line}: {source}")]
    Read {
        /// Counted from 1.
        line: usize,
        /// Why.
        source: std::io::Error,
    },
    /// A line is no line of such a log.
    #[error("line {line} is not a line of an ARI log: {source}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
}

/// The updates of a log, each with its time. A log may hold several runs; each begins a session of its own.
///
/// A last line that was cut off by a crash ends the replay without an error.
#[derive(Debug)]
pub struct Replay<R> {
    reader: R,
    line: usize,
    run: Option<Run>,
    told: VecDeque<(DateTime<Utc>, Update)>,
    ended: bool,
}

#[derive(Debug)]
struct Run {
    session: Session,
    began: DateTime<Utc>,
    now: Now,
}

impl<R: BufRead> Replay<R> {
    /// Reads a log.
    pub fn new(reader: R) -> Self {
        Self { reader, line: 0, run: None, told: VecDeque::new(), ended: false }
    }

    fn read_line(&mut self) -> Option<Result<Line, ReplayError>> {
        loop {
            let mut text = String::new();
            self.line += 1;
            let line = self.line;
            match self.reader.read_line(&mut text) {
                Ok(0) => return None,
                Ok(_) if text.trim().is_empty() => {}
                Ok(_) => {
                    return match serde_json::from_str(&text) {
                        Ok(read) => Some(Ok(read)),
                        Err(source) if source.is_eof() && !text.ends_with('\n') => None,
                        Err(source) => Some(Err(ReplayError::Line { line, source })),
                    };
                }
                Err(source) => return Some(Err(ReplayError::Read { line, source })),
            }
        }
    }

    fn feed(&mut self, line: Line) {
        if let Entry::Begin { apps, subscribe_all } = &line.entry {
            let config = SessionConfig {
                role: Role::Dialing,
                apps: apps.clone(),
                subscribe_all: *subscribe_all,
                limits: Limits::default(),
                seed: 0,
            };
            let now = Now { monotonic: Duration::ZERO, wall: line.at };
            let mut run = Run { session: Session::new(config), began: line.at, now };
            run.drain(&mut self.told);
            self.run = Some(run);
            return;
        }
        if let Some(run) = &mut self.run {
            run.advance(line.at, &mut self.told);
            run.feed(line.entry);
            run.drain(&mut self.told);
        }
    }
}

impl Run {
    /// Lets the time pass, deadline by deadline.
    fn advance(&mut self, to: DateTime<Utc>, told: &mut VecDeque<(DateTime<Utc>, Update)>) {
        let target = (to - self.began).to_std().unwrap_or_default().max(self.now.monotonic);
        while let Some(deadline) = self.session.poll_timeout().filter(|deadline| *deadline <= target) {
            self.set_time(deadline);
            self.session.handle_timeout(self.now);
            self.drain(told);
        }
        self.set_time(target);
    }

    fn set_time(&mut self, monotonic: Duration) {
        let monotonic = monotonic.max(self.now.monotonic);
        let passed = TimeDelta::from_std(monotonic).unwrap_or(TimeDelta::MAX);
        let wall = self.began.checked_add_signed(passed).unwrap_or(self.now.wall);
        self.now = Now { monotonic, wall };
    }

    fn feed(&mut self, entry: Entry) {
        let now = self.now;
        let session = &mut self.session;
        match entry {
            Entry::Open => {
                // The jitter of the backoff was another one: the log knows when the socket was opened.
                session.handle_input(now, Input::TakeOver);
                session.handle_input(now, Input::Connected);
            }
            Entry::ConnectFailed { failure } => {
                session.handle_input(now, Input::TakeOver);
                session.handle_input(now, Input::ConnectFailed(failure));
            }
            Entry::Closed { failure } => session.handle_input(now, Input::Disconnected(failure)),
            Entry::In { text } => session.handle_input(now, Input::Frame(&text)),
            // An answer over the WebSocket is traffic; one over HTTP is not, and the difference is only a deadline.
            Entry::Traffic | Entry::Dropped { .. } | Entry::Response { .. } => {
                session.handle_input(now, Input::Traffic);
            }
            Entry::Overflow { dropped, gap } => session.handle_input(now, Input::Overflow { dropped, gap }),
            Entry::Snapshot { generation, snapshot } => {
                session.handle_input(now, Input::Snapshot { generation, result: Ok(snapshot) });
            }
            Entry::SnapshotFailed { generation, failure } => {
                session.handle_input(now, Input::Snapshot { generation, result: Err(failure) });
            }
            Entry::SelfTest { application, outcome } => {
                session.handle_input(now, Input::SelfTest { application, outcome });
            }
            Entry::Heard { application } => session.handle_input(now, Input::Heard { application: &application }),
            Entry::TakeOver => session.handle_input(now, Input::TakeOver),
            Entry::Begin { .. } | Entry::Out { .. } | Entry::Missing { .. } => {}
        }
    }

    fn drain(&mut self, told: &mut VecDeque<(DateTime<Utc>, Update)>) {
        while let Some(output) = self.session.poll_output() {
            if let Output::Update(update) = output {
                told.push_back((self.now.wall, update));
            }
        }
    }
}

impl<R: BufRead> Iterator for Replay<R> {
    type Item = Result<(DateTime<Utc>, Update), ReplayError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(told) = self.told.pop_front() {
                return Some(Ok(told));
            }
            if self.ended {
                return None;
            }
            match self.read_line() {
                Some(Ok(line)) => self.feed(line),
                Some(Err(error)) => {
                    self.ended = true;
                    return Some(Err(error));
                }
                None => self.ended = true,
            }
        }
    }
}

//! The session without its socket: what to do when, and what it means.
//!
//! A session has no clock, no socket and no task. Its owner tells it what happened ([`Session::handle_input`]) or that
//! its deadline has come ([`Session::handle_timeout`]).
//!
//! **Invariant: mutate once, then drain.** After each call of either, [`Session::poll_output`] is called until it
//! returns `None`, and [`Session::poll_timeout`] is asked for the next deadline. Time never runs backwards.
//!
//! # Events during synchronisation
//! From the opened socket on, events arrive while the snapshot is still being fetched. They are held. A snapshot is not
//! read at one instant, so each held event may have happened before or after its subject was read:
//! - What only *happens* (a key, a hang-up request, `StasisStart`, a playback's end) is in no snapshot and is delivered.
//! - An *ending* (`ChannelDestroyed`, `BridgeDestroyed`) is delivered, because it carries the cause; the same ending is
//!   then not told a second time as a difference.
//! - What *changes a state* that the snapshot shows (a channel's existence and state, a bridge's existence and members)
//!   is left out if it happened before the reading began, and up to the last held event whose result is what the
//!   snapshot shows; it is delivered after that.
//!
//! Requests and events take different ways, so an event may also come *after* a snapshot that is newer. For a few seconds
//! ([`LATE_FOR`]) events are therefore compared with the times at which the snapshot was read, by Asterisk's own clock:
//! a change of state that is older, or that changes nothing, is left out. An ending is still delivered: a
//! `ChannelDestroyed` may follow the `ChannelGone` that missed its cause.
//!
//! # Whether events come at all
//! A socket that is open proves nothing about events, so a live session sends its applications an event of their own
//! every few seconds ([`Output::SelfTest`]). One that does not come back ends the connection; the gap that is told then
//! begins where events were last proven to come.
//!
//! The owner's view always ends where Asterisk is; `tests/convergence.rs` looks for a sequence where it does not.

mod backoff;
mod hearing;
mod held;
mod world;

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::config::Limits;
use crate::event::{Event, Parsed, parse};
use crate::update::{Counters, Failure, Gap, Snapshot, State, Update};
use backoff::Backoff;
pub use hearing::SelfTest;
use hearing::{Hearing, Turn};
use held::{Held, ReadTimes};
use world::World;

/// A moment, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since any fixed start; never falls. Deadlines are counted with it.
    pub monotonic: Duration,
    /// The time of day. Gaps are told with it.
    pub wall: DateTime<Utc>,
}

/// Who opens the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// We do: [`Output::Connect`], and a backoff after a failure.
    Dialing,
    /// Asterisk does: the session waits in [`State::Connecting`].
    Listening,
}

/// What a session must know beforehand.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// Who opens the socket.
    pub role: Role,
    /// The applications that are ours. `ApplicationReplaced` for any other is only an event.
    pub apps: Vec<String>,
    /// Whether events of everything come, or only of what is in the applications.
    pub subscribe_all: bool,
    /// Time-outs and sizes.
    pub limits: Limits,
    /// Seed of the jitter.
    pub seed: u64,
}

/// What happened outside.
#[derive(Debug)]
pub enum Input<'a> {
    /// The socket is open.
    Connected,
    /// It could not be opened.
    ConnectFailed(Failure),
    /// It is open no longer.
    Disconnected(Failure),
    /// A text frame.
    Frame(&'a str),
    /// A frame of any other kind: the connection lives.
    Traffic,
    /// The answer to [`Output::FetchSnapshot`].
    Snapshot {
        /// As in the output.
        generation: u64,
        /// The snapshot, or why there is none.
        result: Result<Box<Snapshot>, Failure>,
    },
    /// Frames were dropped between the socket and the session.
    Overflow {
        /// How many.
        dropped: u64,
        /// When.
        gap: Gap,
    },
    /// The answer to [`Output::SelfTest`].
    SelfTest {
        /// As in the output.
        application: String,
        /// What became of it.
        outcome: SelfTest,
    },
    /// The event of [`Output::SelfTest`] came back.
    Heard {
        /// The application that it was sent to.
        application: &'a str,
    },
    /// The owner wants the application back after [`State::Replaced`], or does not want to wait for the backoff.
    TakeOver,
}

/// What is to be done outside.
#[derive(Debug)]
pub enum Output {
    /// Open the socket and answer with [`Input::Connected`] or [`Input::ConnectFailed`].
    Connect,
    /// Fetch channels, bridges, applications and the general information; answer with [`Input::Snapshot`].
    FetchSnapshot {
        /// Sent back with the answer; an answer of an older generation is ignored.
        generation: u64,
    },
    /// Send a WebSocket PING. (Never a PONG: some Asterisk releases crash on one that was not asked for.)
    Ping,
    /// Send this application the event [`SELF_TEST`]; answer with [`Input::SelfTest`], and with [`Input::Heard`] when
    /// the event comes over the socket.
    SelfTest {
        /// One of ours.
        application: String,
    },
    /// Close the socket, if it is open. No [`Input::Disconnected`] is expected.
    Close,
    /// Tell the owner.
    Update(Update),
}

/// The state machine of one connection to Asterisk and of what is known through it.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    phase: Phase,
    world: World,
    backoff: Backoff,
    /// Between attempts to fetch the snapshot over one socket.
    fetch_backoff: Backoff,
    outputs: VecDeque<Output>,
    counters: Counters,
    generation: u64,
    /// Nothing was lost up to here; `None` before the first socket.
    covered_until: Option<DateTime<Utc>>,
}

#[derive(Debug)]
enum Phase {
    Connecting,
    Open(Open),
    Backoff { until: Duration },
    Replaced,
}

#[derive(Debug)]
struct Open {
    last_traffic: Duration,
    next_ping: Duration,
    /// Up to here it is proven that events came: when the socket was opened, or the last test that succeeded began.
    proven_until: DateTime<Utc>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Syncing(Sync),
    Live {
        since: Duration,
        /// When the snapshot was read; told apart from newer events until `LATE_FOR` after `since`.
        read: Option<ReadTimes>,
        hearing: Hearing,
    },
}

/// A synchronisation under way.
#[derive(Debug)]
struct Sync {
    generation: u64,
    /// From where events would be missing if what is held had to be thrown away.
    uncovered_from: DateTime<Utc>,
    /// The gap to tell with the snapshot.
    gap: Option<Gap>,
    held: Held,
    /// The snapshot could not be fetched; when to try again.
    retry_at: Option<Duration>,
}

/// The name of the user event with which a session tests whether events come. Its owner never sees it.
pub const SELF_TEST: &str = "trunkline-ari-self-test";

/// After a socket was open, the next attempt waits at least this long: Asterisk takes the old socket's registration back
/// in a thread of its own, and should be done with it before the next socket registers.
const CLEAN_UP: Duration = Duration::from_millis(100);

/// A connection that was live for this long counts as good: the next failure starts the backoff anew.
const STABLE_AFTER: Duration = Duration::from_secs(5);

/// For how long after a snapshot an event may be older than it. Longer than a busy Asterisk lags; not for ever, because its
/// clock may be set back.
pub const LATE_FOR: Duration = Duration::from_secs(5);

impl Session {
    /// A session that begins by connecting.
    pub fn new(config: SessionConfig) -> Self {
        let backoff = Backoff::new(config.limits.backoff_base, config.limits.backoff_cap, config.seed);
        let fetch_backoff = Backoff::new(config.limits.backoff_base, config.limits.backoff_cap, !config.seed);
        let mut session = Self {
            config,
            phase: Phase::Connecting,
            world: World::default(),
            backoff,
            fetch_backoff,
            outputs: VecDeque::new(),
            counters: Counters::default(),
            generation: 0,
            covered_until: None,
        };
        session.connect();
        session
    }

    /// Counts so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// The next thing to be done outside.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Session::handle_timeout`] wants to be called, on the monotonic clock.
    pub fn poll_timeout(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Backoff { until } => Some(*until),
            Phase::Open(open) => {
                let silence = open.last_traffic + self.config.limits.dead_after;
                let stage = match &open.stage {
                    Stage::Syncing(sync) => sync.retry_at,
                    Stage::Live { hearing, .. } => self.tests_itself().then(|| hearing.deadline()).flatten(),
                };
                Some(stage.into_iter().fold(silence.min(open.next_ping), Duration::min))
            }
            Phase::Connecting | Phase::Replaced => None,
        }
    }

    /// Asterisk registers applications for which it calls us only once: there is nothing that could be lost.
    fn tests_itself(&self) -> bool {
        self.config.role == Role::Dialing
    }

    /// The deadline has come (or not yet: then nothing happens).
    pub fn handle_timeout(&mut self, now: Now) {
        let tests_itself = self.tests_itself();
        match &mut self.phase {
            Phase::Backoff { until } if now.monotonic >= *until => self.connect(),
            Phase::Open(open) => {
                if now.monotonic >= open.last_traffic + self.config.limits.dead_after {
                    self.counters.silences += 1;
                    let after = self.config.limits.dead_after;
                    self.outputs.push_back(Output::Close);
                    self.lose(now, Failure::Silent { after });
                    return;
                }
                if now.monotonic >= open.next_ping {
                    open.next_ping = now.monotonic + self.config.limits.ping_interval;
                    self.outputs.push_back(Output::Ping);
                }
                if let Stage::Syncing(sync) = &mut open.stage
                    && sync.retry_at.is_some_and(|at| now.monotonic >= at)
                {
                    self.generation += 1;
                    sync.generation = self.generation;
                    sync.retry_at = None;
                    self.outputs.push_back(Output::FetchSnapshot { generation: self.generation });
                }
                if let Stage::Live { hearing, .. } = &mut open.stage
                    && tests_itself
                {
                    match hearing.turn(now, &self.config.apps, self.config.limits.self_test_interval) {
                        Turn::Nothing => {}
                        Turn::Ask(applications) => {
                            let ask = |application| Output::SelfTest { application };
                            self.outputs.extend(applications.into_iter().map(ask));
                        }
                        Turn::Deaf => self.deaf(now),
                    }
                }
            }
            _ => {}
        }
    }

    /// The socket is open, and the events do not come.
    fn deaf(&mut self, now: Now) {
        self.counters.deaf += 1;
        if let Phase::Open(open) = &self.phase {
            self.covered_until = self.covered_until.min(Some(open.proven_until));
        }
        self.outputs.push_back(Output::Close);
        self.lose(now, Failure::Deaf);
    }

    fn self_test(&mut self, now: Now, application: &str, outcome: SelfTest) {
        let patience = self.config.limits.self_test_patience;
        if let Phase::Open(Open { stage: Stage::Live { hearing, .. }, .. }) = &mut self.phase
            && !hearing.sent(now, application, outcome, patience)
        {
            self.deaf(now);
        }
    }

    fn heard(&mut self, application: &str) {
        if let Phase::Open(open) = &mut self.phase
            && let Stage::Live { hearing, .. } = &mut open.stage
            && let Some(proven) = hearing.heard(application)
        {
            open.proven_until = proven;
        }
    }

    /// Something happened. What does not fit the present state (a frame of a socket that was given up) is ignored.
    pub fn handle_input(&mut self, now: Now, input: Input<'_>) {
        match input {
            Input::Connected => self.connected(now),
            Input::ConnectFailed(failure) => {
                if matches!(self.phase, Phase::Connecting) {
                    self.lose(now, failure);
                }
            }
            Input::Disconnected(failure) => {
                if matches!(self.phase, Phase::Open(_)) {
                    self.lose(now, failure);
                }
            }
            Input::Frame(text) => self.frame(now, text),
            Input::Traffic => self.traffic(now),
            Input::Snapshot { generation, result } => self.snapshot(now, generation, result),
            Input::Overflow { dropped, gap } => self.overflow(dropped, gap),
            Input::SelfTest { application, outcome } => self.self_test(now, &application, outcome),
            Input::Heard { application } => self.heard(application),
            Input::TakeOver => match self.phase {
                Phase::Replaced | Phase::Backoff { .. } => self.connect(),
                Phase::Connecting | Phase::Open(_) => {}
            },
        }
    }

    fn tell(&mut self, update: Update) {
        self.outputs.push_back(Output::Update(update));
    }

    fn connect(&mut self) {
        self.phase = Phase::Connecting;
        self.tell(Update::State(State::Connecting));
        self.outputs.push_back(Output::Connect);
    }

    fn connected(&mut self, now: Now) {
        // An Asterisk that calls us again after it was replaced has made up its mind.
        let expected = match self.phase {
            Phase::Connecting => true,
            Phase::Replaced => self.config.role == Role::Listening,
            Phase::Backoff { .. } | Phase::Open(_) => false,
        };
        if !expected {
            return;
        }
        self.counters.connects += 1;
        let gap = self.covered_until.map(|from| Gap { from, to: now.wall.max(from) });
        let uncovered_from = self.covered_until.unwrap_or(now.wall);
        self.covered_until = Some(uncovered_from);
        self.generation += 1;
        let generation = self.generation;
        self.phase = Phase::Open(Open {
            last_traffic: now.monotonic,
            next_ping: now.monotonic + self.config.limits.ping_interval,
            proven_until: now.wall,
            stage: Stage::Syncing(Sync { generation, uncovered_from, gap, held: Vec::new(), retry_at: None }),
        });
        self.tell(Update::State(State::Syncing));
        self.outputs.push_back(Output::FetchSnapshot { generation });
    }

    /// The socket is gone or never came.
    fn lose(&mut self, now: Now, failure: Failure) {
        self.counters.failures += 1;
        if let Phase::Open(Open { stage: Stage::Live { since, .. }, .. }) = &self.phase
            && now.monotonic.saturating_sub(*since) >= STABLE_AFTER
        {
            self.backoff.reset();
        }
        // What a synchronisation held is thrown away with it; `covered_until` still stands at its beginning, so that the
        // next gap covers it.
        if let Phase::Open(Open { stage: Stage::Syncing(sync), .. }) = &self.phase {
            self.counters.dropped += sync.held.len() as u64;
        }
        if self.config.role == Role::Listening {
            self.phase = Phase::Connecting;
            self.tell(Update::State(State::Backoff { retry_in: Duration::ZERO, failure }));
            self.tell(Update::State(State::Connecting));
            return;
        }
        let least = if matches!(self.phase, Phase::Open(_)) { CLEAN_UP } else { Duration::ZERO };
        let retry_in = self.backoff.next_delay().max(least);
        self.phase = Phase::Backoff { until: now.monotonic + retry_in };
        self.tell(Update::State(State::Backoff { retry_in, failure }));
    }

    fn traffic(&mut self, now: Now) {
        if let Phase::Open(open) = &mut self.phase {
            open.last_traffic = open.last_traffic.max(now.monotonic);
            if matches!(open.stage, Stage::Live { .. }) {
                self.covered_until = self.covered_until.max(Some(now.wall));
            }
        }
    }

    fn frame(&mut self, now: Now, text: &str) {
        if !matches!(self.phase, Phase::Open(_)) {
            return;
        }
        self.counters.frames += 1;
        self.traffic(now);
        let event = match parse(text) {
            Ok(Parsed::Known(event)) => event,
            Ok(Parsed::Unknown(event)) => {
                self.counters.unknown += 1;
                event
            }
            Ok(Parsed::Response) => return,
            Err(_) => {
                self.counters.malformed += 1;
                return;
            }
        };
        if let Event::ApplicationReplaced(replaced) = &*event
            && (self.config.role == Role::Listening || self.config.apps.contains(&replaced.application))
        {
            let application = replaced.application.clone();
            self.phase = Phase::Replaced;
            self.deliver(event);
            self.outputs.push_back(Output::Close);
            self.tell(Update::State(State::Replaced { application }));
            return;
        }
        let limit = self.config.limits.held_events;
        match &mut self.phase {
            Phase::Open(Open { stage: Stage::Syncing(sync), .. }) if sync.held.len() < limit => sync.held.push(event),
            Phase::Open(Open { stage: Stage::Syncing(sync), .. }) => {
                let gap = Gap { from: sync.uncovered_from, to: now.wall.max(sync.uncovered_from) };
                self.overflow(1, gap);
            }
            Phase::Open(Open { stage: Stage::Live { since, read, .. }, .. }) => {
                let late = read.filter(|read| now.monotonic < *since + LATE_FOR && read.covers(&event));
                match late {
                    Some(read) if held::is_stale(&event, &self.world, read) => self.counters.deduplicated += 1,
                    Some(_) => self.deliver_old(event),
                    None => self.deliver(event),
                }
            }
            Phase::Connecting | Phase::Backoff { .. } | Phase::Replaced => {}
        }
    }

    /// Delivers an event that may be older than the snapshot.
    fn deliver_old(&mut self, event: Box<Event>) {
        self.world.apply_held(&event, self.config.subscribe_all);
        self.counters.events += 1;
        self.tell(Update::Event(event));
    }

    fn deliver(&mut self, event: Box<Event>) {
        self.world.apply(&event, self.config.subscribe_all);
        self.counters.events += 1;
        self.tell(Update::Event(event));
    }

    /// Frames are missing: whatever is held or being fetched is no longer whole. Begin again.
    fn overflow(&mut self, dropped: u64, gap: Gap) {
        let Phase::Open(open) = &mut self.phase else {
            return;
        };
        self.counters.overflows += 1;
        self.counters.dropped += dropped;
        self.generation += 1;
        let generation = self.generation;
        let fresh = Sync { generation, uncovered_from: gap.from, gap: Some(gap), held: Vec::new(), retry_at: None };
        let newly = match mem::replace(&mut open.stage, Stage::Syncing(fresh)) {
            Stage::Live { .. } => true,
            Stage::Syncing(before) => {
                let Stage::Syncing(sync) = &mut open.stage else {
                    return;
                };
                // What was held went with the synchronisation that it was held for.
                self.counters.dropped += before.held.len() as u64;
                sync.uncovered_from = before.uncovered_from.min(gap.from);
                sync.gap = Some(Gap { from: sync.uncovered_from, to: gap.to });
                false
            }
        };
        self.covered_until = self.covered_until.min(Some(gap.from));
        if newly {
            self.tell(Update::State(State::Syncing));
        }
        self.outputs.push_back(Output::FetchSnapshot { generation });
    }

    fn snapshot(&mut self, now: Now, generation: u64, result: Result<Box<Snapshot>, Failure>) {
        let Phase::Open(open) = &mut self.phase else {
            return;
        };
        let Stage::Syncing(sync) = &mut open.stage else { return };
        if sync.generation != generation || sync.retry_at.is_some() {
            return;
        }
        let Ok(snapshot) = result else {
            // An Asterisk that is still starting answers 503. The socket is good and what comes over it is held: stay on
            // it. To close it would make an Asterisk that calls us call again at once, and again.
            self.counters.failures += 1;
            sync.retry_at = Some(now.monotonic + self.fetch_backoff.next_delay());
            return;
        };
        self.fetch_backoff.reset();
        let read = ReadTimes::of(&snapshot);
        let live = Stage::Live { since: now.monotonic, read, hearing: Hearing::new(now.monotonic) };
        let Stage::Syncing(sync) = mem::replace(&mut open.stage, live) else {
            return;
        };
        if let Some(gap) = sync.gap {
            self.tell(Update::Gap(gap));
        }
        let current = World::of(&snapshot);
        let selected = held::select(sync.held, &current, read);
        self.counters.deduplicated += selected.deduplicated;
        let differences = if self.world.is_known() {
            self.world.differences(&current, &snapshot, &selected.ended)
        } else {
            Vec::new()
        };
        self.world = current;
        self.tell(Update::Snapshot(snapshot));
        for difference in differences {
            self.tell(Update::Resynced(difference));
        }
        for event in selected.events {
            self.deliver_old(event);
        }
        self.covered_until = self.covered_until.max(Some(now.wall));
        self.tell(Update::State(State::Live));
    }
}

#[cfg(test)]
mod tests;

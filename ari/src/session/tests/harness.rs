//! A session, a clock that is moved by hand, and short names for what is told.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};

use crate::config::Limits;
use crate::model::{Bridge, Channel};
use crate::session::{Input, Now, Output, Role, Session, SessionConfig};
use crate::update::{Counters, Failure, Resynced, Snapshot, State, Update};

pub(super) struct Harness {
    session: Session,
    now: Now,
    told: Vec<Update>,
    actions: Vec<String>,
    generation: u64,
}

impl Harness {
    pub(super) fn with(role: Role, adjust: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::default();
        adjust(&mut limits);
        let config = SessionConfig { role, apps: vec!["app".to_owned()], subscribe_all: true, limits, seed: 7 };
        let now = Now { monotonic: Duration::ZERO, wall: DateTime::from_timestamp(1_795_000_000, 0).unwrap() };
        let mut harness =
            Self { session: Session::new(config), now, told: Vec::new(), actions: Vec::new(), generation: 0 };
        harness.drain();
        harness
    }

    pub(super) fn dialing() -> Self {
        Self::with(Role::Dialing, |_| {})
    }

    /// Connected, in sync, nothing left to look at.
    pub(super) fn live() -> Self {
        let mut harness = Self::dialing();
        harness.input(Input::Connected);
        harness.answer(Snapshot::default());
        harness.told();
        harness.take_actions();
        harness
    }

    pub(super) fn set_subscribe_all(&mut self, subscribe_all: bool) {
        self.session.config.subscribe_all = subscribe_all;
    }

    pub(super) fn now(&self) -> Now {
        self.now
    }

    pub(super) fn counters(&self) -> Counters {
        self.session.counters()
    }

    pub(super) fn input(&mut self, input: Input<'_>) {
        self.session.handle_input(self.now, input);
        self.drain();
    }

    pub(super) fn frame(&mut self, text: &str) {
        self.input(Input::Frame(text));
    }

    pub(super) fn answer(&mut self, snapshot: Snapshot) {
        self.answer_generation(self.generation, snapshot);
    }

    pub(super) fn answer_generation(&mut self, generation: u64, snapshot: Snapshot) {
        self.input(Input::Snapshot { generation, result: Ok(Box::new(snapshot)) });
    }

    pub(super) fn fail_snapshot(&mut self) {
        let failure = Failure::Snapshot { reason: "not booted".to_owned() };
        self.input(Input::Snapshot { generation: self.generation, result: Err(failure) });
    }

    /// Lets time pass, deadline by deadline.
    pub(super) fn pass(&mut self, time: Duration) {
        let target = self.now.monotonic + time;
        while let Some(deadline) = self.session.poll_timeout().filter(|deadline| *deadline <= target) {
            self.set_time(deadline.max(self.now.monotonic));
            self.session.handle_timeout(self.now);
            self.drain();
        }
        self.set_time(target);
    }

    /// Lets time pass with a frame in each second.
    pub(super) fn pass_traffic(&mut self, time: Duration) {
        for _ in 0..time.as_secs() {
            self.pass(Duration::from_secs(1));
            self.input(Input::Traffic);
        }
    }

    pub(super) fn pass_until_connect(&mut self) {
        self.take_actions();
        while !self.actions.iter().any(|action| action == "connect") {
            let deadline = self.session.poll_timeout().expect("it tries again");
            self.pass(deadline.saturating_sub(self.now.monotonic));
        }
        self.take_actions();
    }

    fn set_time(&mut self, monotonic: Duration) {
        let passed = monotonic.saturating_sub(self.now.monotonic);
        self.now = Now { monotonic, wall: self.now.wall + TimeDelta::from_std(passed).unwrap() };
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Update(update) => self.told.push(update),
                Output::Connect => self.actions.push("connect".to_owned()),
                Output::Ping => self.actions.push("ping".to_owned()),
                Output::SelfTest { application } => self.actions.push(format!("test {application}")),
                Output::Close => self.actions.push("close".to_owned()),
                Output::FetchSnapshot { generation } => {
                    self.generation = generation;
                    self.actions.push("fetch".to_owned());
                }
            }
        }
        if let Some(deadline) = self.session.poll_timeout() {
            assert!(deadline >= self.now.monotonic.saturating_sub(Duration::from_secs(15)), "a deadline long past");
        }
    }

    pub(super) fn told(&mut self) -> Vec<Update> {
        std::mem::take(&mut self.told)
    }

    pub(super) fn take_actions(&mut self) -> Vec<String> {
        std::mem::take(&mut self.actions)
    }

    /// The delay of the backoff that was told last.
    pub(super) fn backoff_delay(&mut self) -> Duration {
        self.told()
            .iter()
            .rev()
            .find_map(|update| match update {
                Update::State(State::Backoff { retry_in, .. }) => Some(*retry_in),
                _ => None,
            })
            .expect("in backoff")
    }
}

pub(super) fn event(kind: &str, mut payload: Value) -> String {
    payload["type"] = json!(kind);
    if payload.get("application").is_none() {
        payload["application"] = json!("app");
    }
    payload.to_string()
}

pub(super) fn channel(id: &str, state: &str) -> Channel {
    Channel { id: id.to_owned(), name: format!("Test/{id}"), state: state.into(), ..Channel::default() }
}

pub(super) fn bridge(id: &str, channels: &[&str]) -> Bridge {
    Bridge {
        id: id.to_owned(),
        channels: channels.iter().map(|&channel| channel.to_owned()).collect(),
        ..Bridge::default()
    }
}

/// Short names, to compare.
pub(super) fn names(updates: &[Update]) -> Vec<String> {
    updates.iter().map(name).collect()
}

fn name(update: &Update) -> String {
    match update {
        Update::State(State::Connecting) => "connecting".to_owned(),
        Update::State(State::Syncing) => "syncing".to_owned(),
        Update::State(State::Live) => "live".to_owned(),
        Update::State(State::Backoff { .. }) => "backoff".to_owned(),
        Update::State(State::Replaced { application }) => format!("replaced {application}"),
        Update::Event(event) => {
            format!("event {} {}", event.kind(), event.channel().map_or("", |channel| channel.id.as_str()))
        }
        Update::Gap(_) => "gap".to_owned(),
        Update::Snapshot(_) => "snapshot".to_owned(),
        Update::Resynced(difference) => match difference {
            Resynced::AsteriskRestarted { .. } => "restarted".to_owned(),
            Resynced::ChannelGone { id, .. } => format!("channel gone {id}"),
            Resynced::ChannelNew(channel) => format!("channel new {}", channel.id),
            Resynced::ChannelStateChanged { channel, before } => {
                format!("state {} {before} to {}", channel.id, channel.state)
            }
            Resynced::BridgeGone { id, .. } => format!("bridge gone {id}"),
            Resynced::BridgeNew(bridge) => format!("bridge new {}", bridge.id),
            Resynced::BridgeEntered { bridge_id, channel_id } => format!("entered {bridge_id} {channel_id}"),
            Resynced::BridgeLeft { bridge_id, channel_id } => format!("left {bridge_id} {channel_id}"),
            Resynced::ApplicationNew(app) => format!("application new {}", app.name),
            Resynced::ApplicationChanged(app) => format!("application changed {}", app.name),
            Resynced::ApplicationGone { name } => format!("application gone {name}"),
        },
    }
}

//! Whatever happens when: an owner who follows events and differences, and never looks at a later snapshot, ends with what
//! Asterisk holds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::json;

use super::harness::{Harness, bridge, channel, event};
use crate::event::Event;
use crate::session::Input;
use crate::update::{Failure, Resynced, Snapshot, Update};

/// Channels with their states, bridges with their members.
#[derive(Debug, Clone, Default, PartialEq)]
struct View {
    channels: BTreeMap<String, String>,
    bridges: BTreeMap<String, BTreeSet<String>>,
}

impl View {
    fn follow(&mut self, update: &Update) {
        match update {
            Update::Event(event) => self.follow_event(event),
            Update::Resynced(difference) => self.follow_difference(difference),
            _ => {}
        }
    }

    fn follow_event(&mut self, event: &Event) {
        match event {
            Event::ChannelCreated(event) => {
                let before = self.channels.insert(event.channel.id.clone(), event.channel.state.to_string());
                assert_eq!(before, None, "a channel is created once");
            }
            Event::ChannelStateChange(event) => {
                if let Some(state) = self.channels.get_mut(&event.channel.id) {
                    *state = event.channel.state.to_string();
                }
            }
            Event::ChannelDestroyed(event) => {
                // The cause of an ending may follow a difference that told it without.
                self.channels.remove(&event.channel.id);
            }
            Event::BridgeCreated(event) => {
                assert_eq!(self.bridges.insert(event.bridge.id.clone(), BTreeSet::new()), None);
            }
            Event::BridgeDestroyed(event) => {
                self.bridges.remove(&event.bridge.id);
            }
            Event::ChannelEnteredBridge(event) => {
                if let Some(members) = self.bridges.get_mut(&event.bridge.id) {
                    members.insert(event.channel.as_ref().unwrap().id.clone());
                }
            }
            Event::ChannelLeftBridge(event) => {
                if let Some(members) = self.bridges.get_mut(&event.bridge.id) {
                    members.remove(&event.channel.id);
                }
            }
            _ => {}
        }
    }

    fn follow_difference(&mut self, difference: &Resynced) {
        match difference {
            Resynced::ChannelGone { id, .. } => assert!(self.channels.remove(id).is_some()),
            Resynced::ChannelNew(channel) => {
                assert_eq!(self.channels.insert(channel.id.clone(), channel.state.to_string()), None);
            }
            Resynced::ChannelStateChanged { channel, before } => {
                let now = channel.state.to_string();
                assert_eq!(self.channels.insert(channel.id.clone(), now), Some(before.to_string()));
            }
            Resynced::BridgeGone { id, channels } => {
                assert_eq!(self.bridges.remove(id), Some(channels.iter().cloned().collect()));
            }
            Resynced::BridgeNew(bridge) => {
                assert_eq!(self.bridges.insert(bridge.id.clone(), bridge.channels.iter().cloned().collect()), None);
            }
            Resynced::BridgeEntered { bridge_id, channel_id } => {
                assert!(self.bridges.get_mut(bridge_id).expect("a known bridge").insert(channel_id.clone()));
            }
            Resynced::BridgeLeft { bridge_id, channel_id } => {
                assert!(self.bridges.get_mut(bridge_id).expect("a known bridge").remove(channel_id));
            }
            _ => {}
        }
    }
}

/// An Asterisk in miniature: what it holds, and the events of it.
#[derive(Debug, Default)]
struct Asterisk {
    truth: View,
    created: usize,
    /// Milliseconds; each action takes one.
    clock: i64,
    sent: VecDeque<String>,
}

impl Asterisk {
    fn time(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_795_000_000_000 + self.clock).unwrap()
    }

    fn act(&mut self, action: u8, which: usize, state: usize) {
        self.clock += 1;
        const STATES: [&str; 4] = ["Down", "Ring", "Ringing", "Up"];
        let pick = |count: usize| which % count.max(1);
        let channel_id = self.truth.channels.keys().nth(pick(self.truth.channels.len())).cloned();
        let bridge_id = self.truth.bridges.keys().nth(pick(self.truth.bridges.len())).cloned();
        match (action % 8, channel_id, bridge_id) {
            (0 | 1, _, _) => {
                self.created += 1;
                let id = format!("c{}", self.created);
                self.truth.channels.insert(id.clone(), STATES[state].to_owned());
                self.send("ChannelCreated", &id, "");
                self.send("StasisStart", &id, "");
            }
            (2, Some(id), _) => {
                for bridge_id in self.truth.bridges.keys().cloned().collect::<Vec<_>>() {
                    self.leave(&bridge_id, &id);
                }
                self.send("ChannelDestroyed", &id, "");
                self.truth.channels.remove(&id);
            }
            (3, Some(id), _) => {
                self.truth.channels.insert(id.clone(), STATES[state].to_owned());
                self.send("ChannelStateChange", &id, "");
            }
            (4, _, _) => {
                self.created += 1;
                let id = format!("b{}", self.created);
                self.truth.bridges.insert(id.clone(), BTreeSet::new());
                self.send("BridgeCreated", "", &id);
            }
            (5, _, Some(bridge_id)) => {
                for id in self.truth.bridges[&bridge_id].clone() {
                    self.leave(&bridge_id, &id);
                }
                self.send("BridgeDestroyed", "", &bridge_id);
                self.truth.bridges.remove(&bridge_id);
            }
            (6, Some(id), Some(bridge_id)) => self.enter(&bridge_id, &id),
            (7, Some(id), Some(bridge_id)) => self.leave(&bridge_id, &id),
            _ => {}
        }
    }

    fn enter(&mut self, bridge_id: &str, id: &str) {
        if self.truth.bridges.get_mut(bridge_id).unwrap().insert(id.to_owned()) {
            self.send("ChannelEnteredBridge", id, bridge_id);
        }
    }

    fn leave(&mut self, bridge_id: &str, id: &str) {
        if self.truth.bridges.get_mut(bridge_id).unwrap().remove(id) {
            self.send("ChannelLeftBridge", id, bridge_id);
        }
    }

    fn send(&mut self, kind: &str, channel_id: &str, bridge_id: &str) {
        let timestamp = self.time().format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string();
        let mut payload = json!({"timestamp": timestamp});
        if let Some(state) = self.truth.channels.get(channel_id) {
            payload["channel"] = json!({"id": channel_id, "name": format!("Test/{channel_id}"), "state": state});
        }
        if let Some(members) = self.truth.bridges.get(bridge_id) {
            payload["bridge"] = json!({"id": bridge_id, "channels": members});
        }
        self.sent.push_back(event(kind, payload));
    }

    fn channels(&mut self) -> Snapshot {
        self.clock += 1;
        Snapshot {
            read_from: Some(self.time()),
            channels: self.truth.channels.iter().map(|(id, state)| channel(id, state)).collect(),
            ..Snapshot::default()
        }
    }

    fn with_bridges(&self, snapshot: Snapshot) -> Snapshot {
        let bridges = self
            .truth
            .bridges
            .iter()
            .map(|(id, members)| bridge(id, &members.iter().map(String::as_str).collect::<Vec<_>>()))
            .collect();
        Snapshot { bridges, read_until: Some(self.time()), ..snapshot }
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Something happens in Asterisk.
    Act(u8, usize, usize),
    /// The next events arrive (if the socket is open).
    Deliver(usize),
    /// Half of the snapshot is read.
    ReadChannels,
    /// The other half is read.
    ReadBridges,
    /// The answer arrives.
    Answer,
    /// The socket is lost and opened again.
    Reconnect,
    /// The queue overflowed: the events under way are dropped.
    Overflow,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (any::<u8>(), any::<usize>(), 0usize..4).prop_map(|(action, which, state)| Step::Act(action, which, state)),
        4 => (1usize..6).prop_map(Step::Deliver),
        1 => Just(Step::ReadChannels),
        1 => Just(Step::ReadBridges),
        1 => Just(Step::Answer),
        1 => Just(Step::Reconnect),
        1 => Just(Step::Overflow),
    ]
}

struct Run {
    session: Harness,
    asterisk: Asterisk,
    view: Option<View>,
    channels: Option<Snapshot>,
    whole: Option<Snapshot>,
}

impl Run {
    fn take(&mut self, step: &Step) {
        match *step {
            Step::Act(action, which, state) => self.asterisk.act(action, which, state),
            Step::Deliver(count) => {
                for _ in 0..count {
                    if let Some(text) = self.asterisk.sent.pop_front() {
                        self.session.frame(&text);
                    }
                }
            }
            Step::ReadChannels => self.channels = Some(self.asterisk.channels()),
            Step::ReadBridges => {
                if let Some(channels) = self.channels.clone() {
                    self.whole = Some(self.asterisk.with_bridges(channels));
                }
            }
            Step::Answer => {
                if let Some(whole) = self.whole.take() {
                    self.session.answer(whole);
                }
            }
            Step::Reconnect => {
                self.session.input(Input::Disconnected(Failure::Lost { reason: "cut".to_owned() }));
                self.session.pass_until_connect();
                self.asterisk.sent.clear();
                self.session.input(Input::Connected);
                (self.channels, self.whole) = (None, None);
            }
            Step::Overflow => {
                let from = self.session.now().wall;
                self.session.pass(Duration::from_millis(1));
                let gap = crate::Gap { from, to: self.session.now().wall };
                let dropped = self.asterisk.sent.len() as u64;
                self.asterisk.sent.clear();
                self.session.input(Input::Overflow { dropped, gap });
                (self.channels, self.whole) = (None, None);
            }
        }
        for update in self.session.told() {
            match (&mut self.view, &update) {
                (Some(view), update) => view.follow(update),
                (view @ None, Update::Snapshot(snapshot)) => {
                    *view = Some(View {
                        channels: snapshot
                            .channels
                            .iter()
                            .map(|channel| (channel.id.clone(), channel.state.to_string()))
                            .collect(),
                        bridges: snapshot
                            .bridges
                            .iter()
                            .map(|bridge| (bridge.id.clone(), bridge.channels.iter().cloned().collect()))
                            .collect(),
                    });
                }
                (None, _) => {}
            }
        }
    }
}

proptest! {
    #[test]
    fn the_owner_ends_where_asterisk_is(steps in prop::collection::vec(step(), 1..120)) {
        let mut session = Harness::dialing();
        session.input(Input::Connected);
        let mut run = Run { session, asterisk: Asterisk::default(), view: None, channels: None, whole: None };
        for step in &steps {
            run.take(step);
        }
        for step in [Step::Reconnect, Step::ReadChannels, Step::ReadBridges, Step::Answer, Step::Deliver(1000)] {
            run.take(&step);
        }
        prop_assert_eq!(run.view.unwrap(), run.asterisk.truth);
    }

    #[test]
    fn the_owner_of_an_unbroken_session_ends_there_too(
        before in prop::collection::vec(step(), 0..40),
        during in prop::collection::vec(step(), 0..40),
    ) {
        let calm = |step: &&Step| matches!(step, Step::Act(..) | Step::Deliver(_));
        let mut session = Harness::dialing();
        session.input(Input::Connected);
        let mut run = Run { session, asterisk: Asterisk::default(), view: None, channels: None, whole: None };
        for step in before.iter().filter(calm) {
            run.take(step);
        }
        run.take(&Step::ReadChannels);
        for step in during.iter().filter(calm) {
            run.take(step);
        }
        for step in [Step::ReadBridges, Step::Answer, Step::Deliver(1000)] {
            run.take(&step);
        }
        prop_assert_eq!(run.view.unwrap(), run.asterisk.truth);
    }
}

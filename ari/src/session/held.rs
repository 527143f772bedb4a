//! Which of the events around a synchronisation are delivered. The rules stand in the parent module.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::world::{Ended, World};
use crate::event::Event;
use crate::model::ChannelState;
use crate::update::Snapshot;

/// Events in the order of their arrival. They arrive boxed and leave boxed; to unbox one would copy it twice.
pub(super) type Held = Vec<Box<Event>>;

/// What is left of the held events.
#[derive(Debug, Default)]
pub(super) struct Selected {
    pub(super) events: Held,
    pub(super) ended: Ended,
    pub(super) deduplicated: u64,
}

/// A state that a snapshot shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Subject {
    ChannelExists(String),
    ChannelState(String),
    BridgeExists(String),
    Member { bridge: String, channel: String },
}

/// The state that an event leaves behind.
#[derive(Debug, PartialEq)]
enum Result {
    Exists,
    State(ChannelState),
    Member(bool),
}

/// When a snapshot was read, by Asterisk's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadTimes {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl ReadTimes {
    pub(super) fn of(snapshot: &Snapshot) -> Option<Self> {
        let (from, until) = (snapshot.read_from?, snapshot.read_until?);
        (from <= until).then_some(Self { from, until })
    }

    /// True for what happened before anything was read: the snapshot shows it, or what came of it.
    fn is_before(self, event: &Event) -> bool {
        event.timestamp().is_some_and(|at| at < self.from)
    }

    /// True for what may have happened before everything was read.
    pub(super) fn covers(self, event: &Event) -> bool {
        event.timestamp().is_some_and(|at| at <= self.until)
    }
}

/// An event that came late, after the snapshot that it is older than: true if it tells nothing new.
pub(super) fn is_stale(event: &Event, world: &World, read: ReadTimes) -> bool {
    effect(event).is_some_and(|(subject, result)| read.is_before(event) || shows(world, &subject, &result))
}

pub(super) fn select(held: Held, snapshot: &World, read: Option<ReadTimes>) -> Selected {
    let mut selected = Selected::default();
    let mut last_shown: HashMap<Subject, usize> = HashMap::new();
    for (index, event) in held.iter().enumerate() {
        if let Some((subject, result)) = effect(event)
            && shows(snapshot, &subject, &result)
        {
            last_shown.insert(subject, index);
        }
        match &**event {
            Event::ChannelDestroyed(event) => {
                selected.ended.channels.insert(event.channel.id.clone());
            }
            Event::BridgeDestroyed(event) => {
                selected.ended.bridges.insert(event.bridge.id.clone());
            }
            _ => {}
        }
    }
    for (index, event) in held.into_iter().enumerate() {
        let told = effect(&event).is_some_and(|(subject, _)| {
            // A channel that came and went before it could be seen is told as a whole: its end follows.
            let existence = matches!(subject, Subject::ChannelExists(_) | Subject::BridgeExists(_));
            let shown = last_shown.get(&subject).is_some_and(|last| index <= *last);
            shown || (!existence && read.is_some_and(|read| read.is_before(&event)))
        });
        if told {
            selected.deduplicated += 1;
        } else {
            selected.events.push(event);
        }
    }
    selected
}

/// Which state an event changes, and to what. `None` for what only happens, and for endings.
fn effect(event: &Event) -> Option<(Subject, Result)> {
    Some(match event {
        Event::ChannelCreated(event) => (Subject::ChannelExists(event.channel.id.clone()), Result::Exists),
        Event::ChannelStateChange(event) => {
            (Subject::ChannelState(event.channel.id.clone()), Result::State(event.channel.state.clone()))
        }
        Event::BridgeCreated(event) => (Subject::BridgeExists(event.bridge.id.clone()), Result::Exists),
        Event::ChannelEnteredBridge(event) => {
            let channel = event.channel.as_ref()?.id.clone();
            (Subject::Member { bridge: event.bridge.id.clone(), channel }, Result::Member(true))
        }
        Event::ChannelLeftBridge(event) => {
            let subject = Subject::Member { bridge: event.bridge.id.clone(), channel: event.channel.id.clone() };
            (subject, Result::Member(false))
        }
        _ => return None,
    })
}

fn shows(snapshot: &World, subject: &Subject, result: &Result) -> bool {
    match (subject, result) {
        (Subject::ChannelExists(id), Result::Exists) => snapshot.channels.contains_key(id),
        (Subject::ChannelState(id), Result::State(state)) => {
            snapshot.channels.get(id).is_some_and(|channel| channel.state == *state)
        }
        (Subject::BridgeExists(id), Result::Exists) => snapshot.bridges.contains_key(id),
        (Subject::Member { bridge, channel }, Result::Member(member)) => {
            snapshot.bridges.get(bridge).is_some_and(|members| members.contains(channel)) == *member
        }
        _ => false,
    }
}

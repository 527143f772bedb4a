//! Which of the events held during a synchronisation are delivered. The rules stand in the parent module.

use std::collections::HashMap;

use super::world::{Ended, World};
use crate::event::Event;
use crate::model::ChannelState;

/// What is left of the held events.
#[derive(Debug, Default)]
pub(super) struct Selected {
    pub(super) events: Vec<Box<Event>>,
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

pub(super) fn select(held: Vec<Box<Event>>, snapshot: &World) -> Selected {
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
        let told = effect(&event).and_then(|(subject, _)| last_shown.get(&subject)).is_some_and(|last| index <= *last);
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

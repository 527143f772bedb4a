//! What a session knows of Asterisk: only as much as differences need, so that keeping it costs little per event.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::event::Event;
use crate::model::{Application, Bridge, Channel, ChannelState};
use crate::update::{Resynced, Snapshot};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct KnownChannel {
    pub(super) name: String,
    pub(super) state: ChannelState,
}

#[derive(Debug, Default)]
pub(super) struct World {
    known: bool,
    started_at: Option<DateTime<Utc>>,
    pub(super) channels: HashMap<String, KnownChannel>,
    pub(super) bridges: HashMap<String, BTreeSet<String>>,
    applications: HashMap<String, Application>,
}

/// Endings that held events tell with their cause.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) channels: HashSet<String>,
    pub(super) bridges: HashSet<String>,
}

impl World {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self {
            known: true,
            started_at: snapshot.started_at(),
            channels: snapshot.channels.iter().map(|channel| (channel.id.clone(), known(channel))).collect(),
            bridges: snapshot.bridges.iter().map(|bridge| (bridge.id.clone(), members(bridge))).collect(),
            applications: snapshot.applications.iter().map(|app| (app.name.clone(), app.clone())).collect(),
        }
    }

    /// False before the first snapshot: then everything would be a difference, and nothing is.
    pub(super) const fn is_known(&self) -> bool {
        self.known
    }

    /// Follows one event.
    pub(super) fn apply(&mut self, event: &Event, subscribe_all: bool) {
        match event {
            Event::ChannelDestroyed(event) => {
                self.channels.remove(&event.channel.id);
            }
            Event::BridgeDestroyed(event) => {
                self.bridges.remove(&event.bridge.id);
            }
            // Without a subscription to everything, a channel that leaves the application is not heard of again, not even its
            // end. To keep it would fill the memory and later be told as a difference that is none.
            Event::StasisEnd(event) if !subscribe_all => {
                self.channels.remove(&event.channel.id);
            }
            Event::ChannelCreated(event) => self.add_channel(&event.channel),
            Event::StasisStart(event) => self.add_channel(&event.channel),
            Event::BridgeCreated(event) => self.add_bridge(&event.bridge),
            Event::ChannelEnteredBridge(event) => {
                self.add_bridge(&event.bridge);
                if let Some(channel) = &event.channel {
                    self.update_channel(channel);
                }
            }
            // Any other event may speak of a channel that has ended meanwhile: it updates, and creates nothing.
            other => {
                other.for_each_channel(|channel| self.update_channel(channel));
                other.for_each_bridge(|bridge| self.update_bridge(bridge));
            }
        }
    }

    /// Follows one event that was held while the snapshot was read. Only what the event says of its own subject counts: the
    /// channels and bridges that it carries beside that may be older than the snapshot.
    pub(super) fn apply_held(&mut self, event: &Event, subscribe_all: bool) {
        match event {
            Event::ChannelDestroyed(_) | Event::BridgeDestroyed(_) | Event::StasisEnd(_) => {
                self.apply(event, subscribe_all);
            }
            Event::ChannelCreated(event) => self.add_channel(&event.channel),
            Event::ChannelStateChange(event) => self.update_channel(&event.channel),
            Event::BridgeCreated(event) => {
                self.bridges.entry(event.bridge.id.clone()).or_default();
            }
            Event::ChannelEnteredBridge(event) => {
                if let (Some(channel), Some(members)) = (&event.channel, self.bridges.get_mut(&event.bridge.id)) {
                    members.insert(channel.id.clone());
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

    fn add_channel(&mut self, channel: &Channel) {
        match self.channels.get_mut(&channel.id) {
            Some(_) => self.update_channel(channel),
            None => {
                self.channels.insert(channel.id.clone(), known(channel));
            }
        }
    }

    fn update_channel(&mut self, channel: &Channel) {
        if let Some(entry) = self.channels.get_mut(&channel.id) {
            if entry.state != channel.state {
                entry.state = channel.state.clone();
            }
            if entry.name != channel.name {
                entry.name.clone_from(&channel.name);
            }
        }
    }

    fn add_bridge(&mut self, bridge: &Bridge) {
        self.bridges.entry(bridge.id.clone()).or_default();
        self.update_bridge(bridge);
    }

    fn update_bridge(&mut self, bridge: &Bridge) {
        if let Some(entry) = self.bridges.get_mut(&bridge.id) {
            let same = entry.len() == bridge.channels.len() && bridge.channels.iter().all(|id| entry.contains(id));
            if !same {
                *entry = members(bridge);
            }
        }
    }

    /// From what was known to `current`, sorted: endings first, then what is new. What `ended` tells is left out.
    pub(super) fn differences(&self, current: &Self, snapshot: &Snapshot, ended: &Ended) -> Vec<Resynced> {
        let mut out = Vec::new();
        if let (Some(before), Some(now)) = (self.started_at, current.started_at)
            && before != now
        {
            out.push(Resynced::AsteriskRestarted { before, now });
        }
        for (bridge_id, before) in sorted(&self.bridges) {
            match current.bridges.get(bridge_id) {
                Some(now) => out.extend(before.difference(now).map(|channel_id| Resynced::BridgeLeft {
                    bridge_id: bridge_id.clone(),
                    channel_id: channel_id.clone(),
                })),
                None if ended.bridges.contains(bridge_id) => {}
                None => {
                    out.push(Resynced::BridgeGone {
                        id: bridge_id.clone(),
                        channels: before.iter().cloned().collect(),
                    });
                }
            }
        }
        for (id, before) in sorted(&self.channels) {
            if !current.channels.contains_key(id) && !ended.channels.contains(id) {
                let KnownChannel { name, state } = before.clone();
                out.push(Resynced::ChannelGone { id: id.clone(), name, state });
            }
        }
        for channel in by_id(&snapshot.channels, |channel| &channel.id) {
            match self.channels.get(&channel.id) {
                None => out.push(Resynced::ChannelNew(Box::new(channel.clone()))),
                Some(before) if before.state != channel.state => out.push(Resynced::ChannelStateChanged {
                    channel: Box::new(channel.clone()),
                    before: before.state.clone(),
                }),
                Some(_) => {}
            }
        }
        for bridge in by_id(&snapshot.bridges, |bridge| &bridge.id) {
            match self.bridges.get(&bridge.id) {
                None => out.push(Resynced::BridgeNew(Box::new(bridge.clone()))),
                Some(before) => {
                    let now = members(bridge);
                    out.extend(now.difference(before).map(|channel_id| Resynced::BridgeEntered {
                        bridge_id: bridge.id.clone(),
                        channel_id: channel_id.clone(),
                    }));
                }
            }
        }
        for (name, _) in sorted(&self.applications) {
            if !current.applications.contains_key(name) {
                out.push(Resynced::ApplicationGone { name: name.clone() });
            }
        }
        for (name, app) in sorted(&current.applications) {
            match self.applications.get(name) {
                None => out.push(Resynced::ApplicationNew(Box::new(app.clone()))),
                Some(before) if before != app => out.push(Resynced::ApplicationChanged(Box::new(app.clone()))),
                Some(_) => {}
            }
        }
        out
    }
}

fn known(channel: &Channel) -> KnownChannel {
    KnownChannel { name: channel.name.clone(), state: channel.state.clone() }
}

fn members(bridge: &Bridge) -> BTreeSet<String> {
    bridge.channels.iter().cloned().collect()
}

fn sorted<V>(map: &HashMap<String, V>) -> Vec<(&String, &V)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    entries
}

fn by_id<T>(items: &[T], id: impl Fn(&T) -> &String) -> Vec<&T> {
    let mut items: Vec<_> = items.iter().collect();
    items.sort_by(|a, b| id(a).cmp(id(b)));
    items
}

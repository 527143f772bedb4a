//! Who hears whom, and whether that is as it should be.

use std::collections::BTreeSet;

use trunkline_db::AgentId;

use super::{SimChannel, World};
use crate::center::{Request, SuperviseMode};
use crate::model::CallState;

impl World {
    /// Who hears what is said on a channel, by any way: through bridges, and through snoops.
    pub(in crate::center::tests) fn heard_by(&self, speaker: &str) -> BTreeSet<String> {
        let mut heard = BTreeSet::new();
        if self.channels.get(speaker).is_none_or(|channel| channel.muted) {
            return heard;
        }
        let mates = |of: &str| -> Vec<&String> {
            self.bridges.values().filter(|members| members.contains(of)).flatten().filter(|it| *it != of).collect()
        };
        let room = mates(speaker);
        for mate in &room {
            match self.channels.get(*mate) {
                // Into an ear: to whom it listens to, if it speaks.
                Some(SimChannel { spies_on: Some(on), speaks, .. }) => {
                    heard.extend(speaks.then(|| on.clone()));
                }
                _ => {
                    heard.insert((*mate).clone());
                }
            }
        }
        // Whatever is said on a leg or heard on it comes out of the ears that listen there.
        let within: BTreeSet<String> = heard.iter().cloned().chain([speaker.to_owned()]).collect();
        for (ear, channel) in &self.channels {
            if channel.hears && channel.spies_on.as_ref().is_some_and(|on| within.contains(on)) {
                heard.extend(mates(ear).into_iter().filter(|it| *it != speaker).cloned());
            }
        }
        heard
    }

    /// Whose leg a supervisor's is, by the phone that was rung.
    pub(in crate::center::tests) fn supervisor_of(&self, leg: &str) -> Option<AgentId> {
        let username = self.requests.iter().rev().find_map(|request| match request {
            Request::Originate { channel, username, .. } if channel == leg => Some(username),
            _ => None,
        })?;
        (0..self.agents.len()).find(|index| Self::phone(*index) == *username).map(|index| self.agents[index])
    }

    /// Who is not where they belong: a talker who neither holds nor is in a bridge, or both; a customer who waits in silence for who holds;
    /// a supervisor who hears nobody.
    pub(in crate::center::tests) fn outside(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let is_inside = |leg: &str| self.bridges.values().any(|members| members.contains(leg));
        for call in self.center.calls.values() {
            if call.closing.is_some() || call.row.state != CallState::Active {
                continue;
            }
            let holds = |agent| call.controls.holds(agent);
            for (agent, leg) in call.talkers().into_iter().filter_map(|agent| Some((agent, call.leg_of(agent)?))) {
                if is_inside(&leg) == holds(agent) {
                    wrong.push(format!("{leg}, which {}", if holds(agent) { "holds" } else { "talks" }));
                }
            }
            if call.controls.is_held() && call.customer_is_alone() && !self.hears_music(&call.customer()) {
                wrong.push(format!("{} waits in silence", call.customer()));
            }
            let listens = self.channels.iter().filter(|(id, channel)| {
                id.contains("-sup") && channel.up && call.supervisors.iter().any(|one| one.owns(id))
            });
            for (leg, _) in listens {
                let room = self.bridges.values().find(|members| members.contains(leg));
                let hears = room.into_iter().flatten().any(|mate| {
                    self.channels.get(mate).is_some_and(|channel| channel.hears)
                        || call.open_legs().any(|leg| leg.id == *mate)
                });
                if !hears && !call.talkers().is_empty() {
                    wrong.push(format!("{leg} hears nobody"));
                }
            }
        }
        wrong
    }

    /// What nobody may hear: a supervisor who only listens, and one who whispers, heard by others than agents.
    pub(in crate::center::tests) fn wrongly_heard(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for leg in self.channels.keys().filter(|id| id.contains("-sup")) {
            let name: crate::names::ResourceName = leg.parse().expect("a name of ours");
            // One who took the call over talks as any agent.
            if self.database.legs.contains_key(&(name.call, leg.clone())) {
                continue;
            }
            let mode = self.supervisor_of(leg).and_then(|agent| self.modes.get(&(name.call, agent)));
            let heard = self.heard_by(leg);
            let is_wrong = match mode.copied().unwrap_or(SuperviseMode::Listen) {
                SuperviseMode::Listen => !heard.is_empty(),
                SuperviseMode::Whisper => heard.contains(&self.database.calls[&name.call].1.customer_channel),
                SuperviseMode::Barge => false,
            };
            if is_wrong {
                wrong.push(format!("{leg} ({mode:?}) is heard by {heard:?}"));
            }
        }
        wrong
    }
}

//! Agents, naively.

use std::collections::{BTreeMap, BTreeSet};

use trunkline_routing::{AgentHistory, AgentProfile, AgentState, By, CancelWhy, HoldView, Medium, Output, Presence};

use super::{Desk, Naive, Ticket, index};
use crate::floor::Lab;

impl Naive {
    pub(super) fn set_agent(&mut self, id: u8, profile: AgentProfile<Lab>, history: AgentHistory) {
        if self.desks.get(&id).is_some_and(|desk| desk.profile == profile) {
            return;
        }
        let mut affected: Vec<u16> = self.tickets.iter().filter(|it| it.1.only == Some(id)).map(|it| *it.0).collect();
        affected.retain(|work| self.tickets[work].offers.is_empty());
        if let Some(desk) = self.desks.get_mut(&id) {
            desk.profile = profile;
        } else {
            self.turns = self.turns.max(history.last_turn);
            let desk = Desk {
                profile,
                presence: Presence::Offline,
                here: [false; 2],
                absent_since: Some(self.now),
                unreachable: false,
                rests_until: None,
                in_hand: BTreeMap::new(),
                history,
                attends: false,
                shown: AgentState::Offline,
                by: None,
            };
            self.desks.insert(id, desk);
        }
        self.sync_rooms(affected);
        self.means_changed(id);
    }

    pub(super) fn remove_agent(&mut self, id: u8) {
        if let Some(desk) = self.desks.get_mut(&id) {
            desk.presence = Presence::Offline;
            self.take_back(id, [false; 2]);
            self.sync();
            let desk = self.desks.remove(&id).unwrap();
            for work in desk.in_hand.keys() {
                self.resettle(*work);
            }
        }
    }

    pub(super) fn presence(&mut self, id: u8, presence: Presence<Lab>, by: By) {
        let Some(desk) = self.desks.get_mut(&id) else { return };
        desk.presence = presence;
        desk.by = Some(by);
        if by != By::Router {
            desk.history.missed = 0;
        }
        match presence {
            Presence::Available => self.end_wrap_ups(id, |disposed, _| disposed || by == By::Manager),
            Presence::Paused(_) => self.take_back(id, [false; 2]),
            Presence::Offline => {
                self.take_back(id, [false; 2]);
                self.end_wrap_ups(id, |_, _| true);
            }
        }
        self.sync();
    }

    pub(super) fn means_changed(&mut self, id: u8) {
        let now = self.now;
        let desk = self.desks.get_mut(&id).unwrap();
        if desk.has_means() {
            desk.absent_since = None;
            desk.unreachable = false;
        } else if desk.absent_since.is_none() {
            desk.absent_since = Some(now);
        }
        self.sync();
    }

    pub(super) fn agent_timer(&mut self, id: u8) {
        let (now, after) = (self.now, self.settings.unreachable_after_ms);
        let desk = self.desks.get_mut(&id).unwrap();
        desk.rests_until = desk.rests_until.filter(|until| *until > now);
        if !desk.unreachable && desk.absent_since.is_some_and(|since| since + after <= now) {
            desk.unreachable = true;
            let here = desk.here;
            self.take_back(id, here);
        }
        self.end_wrap_ups(id, |disposed, until| disposed && until <= now);
        self.sync();
    }

    /// Who is there, in every queue; looks again at what that changes.
    pub(super) fn sync(&mut self) {
        let mut gone = BTreeSet::new();
        for (id, desk) in &mut self.desks {
            if desk.attends && !desk.is_there() {
                gone.insert(*id);
            }
            desk.attends = desk.is_there();
        }
        let waits_for_gone = |it: &Ticket| it.only.is_some_and(|only| gone.contains(&only)) && it.offers.is_empty();
        let affected = self.tickets.iter().filter(|it| waits_for_gone(it.1)).map(|it| *it.0).collect();
        self.sync_rooms(affected);
    }

    pub(super) fn sync_rooms(&mut self, mut affected: Vec<u16>) {
        for (id, room) in &mut self.rooms {
            let serves = |desk: &Desk| desk.attends && desk.profile.queues.contains(id);
            let attending: BTreeSet<u8> = self.desks.iter().filter(|(_, it)| serves(it)).map(|it| *it.0).collect();
            if attending.is_empty() && !room.attending.is_empty() {
                room.nobody_since = Some(self.now);
                affected.extend(self.tickets.iter().filter(|it| it.1.item.queue == *id).map(|it| *it.0));
            }
            if !attending.is_empty() {
                room.nobody_since = None;
            }
            room.attending = attending;
        }
        affected.sort_unstable();
        affected.dedup();
        affected.sort_by_key(|work| self.place(*work));
        self.resettle_all(affected);
    }

    pub(super) fn hold(&mut self, work: u16, id: u8, hold: (Medium, Option<u8>, HoldView, bool)) {
        if self.desks.contains_key(&id) {
            let offered = self.end_offer(work, id);
            self.desks.get_mut(&id).unwrap().in_hand.insert(work, hold);
            if offered {
                self.back_in_line(work);
            } else {
                self.resettle(work);
            }
        }
    }

    pub(super) fn released(&mut self, work: u16, id: u8) {
        let now = self.now;
        let Some(desk) = self.desks.get_mut(&id) else { return };
        let Some((_, queue, HoldView::Working, disposed)) = desk.in_hand.get(&work).copied() else { return };
        let config = queue.and_then(|queue| self.rooms.get(&queue)).map(|room| &room.config);
        let wrap_up_ms = config.map_or(0, |it| it.wrap_up_ms);
        let disposed = disposed || !config.is_some_and(|it| it.disposition_required);
        if desk.presence != Presence::Offline && (wrap_up_ms > 0 || !disposed) {
            desk.in_hand.get_mut(&work).unwrap().2 = HoldView::WrapUp { until: now + wrap_up_ms, disposed };
        } else {
            desk.in_hand.remove(&work);
            desk.history.idle_since = now;
            self.resettle(work);
        }
    }

    pub(super) fn end_wrap_ups(&mut self, id: u8, ends: impl Fn(bool, u64) -> bool) {
        let now = self.now;
        let Some(desk) = self.desks.get_mut(&id) else { return };
        let over = |it: &HoldView| matches!(it, HoldView::WrapUp { until, disposed } if ends(*disposed, *until));
        let ended: Vec<u16> = desk.in_hand.iter().filter(|it| over(&it.1.2)).map(|it| *it.0).collect();
        for work in &ended {
            desk.in_hand.remove(work);
            desk.history.idle_since = now;
        }
        for work in ended {
            self.resettle(work);
        }
    }

    pub(super) fn take_back(&mut self, id: u8, here: [bool; 2]) {
        let rings = |it: &Ticket| it.offers.contains_key(&id) && !here[index(it.item.medium)];
        let offered: Vec<u16> = self.tickets.iter().filter(|it| rings(it.1)).map(|it| *it.0).collect();
        for work in offered {
            self.out.push(Output::Cancel { work, agent: id, why: CancelWhy::AgentGone });
            self.end_offer(work, id);
            self.back_in_line(work);
        }
    }
}

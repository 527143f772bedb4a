//! Offers, naively.

use std::collections::BTreeSet;

use trunkline_routing::{By, CancelWhy, HoldView, Levels, Output, PassWhy, Pause, Presence, Strategy};

use super::{Desk, Naive, Ticket, levels};
use crate::floor::Lab;

impl Naive {
    pub(super) fn offer_waiting(&mut self) {
        let mut all: Vec<u16> = self.tickets.keys().copied().collect();
        all.sort_by_key(|work| self.place(*work));
        for work in all {
            let ticket = &self.tickets[&work];
            if !ticket.offers.is_empty() {
                continue;
            }
            let room = &self.rooms[&ticket.item.queue];
            if ticket.item.patient && !room.open {
                continue;
            }
            let needed = levels(room, ticket, self.now, true);
            let may = |id: &u8, desk: &Desk| {
                desk.profile.queues.contains(&ticket.item.queue)
                    && desk.free_for(ticket.item.medium)
                    && match ticket.only {
                        Some(only) => only == *id,
                        None => {
                            masters(desk, &needed)
                                && !ticket.item.except.contains(id)
                                && !desk.in_hand.contains_key(&work)
                        }
                    }
            };
            let mut free: Vec<u8> = self.desks.iter().filter(|(id, desk)| may(id, desk)).map(|it| *it.0).collect();
            let asks = room.config.ring_ms.is_some();
            if free.is_empty() {
                continue;
            }
            if room.config.strategy == Strategy::RingAll && ticket.only.is_none() && asks {
                let mut except = ticket.item.except.clone();
                except.extend(self.desks.iter().filter(|it| it.1.in_hand.contains_key(&work)).map(|it| *it.0));
                self.tickets.get_mut(&work).unwrap().joinable = Some((needed, except));
            } else {
                free = vec![self.choose(work, &free)];
            }
            for agent in free {
                if asks {
                    self.offer(work, agent);
                } else {
                    self.assign(work, agent, false);
                }
            }
        }
    }

    pub(super) fn choose(&self, work: u16, free: &[u8]) -> u8 {
        let ticket = &self.tickets[&work];
        let config = &self.rooms[&ticket.item.queue].config;
        let passes = |agent: &u8| ticket.passes.get(agent).copied().unwrap_or(0);
        if let Some(last) = ticket.item.last_agent.filter(|last| free.contains(last) && passes(last) == 0) {
            return last;
        }
        let wanted: BTreeSet<&u8> =
            [&config.required, &config.preferred, &ticket.item.required, &ticket.item.preferred]
                .into_iter()
                .flat_map(|levels| levels.keys())
                .collect();
        let turn = |agent: &u8| {
            let desk = &self.desks[agent];
            let (history, idle) = (desk.history, desk.history.idle_since);
            let score: i64 =
                wanted.iter().map(|skill| desk.profile.skills.get(skill).map_or(0, |it| i64::from(*it))).sum();
            // Whom alone it waits for needs no turn.
            match config.strategy {
                Strategy::LongestIdle => (desk.in_hand.len() as i64, idle),
                Strategy::RoundRobin => (history.last_turn as i64, idle),
                Strategy::FewestContacts => (history.contacts as i64, idle),
                Strategy::SkillBest => (-score, idle),
                Strategy::RingAll => (0, 0),
            }
        };
        free.iter().copied().min_by_key(|agent| (passes(agent), turn(agent), *agent)).unwrap()
    }

    pub(super) fn join_rings(&mut self) {
        let mut ringing: Vec<u16> = self.tickets.iter().filter(|it| it.1.joinable.is_some()).map(|it| *it.0).collect();
        ringing.sort_by_key(|work| self.place(*work));
        for id in self.desks.keys().copied().collect::<Vec<_>>() {
            for work in &ringing {
                let (ticket, desk) = (&self.tickets[work], &self.desks[&id]);
                let (needed, except) = ticket.joinable.as_ref().unwrap();
                if desk.profile.queues.contains(&ticket.item.queue)
                    && desk.free_for(ticket.item.medium)
                    && masters(desk, needed)
                    && !except.contains(&id)
                    && !ticket.round.contains(&id)
                    && !desk.in_hand.contains_key(work)
                    && self.now < self.limit(ticket)
                {
                    self.offer(*work, id);
                }
            }
        }
    }

    pub(super) fn offer(&mut self, work: u16, agent: u8) {
        let ticket = self.tickets.get_mut(&work).unwrap();
        let (queue, medium) = (ticket.item.queue, ticket.item.medium);
        let until = self.now + self.rooms[&queue].config.ring_ms.unwrap().max(1);
        ticket.offers.insert(agent, until);
        self.turns += 1;
        let desk = self.desks.get_mut(&agent).unwrap();
        desk.history.last_turn = self.turns;
        desk.in_hand.insert(work, (medium, Some(queue), HoldView::Offered, false));
        self.out.push(Output::Offer { work, agent, queue, until });
    }

    pub(super) fn end_offer(&mut self, work: u16, agent: u8) -> bool {
        let was = self.tickets.get_mut(&work).is_some_and(|it| it.offers.remove(&agent).is_some());
        if was && let Some(desk) = self.desks.get_mut(&agent) {
            desk.in_hand.remove(&work);
        }
        was
    }

    pub(super) fn cancel(&mut self, work: u16, but: Option<u8>, why: CancelWhy) {
        let Some(ticket) = self.tickets.get_mut(&work) else { return };
        ticket.round.clear();
        ticket.joinable = None;
        let rung: Vec<u8> = ticket.offers.keys().copied().filter(|agent| Some(*agent) != but).collect();
        for agent in rung {
            self.end_offer(work, agent);
            self.out.push(Output::Cancel { work, agent, why });
        }
    }

    pub(super) fn assign(&mut self, work: u16, id: u8, acted: bool) {
        self.cancel(work, Some(id), CancelWhy::AnsweredElsewhere);
        let Ticket { item, .. } = self.tickets.remove(&work).unwrap();
        self.turns += 1;
        let desk = self.desks.get_mut(&id).unwrap();
        desk.history.contacts += 1;
        if acted {
            desk.history.missed = 0;
        }
        desk.history.last_turn = self.turns;
        desk.in_hand.insert(work, (item.medium, Some(item.queue), HoldView::Working, false));
        self.out.push(Output::Assigned { work, agent: id, queue: item.queue, waited_ms: self.now - item.since });
    }

    pub(super) fn pass(&mut self, work: u16, id: u8, why: PassWhy) {
        if !self.end_offer(work, id) {
            return;
        }
        let ticket = self.tickets.get_mut(&work).unwrap();
        *ticket.passes.entry(id).or_default() += 1;
        ticket.round.insert(id);
        let was_last = ticket.offers.is_empty();
        let allowed = self.rooms[&ticket.item.queue].config.pause_after_missed;
        if was_last {
            self.out.push(Output::Unanswered { work });
        }
        let desk = self.desks.get_mut(&id).unwrap();
        desk.history.idle_since = self.now;
        desk.rests_until = Some(self.now + self.settings.rest_ms);
        if why != PassWhy::Refused {
            desk.history.missed += 1;
            if allowed.is_some_and(|allowed| desk.history.missed >= allowed) {
                desk.history.missed = 0;
                self.presence(id, Presence::Paused(Pause::Missed), By::Router);
            }
        }
        if was_last {
            self.stands_again(work);
        }
    }
}

pub(super) fn masters(desk: &Desk, needed: &Levels<Lab>) -> bool {
    needed.iter().all(|(skill, least)| desk.profile.skills.get(skill).is_some_and(|level| level >= least))
}

//! Waiting work, naively.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use trunkline_routing::{AnnounceWhy, Destination, LeaveWhy, Output, Stay, WorkItem};

use super::offers::masters;
use super::{Naive, Ticket, levels};
use crate::floor::Lab;

impl Naive {
    pub(super) fn limit(&self, ticket: &Ticket) -> u64 {
        if ticket.item.patient {
            return u64::MAX;
        }
        let config = &self.rooms[&ticket.item.queue].config;
        let overflow = config.overflow.as_ref().map_or(u64::MAX, |it| ticket.joined + it.after_ms);
        overflow.min(ticket.item.since + config.max_wait_ms)
    }

    pub(super) fn enqueue(&mut self, work: u16, mut item: WorkItem<Lab>, stay: Option<Stay<Lab>>) {
        if self.tickets.contains_key(&work) {
            return;
        }
        if !self.rooms.contains_key(&item.queue) {
            self.out.push(Output::NoSuchQueue { work, queue: item.queue });
            return;
        }
        item.since = item.since.min(self.now);
        self.arrivals += 1;
        let is_new = stay.is_none();
        let stay = stay.unwrap_or(Stay { joined: self.now, been: BTreeSet::new(), passes: BTreeMap::new() });
        let ticket = Ticket {
            item,
            arrival: self.arrivals,
            priority: 0,
            joined: stay.joined.min(self.now),
            been: stay.been,
            steps: 0,
            passes: stay.passes,
            offers: BTreeMap::new(),
            round: BTreeSet::new(),
            joinable: None,
            may_stick: true,
            only: None,
            silent_since: None,
            told: [false; 2],
            looked_at: 0,
        };
        self.tickets.insert(work, ticket);
        self.settle(work, is_new);
    }

    pub(super) fn in_queue(&self, queue: u8) -> Vec<u16> {
        let mut all: Vec<u16> = self.tickets.iter().filter(|it| it.1.item.queue == queue).map(|it| *it.0).collect();
        all.sort_by_key(|work| self.place(*work));
        all
    }

    pub(super) fn place(&self, work: u16) -> (Reverse<i32>, u64, u64) {
        let ticket = &self.tickets[&work];
        (Reverse(ticket.priority), ticket.item.since, ticket.arrival)
    }

    pub(super) fn resettle_all(&mut self, works: Vec<u16>) {
        for work in works {
            self.resettle(work);
        }
    }

    pub(super) fn resettle(&mut self, work: u16) {
        if self.tickets.get(&work).is_some_and(|it| it.offers.is_empty()) {
            self.settle(work, false);
        }
    }

    pub(super) fn work_timer(&mut self, work: u16) {
        let ticket = &self.tickets[&work];
        let grace = self.rooms[&ticket.item.queue].config.unattended.grace_ms;
        if ticket.silent_since.is_some_and(|since| since + grace <= self.now) {
            self.judge(work);
        }
        self.settle(work, false);
    }

    pub(super) fn judge(&mut self, work: u16) {
        let now = self.now;
        let ticket = self.tickets.get_mut(&work).unwrap();
        let room = &self.rooms[&ticket.item.queue];
        let passes = |agent: &u8| ticket.passes.get(agent).copied().unwrap_or(0);
        let rounds = room.config.unattended.rounds.max(1);
        let silent = !room.attending.is_empty() && room.attending.iter().all(|it| passes(it) >= rounds);
        ticket.silent_since = if silent { ticket.silent_since.or(Some(now)) } else { None };
    }

    pub(super) fn back_in_line(&mut self, work: u16) {
        if self.tickets.get(&work).is_some_and(|it| it.offers.is_empty()) {
            self.out.push(Output::Unanswered { work });
            self.stands_again(work);
        }
    }

    pub(super) fn stands_again(&mut self, work: u16) {
        if let Some(ticket) = self.tickets.get_mut(&work) {
            ticket.round.clear();
            ticket.joinable = None;
            self.judge(work);
            self.settle(work, false);
        }
    }

    pub(super) fn settle(&mut self, work: u16, mut entering: bool) {
        loop {
            match self.way_out(work, entering) {
                None => return self.stand(work),
                Some((None, why)) => return self.last_resort(work, why),
                Some((Some(Destination::Exit(exit)), why)) => return self.leave(work, exit, why),
                Some((Some(Destination::Queue(to)), why)) => {
                    let ticket = &self.tickets[&work];
                    if to == ticket.item.queue || ticket.been.contains(&to) || !self.rooms.contains_key(&to) {
                        return self.last_resort(work, LeaveWhy::DeadEnd);
                    }
                    self.change_queue(work, to, why);
                    entering = true;
                }
            }
        }
    }

    pub(super) fn way_out(&mut self, work: u16, entering: bool) -> Option<(Option<Destination<Lab>>, LeaveWhy)> {
        let now = self.now;
        let length = self
            .tickets
            .iter()
            .filter(|it| *it.0 != work)
            .filter(|it| it.1.item.queue == self.tickets[&work].item.queue);
        let length = length.count();
        let ticket = self.tickets.get_mut(&work).unwrap();
        if ticket.item.patient {
            return None;
        }
        let room = &self.rooms[&ticket.item.queue];
        let config = &room.config;
        if ticket.item.since + config.max_wait_ms <= now {
            return Some((None, LeaveWhy::MaxWait));
        }
        if let Some(closed) = &config.closed
            && !room.open
            && (entering || !closed.keep_waiting)
        {
            return Some((Some(closed.to.clone()), LeaveWhy::Closed));
        }
        if let Some(too_long) = &config.too_long
            && entering
            && length >= too_long.at
        {
            return Some((Some(too_long.to.clone()), LeaveWhy::TooLong));
        }
        let nobody = room.nobody_since.map(|since| since.max(ticket.joined));
        let grounds = [
            (nobody, AnnounceWhy::Nobody, LeaveWhy::Nobody),
            (ticket.silent_since, AnnounceWhy::Silent, LeaveWhy::Silent),
        ];
        for (which, (since, why, leave)) in grounds.into_iter().enumerate() {
            if let Some(since) = since {
                if !ticket.told[which] {
                    ticket.told[which] = true;
                    self.out.push(Output::Announce { work, why });
                }
                if since + config.unattended.grace_ms <= now {
                    return Some((Some(config.unattended.to.clone()), leave));
                }
            }
        }
        let overflow = config.overflow.as_ref().filter(|it| ticket.joined + it.after_ms <= now)?;
        Some((Some(overflow.to.clone()), LeaveWhy::Waited))
    }

    pub(super) fn stand(&mut self, work: u16) {
        let now = self.now;
        let ticket = &self.tickets[&work];
        let room = &self.rooms[&ticket.item.queue];
        let taken: Vec<_> = room.config.relax.iter().filter(|step| ticket.joined + step.after_ms <= now).collect();
        let raised: i32 = taken.iter().map(|step| i32::from(step.raise_priority)).sum();
        let priority = i32::from(room.config.priority) + i32::from(ticket.item.priority) + raised;
        let needed = levels(room, ticket, now, false);
        let waits = ticket.may_stick && now < ticket.joined + room.config.sticky_ms;
        let only = ticket.item.last_agent.filter(|last| {
            waits
                && !ticket.passes.contains_key(last)
                && room.attending.contains(last)
                && !ticket.item.except.contains(last)
                && self.desks.get(last).is_some_and(|desk| {
                    masters(desk, &needed)
                        && !desk.in_hand.contains_key(&work)
                        && desk.profile.capacity.of(ticket.item.medium) > 0
                })
        });
        let steps = taken.len();
        let ticket = self.tickets.get_mut(&work).unwrap();
        if steps > ticket.steps {
            self.out.push(Output::Relaxed { work, steps });
        }
        ticket.steps = steps;
        ticket.priority = priority;
        ticket.only = only;
        ticket.may_stick = only.is_some();
        ticket.looked_at = now;
    }

    pub(super) fn change_queue(&mut self, work: u16, to: u8, why: LeaveWhy) {
        let ticket = self.tickets.get_mut(&work).unwrap();
        let from = std::mem::replace(&mut ticket.item.queue, to);
        ticket.been.insert(from);
        ticket.joined = self.now;
        ticket.steps = 0;
        ticket.passes.clear();
        ticket.may_stick = true;
        ticket.only = None;
        ticket.silent_since = None;
        ticket.told = [false; 2];
        self.out.push(Output::Moved { work, from, to, why });
    }

    pub(super) fn last_resort(&mut self, work: u16, why: LeaveWhy) {
        let exit = self.rooms[&self.tickets[&work].item.queue].config.last_resort;
        self.leave(work, exit, why);
    }

    pub(super) fn leave(&mut self, work: u16, to: &'static str, why: LeaveWhy) {
        let ticket = self.tickets.remove(&work).unwrap();
        let waited_ms = self.now - ticket.item.since;
        self.out.push(Output::Leave { work, queue: ticket.item.queue, to, why, waited_ms });
    }
}

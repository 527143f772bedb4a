//! The router as one would write it without a thought for time: everything is looked at again after every input. What
//! it says has to be what the fast one says.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use trunkline_routing::{
    AgentHistory, AgentProfile, AgentState, AgentView, AnnounceWhy, By, CancelWhy, Destination, HoldView, Input,
    LeaveWhy, Levels, Medium, Output, PassWhy, Pause, Presence, Queue, QueueView, Settings, Stay, Strategy, WorkItem,
    WorkView,
};

use crate::floor::{Lab, Out};

struct Desk {
    profile: AgentProfile<Lab>,
    presence: Presence<Lab>,
    here: [bool; 2],
    absent_since: Option<u64>,
    unreachable: bool,
    rests_until: Option<u64>,
    in_hand: BTreeMap<u16, (Medium, Option<u8>, HoldView, bool)>,
    history: AgentHistory,
    attends: bool,
    shown: AgentState<Lab>,
    by: Option<By>,
}

struct Room {
    config: Queue<Lab>,
    open: bool,
    attending: BTreeSet<u8>,
    nobody_since: Option<u64>,
}

struct Ticket {
    item: WorkItem<Lab>,
    arrival: u64,
    priority: i32,
    joined: u64,
    been: BTreeSet<u8>,
    steps: usize,
    passes: BTreeMap<u8, u32>,
    offers: BTreeMap<u8, u64>,
    round: BTreeSet<u8>,
    /// Whom it accepted when it began to ring for everybody, if others may still join.
    joinable: Option<(Levels<Lab>, BTreeSet<u8>)>,
    may_stick: bool,
    only: Option<u8>,
    silent_since: Option<u64>,
    told: [bool; 2],
    looked_at: u64,
}

#[derive(Default)]
pub(crate) struct Naive {
    settings: Settings,
    now: u64,
    arrivals: u64,
    turns: u64,
    rooms: BTreeMap<u8, Room>,
    desks: BTreeMap<u8, Desk>,
    tickets: BTreeMap<u16, Ticket>,
    out: Vec<Out>,
}

fn index(medium: Medium) -> usize {
    usize::from(medium == Medium::Chat)
}

impl Desk {
    fn is_there(&self) -> bool {
        self.presence == Presence::Available && !self.unreachable
    }

    fn count(&self, medium: Medium) -> usize {
        self.in_hand.values().filter(|hold| hold.0 == medium).count()
    }

    fn free_for(&self, medium: Medium) -> bool {
        let (calls, chats, capacity) = (self.count(Medium::Call), self.count(Medium::Chat), self.profile.capacity);
        let fits = match medium {
            Medium::Call => calls < capacity.calls.into() && !(capacity.chats_block_calls && chats > 0),
            Medium::Chat => chats < capacity.chats.into() && !(capacity.call_blocks_chats && calls > 0),
        };
        fits && self.is_there() && self.here[index(medium)] && self.rests_until.is_none()
    }

    fn has_means(&self) -> bool {
        Medium::ALL.iter().any(|it| self.here[index(*it)] && self.profile.capacity.of(*it) > 0)
    }

    fn state(&self) -> AgentState<Lab> {
        let wraps_up = self.in_hand.values().any(|hold| matches!(hold.2, HoldView::WrapUp { .. }));
        if self.in_hand.values().any(|hold| hold.2 == HoldView::Working) {
            AgentState::OnContact
        } else if self.presence == Presence::Offline {
            AgentState::Offline
        } else if self.unreachable {
            AgentState::Unreachable
        } else if wraps_up {
            AgentState::WrapUp
        } else if let Presence::Paused(why) = self.presence {
            AgentState::Paused(why)
        } else {
            AgentState::Available
        }
    }
}

fn levels(room: &Room, ticket: &Ticket, now: u64, preferring: bool) -> Levels<Lab> {
    let mut needed = Levels::<Lab>::new();
    let mut all: Vec<(u8, u8)> = Vec::new();
    all.extend(room.config.required.iter().chain(&ticket.item.required).map(|(skill, level)| (*skill, *level)));
    if preferring && now < ticket.joined.saturating_add(room.config.prefer_ms) {
        all.extend(room.config.preferred.iter().chain(&ticket.item.preferred).map(|(skill, level)| (*skill, *level)));
    }
    for (skill, mut level) in all {
        for step in room.config.relax.iter().filter(|step| ticket.joined + step.after_ms <= now) {
            level = if step.drop.contains(&skill) { 0 } else { level.saturating_sub(step.lower_by) };
        }
        if level > 0 && needed.get(&skill).is_none_or(|known| *known < level) {
            needed.insert(skill, level);
        }
    }
    needed
}

impl Naive {
    pub(crate) fn handle_all(&mut self, now: u64, inputs: impl IntoIterator<Item = Input<Lab>>) -> Vec<Out> {
        self.now = self.now.max(now);
        for input in inputs {
            self.apply(input);
        }
        while let Some((due, kind, work, agent)) = self.first_due().filter(|first| first.0 <= self.now) {
            assert!(due <= self.now);
            match kind {
                0 => self.agent_timer(agent),
                1 => {
                    self.out.push(Output::Cancel { work, agent, why: CancelWhy::NoAnswer });
                    self.pass(work, agent, PassWhy::NoAnswer);
                }
                _ => self.work_timer(work),
            }
        }
        self.offer_waiting();
        self.join_rings();
        for (agent, desk) in &mut self.desks {
            let (state, by) = (desk.state(), desk.by.take());
            if desk.shown != state {
                desk.shown = state;
                self.out.push(Output::Agent { agent: *agent, state, by });
            }
        }
        std::mem::take(&mut self.out)
    }

    /// What falls due first: when, of which kind, of which work, of which agent.
    pub(crate) fn first_due(&self) -> Option<(u64, u8, u16, u8)> {
        let mut all = Vec::new();
        for (id, desk) in &self.desks {
            all.extend(desk.rests_until.map(|due| (due, 0, 0, *id)));
            let absent = desk.absent_since.filter(|_| !desk.unreachable);
            all.extend(absent.map(|since| (since + self.settings.unreachable_after_ms, 0, 0, *id)));
            for hold in desk.in_hand.values() {
                if let HoldView::WrapUp { until, disposed: true } = hold.2 {
                    all.push((until, 0, 0, *id));
                }
            }
        }
        for (id, ticket) in &self.tickets {
            all.extend(ticket.offers.iter().map(|(agent, until)| (*until, 1, *id, *agent)));
            let Some(room) = self.rooms.get(&ticket.item.queue).filter(|_| ticket.offers.is_empty()) else {
                continue;
            };
            let config = &room.config;
            let mut times = vec![ticket.joined + config.prefer_ms];
            times.extend(config.relax.iter().map(|step| ticket.joined + step.after_ms));
            times.extend(ticket.only.map(|_| ticket.joined + config.sticky_ms));
            times.extend(room.nobody_since.map(|since| since.max(ticket.joined) + config.unattended.grace_ms));
            times.extend(ticket.silent_since.map(|since| since + config.unattended.grace_ms));
            times.retain(|time| *time > ticket.looked_at);
            times.push(self.limit(ticket));
            all.extend(times.into_iter().map(|due| (due, 2, *id, 0)));
        }
        all.into_iter().min()
    }

    fn limit(&self, ticket: &Ticket) -> u64 {
        let config = &self.rooms[&ticket.item.queue].config;
        let overflow = config.overflow.as_ref().map_or(u64::MAX, |it| ticket.joined + it.after_ms);
        overflow.min(ticket.item.since + config.max_wait_ms)
    }

    fn apply(&mut self, input: Input<Lab>) {
        match input {
            Input::Queue { queue, config } => self.set_queue(queue, config),
            Input::QueueRemoved { queue } => {
                for work in self.in_queue(queue) {
                    self.cancel(work, None, CancelWhy::Withdrawn);
                    self.last_resort(work, LeaveWhy::QueueRemoved);
                }
                self.rooms.remove(&queue);
            }
            Input::Hours { queue, open } => {
                if let Some(room) = self.rooms.get_mut(&queue)
                    && room.open != open
                {
                    room.open = open;
                    self.resettle_all(self.in_queue(queue));
                }
            }
            Input::Agent { agent, profile, history } => self.set_agent(agent, profile, history),
            Input::AgentRemoved { agent } => self.remove_agent(agent),
            Input::Presence { agent, presence, by } => self.presence(agent, presence, by),
            Input::Reach { agent, medium, here } => {
                if let Some(desk) = self.desks.get_mut(&agent) {
                    desk.here[index(medium)] = here;
                    self.means_changed(agent);
                }
            }
            Input::Enqueue { work, item, stay } => self.enqueue(work, item, stay),
            Input::Move { work, to } => {
                if let Some(from) = self.tickets.get(&work).map(|it| it.item.queue)
                    && from != to
                    && self.rooms.contains_key(&to)
                {
                    self.cancel(work, None, CancelWhy::Moved);
                    self.change_queue(work, to, LeaveWhy::ByHand);
                    self.tickets.get_mut(&work).unwrap().been.clear();
                    self.settle(work, false);
                }
            }
            Input::Prioritise { work, priority } => {
                if let Some(ticket) = self.tickets.get_mut(&work) {
                    ticket.item.priority = priority;
                    self.resettle(work);
                }
            }
            Input::Withdraw { work } => {
                self.cancel(work, None, CancelWhy::Withdrawn);
                self.tickets.remove(&work);
            }
            Input::Accept { work, agent } => {
                if self.tickets.get(&work).is_some_and(|it| it.offers.contains_key(&agent)) {
                    self.assign(work, agent);
                } else {
                    self.out.push(Output::TooLate { work, agent });
                }
            }
            Input::Take { work, agent } if self.desks.contains_key(&agent) => {
                if self.tickets.contains_key(&work) {
                    self.assign(work, agent);
                } else {
                    self.out.push(Output::TooLate { work, agent });
                }
            }
            Input::Pass { work, agent, why } => self.pass(work, agent, why),
            Input::Engaged { work, agent, medium, queue } => {
                self.hold(work, agent, (medium, queue, HoldView::Working, false));
            }
            Input::WrappingUp { work, agent, medium, queue, until, disposed } => {
                self.hold(work, agent, (medium, Some(queue), HoldView::WrapUp { until, disposed }, disposed));
            }
            Input::Released { work, agent } => self.released(work, agent),
            Input::Disposed { work, agent } => {
                let now = self.now;
                match self.desks.get_mut(&agent).and_then(|desk| desk.in_hand.get_mut(&work)) {
                    Some((_, _, HoldView::WrapUp { disposed, .. }, _) | (_, _, HoldView::Working, disposed)) => {
                        *disposed = true;
                    }
                    _ => return,
                }
                self.end_wrap_ups(agent, |disposed, until| disposed && until <= now);
            }
            Input::Ready { agent } => self.end_wrap_ups(agent, |disposed, _| disposed),
            Input::NewDay => self.desks.values_mut().for_each(|desk| desk.history.contacts = 0),
            Input::Take { .. } | Input::Tick => {}
        }
    }

    fn set_queue(&mut self, id: u8, config: Queue<Lab>) {
        if let Some(room) = self.rooms.get_mut(&id) {
            if room.config != config {
                room.config = config;
                let waiting = self.in_queue(id);
                for work in &waiting {
                    self.tickets.get_mut(work).unwrap().joinable = None;
                }
                self.resettle_all(waiting);
            }
            return;
        }
        let serves = |desk: &Desk| desk.attends && desk.profile.queues.contains(&id);
        let attending: BTreeSet<u8> = self.desks.iter().filter(|(_, it)| serves(it)).map(|it| *it.0).collect();
        let nobody_since = attending.is_empty().then_some(self.now);
        self.rooms.insert(id, Room { config, open: true, attending, nobody_since });
    }

    fn set_agent(&mut self, id: u8, profile: AgentProfile<Lab>, history: AgentHistory) {
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

    fn remove_agent(&mut self, id: u8) {
        if let Some(desk) = self.desks.get_mut(&id) {
            desk.presence = Presence::Offline;
            self.take_back(id);
            self.sync();
            let desk = self.desks.remove(&id).unwrap();
            for work in desk.in_hand.keys() {
                self.resettle(*work);
            }
        }
    }

    fn presence(&mut self, id: u8, presence: Presence<Lab>, by: By) {
        let Some(desk) = self.desks.get_mut(&id) else { return };
        desk.presence = presence;
        desk.by = Some(by);
        if by != By::Router {
            desk.history.missed = 0;
        }
        match presence {
            Presence::Available => self.end_wrap_ups(id, |disposed, _| disposed || by == By::Manager),
            Presence::Paused(_) => self.take_back(id),
            Presence::Offline => {
                self.take_back(id);
                self.end_wrap_ups(id, |_, _| true);
            }
        }
        self.sync();
    }

    fn means_changed(&mut self, id: u8) {
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

    fn agent_timer(&mut self, id: u8) {
        let (now, after) = (self.now, self.settings.unreachable_after_ms);
        let desk = self.desks.get_mut(&id).unwrap();
        desk.rests_until = desk.rests_until.filter(|until| *until > now);
        if !desk.unreachable && desk.absent_since.is_some_and(|since| since + after <= now) {
            desk.unreachable = true;
            self.take_back(id);
        }
        self.end_wrap_ups(id, |disposed, until| disposed && until <= now);
        self.sync();
    }

    /// Who is there, in every queue; looks again at what that changes.
    fn sync(&mut self) {
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

    fn sync_rooms(&mut self, mut affected: Vec<u16>) {
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

    fn hold(&mut self, work: u16, id: u8, hold: (Medium, Option<u8>, HoldView, bool)) {
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

    fn released(&mut self, work: u16, id: u8) {
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

    fn end_wrap_ups(&mut self, id: u8, ends: impl Fn(bool, u64) -> bool) {
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

    fn take_back(&mut self, id: u8) {
        let offered: Vec<u16> =
            self.tickets.iter().filter(|it| it.1.offers.contains_key(&id)).map(|it| *it.0).collect();
        for work in offered {
            self.out.push(Output::Cancel { work, agent: id, why: CancelWhy::AgentGone });
            self.end_offer(work, id);
            self.back_in_line(work);
        }
    }

    fn enqueue(&mut self, work: u16, mut item: WorkItem<Lab>, stay: Option<Stay<Lab>>) {
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

    fn in_queue(&self, queue: u8) -> Vec<u16> {
        let mut all: Vec<u16> = self.tickets.iter().filter(|it| it.1.item.queue == queue).map(|it| *it.0).collect();
        all.sort_by_key(|work| self.place(*work));
        all
    }

    fn place(&self, work: u16) -> (Reverse<i32>, u64, u64) {
        let ticket = &self.tickets[&work];
        (Reverse(ticket.priority), ticket.item.since, ticket.arrival)
    }

    fn resettle_all(&mut self, works: Vec<u16>) {
        for work in works {
            self.resettle(work);
        }
    }

    fn resettle(&mut self, work: u16) {
        if self.tickets.get(&work).is_some_and(|it| it.offers.is_empty()) {
            self.settle(work, false);
        }
    }

    fn work_timer(&mut self, work: u16) {
        let ticket = &self.tickets[&work];
        let grace = self.rooms[&ticket.item.queue].config.unattended.grace_ms;
        if ticket.silent_since.is_some_and(|since| since + grace <= self.now) {
            self.judge(work);
        }
        self.settle(work, false);
    }

    fn judge(&mut self, work: u16) {
        let now = self.now;
        let ticket = self.tickets.get_mut(&work).unwrap();
        let room = &self.rooms[&ticket.item.queue];
        let passes = |agent: &u8| ticket.passes.get(agent).copied().unwrap_or(0);
        let rounds = room.config.unattended.rounds.max(1);
        let silent = !room.attending.is_empty() && room.attending.iter().all(|it| passes(it) >= rounds);
        ticket.silent_since = if silent { ticket.silent_since.or(Some(now)) } else { None };
    }

    fn back_in_line(&mut self, work: u16) {
        if self.tickets.get(&work).is_some_and(|it| it.offers.is_empty()) {
            self.out.push(Output::Unanswered { work });
            self.stands_again(work);
        }
    }

    fn stands_again(&mut self, work: u16) {
        if let Some(ticket) = self.tickets.get_mut(&work) {
            ticket.round.clear();
            ticket.joinable = None;
            self.judge(work);
            self.settle(work, false);
        }
    }

    fn settle(&mut self, work: u16, mut entering: bool) {
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

    fn way_out(&mut self, work: u16, entering: bool) -> Option<(Option<Destination<Lab>>, LeaveWhy)> {
        let now = self.now;
        let length = self
            .tickets
            .iter()
            .filter(|it| *it.0 != work)
            .filter(|it| it.1.item.queue == self.tickets[&work].item.queue);
        let length = length.count();
        let ticket = self.tickets.get_mut(&work).unwrap();
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

    fn stand(&mut self, work: u16) {
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

    fn change_queue(&mut self, work: u16, to: u8, why: LeaveWhy) {
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

    fn last_resort(&mut self, work: u16, why: LeaveWhy) {
        let exit = self.rooms[&self.tickets[&work].item.queue].config.last_resort;
        self.leave(work, exit, why);
    }

    fn leave(&mut self, work: u16, to: &'static str, why: LeaveWhy) {
        let ticket = self.tickets.remove(&work).unwrap();
        let waited_ms = self.now - ticket.item.since;
        self.out.push(Output::Leave { work, queue: ticket.item.queue, to, why, waited_ms });
    }

    fn offer_waiting(&mut self) {
        let mut all: Vec<u16> = self.tickets.keys().copied().collect();
        all.sort_by_key(|work| self.place(*work));
        for work in all {
            let ticket = &self.tickets[&work];
            if !ticket.offers.is_empty() {
                continue;
            }
            let room = &self.rooms[&ticket.item.queue];
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
                    self.assign(work, agent);
                }
            }
        }
    }

    fn choose(&self, work: u16, free: &[u8]) -> u8 {
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

    fn join_rings(&mut self) {
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

    fn offer(&mut self, work: u16, agent: u8) {
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

    fn end_offer(&mut self, work: u16, agent: u8) -> bool {
        let was = self.tickets.get_mut(&work).is_some_and(|it| it.offers.remove(&agent).is_some());
        if was && let Some(desk) = self.desks.get_mut(&agent) {
            desk.in_hand.remove(&work);
        }
        was
    }

    fn cancel(&mut self, work: u16, but: Option<u8>, why: CancelWhy) {
        let Some(ticket) = self.tickets.get_mut(&work) else { return };
        ticket.round.clear();
        ticket.joinable = None;
        let rung: Vec<u8> = ticket.offers.keys().copied().filter(|agent| Some(*agent) != but).collect();
        for agent in rung {
            self.end_offer(work, agent);
            self.out.push(Output::Cancel { work, agent, why });
        }
    }

    fn assign(&mut self, work: u16, id: u8) {
        self.cancel(work, Some(id), CancelWhy::AnsweredElsewhere);
        let Ticket { item, .. } = self.tickets.remove(&work).unwrap();
        self.turns += 1;
        let desk = self.desks.get_mut(&id).unwrap();
        desk.history.contacts += 1;
        desk.history.missed = 0;
        desk.history.last_turn = self.turns;
        desk.in_hand.insert(work, (item.medium, Some(item.queue), HoldView::Working, false));
        self.out.push(Output::Assigned { work, agent: id, queue: item.queue, waited_ms: self.now - item.since });
    }

    fn pass(&mut self, work: u16, id: u8, why: PassWhy) {
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

    // The same views, to be compared.

    pub(crate) fn agent(&self, id: u8) -> Option<AgentView<Lab>> {
        self.desks.get(&id).map(|desk| AgentView {
            state: desk.state(),
            presence: desk.presence,
            here: desk.here,
            occupied: Medium::ALL.map(|medium| desk.count(medium)),
            free: Medium::ALL.map(|medium| desk.free_for(medium)),
            in_hand: desk.in_hand.iter().map(|(work, hold)| (*work, hold.2)).collect(),
            history: desk.history,
        })
    }

    pub(crate) fn work(&self, id: u16) -> Option<WorkView<Lab>> {
        self.tickets.get(&id).map(|it| WorkView {
            queue: it.item.queue,
            since: it.item.since,
            joined: it.joined,
            priority: it.priority,
            steps: it.steps,
            offered_to: it.offers.keys().copied().collect(),
            passes: it.passes.clone(),
        })
    }

    pub(crate) fn queue(&self, id: u8) -> Option<QueueView> {
        let waiting: Vec<&Ticket> = self.tickets.values().filter(|it| it.item.queue == id).collect();
        self.rooms.get(&id).map(|room| QueueView {
            waiting: waiting.len(),
            oldest_since: waiting.iter().map(|it| it.item.since).min(),
            attending: room.attending.len(),
            open: room.open,
        })
    }

    pub(crate) fn waiting_in(&self, id: u8) -> Vec<u16> {
        self.in_queue(id)
    }
}

fn masters(desk: &Desk, needed: &Levels<Lab>) -> bool {
    needed.iter().all(|(skill, least)| desk.profile.skills.get(skill).is_some_and(|level| level >= least))
}

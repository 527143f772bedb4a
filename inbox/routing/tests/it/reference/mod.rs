//! The router as one would write it without a thought for time: everything is looked at again after every input. What
//! it says has to be what the fast one says.

mod desks;
mod offers;
mod tickets;

use std::collections::{BTreeMap, BTreeSet};

use trunkline_routing::{
    AgentHistory, AgentProfile, AgentState, AgentView, By, CancelWhy, HoldView, Input, LeaveWhy, Levels, Medium,
    Output, PassWhy, Presence, Queue, QueueView, Settings, WorkItem, WorkView,
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
        let finishes_a_call = |hold: &(Medium, Option<u8>, HoldView, bool)| {
            hold.0 == Medium::Call && matches!(hold.2, HoldView::WrapUp { .. })
        };
        fits && self.presence == Presence::Available
            && self.here[index(medium)]
            && self.rests_until.is_none()
            && !(medium == Medium::Chat && self.in_hand.values().any(finishes_a_call))
    }

    fn has_means(&self) -> bool {
        match (self.profile.capacity.calls, self.profile.capacity.chats) {
            (0, 0) => false,
            (0, _) => self.here[1],
            _ => self.here[0],
        }
    }

    fn state(&self) -> AgentState<Lab> {
        let wraps_up = self.in_hand.values().any(|hold| matches!(hold.2, HoldView::WrapUp { .. }));
        if self.in_hand.values().any(|hold| hold.0 == Medium::Call && hold.2 == HoldView::Working) {
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
            if !ticket.item.patient {
                times.extend(room.nobody_since.map(|since| since.max(ticket.joined) + config.unattended.grace_ms));
                times.extend(ticket.silent_since.map(|since| since + config.unattended.grace_ms));
            }
            times.retain(|time| *time > ticket.looked_at);
            times.extend(Some(self.limit(ticket)).filter(|_| !ticket.item.patient));
            all.extend(times.into_iter().map(|due| (due, 2, *id, 0)));
        }
        all.into_iter().min()
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
                    self.assign(work, agent, true);
                } else {
                    self.out.push(Output::TooLate { work, agent });
                }
            }
            Input::Take { work, agent } if self.desks.contains_key(&agent) => {
                if self.tickets.contains_key(&work) {
                    self.assign(work, agent, true);
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

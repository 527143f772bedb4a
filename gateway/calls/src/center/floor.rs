//! Who is at work and what waits for whom: the router of each tenant, told what call control knows and obeyed in what it decides.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, ConversationId, EventId, QueueId, TenantId};
use trunkline_dialing::Mark;
use trunkline_routing::{
    self as routing, AgentHistory, AgentProfile, By, CancelWhy, Capacity, HoldView, LeaveWhy, Medium, PassWhy, Pause,
    Presence, Router, WorkItem,
};

use super::Center;
use super::call::Call;
use super::chats::Chat;
use super::io::Output;
use super::waiting::Pace;
use crate::AgentState;
use crate::directory::Directory;
use crate::model::{AgentActivity, AgentRow, EndReason, Happening, Record, Subject, WrapUpRow};
use crate::queueing::{Desk, House, VIP_PRIORITY, WayOut, Work};

pub(super) type Told = routing::Input<House>;
pub(super) type Said = routing::Output<House>;

/// One tenant's floor.
#[derive(Debug, Default)]
pub(super) struct Floor {
    pub(super) router: Router<House>,
    agents: BTreeMap<AgentId, AgentView>,
    /// Wrap-ups that run, by agent and call.
    wrap_ups: BTreeMap<(AgentId, CallId), WrapUpRow>,
    /// Whether each queue is open, as the router was told.
    open: BTreeMap<QueueId, Door>,
    /// How fast each queue serves its callers.
    pub(super) paces: BTreeMap<QueueId, Pace>,
    /// Chats that wait or are in somebody's hand.
    pub(super) chats: BTreeMap<ConversationId, Chat>,
}

/// Whether a queue is open, and until when.
#[derive(Debug, Clone, Copy)]
struct Door {
    open: bool,
    until: Option<DateTime<Utc>>,
}

/// An agent as call control knows them.
#[derive(Debug)]
struct AgentView {
    state: AgentState,
    reason: Option<String>,
    /// What the records say that they are doing.
    activity: AgentActivity,
}

impl Center {
    /// Tells a tenant's router what happened, and does what it decides until nothing follows from it any more.
    pub(super) fn route(
        &mut self,
        now: DateTime<Utc>,
        tenant: TenantId,
        told: impl IntoIterator<Item = Told>,
        out: &mut Vec<Output>,
    ) {
        if let Some(held_back) = &mut self.held_back {
            held_back.extend(told.into_iter().map(|told| (tenant, told)));
            return;
        }
        let steady = self.steady;
        let floor = self.floors.entry(tenant).or_default();
        let mut said: VecDeque<Said> = floor.router.handle_all(steady, told).into();
        // Before the event that says so: who reads it finds the row.
        self.note_wrap_ups(now, tenant, out);
        while let Some(next) = said.pop_front() {
            if let Some(told) = self.obey(now, tenant, &next, out) {
                let floor = self.floors.entry(tenant).or_default();
                said.extend(floor.router.handle(steady, told));
            }
        }
        self.note_wrap_ups(now, tenant, out);
    }

    /// Takes in what follows as if it had happened at once: nothing is offered before all of it is known.
    pub(super) fn route_at_once(
        &mut self,
        now: DateTime<Utc>,
        out: &mut Vec<Output>,
        happens: impl FnOnce(&mut Self, &mut Vec<Output>),
    ) {
        self.held_back = Some(Vec::new());
        happens(self, out);
        let mut by_tenant: BTreeMap<TenantId, Vec<Told>> = BTreeMap::new();
        for (tenant, told) in self.held_back.take().unwrap_or_default() {
            by_tenant.entry(tenant).or_default().push(told);
        }
        for (tenant, told) in by_tenant {
            self.route(now, tenant, told, out);
        }
    }

    /// Does one thing that the router said. What comes of it at once is for the router to know.
    fn obey(&mut self, now: DateTime<Utc>, tenant: TenantId, said: &Said, out: &mut Vec<Output>) -> Option<Told> {
        match (said.work(), said) {
            (Some(Work::Call(call)), said) => self.obey_for_call(now, call, said, out),
            (Some(Work::Chat(chat)), said) => self.obey_for_chat(now, (tenant, chat), said, out),
            (None, Said::Agent { agent, state, by }) => {
                self.agent_changed(now, tenant, *agent, *state, *by, out);
                None
            }
            (None, _) => None,
        }
    }

    fn obey_for_call(&mut self, now: DateTime<Utc>, id: CallId, said: &Said, out: &mut Vec<Output>) -> Option<Told> {
        match *said {
            // Whoever could be rung for it is better left to those who can be heard; its server's return brings it back.
            Said::Offer { work, .. } if self.is_out_of_reach(id) => return Some(Told::Withdraw { work }),
            Said::Offer { .. } if self.may_not_call_back(now, id) => {
                self.begin_end(now, id, EndReason::Blocked, false, out);
            }
            Said::Offer { work, agent, .. } => {
                if !self.ring(now, id, agent, out) {
                    return Some(Told::Pass { work, agent, why: PassWhy::Failed });
                }
            }
            Said::Cancel { agent, why, .. } => {
                self.silence(now, id, agent, why, out);
            }
            Said::Announce { .. } | Said::Unanswered { .. } if self.asked_queue(id).is_some() => {}
            Said::Moved { to, .. } if self.asked_queue(id).is_some() => {
                self.question_moved(now, id, to.queue, out);
            }
            Said::Leave { why, .. } if self.asked_queue(id).is_some() => {
                self.queue_has_nobody(now, id, leave_word(why), out);
            }
            Said::NoSuchQueue { .. } if self.asked_queue(id).is_some() => {
                self.queue_has_nobody(now, id, leave_word(LeaveWhy::QueueRemoved), out);
            }
            Said::Assigned { agent, queue, waited_ms, .. } => {
                self.counts_pace(id, queue);
                self.join(now, id, agent, queue.queue, waited_ms, out);
            }
            Said::TooLate { agent, .. } => self.too_late(id, agent, out),
            Said::Unanswered { .. } => self.waits_again(now, id, out),
            Said::Announce { .. } => self.announce(now, id, out),
            Said::Moved { from, to, why, .. } => self.moved(now, id, from.queue, to.queue, why, out),
            Said::Leave { queue, ref to, why, .. } => self.left_queue(now, id, queue.queue, to, why, out),
            Said::NoSuchQueue { .. } => self.begin_end(now, id, EndReason::Failed, false, out),
            Said::Relaxed { .. } | Said::Agent { .. } => {}
        }
        None
    }

    /// The queue that the agent of a call asks, if they wait for its answer.
    fn asked_queue(&self, call: CallId) -> Option<QueueId> {
        self.calls.get(&call).and_then(Call::asked_queue)
    }

    /// The wait is over and nobody served it.
    fn left_queue(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        queue: QueueId,
        to: &WayOut,
        why: LeaveWhy,
        out: &mut Vec<Output>,
    ) {
        let reason = match why {
            LeaveWhy::Closed => EndReason::OutOfHours,
            LeaveWhy::Nobody | LeaveWhy::Silent => EndReason::NoAnswer,
            LeaveWhy::QueueRemoved => EndReason::Failed,
            LeaveWhy::TooLong | LeaveWhy::Waited | LeaveWhy::MaxWait | LeaveWhy::DeadEnd | LeaveWhy::ByHand => {
                EndReason::Overflow
            }
        };
        self.goes_out(now, id, queue, to, (leave_word(why), reason), out);
    }

    /// The configuration changed.
    pub(super) fn directory_changed(&mut self, now: DateTime<Utc>, directory: &Directory, out: &mut Vec<Output>) {
        let mut tenants: Vec<TenantId> = directory.tenants.keys().copied().collect();
        tenants.extend(self.floors.keys().filter(|tenant| !directory.tenants.contains_key(tenant)));
        tenants.sort_unstable();
        for tenant in tenants {
            let told = self.differences(now, tenant, directory);
            self.route(now, tenant, told, out);
        }
    }

    /// A tenant's queues and agents as inputs for its router. Telling it again what it knows costs nothing.
    fn differences(&mut self, now: DateTime<Utc>, tenant: TenantId, directory: &Directory) -> Vec<Told> {
        let steady = self.steady;
        let mut told = Vec::new();
        let floor = self.floors.entry(tenant).or_default();
        let queues = || directory.queues.values().filter(|queue| queue.tenant == tenant);
        let mut known: BTreeMap<QueueId, Door> = std::mem::take(&mut floor.open);
        for queue in queues() {
            told.extend(Desk::all(queue.id).map(|desk| {
                let config = queue.routing.for_desk(desk.serves, queue.ring_seconds);
                Told::Queue { queue: desk, config }
            }));
            let open = directory.is_queue_open(queue, now);
            // A new queue is open.
            if known.remove(&queue.id).is_none_or(|door| door.open) != open {
                told.extend(Desk::all(queue.id).map(|queue| Told::Hours { queue, open }));
            }
            floor.open.insert(queue.id, Door { open, until: directory.queue_changes(queue, now) });
        }
        told.extend(known.into_keys().flat_map(Desk::all).map(|queue| Told::QueueRemoved { queue }));
        let gone = floor.agents.keys().filter(|agent| !directory.agents.contains_key(&(tenant, **agent)));
        let gone: Vec<AgentId> = gone.copied().collect();
        for agent in gone {
            floor.agents.remove(&agent);
            told.push(Told::AgentRemoved { agent });
        }
        let mut newcomers = BTreeSet::new();
        for agent in directory.agents.values().filter(|agent| agent.tenant == tenant) {
            let serves = queues().filter(|queue| queue.members.contains(&agent.id));
            let profile = AgentProfile {
                queues: serves.flat_map(|queue| Desk::all(queue.id)).collect(),
                skills: agent.skills.clone(),
                // Who writes is answered between two sentences of a call; who calls never waits for who writes.
                capacity: Capacity { chats: agent.chats, call_blocks_chats: false, ..Capacity::default() },
            };
            let ago = u64::try_from((now - agent.idle_since).num_milliseconds()).unwrap_or(0);
            let history = AgentHistory { idle_since: steady.saturating_sub(ago), ..AgentHistory::default() };
            told.push(Told::Agent { agent: agent.id, profile, history });
            if floor.agents.contains_key(&agent.id) {
                continue;
            }
            let view = AgentView { state: agent.state, reason: agent.reason.clone(), activity: agent.activity };
            // As the router itself did it: nothing was chosen now.
            told.push(Told::Presence { agent: agent.id, presence: presence(view.state), by: By::Router });
            floor.agents.insert(agent.id, view);
            newcomers.insert(agent.id);
            // Who wants work can read: that takes no phone.
            told.push(Told::Reach { agent: agent.id, medium: Medium::Chat, here: true });
            for row in &agent.wrap_ups {
                let left = u64::try_from((row.until - now).num_milliseconds()).unwrap_or(0);
                floor.wrap_ups.insert((agent.id, row.call_id), row.clone());
                told.push(Told::WrappingUp {
                    work: row.call_id.into(),
                    agent: agent.id,
                    medium: Medium::Call,
                    queue: Desk::of_calls(row.queue_id),
                    until: steady + left,
                    disposed: row.disposed,
                });
            }
        }
        let agents: Vec<AgentId> = floor.agents.keys().copied().collect();
        told.extend(agents.into_iter().map(|agent| self.reach(tenant, agent, directory)));
        told.extend(self.chats_for_newcomers(now, tenant, &newcomers));
        told
    }

    fn reach(&self, tenant: TenantId, agent: AgentId, directory: &Directory) -> Told {
        let here = directory.devices_of(tenant, agent).iter().any(|device| self.fleet.is_online(&device.username));
        Told::Reach { agent, medium: Medium::Call, here }
    }

    /// One of an agent's phones came or went.
    pub(super) fn phone_changed(
        &mut self,
        now: DateTime<Utc>,
        tenant: TenantId,
        agent: AgentId,
        out: &mut Vec<Output>,
    ) {
        let told = self.reach(tenant, agent, &self.directory);
        self.route(now, tenant, [told], out);
    }

    /// An agent, or a manager for them, chose a state.
    pub(super) fn agent_state(
        &mut self,
        now: DateTime<Utc>,
        (tenant, agent): (TenantId, AgentId),
        (state, reason): (AgentState, Option<String>),
        by: By,
        out: &mut Vec<Output>,
    ) {
        let floor = self.floors.entry(tenant).or_default();
        let Some(view) = floor.agents.get_mut(&agent) else { return };
        (view.state, view.reason) = (state, reason);
        self.route(now, tenant, [Told::Presence { agent, presence: presence(state), by }], out);
    }

    /// The router sees an agent do something else.
    fn agent_changed(
        &mut self,
        now: DateTime<Utc>,
        tenant: TenantId,
        agent: AgentId,
        state: routing::AgentState<House>,
        by: Option<By>,
        out: &mut Vec<Output>,
    ) {
        let Some(floor) = self.floors.get_mut(&tenant) else { return };
        let missed = state == routing::AgentState::Paused(Pause::Missed);
        let work = floor.router.agent(agent).and_then(|view| view.in_hand.keys().find_map(|work| work.call()));
        let Some(view) = floor.agents.get_mut(&agent) else { return };
        let mut happenings = Vec::new();
        let happening = |kind: &str, data: serde_json::Value| Happening {
            id: EventId::new(),
            kind: kind.to_owned(),
            at: now,
            subject: Subject::Agent(agent),
            actor: (by == Some(By::Agent)).then_some(agent),
            queue: None,
            agents: Vec::new(),
            data,
        };
        // The router paused them: that is their state now, as if they had chosen it.
        let paused = (missed && view.state == AgentState::Available).then(|| "missed".to_owned());
        if let Some(reason) = &paused {
            let data = json!({
                "state": AgentState::Paused, "reason": reason, "previous": view.state, "by": "router",
            });
            happenings.push(happening("agent.state_changed", data));
            (view.state, view.reason) = (AgentState::Paused, Some(reason.clone()));
        }
        let activity = activity_of(state);
        if activity == view.activity && paused.is_none() {
            return;
        }
        if activity != view.activity {
            let mut data = json!({ "activity": activity, "previous": view.activity });
            if activity == AgentActivity::Paused {
                data["reason"] = json!(view.reason);
            }
            if matches!(activity, AgentActivity::OnContact | AgentActivity::WrapUp) {
                data["call_id"] = json!(work);
            }
            happenings.push(happening("agent.activity_changed", data));
        }
        view.activity = activity;
        out.push(Output::Record(Box::new(Record {
            happenings,
            agent: Some(AgentRow { id: agent, activity, since: now, paused }),
            ..Record::of(tenant)
        })));
    }

    /// Writes down which wrap-ups began and ended.
    fn note_wrap_ups(&mut self, now: DateTime<Utc>, tenant: TenantId, out: &mut Vec<Output>) {
        let steady = self.steady;
        let Some(floor) = self.floors.get_mut(&tenant) else { return };
        let mut changed = Vec::new();
        for ((agent, call), row) in &floor.wrap_ups {
            let hold = floor.router.agent(*agent).and_then(|view| view.in_hand.get(&Work::Call(*call)).copied());
            if !matches!(hold, Some(HoldView::WrapUp { .. })) {
                changed.push(WrapUpRow { ended_at: Some(now), ..row.clone() });
            }
        }
        for row in &changed {
            floor.wrap_ups.remove(&(row.agent_id, row.call_id));
        }
        for (agent, call, queue) in std::mem::take(&mut self.released) {
            let hold = floor.router.agent(agent).and_then(|view| view.in_hand.get(&Work::Call(call)).copied());
            if let Some(HoldView::WrapUp { until, disposed }) = hold {
                let left = TimeDelta::milliseconds(i64::try_from(until.saturating_sub(steady)).unwrap_or(0));
                let row = WrapUpRow {
                    call_id: call,
                    agent_id: agent,
                    queue_id: queue,
                    began_at: now,
                    until: now + left,
                    ended_at: None,
                    disposed,
                };
                floor.wrap_ups.insert((agent, call), row.clone());
                changed.push(row);
            }
        }
        if !changed.is_empty() {
            out.push(Output::Record(Box::new(Record { wrap_ups: changed, ..Record::of(tenant) })));
        }
    }

    /// An agent's part in a call is over; wrap-up may follow.
    pub(super) fn release(
        &mut self,
        now: DateTime<Utc>,
        (tenant, id): (TenantId, CallId),
        agents: &[AgentId],
        queue: Option<QueueId>,
        out: &mut Vec<Output>,
    ) {
        if let Some(queue) = queue {
            self.released.extend(agents.iter().map(|agent| (*agent, id, queue)));
        }
        let told: Vec<Told> = agents.iter().map(|agent| Told::Released { work: id.into(), agent: *agent }).collect();
        self.route(now, tenant, told, out);
    }

    /// A call begins to wait, or goes on waiting after a restart.
    pub(super) fn enqueue(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        handed_on_by: Option<AgentId>,
        again: bool,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get(&id) else { return };
        let (tenant, calling) = (call.tenant, call.calling_agent);
        let Some(queue) = call.row.queue_id else { return };
        let since = call.row.queued_at.unwrap_or(call.row.started_at);
        let waited = u64::try_from((now - since).num_milliseconds()).unwrap_or(0);
        let since = self.steady.saturating_sub(waited);
        let mut item = self.work_item(call, queue, since);
        item.except.extend(calling.into_iter().chain(handed_on_by));
        let stay = again.then(|| routing::Stay {
            joined: since,
            been: std::collections::BTreeSet::new(),
            passes: BTreeMap::new(),
        });
        let mut told = Vec::new();
        if let Some(agent) = calling {
            if let Some(call) = self.calls.get_mut(&id) {
                call.engaged.insert(agent);
            }
            told.push(Told::Engaged { work: id.into(), agent, medium: Medium::Call, queue: None });
        }
        told.push(Told::Enqueue { work: id.into(), item, stay });
        self.route(now, tenant, told, out);
    }

    /// What the router is to know of a call that waits.
    pub(super) fn work_item(&self, call: &Call, queue: QueueId, since: u64) -> WorkItem<House> {
        let mut item = WorkItem::new(Desk::of_calls(queue), Medium::Call, since);
        item.patient = call.is_unanswered_outbound();
        let theirs = if item.patient { &call.row.to_number } else { &call.row.from_number };
        if self.mark(call.tenant, theirs) == Some(Mark::Vip) {
            item.priority = VIP_PRIORITY;
        }
        item.priority = item.priority.saturating_add(call.row.priority);
        item
    }

    /// Queues open and close, and the router's own time comes.
    pub(super) fn floor_timers(&mut self, now: DateTime<Utc>, out: &mut Vec<Output>) {
        let steady = self.steady;
        let tenants: Vec<TenantId> = self.floors.keys().copied().collect();
        for tenant in tenants {
            let Some(floor) = self.floors.get_mut(&tenant) else { continue };
            let mut told = Vec::new();
            for (id, door) in &mut floor.open {
                if door.until.is_none_or(|until| until > now) {
                    continue;
                }
                let Some(queue) = self.directory.queues.get(id) else { continue };
                let open = self.directory.is_queue_open(queue, now);
                if door.open != open {
                    told.extend(Desk::all(*id).map(|queue| Told::Hours { queue, open }));
                }
                *door = Door { open, until: self.directory.queue_changes(queue, now) };
            }
            if floor.router.next_deadline().is_some_and(|due| due <= steady) {
                told.push(Told::Tick);
            }
            if !told.is_empty() {
                self.route(now, tenant, told, out);
            }
        }
    }

    /// When [`Center::floor_timers`] has something to do.
    pub(super) fn floor_deadline(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let due = self.floors.values().filter_map(|floor| floor.router.next_deadline()).min();
        let due = due.map(|due| {
            let left = i64::try_from(due.saturating_sub(self.steady)).unwrap_or(i64::MAX / 2);
            // Counted from the moment whose time `steady` is, not from whenever somebody asks.
            self.seen_at
                .unwrap_or(now)
                .checked_add_signed(TimeDelta::try_milliseconds(left).unwrap_or(TimeDelta::days(1)))
                .unwrap_or(now)
        });
        let doors = self.floors.values().flat_map(|floor| floor.open.values()).filter_map(|door| door.until);
        due.into_iter().chain(doors).min()
    }

    /// The clock was set: whether queues are open is looked at anew.
    pub(super) fn doors_unknown(&mut self) {
        let now = self.seen_at;
        for door in self.floors.values_mut().flat_map(|floor| floor.open.values_mut()) {
            door.until = now;
        }
    }
}

fn presence(state: AgentState) -> Presence<House> {
    match state {
        AgentState::Available => Presence::Available,
        AgentState::Paused => Presence::Paused(Pause::Chosen(())),
        AgentState::Offline => Presence::Offline,
    }
}

fn activity_of(state: routing::AgentState<House>) -> AgentActivity {
    match state {
        routing::AgentState::OnContact => AgentActivity::OnContact,
        routing::AgentState::Offline => AgentActivity::Offline,
        routing::AgentState::Unreachable => AgentActivity::Unreachable,
        routing::AgentState::WrapUp => AgentActivity::WrapUp,
        routing::AgentState::Paused(_) => AgentActivity::Paused,
        routing::AgentState::Available => AgentActivity::Available,
    }
}

/// Why a call leaves a queue, in the journal's word.
pub(super) fn leave_word(why: LeaveWhy) -> &'static str {
    match why {
        LeaveWhy::Closed => "closed",
        LeaveWhy::TooLong => "too_long",
        LeaveWhy::Waited | LeaveWhy::MaxWait => "waited",
        LeaveWhy::Nobody => "nobody",
        LeaveWhy::Silent => "silent",
        LeaveWhy::DeadEnd | LeaveWhy::QueueRemoved => "queue_removed",
        LeaveWhy::ByHand => "moved",
    }
}

/// How an offer ended, in the journal's word, where the agent let it pass.
pub(super) fn missed_word(why: CancelWhy) -> Option<&'static str> {
    match why {
        CancelWhy::NoAnswer => Some("no_answer"),
        CancelWhy::AnsweredElsewhere | CancelWhy::Withdrawn | CancelWhy::Moved | CancelWhy::AgentGone => None,
    }
}

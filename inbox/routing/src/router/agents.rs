//! What an agent may take, and what they have in hand.

use std::collections::{BTreeMap, BTreeSet};

use super::Router;
use super::lines::{Line, LineId, Rank};
use super::timers::Timer;
use crate::config::Strategy;
use crate::io::{By, CancelWhy, Output};
use crate::model::{AgentHistory, AgentProfile, AgentState, Domain, Medium, Presence};

#[derive(Debug)]
pub(super) struct Agent<D: Domain> {
    pub(super) profile: AgentProfile<D>,
    pub(super) presence: Presence<D>,
    /// Whether what a medium needs is there, by [`Medium::index`].
    pub(super) here: [bool; 2],
    /// Since when nothing of theirs has been there.
    absent_since: Option<u64>,
    pub(super) unreachable: bool,
    resting_until: Option<u64>,
    pub(super) in_hand: BTreeMap<D::Work, Hold<D>>,
    pub(super) history: AgentHistory,
    /// Counted among those who are there, in every queue they serve.
    pub(super) attends: bool,
    /// Every line that accepts them, and their turn in it while they are free for it.
    pub(super) lines: BTreeMap<LineId, Option<Rank>>,
    due: Option<u64>,
    shown: AgentState<D>,
    changed_by: Option<By>,
}

/// A piece of work that occupies a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold<D: Domain> {
    pub(super) medium: Medium,
    pub(super) queue: Option<D::Queue>,
    pub(super) phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Offered,
    Working { disposed: bool },
    WrapUp { until: u64, disposed: bool },
}

impl<D: Domain> Agent<D> {
    fn new(profile: AgentProfile<D>, history: AgentHistory, now: u64) -> Self {
        Self {
            profile,
            presence: Presence::Offline,
            here: [false; 2],
            absent_since: Some(now),
            unreachable: false,
            resting_until: None,
            in_hand: BTreeMap::new(),
            history,
            attends: false,
            lines: BTreeMap::new(),
            due: None,
            shown: AgentState::Offline,
            changed_by: None,
        }
    }

    pub(super) fn is_there(&self) -> bool {
        self.presence == Presence::Available && !self.unreachable
    }

    /// How many places are occupied, by [`Medium::index`].
    pub(super) fn occupied(&self) -> [usize; 2] {
        let mut occupied = [0; 2];
        for hold in self.in_hand.values() {
            occupied[hold.medium.index()] += 1;
        }
        occupied
    }

    /// Whether one more piece of work may be offered.
    pub(super) fn has_room(&self, medium: Medium) -> bool {
        self.presence == Presence::Available
            && self.here[medium.index()]
            && self.resting_until.is_none()
            && self.profile.capacity.fits(medium, self.occupied())
            && !(medium == Medium::Chat && self.wraps_up_a_call())
    }

    /// Whether what they need is there: the phone, for whoever takes calls.
    fn has_means(&self) -> bool {
        let medium = if self.profile.capacity.calls > 0 { Medium::Call } else { Medium::Chat };
        self.here[medium.index()] && self.profile.capacity.of(medium) > 0
    }

    fn wraps_up_a_call(&self) -> bool {
        let wraps_up = |hold: &Hold<D>| matches!(hold.phase, Phase::WrapUp { .. });
        self.in_hand.values().any(|hold| hold.medium == Medium::Call && wraps_up(hold))
    }

    fn score(&self, wanted: impl IntoIterator<Item = D::Skill>) -> u64 {
        wanted.into_iter().filter_map(|skill| self.profile.skills.get(&skill)).map(|level| u64::from(*level)).sum()
    }

    fn rank(&self, strategy: Strategy, wanted: impl IntoIterator<Item = D::Skill>) -> Rank {
        let idle = self.history.idle_since;
        match strategy {
            Strategy::LongestIdle => Rank(self.in_hand.len() as u64, idle),
            Strategy::RoundRobin => Rank(self.history.last_turn, idle),
            Strategy::FewestContacts => Rank(self.history.contacts, idle),
            Strategy::SkillBest => Rank(u64::MAX - self.score(wanted), idle),
            Strategy::RingAll => Rank(0, 0),
        }
    }

    pub(super) fn state(&self) -> AgentState<D> {
        let has = |which: fn(&Hold<D>) -> bool| self.in_hand.values().any(which);
        match self.presence {
            _ if has(|hold| hold.medium == Medium::Call && matches!(hold.phase, Phase::Working { .. })) => {
                AgentState::OnContact
            }
            Presence::Offline => AgentState::Offline,
            _ if self.unreachable => AgentState::Unreachable,
            _ if has(|hold| matches!(hold.phase, Phase::WrapUp { .. })) => AgentState::WrapUp,
            Presence::Paused(why) => AgentState::Paused(why),
            Presence::Available => AgentState::Available,
        }
    }

    fn deadline(&self, unreachable_after: u64) -> Option<u64> {
        let absent =
            self.absent_since.filter(|_| !self.unreachable).map(|since| since.saturating_add(unreachable_after));
        let wrap_ups = self.in_hand.values().filter_map(|hold| match hold.phase {
            Phase::WrapUp { until, disposed: true } => Some(until),
            _ => None,
        });
        wrap_ups.chain(absent).chain(self.resting_until).min()
    }
}

impl<D: Domain> Router<D> {
    pub(super) fn set_agent(&mut self, id: D::Agent, profile: &AgentProfile<D>, history: AgentHistory) {
        let served_before = match self.agents.get_mut(&id) {
            Some(agent) if agent.profile == *profile => return,
            Some(agent) => std::mem::replace(&mut agent.profile, profile.clone()).queues,
            None => {
                self.turns = self.turns.max(history.last_turn);
                self.agents.insert(id, Agent::new(profile.clone(), history, self.now));
                self.touched.insert(id);
                BTreeSet::new()
            }
        };
        let mut affected = self.work_waiting_for(id);
        self.agent_leaves_lines(id);
        for queue in served_before.difference(&profile.queues) {
            if self.agent_leaves_queue(id, *queue) {
                affected.extend(self.work_in(*queue));
            }
        }
        for queue in &profile.queues {
            self.agent_joins_queue(id, *queue);
        }
        for work in self.in_order(affected) {
            self.resettle(work);
        }
        self.means_changed(id);
    }

    pub(super) fn remove_agent(&mut self, id: D::Agent) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        agent.presence = Presence::Offline;
        self.take_back_offers(id, Medium::ALL);
        self.agent_changed(id);
        self.agent_leaves_lines(id);
        let Some(mut agent) = self.agents.remove(&id) else {
            return;
        };
        self.timers.set(Timer::Agent(id), &mut agent.due, None);
        self.touched.remove(&id);
        for queue in &agent.profile.queues {
            self.agent_leaves_queue(id, *queue);
        }
        for work in agent.in_hand.keys() {
            self.no_longer_holds(*work, id);
        }
    }

    pub(super) fn set_presence(&mut self, id: D::Agent, presence: Presence<D>, by: By) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        agent.presence = presence;
        agent.changed_by = Some(by);
        if by != By::Router {
            agent.history.missed = 0;
        }
        match presence {
            Presence::Available => self.end_wrap_ups(id, |disposed, _| disposed || by == By::Manager),
            Presence::Paused(_) => self.take_back_offers(id, Medium::ALL),
            Presence::Offline => {
                self.take_back_offers(id, Medium::ALL);
                self.end_wrap_ups(id, |_, _| true);
            }
        }
        self.agent_changed(id);
    }

    pub(super) fn set_reach(&mut self, id: D::Agent, medium: Medium, here: bool) {
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.here[medium.index()] = here;
            self.means_changed(id);
        }
    }

    fn means_changed(&mut self, id: D::Agent) {
        let now = self.now;
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        if agent.has_means() {
            agent.absent_since = None;
            agent.unreachable = false;
        } else {
            agent.absent_since.get_or_insert(now);
        }
        self.agent_changed(id);
    }

    pub(super) fn agent_timer(&mut self, id: D::Agent) {
        let now = self.now;
        let after = self.settings.unreachable_after_ms;
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        agent.due = None;
        agent.resting_until = agent.resting_until.filter(|until| *until > now);
        if agent.absent_since.is_some_and(|since| since.saturating_add(after) <= now) && !agent.unreachable {
            agent.unreachable = true;
            let away = Medium::ALL.into_iter().filter(|medium| !agent.here[medium.index()]);
            let away: Vec<Medium> = away.collect();
            self.take_back_offers(id, away);
        }
        self.end_wrap_ups(id, |disposed, until| disposed && until <= now);
        self.agent_changed(id);
    }

    pub(super) fn engaged(&mut self, work: D::Work, id: D::Agent, medium: Medium, queue: Option<D::Queue>) {
        self.hold(work, id, Hold { medium, queue, phase: Phase::Working { disposed: false } });
    }

    pub(super) fn wrapping_up(
        &mut self,
        work: D::Work,
        id: D::Agent,
        medium: Medium,
        queue: D::Queue,
        until: u64,
        disposed: bool,
    ) {
        self.hold(work, id, Hold { medium, queue: Some(queue), phase: Phase::WrapUp { until, disposed } });
    }

    /// Puts work in an agent's hand. The same work that still waits is not theirs to be asked for.
    fn hold(&mut self, work: D::Work, id: D::Agent, hold: Hold<D>) {
        if !self.agents.contains_key(&id) {
            return;
        }
        let was_offered = self.end_offer(work, id);
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.in_hand.insert(work, hold);
        }
        self.holders.entry(work).or_default().insert(id);
        self.agent_changed(id);
        if was_offered {
            self.back_in_line(work);
        } else {
            self.resettle(work);
        }
    }

    pub(super) fn released(&mut self, work: D::Work, id: D::Agent) {
        let now = self.now;
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        let Some(hold) = agent.in_hand.get_mut(&work) else {
            return;
        };
        let Phase::Working { disposed } = hold.phase else {
            return;
        };
        let config = hold.queue.and_then(|queue| self.queues.get(&queue)).map(|book| &book.config);
        let (wrap_up, required) = config.map_or((0, false), |it| (it.wrap_up_ms, it.disposition_required));
        let disposed = disposed || !required;
        if agent.presence != Presence::Offline && (wrap_up > 0 || !disposed) {
            hold.phase = Phase::WrapUp { until: now.saturating_add(wrap_up), disposed };
        } else {
            agent.in_hand.remove(&work);
            agent.history.idle_since = now;
            self.no_longer_holds(work, id);
        }
        self.agent_changed(id);
    }

    pub(super) fn disposed(&mut self, work: D::Work, id: D::Agent) {
        let now = self.now;
        let hold = self.agents.get_mut(&id).and_then(|agent| agent.in_hand.get_mut(&work));
        match hold.map(|hold| &mut hold.phase) {
            Some(Phase::Working { disposed } | Phase::WrapUp { disposed, .. }) => *disposed = true,
            Some(Phase::Offered) | None => return,
        }
        self.end_wrap_ups(id, |disposed, until| disposed && until <= now);
        self.agent_changed(id);
    }

    pub(super) fn ready(&mut self, id: D::Agent) {
        self.end_wrap_ups(id, |disposed, _| disposed);
        self.agent_changed(id);
    }

    pub(super) fn new_day(&mut self) {
        let all: Vec<D::Agent> = self.agents.keys().copied().collect();
        for id in all {
            if let Some(agent) = self.agents.get_mut(&id) {
                agent.history.contacts = 0;
            }
            self.agent_changed(id);
        }
    }

    fn end_wrap_ups(&mut self, id: D::Agent, ends: impl Fn(bool, u64) -> bool) {
        let now = self.now;
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        let over: Vec<D::Work> = agent
            .in_hand
            .iter()
            .filter(|(_, hold)| matches!(hold.phase, Phase::WrapUp { until, disposed } if ends(disposed, until)))
            .map(|(work, _)| *work)
            .collect();
        for work in &over {
            agent.in_hand.remove(work);
            agent.history.idle_since = now;
        }
        for work in over {
            self.no_longer_holds(work, id);
        }
    }

    fn no_longer_holds(&mut self, work: D::Work, id: D::Agent) {
        if let Some(holders) = self.holders.get_mut(&work)
            && holders.remove(&id)
        {
            if holders.is_empty() {
                self.holders.remove(&work);
            }
            self.resettle(work);
            // It may be ringing for everybody else.
            self.lines.look_again(id);
        }
    }

    /// The agent let an offer pass: they rest, and go to the end of the idle ones.
    pub(super) fn rests(&mut self, id: D::Agent) {
        let (now, rest) = (self.now, self.settings.rest_ms);
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.history.idle_since = now;
            agent.resting_until = (rest > 0).then(|| now.saturating_add(rest));
        }
    }

    /// Nothing more of these media is to ring for the agent; what was offered waits again, and nobody let it pass.
    fn take_back_offers(&mut self, id: D::Agent, of: impl IntoIterator<Item = Medium>) {
        let Some(agent) = self.agents.get(&id) else {
            return;
        };
        let of: Vec<Medium> = of.into_iter().collect();
        let offered = agent.in_hand.iter().filter(|(_, it)| it.phase == Phase::Offered && of.contains(&it.medium));
        let offered: Vec<D::Work> = offered.map(|(work, _)| *work).collect();
        for work in offered {
            self.outbox.push(Output::Cancel { work, agent: id, why: CancelWhy::AgentGone });
            self.end_offer(work, id);
            self.back_in_line(work);
        }
    }

    /// Brings up to date what follows from an agent: who is there, whose turn it is, the next deadline, what others see.
    pub(super) fn agent_changed(&mut self, id: D::Agent) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        self.touched.insert(id);
        let due = agent.deadline(self.settings.unreachable_after_ms);
        self.timers.set(Timer::Agent(id), &mut agent.due, due);
        let there = agent.is_there();
        let attendance_changed = agent.attends != there;
        agent.attends = there;
        self.take_turns(id);
        if attendance_changed {
            let queues: Vec<D::Queue> =
                self.agents.get(&id).map(|agent| agent.profile.queues.iter().copied().collect()).unwrap_or_default();
            let mut affected = if there { Vec::new() } else { self.work_waiting_for(id) };
            for queue in queues {
                if self.attends(queue, id, there) {
                    affected.extend(self.work_in(queue));
                }
            }
            for work in self.in_order(affected) {
                self.resettle(work);
            }
        }
    }

    /// Sets the agent's turn in every line that accepts them.
    fn take_turns(&mut self, id: D::Agent) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        let room = Medium::ALL.map(|medium| agent.has_room(medium));
        let mut known = std::mem::take(&mut agent.lines);
        for (line_id, turn) in &mut known {
            let Some(line) = self.lines.get(*line_id) else {
                continue;
            };
            let wanted = line.need.wanted.iter().copied();
            let rank = room[line.medium.index()].then(|| agent.rank(line.strategy, wanted));
            self.lines.set_turn(*line_id, id, turn, rank);
        }
        agent.lines = known;
    }

    /// What waits for this agent and no one else.
    fn work_waiting_for(&self, id: D::Agent) -> Vec<D::Work> {
        let Some(agent) = self.agents.get(&id) else {
            return Vec::new();
        };
        let lines = agent.lines.keys().filter_map(|line| self.lines.get(*line));
        lines.filter(|line| line.need.only == Some(id)).flat_map(Line::items).collect()
    }

    /// Puts the agent at a line that was opened.
    pub(super) fn attend_line(&mut self, id: D::Agent, line_id: LineId) {
        let (Some(agent), Some(line)) = (self.agents.get_mut(&id), self.lines.get(line_id)) else {
            return;
        };
        if !line.need.accepts(id, &agent.profile) {
            return;
        }
        let rank = agent.has_room(line.medium).then(|| agent.rank(line.strategy, line.need.wanted.iter().copied()));
        let turn = agent.lines.entry(line_id).or_insert(None);
        self.lines.set_turn(line_id, id, turn, rank);
    }

    fn agent_leaves_lines(&mut self, id: D::Agent) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        for (line, mut turn) in std::mem::take(&mut agent.lines) {
            self.lines.set_turn(line, id, &mut turn, None);
        }
    }

    pub(super) fn show_agents(&mut self) {
        for id in std::mem::take(&mut self.touched) {
            let Some(agent) = self.agents.get_mut(&id) else {
                continue;
            };
            let state = agent.state();
            let by = agent.changed_by.take();
            if agent.shown != state {
                agent.shown = state;
                self.outbox.push(Output::Agent { agent: id, state, by });
            }
        }
    }
}

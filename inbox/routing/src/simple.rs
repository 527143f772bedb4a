//! The router of the first call: one strategy, one piece of work per agent. The gateway uses it until it is moved to
//! [`crate::Router`]; then this goes.
//!
//! The caller tells a [`Router`] what changed and then asks for [`Router::next_offers`] until it answers with nothing.
//! The oldest waiting work is served first, by the agent who has been idle longest; who let an offer pass is asked again
//! only after everybody else was, and never sooner than [`RETRY_AFTER_MS`] after the round ended.
//!
//! # Moving to [`crate::Router`]
//! | here | there |
//! | --- | --- |
//! | [`Router::set_agent`] | three facts, each told when it changes: [`Agent`](crate::Input::Agent) (set-up; the history counts only the first time), [`Presence`](crate::Input::Presence) (with who chose it), [`Reach`](crate::Input::Reach) (calls: the first phone came, the last went; chats: the panel's stream) |
//! | [`Router::retain_agents`] | [`AgentRemoved`](crate::Input::AgentRemoved) for each of [`agents`](crate::Router::agents) that is no more |
//! | – | [`Queue`](crate::Input::Queue) for each queue before anything waits in it; telling the same again costs nothing |
//! | [`Router::enqueue`] | [`Enqueue`](crate::Input::Enqueue); the calling agent of an internal call goes into `except`; after a restart with a [`Stay`](crate::Stay) |
//! | [`Router::engaged`] | [`Engaged`](crate::Input::Engaged), with the queue if its wrap-up is to follow, and none for an agent's own call |
//! | [`Router::accepted`] | [`Accept`](crate::Input::Accept); the parties are joined on [`Assigned`](crate::Output::Assigned), and on [`TooLate`](crate::Output::TooLate) the leg is hung up as answered elsewhere |
//! | [`Router::passed`] | [`Pass`](crate::Input::Pass) when the agent's last phone stopped ringing, with how: refused by hand, failed (nothing could be rung), no answer |
//! | the shell's ring timer | gone: the queue's `ring_ms`, and [`Cancel`](crate::Output::Cancel) says which agent's phones to silence |
//! | [`Router::withdraw`], [`Router::released`] | the inputs of that name |
//! | [`Router::next_offers`] | gone: every input is answered with outputs; carrying one out may be the next input (no phone online: failed), so the shell works through a list until it is empty |
//! | [`Router::next_deadline`] | without `now` |
//!
//! A call keeps its ringing legs by agent, not one offer: ring all asks several. [`Unanswered`](crate::Output::Unanswered)
//! is the moment when it is queued again, [`Announce`](crate::Output::Announce) a sound for the caller,
//! [`Leave`](crate::Output::Leave) the end of the wait with its reason. A call that is being taken down hangs its legs up
//! itself and takes no notice of the `Cancel`s that follow its `Withdraw`. The rest after a pass is the agent's
//! ([`Settings::rest_ms`](crate::Settings::rest_ms)), not the work's as here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// How long work rests, in milliseconds, after every agent who could take it let it pass.
///
/// Without it a phone that refuses at once would be rung in a tight loop.
pub const RETRY_AFTER_MS: u64 = 3_000;

/// What the router has to know of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentProfile<Q: Ord> {
    /// The agent wants work.
    pub available: bool,
    /// One of the agent's phones can ring.
    pub reachable: bool,
    /// The queues the agent serves.
    pub queues: BTreeSet<Q>,
}

/// An offer to make: ring this agent for this work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer<A, W> {
    /// The work offered.
    pub work: W,
    /// Who is asked.
    pub agent: A,
}

#[derive(Debug)]
struct Agent<Q: Ord, W> {
    profile: AgentProfile<Q>,
    /// Since when the agent has had nothing to do; the longest idle is asked first.
    idle_since: u64,
    /// What keeps the agent from taking more: an offer, an accepted piece of work, or something of their own.
    busy_with: Option<Engagement<W>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engagement<W> {
    Offered(W),
    Working(W),
}

#[derive(Debug)]
struct Waiting<A, Q> {
    queue: Q,
    /// Orders the line: when it began to wait, then the order of arrival.
    place: (u64, u64),
    offered_to: Option<A>,
    /// Who let it pass in the current round.
    passed: BTreeSet<A>,
    not_before: u64,
}

/// The waiting work and the agents of one tenant.
#[derive(Debug)]
pub struct Router<A: Ord, Q: Ord, W: Ord> {
    agents: BTreeMap<A, Agent<Q, W>>,
    waiting: BTreeMap<W, Waiting<A, Q>>,
    line: BTreeMap<(u64, u64), W>,
    arrivals: u64,
}

impl<A, Q, W> Default for Router<A, Q, W>
where
    A: Copy + Ord + Debug,
    Q: Copy + Ord + Debug,
    W: Copy + Ord + Debug,
{
    fn default() -> Self {
        Self { agents: BTreeMap::new(), waiting: BTreeMap::new(), line: BTreeMap::new(), arrivals: 0 }
    }
}

impl<A, Q, W> Router<A, Q, W>
where
    A: Copy + Ord + Debug,
    Q: Copy + Ord + Debug,
    W: Copy + Ord + Debug,
{
    /// Adds an agent or changes what is known of one. `idle_since` counts only for an agent not known yet; an agent
    /// who becomes available again keeps the place that their last work gave them.
    pub fn set_agent(&mut self, id: A, profile: AgentProfile<Q>, idle_since: u64) {
        match self.agents.get_mut(&id) {
            Some(agent) => agent.profile = profile,
            None => {
                self.agents.insert(id, Agent { profile, idle_since, busy_with: None });
            }
        }
    }

    /// Forgets every agent for whom `keep` is false. What they were offered waits again.
    pub fn retain_agents(&mut self, mut keep: impl FnMut(A) -> bool) {
        let gone: Vec<A> = self.agents.keys().copied().filter(|id| !keep(*id)).collect();
        for id in gone {
            if let Some(Agent { busy_with: Some(Engagement::Offered(work)), .. }) = self.agents.remove(&id)
                && let Some(waiting) = self.waiting.get_mut(&work)
            {
                waiting.offered_to = None;
            }
        }
    }

    /// What is known of an agent.
    pub fn agent(&self, id: A) -> Option<&AgentProfile<Q>> {
        self.agents.get(&id).map(|agent| &agent.profile)
    }

    /// Whether the agent has an offer or work in hand.
    pub fn is_busy(&self, id: A) -> bool {
        self.agents.get(&id).is_some_and(|agent| agent.busy_with.is_some())
    }

    /// Puts work in line. `since` is when it began to wait, so that work taken up again after a restart keeps its place.
    pub fn enqueue(&mut self, work: W, queue: Q, since: u64) {
        if self.waiting.contains_key(&work) {
            return;
        }
        self.arrivals += 1;
        let place = (since, self.arrivals);
        self.line.insert(place, work);
        self.waiting.insert(work, Waiting { queue, place, offered_to: None, passed: BTreeSet::new(), not_before: 0 });
    }

    /// Takes work out of line, whoever it was offered to: the customer gave up, or it was decided elsewhere.
    pub fn withdraw(&mut self, work: W) {
        if let Some(waiting) = self.waiting.remove(&work) {
            self.line.remove(&waiting.place);
            if let Some(agent) = waiting.offered_to.and_then(|id| self.agents.get_mut(&id)) {
                agent.busy_with = None;
            }
        }
    }

    /// The agent took the work: it leaves the line, and the agent is busy until [`Router::released`].
    pub fn accepted(&mut self, work: W, agent: A) {
        self.withdraw(work);
        self.engaged(agent, work);
    }

    /// The agent is busy with work that did not come from this line (taken up after a restart, or a call of their own).
    pub fn engaged(&mut self, agent: A, work: W) {
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.busy_with = Some(Engagement::Working(work));
        }
    }

    /// The agent's work is done: idle from now on. Another work than the one in hand is ignored.
    pub fn released(&mut self, agent: A, work: W, now: u64) {
        if let Some(agent) = self.agents.get_mut(&agent)
            && agent.busy_with == Some(Engagement::Working(work))
        {
            agent.busy_with = None;
            agent.idle_since = now;
        }
    }

    /// The agent let the offer pass: no answer, busy, refused, unreachable. The work goes on to the next; the agent
    /// goes to the end of the idle ones, or a phone left alone would be rung for every call first.
    pub fn passed(&mut self, work: W, agent: A, now: u64) {
        if let Some(known) = self.agents.get_mut(&agent)
            && known.busy_with == Some(Engagement::Offered(work))
        {
            known.busy_with = None;
            known.idle_since = now;
        }
        if let Some(waiting) = self.waiting.get_mut(&work)
            && waiting.offered_to == Some(agent)
        {
            waiting.offered_to = None;
            waiting.passed.insert(agent);
        }
    }

    /// The offers to make now; the router counts them as made.
    pub fn next_offers(&mut self, now: u64) -> Vec<Offer<A, W>> {
        let mut offers = Vec::new();
        for work in self.line.values() {
            let Some(waiting) = self.waiting.get_mut(work) else {
                continue;
            };
            if waiting.offered_to.is_some() || waiting.not_before > now {
                continue;
            }
            let eligible = |agent: &Agent<Q, W>| {
                agent.profile.available
                    && agent.profile.reachable
                    && agent.busy_with.is_none()
                    && agent.profile.queues.contains(&waiting.queue)
            };
            let chosen = self
                .agents
                .iter()
                .filter(|(id, agent)| eligible(agent) && !waiting.passed.contains(id))
                .min_by_key(|(id, agent)| (agent.idle_since, **id))
                .map(|(id, _)| *id);
            if let Some(id) = chosen {
                waiting.offered_to = Some(id);
                if let Some(agent) = self.agents.get_mut(&id) {
                    agent.busy_with = Some(Engagement::Offered(*work));
                }
                offers.push(Offer { work: *work, agent: id });
            } else if self.agents.iter().any(|(id, agent)| eligible(agent) && waiting.passed.contains(id)) {
                // Everybody who could was asked: a new round, after a rest.
                waiting.passed.clear();
                waiting.not_before = now + RETRY_AFTER_MS;
            }
        }
        offers
    }

    /// When [`Router::next_offers`] has to be asked again although nothing changed.
    pub fn next_deadline(&self, now: u64) -> Option<u64> {
        self.waiting
            .values()
            .filter(|waiting| waiting.offered_to.is_none() && waiting.not_before > now)
            .map(|waiting| waiting.not_before)
            .min()
    }

    /// How much work waits, offered or not.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

//! What the router knows, for boards, announcements and tests.

use std::collections::{BTreeMap, BTreeSet};

use super::Router;
use super::agents::Phase;
use crate::model::{AgentHistory, AgentState, Domain, Medium, Presence};

/// An agent as the router sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentView<D: Domain> {
    /// What they are doing.
    pub state: AgentState<D>,
    /// What they, or a manager, asked for.
    pub presence: Presence<D>,
    /// Whether what a medium needs is there: calls, chats.
    pub here: [bool; 2],
    /// How many places are occupied: by calls, by chats.
    pub occupied: [usize; 2],
    /// Whether a call, or a chat, could be offered now.
    pub free: [bool; 2],
    /// What occupies a place.
    pub in_hand: BTreeMap<D::Work, HoldView>,
    /// What decides their turn.
    pub history: AgentHistory,
}

/// How a piece of work occupies an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldView {
    /// It rings.
    Offered,
    /// It is being served.
    Working,
    /// It is being wrapped up.
    WrapUp {
        /// When its time is up.
        until: u64,
        /// No disposition is missing.
        disposed: bool,
    },
}

/// Waiting work as the router sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkView<D: Domain> {
    /// The queue it waits in.
    pub queue: D::Queue,
    /// Since when it waits.
    pub since: u64,
    /// When it came to this queue.
    pub joined: u64,
    /// Its priority, all told.
    pub priority: i32,
    /// How many of the queue's relaxation steps it has taken.
    pub steps: usize,
    /// Who is asked now.
    pub offered_to: BTreeSet<D::Agent>,
    /// Who let it pass, and how often.
    pub passes: BTreeMap<D::Agent, u32>,
}

/// A queue as the router sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueView {
    /// How much waits in it, offered or not.
    pub waiting: usize,
    /// Since when the oldest waits.
    pub oldest_since: Option<u64>,
    /// How many agents serve it who are there, busy or not.
    pub attending: usize,
    /// Whether it is open.
    pub open: bool,
}

impl<D: Domain> Router<D> {
    /// What is known of an agent.
    pub fn agent(&self, id: D::Agent) -> Option<AgentView<D>> {
        let agent = self.agents.get(&id)?;
        let view = |phase| match phase {
            Phase::Offered => HoldView::Offered,
            Phase::Working { .. } => HoldView::Working,
            Phase::WrapUp { until, disposed } => HoldView::WrapUp { until, disposed },
        };
        Some(AgentView {
            state: agent.state(),
            presence: agent.presence,
            here: agent.here,
            occupied: agent.occupied(),
            free: Medium::ALL.map(|medium| agent.has_room(medium)),
            in_hand: agent.in_hand.iter().map(|(work, hold)| (*work, view(hold.phase))).collect(),
            history: agent.history,
        })
    }

    /// What is known of waiting work.
    pub fn work(&self, id: D::Work) -> Option<WorkView<D>> {
        self.waiting.get(&id).map(|waiting| WorkView {
            queue: waiting.item.queue,
            since: waiting.item.since,
            joined: waiting.joined,
            priority: waiting.place.priority.0,
            steps: waiting.steps,
            offered_to: waiting.offers.keys().copied().collect(),
            passes: waiting.passes.clone(),
        })
    }

    /// What is known of a queue.
    pub fn queue(&self, id: D::Queue) -> Option<QueueView> {
        self.queues.get(&id).map(|book| QueueView {
            waiting: book.places.len(),
            oldest_since: book.ages.first().map(|(since, _)| *since),
            attending: book.attending.len(),
            open: book.open,
        })
    }

    /// How much of its queue stands before waiting work: 0 for the first. Counts its way through those.
    pub fn ahead_of(&self, id: D::Work) -> Option<usize> {
        let waiting = self.waiting.get(&id)?;
        Some(self.queues.get(&waiting.item.queue)?.places.range(..waiting.place).count())
    }

    /// Everything that waits in a queue, offered or not, the next to be served first.
    pub fn waiting_in(&self, id: D::Queue) -> impl Iterator<Item = D::Work> {
        self.queues.get(&id).into_iter().flat_map(|book| book.places.values().copied())
    }

    /// How much waits in all queues, offered or not.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Every agent known.
    pub fn agents(&self) -> impl Iterator<Item = D::Agent> {
        self.agents.keys().copied()
    }
}

use crate::config::Queue;
use crate::model::{AgentHistory, AgentProfile, AgentState, Domain, Medium, Presence, Stay, WorkItem};

/// Who changed an agent's presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The agent.
    Agent,
    /// A manager, who may also cut a wrap-up short.
    Manager,
    /// The router, for offers left unanswered.
    Router,
}

/// How an agent let an offer pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassWhy {
    /// It rang in vain. Counts as missed.
    NoAnswer,
    /// Nothing rang: the phone could not be reached or is in a call of its own. Counts as missed.
    Failed,
    /// The agent said no. Does not count as missed.
    Refused,
}

/// One thing that happened. What names an agent, work or queue that the router does not know, or that does not hold any
/// more, changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input<D: Domain> {
    /// A queue is set up, or set up differently.
    Queue {
        /// Which.
        queue: D::Queue,
        /// How it works from now on.
        config: Queue<D>,
    },
    /// A queue is no more. Its work leaves by its last resort.
    QueueRemoved {
        /// Which.
        queue: D::Queue,
    },
    /// A queue opened or closed. A new queue is open.
    Hours {
        /// Which.
        queue: D::Queue,
        /// Whether it is open.
        open: bool,
    },
    /// An agent is set up, or set up differently. A new agent is offline, and has the time of
    /// [`crate::Settings::unreachable_after_ms`] to be seen.
    Agent {
        /// Who.
        agent: D::Agent,
        /// What is set up for them.
        profile: AgentProfile<D>,
        /// Counts only for an agent not known yet.
        history: AgentHistory,
    },
    /// An agent is no more. What they were offered waits again.
    AgentRemoved {
        /// Who.
        agent: D::Agent,
    },
    /// An agent, or a manager, chose a presence. Anything but available takes back what the agent is offered; offline
    /// ends wrap-ups; available ends those that have their disposition, and all of them when a manager says so.
    Presence {
        /// Who.
        agent: D::Agent,
        /// What was chosen.
        presence: Presence<D>,
        /// By whom.
        by: By,
    },
    /// What an agent needs for a medium came or went: the phone for calls, the panel's socket for chats. Nothing is
    /// offered in a medium whose means is away.
    Reach {
        /// Who.
        agent: D::Agent,
        /// For what.
        medium: Medium,
        /// Whether it is there.
        here: bool,
    },
    /// Work begins to wait. Work that waits already changes nothing.
    Enqueue {
        /// Which.
        work: D::Work,
        /// What it needs.
        item: WorkItem<D>,
        /// For work taken up after a restart: it is not turned away as new work would be.
        stay: Option<Stay<D>>,
    },
    /// Waiting work is moved by hand, with the place it had.
    Move {
        /// Which.
        work: D::Work,
        /// Where to.
        to: D::Queue,
    },
    /// The work's own priority is another.
    Prioritise {
        /// Which.
        work: D::Work,
        /// From now on.
        priority: i16,
    },
    /// Waiting work is gone: the customer gave up, or it was decided elsewhere.
    Withdraw {
        /// Which.
        work: D::Work,
    },
    /// An agent takes what they were offered. An answer that comes before the router acted on the time-out counts.
    Accept {
        /// Which.
        work: D::Work,
        /// Who.
        agent: D::Agent,
    },
    /// Waiting work is given to an agent by hand, whatever they have in hand.
    Take {
        /// Which.
        work: D::Work,
        /// Who.
        agent: D::Agent,
    },
    /// An agent lets an offer pass before its time.
    Pass {
        /// Which.
        work: D::Work,
        /// Who.
        agent: D::Agent,
        /// How.
        why: PassWhy,
    },
    /// An agent has work in hand that the router did not give: a call of their own, one transferred, or what a restart
    /// found. It occupies a place like any other.
    Engaged {
        /// Which.
        work: D::Work,
        /// Who.
        agent: D::Agent,
        /// Of what.
        medium: Medium,
        /// Whose wrap-up follows.
        queue: Option<D::Queue>,
    },
    /// The work in an agent's hand is over for them; wrap-up may follow.
    Released {
        /// Which.
        work: D::Work,
        /// Who.
        agent: D::Agent,
    },
    /// A restart found an agent in wrap-up.
    WrappingUp {
        /// Of what.
        work: D::Work,
        /// Who.
        agent: D::Agent,
        /// Of what medium.
        medium: Medium,
        /// Of which queue.
        queue: D::Queue,
        /// When its time is up.
        until: u64,
        /// Nothing more is required for it to end.
        disposed: bool,
    },
    /// The disposition of work was given, while it was in hand or after.
    Disposed {
        /// Of which work.
        work: D::Work,
        /// By whom.
        agent: D::Agent,
    },
    /// The agent is done with wrap-up before its time. What still lacks its disposition goes on.
    Ready {
        /// Who.
        agent: D::Agent,
    },
    /// Contacts are counted from nought again.
    NewDay,
    /// Time passed.
    Tick,
}

/// Why an offer is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelWhy {
    /// Its time was up.
    NoAnswer,
    /// Another agent took the work.
    AnsweredElsewhere,
    /// The work is gone.
    Withdrawn,
    /// The work was moved by hand.
    Moved,
    /// The agent paused, signed out, became unreachable or was removed.
    AgentGone,
}

/// What waiting work is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnnounceWhy {
    /// Nobody is there.
    Nobody,
    /// Everybody who is there let it pass.
    Silent,
}

/// Why work leaves a queue unserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaveWhy {
    /// Out of hours.
    Closed,
    /// Too many were there already.
    TooLong,
    /// It waited too long for this queue.
    Waited,
    /// Nobody was there.
    Nobody,
    /// Everybody let it pass.
    Silent,
    /// It may wait no longer.
    MaxWait,
    /// It should have gone to a queue that does not exist, or that had handed it on before.
    DeadEnd,
    /// The queue is no more.
    QueueRemoved,
    /// Somebody moved it.
    ByHand,
}

/// One thing to do, or to write down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output<D: Domain> {
    /// Ring this agent for this work.
    Offer {
        /// Which.
        work: D::Work,
        /// Whom.
        agent: D::Agent,
        /// In which queue it waits.
        queue: D::Queue,
        /// When the router will take it back.
        until: u64,
    },
    /// Stop ringing.
    Cancel {
        /// Which.
        work: D::Work,
        /// Whom.
        agent: D::Agent,
        /// Why.
        why: CancelWhy,
    },
    /// The agent has the work; it waits no more.
    Assigned {
        /// Which.
        work: D::Work,
        /// Who.
        agent: D::Agent,
        /// In which queue it waited.
        queue: D::Queue,
        /// How long, in milliseconds, in all queues.
        waited_ms: u64,
    },
    /// The agent answered what they are not offered (any more): another was quicker, or it is gone.
    TooLate {
        /// Which.
        work: D::Work,
        /// Who.
        agent: D::Agent,
    },
    /// Nobody took it; it waits again, offered to nobody.
    Unanswered {
        /// Which.
        work: D::Work,
    },
    /// Tell who waits.
    Announce {
        /// Which.
        work: D::Work,
        /// What.
        why: AnnounceWhy,
    },
    /// It asks for less now, or weighs more.
    Relaxed {
        /// Which.
        work: D::Work,
        /// How many of the queue's steps it has taken.
        steps: usize,
    },
    /// It waits in another queue now.
    Moved {
        /// Which.
        work: D::Work,
        /// From where.
        from: D::Queue,
        /// To where.
        to: D::Queue,
        /// Why.
        why: LeaveWhy,
    },
    /// It waits no more and was not served.
    Leave {
        /// Which.
        work: D::Work,
        /// The queue it leaves.
        queue: D::Queue,
        /// Where to.
        to: D::Exit,
        /// Why.
        why: LeaveWhy,
        /// How long, in milliseconds, it waited in all queues.
        waited_ms: u64,
    },
    /// It was to wait in a queue that does not exist.
    NoSuchQueue {
        /// Which.
        work: D::Work,
        /// Where.
        queue: D::Queue,
    },
    /// An agent's state is another.
    Agent {
        /// Who.
        agent: D::Agent,
        /// What it is now.
        state: AgentState<D>,
        /// Who chose it, if anybody did.
        by: Option<By>,
    },
}

impl<D: Domain> Output<D> {
    /// Which work it is about, if about any.
    pub fn work(&self) -> Option<D::Work> {
        match self {
            Self::Offer { work, .. }
            | Self::Cancel { work, .. }
            | Self::Assigned { work, .. }
            | Self::TooLate { work, .. }
            | Self::Unanswered { work }
            | Self::Announce { work, .. }
            | Self::Relaxed { work, .. }
            | Self::Moved { work, .. }
            | Self::Leave { work, .. }
            | Self::NoSuchQueue { work, .. } => Some(*work),
            Self::Agent { .. } => None,
        }
    }
}

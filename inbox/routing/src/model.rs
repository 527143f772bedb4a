use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// What the router calls things by. The shell implements it once, on an empty type.
pub trait Domain: Copy + Ord + Debug {
    /// Somebody who takes work.
    type Agent: Copy + Ord + Debug;
    /// A queue.
    type Queue: Copy + Ord + Debug;
    /// A piece of work: a call, a conversation.
    type Work: Copy + Ord + Debug;
    /// A skill.
    type Skill: Copy + Ord + Debug;
    /// A way out of the router: a number, voicemail, a callback, hanging up.
    type Exit: Clone + Eq + Debug;
    /// Why an agent pauses.
    type Reason: Copy + Eq + Debug;
}

/// How well each skill is mastered, or has to be: 1 to 100. A skill that is not named has level 0.
pub type Levels<D> = BTreeMap<<D as Domain>::Skill, u8>;

/// What a piece of work is made of, as far as an agent's attention goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Medium {
    /// Somebody speaks: a call, a callback.
    Call,
    /// Somebody writes: WhatsApp, Telegram, SMS.
    Chat,
}

impl Medium {
    /// Every medium.
    pub const ALL: [Self; 2] = [Self::Call, Self::Chat];

    pub(crate) fn index(self) -> usize {
        match self {
            Self::Call => 0,
            Self::Chat => 1,
        }
    }
}

/// How much an agent takes at once. What was offered and what is being wrapped up counts as much as what is in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Calls at once.
    pub calls: u8,
    /// Chats at once.
    pub chats: u8,
    /// Nothing is offered in writing while a call is in hand. While one is wrapped up nothing is in any case.
    pub call_blocks_chats: bool,
    /// No call is offered while a chat is in hand.
    pub chats_block_calls: bool,
}

impl Default for Capacity {
    /// One call or four chats; a call interrupts chats, a chat never a call.
    fn default() -> Self {
        Self { calls: 1, chats: 4, call_blocks_chats: true, chats_block_calls: false }
    }
}

impl Capacity {
    /// How much of a medium fits at once.
    pub fn of(self, medium: Medium) -> u8 {
        match medium {
            Medium::Call => self.calls,
            Medium::Chat => self.chats,
        }
    }

    /// Whether one more fits beside what is `occupied` (by [`Medium::index`]).
    pub(crate) fn fits(self, medium: Medium, occupied: [usize; 2]) -> bool {
        let [calls, chats] = occupied;
        let blocked = match medium {
            Medium::Call => self.chats_block_calls && chats > 0,
            Medium::Chat => self.call_blocks_chats && calls > 0,
        };
        !blocked && occupied[medium.index()] < usize::from(self.of(medium))
    }
}

/// What is set up for an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentProfile<D: Domain> {
    /// The queues the agent serves.
    pub queues: BTreeSet<D::Queue>,
    /// What the agent can do, and how well.
    pub skills: Levels<D>,
    /// How much fits at once.
    pub capacity: Capacity,
}

/// What an agent did before the router knew them: it decides their turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AgentHistory {
    /// Since when they have had nothing to do.
    pub idle_since: u64,
    /// How many contacts they served in the running day.
    pub contacts: u64,
    /// When they had their turn: the router's own count of offers; 0 for somebody who had none.
    pub last_turn: u64,
    /// How many offers in a row they left unanswered.
    pub missed: u32,
}

/// Why an agent pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause<D: Domain> {
    /// The router did it: too many offers in a row were left unanswered.
    Missed,
    /// Somebody chose this reason.
    Chosen(D::Reason),
}

/// What an agent, or a manager for them, has asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence<D: Domain> {
    /// Wants work.
    Available,
    /// Signed in, wants none for a while.
    Paused(Pause<D>),
    /// Signed out.
    Offline,
}

/// What an agent is doing, as others see it. The first that holds, in this order: `OnContact`, `Offline`, `Unreachable`,
/// `WrapUp`, `Paused`, `Available`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentState<D: Domain> {
    /// Has a call in hand. There may be room for more. Chats do not count: one has some all day, and speaks with nobody.
    OnContact,
    /// Signed out.
    Offline,
    /// What they need has not been seen for [`crate::Settings::unreachable_after_ms`]: the phone, for whoever takes calls.
    /// Chats may be given to them all the same.
    Unreachable,
    /// Finishes what a contact left to do.
    WrapUp,
    /// Pauses.
    Paused(Pause<D>),
    /// Waits for work.
    Available,
}

/// A piece of work and whom it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkItem<D: Domain> {
    /// The queue it waits in.
    pub queue: D::Queue,
    /// What it is made of.
    pub medium: Medium,
    /// Added to the queue's; the higher goes first.
    pub priority: i16,
    /// Since when it waits; never later than now.
    pub since: u64,
    /// Required beside what the queue requires; of two levels the higher counts.
    pub required: Levels<D>,
    /// Preferred beside what the queue prefers.
    pub preferred: Levels<D>,
    /// Who served this contact last.
    pub last_agent: Option<D::Agent>,
    /// Who is never to be asked: the one who calls, or who hands it on. Who has this very work in hand is not asked either.
    pub except: BTreeSet<D::Agent>,
    /// Nobody hears it wait, such as who asked to be called back: no limit ends its time in the queue, and while that is closed it is offered to
    /// nobody.
    pub patient: bool,
}

impl<D: Domain> WorkItem<D> {
    /// Work that needs nothing special.
    pub fn new(queue: D::Queue, medium: Medium, since: u64) -> Self {
        Self {
            queue,
            medium,
            priority: 0,
            since,
            required: BTreeMap::new(),
            preferred: BTreeMap::new(),
            last_agent: None,
            except: BTreeSet::new(),
            patient: false,
        }
    }
}

/// What work that is taken up after a restart had been through in its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay<D: Domain> {
    /// When it came to the queue it waits in.
    pub joined: u64,
    /// The queues that handed it on.
    pub been: BTreeSet<D::Queue>,
    /// How often whom let it pass.
    pub passes: BTreeMap<D::Agent, u32>,
}

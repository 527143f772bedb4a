//! A small call centre for the tests: agents by number, queues by number, time that only moves when told to.

use trunkline_routing::{
    AgentHistory, AgentProfile, By, Capacity, Domain, Input, Medium, Output, Presence, Queue, Router, WorkItem,
};

/// Everything is called by a number, ways out by a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lab;

impl Domain for Lab {
    type Agent = u8;
    type Queue = u8;
    type Work = u16;
    type Skill = u8;
    type Exit = &'static str;
    type Reason = u8;
}

pub(crate) type Out = Output<Lab>;

pub(crate) struct Floor {
    pub(crate) router: Router<Lab>,
    pub(crate) now: u64,
}

/// A queue whose work ends at voicemail.
pub(crate) fn queue() -> Queue<Lab> {
    Queue::new("voicemail")
}

impl Floor {
    /// A floor with this queue 0.
    pub(crate) fn new(config: Queue<Lab>) -> Self {
        let mut floor = Self { router: Router::default(), now: 1_000_000 };
        floor.does(Input::Queue { queue: 0, config });
        floor
    }

    pub(crate) fn does(&mut self, input: Input<Lab>) -> Vec<Out> {
        self.router.handle(self.now, input)
    }

    /// An agent with one place for calls and four for chats, signed in, with a phone and a panel. The lower the number,
    /// the longer idle.
    pub(crate) fn agent(&mut self, agent: u8, queues: &[u8], skills: &[(u8, u8)]) -> Vec<Out> {
        let profile = AgentProfile {
            queues: queues.iter().copied().collect(),
            skills: skills.iter().copied().collect(),
            capacity: Capacity::default(),
        };
        let history = AgentHistory { idle_since: u64::from(agent), ..AgentHistory::default() };
        let reach = Medium::ALL.map(|medium| Input::Reach { agent, medium, here: true });
        let signs_in = Input::Presence { agent, presence: Presence::Available, by: By::Agent };
        let all = [Input::Agent { agent, profile, history }].into_iter().chain(reach).chain([signs_in]);
        self.router.handle_all(self.now, all)
    }

    pub(crate) fn call(&mut self, work: u16, queue: u8) -> Vec<Out> {
        self.enqueue(work, WorkItem::new(queue, Medium::Call, self.now))
    }

    pub(crate) fn chat(&mut self, work: u16, queue: u8) -> Vec<Out> {
        self.enqueue(work, WorkItem::new(queue, Medium::Chat, self.now))
    }

    pub(crate) fn enqueue(&mut self, work: u16, item: WorkItem<Lab>) -> Vec<Out> {
        self.does(Input::Enqueue { work, item, stay: None })
    }

    pub(crate) fn presence(&mut self, agent: u8, presence: Presence<Lab>) -> Vec<Out> {
        self.does(Input::Presence { agent, presence, by: By::Agent })
    }

    pub(crate) fn accept(&mut self, work: u16, agent: u8) -> Vec<Out> {
        self.does(Input::Accept { work, agent })
    }

    pub(crate) fn released(&mut self, work: u16, agent: u8) -> Vec<Out> {
        self.does(Input::Released { work, agent })
    }

    /// Time passes, and the router is asked whenever it wants to be.
    pub(crate) fn wait(&mut self, ms: u64) -> Vec<Out> {
        let until = self.now + ms;
        let mut out = Vec::new();
        while let Some(due) = self.router.next_deadline().filter(|due| *due <= until) {
            self.now = due.max(self.now);
            out.extend(self.does(Input::Tick));
        }
        self.now = until;
        out.extend(self.does(Input::Tick));
        out
    }
}

/// Who is offered what, in order.
pub(crate) fn offers(out: &[Out]) -> Vec<(u16, u8)> {
    out.iter()
        .filter_map(|output| match output {
            Output::Offer { work, agent, .. } => Some((*work, *agent)),
            _ => None,
        })
        .collect()
}

/// The outputs that are about work, for comparing.
pub(crate) fn about_work(out: &[Out]) -> Vec<String> {
    out.iter()
        .filter_map(|output| match output {
            Output::Offer { work, agent, .. } => Some(format!("{work} offered to {agent}")),
            Output::Cancel { work, agent, why } => Some(format!("{work} no longer offered to {agent}: {why:?}")),
            Output::Assigned { work, agent, .. } => Some(format!("{work} assigned to {agent}")),
            Output::TooLate { work, agent } => Some(format!("{agent} too late for {work}")),
            Output::Unanswered { work } => Some(format!("{work} unanswered")),
            Output::Announce { work, why } => Some(format!("{work} told {why:?}")),
            Output::Relaxed { work, steps } => Some(format!("{work} relaxed to step {steps}")),
            Output::Moved { work, from, to, why } => Some(format!("{work} moved {from} to {to}: {why:?}")),
            Output::Leave { work, to, why, .. } => Some(format!("{work} leaves to {to}: {why:?}")),
            Output::NoSuchQueue { work, queue } => Some(format!("{work} found no queue {queue}")),
            Output::Agent { .. } => None,
        })
        .collect()
}

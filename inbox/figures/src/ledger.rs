//! Takes events in order, counts, and remembers what it needs for the next.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::agent::AgentMemory;
use crate::call::CallMemory;
use crate::event::{Event, Fact};
use crate::figures::Cells;

/// Running calls and agents, as far as they are needed. An event needs its own [`subjects`] and the agents who have the call
/// ([`agents_of`]); whoever has put these in may leave out all others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    calls: BTreeMap<Uuid, CallMemory>,
    agents: BTreeMap<Uuid, AgentMemory>,
    changed_calls: BTreeSet<Uuid>,
    changed_agents: BTreeSet<Uuid>,
}

/// What changed since it was asked last. `None`: nothing has to be remembered any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Calls.
    pub calls: BTreeMap<Uuid, Option<CallMemory>>,
    /// Agents.
    pub agents: BTreeMap<Uuid, AgentMemory>,
}

/// The calls that events are about, and the agents of whom more is known after them, in one set: their ids never meet.
pub fn subjects<'a>(events: impl IntoIterator<Item = Event<'a>>) -> BTreeSet<Uuid> {
    let mut ids = BTreeSet::new();
    for event in events {
        let Some(fact) = Fact::of(&event) else { continue };
        ids.insert(event.subject);
        if let Fact::Answered { agent, .. } = fact {
            ids.insert(agent);
        }
    }
    ids
}

/// The agents who have these calls: the end of a call is counted for them too.
pub fn agents_of<'a>(calls: impl IntoIterator<Item = &'a CallMemory>) -> BTreeSet<Uuid> {
    calls.into_iter().flat_map(CallMemory::agents).collect()
}

impl Ledger {
    /// Puts in what was remembered of a call.
    pub fn put_call(&mut self, id: Uuid, memory: CallMemory) {
        self.calls.insert(id, memory);
    }

    /// Puts in what was remembered of an agent.
    pub fn put_agent(&mut self, id: Uuid, memory: AgentMemory) {
        self.agents.insert(id, memory);
    }

    /// Running calls.
    pub fn calls(&self) -> impl Iterator<Item = (&Uuid, &CallMemory)> {
        self.calls.iter()
    }

    /// Agents of whom anything is known.
    pub fn agents(&self) -> impl Iterator<Item = (&Uuid, &AgentMemory)> {
        self.agents.iter()
    }

    /// What has to be stored anew.
    pub fn take_changes(&mut self) -> Changes {
        let calls = std::mem::take(&mut self.changed_calls);
        let agents = std::mem::take(&mut self.changed_agents);
        Changes {
            calls: calls.into_iter().map(|id| (id, self.calls.get(&id).cloned())).collect(),
            agents: agents.into_iter().filter_map(|id| Some((id, self.agents.get(&id)?.clone()))).collect(),
        }
    }

    /// Counts one event. Events come in the order of their `seq`; their `at` may jump.
    pub fn apply(&mut self, event: &Event<'_>, cells: &mut Cells) {
        let Some(fact) = Fact::of(event) else { return };
        let (at, id) = (event.at.timestamp_millis(), event.subject);
        match fact {
            Fact::State { wish, reason } => return self.agent(id).wishes(id, at, (wish, reason), cells),
            Fact::Activity { activity, work } => return self.agent(id).does(id, at, (activity, work), cells),
            _ => {}
        }
        // Only what begins something is remembered: of what ended, later events say nothing that counts.
        let begins = matches!(fact, Fact::Queued { .. } | Fact::Offered { .. } | Fact::Answered { .. });
        if !begins && !self.calls.contains_key(&id) {
            return;
        }
        self.changed_calls.insert(id);
        let call = self.calls.entry(id).or_default();
        match fact {
            Fact::Queued { queue, level_ms, short_ms, passed_by } => {
                if let Some(agent) = passed_by {
                    call.missed(agent, cells);
                }
                call.queued(at, queue, (level_ms, short_ms), cells);
            }
            Fact::Offered { agent, queue } => call.offered(at, agent, queue, cells),
            Fact::Missed { agent } => call.missed(agent, cells),
            Fact::Answered { agent, queue } => {
                if let Some(handled) = call.answered(at, agent, queue, cells) {
                    self.agent(agent).answered(agent, at, id, handled, cells);
                }
            }
            Fact::Held { agent } => call.held(at, agent),
            Fact::Resumed { agent } => call.resumed(at, agent),
            Fact::Transferred { by, to, queue } => {
                call.transferred(at, by, to, queue, cells);
                if let Some(agent) = by
                    && call.finished(at, agent, cells)
                {
                    self.agent(agent).finished(agent, at, id, cells);
                }
            }
            Fact::Ended { waiting } => {
                call.leave(at, waiting, cells);
                let agents: Vec<Uuid> = call.agents().collect();
                for agent in &agents {
                    call.finished(at, *agent, cells);
                }
                self.calls.remove(&id);
                for agent in agents {
                    self.agent(agent).finished(agent, at, id, cells);
                }
            }
            Fact::State { .. } | Fact::Activity { .. } => unreachable!("answered above"),
        }
    }

    fn agent(&mut self, id: Uuid) -> &mut AgentMemory {
        self.changed_agents.insert(id);
        self.agents.entry(id).or_default()
    }
}

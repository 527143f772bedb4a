//! What goes on in the queues, put together from calls, members and phones.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use trunkline_db::{AgentId, CallId, QueueId};

use crate::calls::AgentState;
use crate::calls::model::CallState;

/// A queue now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct QueueLive {
    /// The queue.
    #[schema(value_type = uuid::Uuid)]
    pub queue_id: QueueId,
    /// Every call that nobody has answered yet, also those that ring at an agent; in the order in which they will be served.
    pub waiting: Vec<WaitingCall>,
    /// How many of the waiting ones ring at an agent.
    pub ringing: u32,
    /// Calls of the queue in which the parties talk.
    pub active: u32,
    /// Since when the first of the waiting ones waits.
    pub longest_waiting_since: Option<DateTime<Utc>>,
    /// The members by what they are doing: each is counted once.
    pub agents: Activities,
}

/// A call that waits in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct WaitingCall {
    /// The call.
    #[schema(value_type = uuid::Uuid)]
    pub call_id: CallId,
    /// The calling number.
    pub from: String,
    /// `queued`, or `ringing` while it is offered to an agent.
    pub state: CallState,
    /// When it began to wait.
    pub since: DateTime<Utc>,
    /// Higher is served first.
    pub priority: i32,
}

/// How many members do what. Who talks is not also available; what comes first here counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Activities {
    /// Talking, in this queue or elsewhere.
    pub on_call: u32,
    /// A call rings at one of their phones.
    pub ringing: u32,
    /// Waiting for a call, with a phone that can ring.
    pub available: u32,
    /// Want work, but no phone of theirs is registered.
    pub unreachable: u32,
    /// Want none for now.
    pub paused: u32,
    /// Not at work.
    pub offline: u32,
}

/// What the database knows of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Picture {
    /// The queues to tell of, in order.
    pub(super) queues: Vec<QueueId>,
    /// Their calls that have not ended, the longest waiting first.
    pub(super) calls: Vec<OpenCall>,
    /// Their members and what these want.
    pub(super) members: Vec<(QueueId, AgentId, AgentState)>,
    /// Agents who talk, in any call of the tenant.
    pub(super) talking: HashSet<AgentId>,
    /// Agents at whose phones a call rings.
    pub(super) ringing: HashSet<AgentId>,
}

/// A call of a queue that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenCall {
    pub(super) id: CallId,
    pub(super) queue: QueueId,
    pub(super) from: String,
    pub(super) state: CallState,
    pub(super) since: DateTime<Utc>,
}

/// Counts, queue by queue. Whether a phone is registered is Asterisk's knowledge: hence a question rather than a column.
pub(super) fn summarise(picture: Picture, reachable: impl Fn(AgentId) -> bool) -> Vec<QueueLive> {
    let Picture { queues, calls, members, talking, ringing } = picture;
    let mut lives: Vec<QueueLive> = queues
        .into_iter()
        .map(|queue_id| QueueLive {
            queue_id,
            waiting: Vec::new(),
            ringing: 0,
            active: 0,
            longest_waiting_since: None,
            agents: Activities::default(),
        })
        .collect();
    // A handful of queues: looking each up is cheaper than a map.
    for call in calls {
        let Some(live) = lives.iter_mut().find(|live| live.queue_id == call.queue) else { continue };
        match call.state {
            CallState::Active => live.active += 1,
            CallState::Ended => {}
            CallState::New | CallState::Queued | CallState::Ringing => {
                live.ringing += u32::from(call.state == CallState::Ringing);
                let longest = live.longest_waiting_since.map_or(call.since, |since| since.min(call.since));
                live.longest_waiting_since = Some(longest);
                live.waiting.push(WaitingCall {
                    call_id: call.id,
                    from: call.from,
                    state: call.state,
                    since: call.since,
                    priority: 0,
                });
            }
        }
    }
    for (queue, agent, state) in members {
        let Some(live) = lives.iter_mut().find(|live| live.queue_id == queue) else { continue };
        let agents = &mut live.agents;
        let count = match state {
            _ if talking.contains(&agent) => &mut agents.on_call,
            _ if ringing.contains(&agent) => &mut agents.ringing,
            AgentState::Offline => &mut agents.offline,
            AgentState::Paused => &mut agents.paused,
            AgentState::Available if reachable(agent) => &mut agents.available,
            AgentState::Available => &mut agents.unreachable,
        };
        *count += 1;
    }
    lives
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(queue: QueueId, state: CallState, minute: u32) -> OpenCall {
        let since = DateTime::from_timestamp(1_800_000_000 + i64::from(minute) * 60, 0).unwrap();
        OpenCall { id: CallId::new(), queue, from: "+15551234567".to_owned(), state, since }
    }

    #[test]
    fn a_call_waits_until_somebody_answers() {
        let (sales, support) = (QueueId::new(), QueueId::new());
        let calls = vec![
            call(sales, CallState::Ringing, 1),
            call(sales, CallState::Queued, 2),
            call(sales, CallState::Active, 0),
        ];
        let (first, second) = (calls[0].clone(), calls[1].clone());
        let picture = Picture { queues: vec![sales, support], calls, ..Picture::default() };
        let lives = summarise(picture, |_| true);
        assert_eq!((lives[0].waiting.len(), lives[0].ringing, lives[0].active), (2, 1, 1));
        assert_eq!(lives[0].longest_waiting_since, Some(first.since));
        assert_eq!((lives[0].waiting[1].call_id, lives[0].waiting[1].state), (second.id, CallState::Queued));
        assert_eq!((lives[1].waiting.len(), lives[1].longest_waiting_since), (0, None));
    }

    #[test]
    fn each_member_is_counted_once_by_what_matters_most() {
        let queue = QueueId::new();
        let agents: Vec<AgentId> = (0..6).map(|_| AgentId::new()).collect();
        let states = [
            AgentState::Paused,
            AgentState::Available,
            AgentState::Available,
            AgentState::Available,
            AgentState::Paused,
            AgentState::Offline,
        ];
        let picture = Picture {
            queues: vec![queue],
            members: agents.iter().zip(states).map(|(agent, state)| (queue, *agent, state)).collect(),
            // Paused during a call: still talking.
            talking: HashSet::from([agents[0]]),
            ringing: HashSet::from([agents[1]]),
            ..Picture::default()
        };
        let lives = summarise(picture, |agent| agent == agents[2]);
        let expected = Activities { on_call: 1, ringing: 1, available: 1, unreachable: 1, paused: 1, offline: 1 };
        assert_eq!(lives[0].agents, expected);
    }
}

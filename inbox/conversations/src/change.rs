//! Changes of a conversation: the one place where its row changes once it is there, so that each change raises its version and is told.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use trunkline_db::{AgentId, CallId, ConversationId, DbError, MessageId, QueueId, TeamId, TenantTx};
use trunkline_journal::{Kind, NewEvent, Ref, Scope};

use crate::change_store as store;
use crate::list;
use crate::messages::{self, NewMessage};
use crate::model::{Assignee, Author, AuthorType, Direction, MessageState, State};
use crate::words::Word as _;

const OPENED: Kind = Kind::from_static("conversation.opened");
const ASSIGNED: Kind = Kind::from_static("conversation.assigned");
const UNASSIGNED: Kind = Kind::from_static("conversation.unassigned");
const SNOOZED: Kind = Kind::from_static("conversation.snoozed");
const PENDING: Kind = Kind::from_static("conversation.pending");
const RESOLVED: Kind = Kind::from_static("conversation.resolved");
const REOPENED: Kind = Kind::from_static("conversation.reopened");
const UPDATED: Kind = Kind::from_static("conversation.updated");

/// Most people of those who are named in a conversation that its events go to; an event has room for 16 scopes.
const MOST_NAMED: i64 = 8;

/// Who does something to a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// One of us.
    Person(AgentId),
    /// Trunkline itself: the router, a rule, the clock.
    System,
}

impl Actor {
    /// As events name them.
    pub fn reference(self) -> Option<Ref> {
        match self {
            Self::Person(agent) => Some(Ref::agent(agent)),
            Self::System => None,
        }
    }
}

/// What happens to a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Its row was written a moment ago.
    Opened,
    /// It is to be worked on again: after it was resolved, or woken before or at its time.
    Reopened,
    /// We wait for somebody.
    Pending,
    /// It comes back by itself.
    Snoozed {
        /// When.
        until: DateTime<Utc>,
    },
    /// It is done.
    Resolved,
    /// It is theirs from now on, and nobody else's: what is absent is taken away. See [`assigned`] for what a request means.
    Assigned(Assignee),
    /// It has this priority.
    Priority(i16),
    /// It is spam, or is not.
    Spam(bool),
    /// Its labels are others: the rows are written already.
    Labels,
    /// A call of it runs, or ended.
    Call(Option<CallId>),
    /// Something else of it that the list shows is another: a goal of a service level, the contact's name. The rows are written already.
    Other(&'static str),
    /// A message of it is new or changed: the rows are written already.
    Message {
        /// `message.received`, `message.sent` …
        kind: Kind,
        /// Which.
        message: MessageId,
    },
}

/// A change, who makes it, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What happens.
    pub what: What,
    /// Who does it.
    pub by: Actor,
    /// When it happens.
    pub at: DateTime<Utc>,
    /// What its event says besides.
    pub data: Map<String, Value>,
}

impl Change {
    /// Trunkline itself does it, now.
    pub fn new(what: What) -> Self {
        Self { what, by: Actor::System, at: Utc::now(), data: Map::new() }
    }

    /// Who does it.
    #[must_use]
    pub fn by(mut self, by: Actor) -> Self {
        self.by = by;
        self
    }

    /// When it happens.
    #[must_use]
    pub fn at(mut self, at: DateTime<Utc>) -> Self {
        self.at = at;
        self
    }

    /// What its event says besides.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }
}

/// What of a conversation changes by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where it stands.
    pub state: State,
    /// When it comes back.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Whose it is.
    pub assignee: Assignee,
    /// 0 to 4.
    pub priority: i16,
    /// It is spam.
    pub spam: bool,
    /// A call that runs.
    pub call: Option<CallId>,
}

/// What a conversation is after something happened to it; `None`: the same as before.
pub fn after(now: &Standing, what: &What) -> Option<Standing> {
    let mut next = now.clone();
    match what {
        // The rows say it: there is always something to tell.
        What::Opened | What::Labels | What::Other(_) | What::Message { .. } => return Some(next),
        What::Reopened => (next.state, next.snoozed_until) = (State::Open, None),
        What::Pending => (next.state, next.snoozed_until) = (State::Pending, None),
        What::Snoozed { until } => (next.state, next.snoozed_until) = (State::Snoozed, Some(*until)),
        What::Resolved => (next.state, next.snoozed_until) = (State::Resolved, None),
        What::Assigned(assignee) => next.assignee = *assignee,
        What::Priority(priority) => next.priority = *priority,
        What::Spam(spam) => next.spam = *spam,
        What::Call(call) => next.call = *call,
    }
    (next != *now).then_some(next)
}

/// Whose a conversation is after a request: an agent takes it within its queue and team; a team or a queue takes it from its agent; nobody at all
/// leaves it to its queue.
pub fn assigned(now: Assignee, wanted: Assignee) -> Assignee {
    if wanted.agent_id.is_some() {
        return Assignee {
            agent_id: wanted.agent_id,
            team_id: wanted.team_id.or(now.team_id),
            queue_id: wanted.queue_id.or(now.queue_id),
        };
    }
    Assignee { agent_id: None, team_id: wanted.team_id, queue_id: wanted.queue_id.or(now.queue_id) }
}

/// Changes a conversation: raises its version, writes the line that its thread shows, and gives the event, which carries the whole conversation.
/// `None`: it is as it was, or is not there.
pub async fn touch(tx: &mut TenantTx<'_>, id: ConversationId, change: Change) -> Result<Option<NewEvent>, DbError> {
    let Some(before) = store::lock(tx, id).await? else { return Ok(None) };
    let Some(next) = after(&before, &change.what) else { return Ok(None) };
    match &change.what {
        What::Opened | What::Labels | What::Other(_) | What::Message { .. } => store::raise(tx, id).await?,
        _ => {
            let by = match change.by {
                Actor::Person(agent) => Some(agent),
                Actor::System => None,
            };
            store::put(tx, id, &next, before.state, change.at, by).await?;
        }
    }
    if let Some((kind, content)) = line(&before, &next, &change.what) {
        write_line(tx, id, kind, content, &change).await?;
    }
    let Some(conversation) = list::view_of(tx, id).await? else { return Ok(None) };
    let named = store::named(tx, id, MOST_NAMED).await?;
    let (kind, subject) = match &change.what {
        What::Message { kind, message } => (kind.clone(), Ref::new("message", *message)),
        what => (kind(what, &next), Ref::new("conversation", id)),
    };
    let mut data = change.data;
    details(&mut data, &before, &next, &change.what);
    data.insert("conversation_id".to_owned(), json!(id));
    data.insert("conversation".to_owned(), json!(conversation));
    let event = NewEvent {
        scopes: scopes(before.assignee, next.assignee, &named),
        actor: change.by.reference(),
        ..NewEvent::new(kind, subject, Value::Object(data)).at(change.at)
    };
    Ok(Some(event))
}

/// Where a conversation stands, held until the transaction ends.
pub async fn hold(tx: &mut TenantTx<'_>, id: ConversationId) -> Result<Option<Standing>, DbError> {
    store::lock(tx, id).await
}

fn kind(what: &What, next: &Standing) -> Kind {
    match what {
        What::Opened => OPENED,
        What::Reopened => REOPENED,
        What::Pending => PENDING,
        What::Snoozed { .. } => SNOOZED,
        What::Resolved => RESOLVED,
        What::Assigned(_) if next.assignee.agent_id.is_none() && next.assignee.team_id.is_none() => UNASSIGNED,
        What::Assigned(_) => ASSIGNED,
        What::Message { kind, .. } => kind.clone(),
        What::Priority(_) | What::Spam(_) | What::Labels | What::Call(_) | What::Other(_) => UPDATED,
    }
}

fn details(data: &mut Map<String, Value>, before: &Standing, next: &Standing, what: &What) {
    match what {
        What::Reopened | What::Pending | What::Snoozed { .. } | What::Resolved => {
            data.insert("from".to_owned(), json!(before.state));
        }
        What::Assigned(_) => {
            data.insert("from".to_owned(), json!(before.assignee));
            data.insert("to".to_owned(), json!(next.assignee));
        }
        _ => {}
    }
    let changed = match what {
        What::Priority(_) => "priority",
        What::Spam(_) => "spam",
        What::Labels => "labels",
        What::Call(_) => "call",
        What::Other(what) => what,
        _ => return,
    };
    data.insert("what".to_owned(), json!(changed));
}

/// The line in the thread that tells of it.
fn line(before: &Standing, next: &Standing, what: &What) -> Option<(&'static str, Value)> {
    match what {
        What::Reopened => Some(("reopened", json!({ "from": before.state }))),
        What::Pending => Some(("pending", json!({}))),
        What::Snoozed { until } => Some(("snoozed", json!({ "until": until }))),
        What::Resolved => Some(("resolved", json!({}))),
        What::Assigned(_) => {
            let word = if next.assignee.agent_id.is_some() || next.assignee.team_id.is_some() {
                "assigned"
            } else {
                "unassigned"
            };
            Some((word, json!({ "from": before.assignee, "to": next.assignee })))
        }
        What::Priority(priority) => Some(("priority", json!({ "from": before.priority, "to": priority }))),
        What::Spam(spam) => Some(("spam", json!({ "spam": spam }))),
        What::Opened | What::Labels | What::Call(_) | What::Other(_) | What::Message { .. } => None,
    }
}

async fn write_line(
    tx: &mut TenantTx<'_>,
    id: ConversationId,
    kind: &'static str,
    content: Value,
    change: &Change,
) -> Result<(), DbError> {
    let author = match change.by {
        Actor::Person(agent) => {
            Author { kind: AuthorType::Agent, id: Some(agent.uuid()), name: store::agent_name(tx, agent).await? }
        }
        Actor::System => Author { kind: AuthorType::System, id: None, name: None },
    };
    let message = NewMessage {
        content,
        state: MessageState::Received,
        ..NewMessage::new(id, Direction::Event, author, kind, change.at)
    };
    messages::write(tx, &message).await?;
    Ok(())
}

/// Who may see what happened: whoever had the conversation in sight before or has it now, and those who are named in it.
fn scopes(before: Assignee, now: Assignee, named: &[AgentId]) -> Vec<Scope> {
    let mut scopes = Vec::new();
    for assignee in [before, now] {
        let queue: Option<QueueId> = assignee.queue_id;
        let team: Option<TeamId> = assignee.team_id;
        if queue.is_none() && assignee.agent_id.is_none() {
            scopes.push(Scope::Tenant);
        }
        scopes.extend(queue.map(Scope::Queue));
        scopes.extend(team.map(|team| Scope::Team(team.uuid())));
        scopes.extend(assignee.agent_id.map(Scope::Agent));
    }
    scopes.extend(named.iter().copied().map(Scope::Agent));
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.contains(&Scope::Tenant) { vec![Scope::Tenant] } else { scopes }
}

impl Standing {
    /// Its state's word: for those who write a row.
    pub(crate) fn state_word(&self) -> &'static str {
        self.state.as_str()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id(n: u8) -> Uuid {
        Uuid::from_u128(u128::from(n) + 1)
    }

    fn assignees() -> impl Strategy<Value = Assignee> {
        let some = || prop::option::of(0u8..3);
        (some(), some(), some()).prop_map(|(agent, team, queue)| Assignee {
            agent_id: agent.map(|n| AgentId(id(n))),
            team_id: team.map(|n| TeamId(id(n))),
            queue_id: queue.map(|n| QueueId(id(n))),
        })
    }

    fn changes() -> impl Strategy<Value = What> {
        prop_oneof![
            Just(What::Reopened),
            Just(What::Pending),
            Just(What::Resolved),
            (0i64..3).prop_map(|s| What::Snoozed { until: DateTime::from_timestamp(s, 0).unwrap() }),
            assignees().prop_map(What::Assigned),
            (0i16..5).prop_map(What::Priority),
            any::<bool>().prop_map(What::Spam),
        ]
    }

    proptest! {
        #[test]
        fn a_conversation_keeps_the_tables_promises_whatever_happens(what in prop::collection::vec(changes(), 0..30)) {
            let mut now = Standing {
                state: State::Open, snoozed_until: None, assignee: Assignee::default(), priority: 0, spam: false, call: None,
            };
            for what in what {
                if let Some(next) = after(&now, &what) {
                    prop_assert_ne!(&next, &now);
                    now = next;
                }
                prop_assert!(after(&now, &what).is_none(), "a second time changes nothing");
                prop_assert_eq!(now.state == State::Snoozed, now.snoozed_until.is_some());
            }
        }

        #[test]
        fn an_event_goes_to_who_saw_it_before_and_to_who_sees_it_now(
            before in assignees(), now in assignees(), named in prop::collection::vec(0u8..9, 0..8),
        ) {
            let named: Vec<AgentId> = named.into_iter().map(|n| AgentId(id(n))).collect();
            let scopes = scopes(before, now, &named);
            prop_assert!(!scopes.is_empty() && scopes.len() <= trunkline_journal::MAX_SCOPES);
            let open = |a: &Assignee| a.agent_id.is_none() && a.queue_id.is_none();
            prop_assert_eq!(scopes == [Scope::Tenant], open(&before) || open(&now));
            if scopes != [Scope::Tenant] {
                for who in [before, now] {
                    prop_assert!(who.agent_id.is_none_or(|agent| scopes.contains(&Scope::Agent(agent))));
                    prop_assert!(who.queue_id.is_none_or(|queue| scopes.contains(&Scope::Queue(queue))));
                }
            }
        }

        #[test]
        fn an_agent_takes_it_within_its_queue_and_a_queue_takes_it_from_its_agent(now in assignees(), wanted in assignees()) {
            let next = assigned(now, wanted);
            prop_assert_eq!(next.agent_id, wanted.agent_id);
            prop_assert_eq!(next.queue_id, wanted.queue_id.or(now.queue_id));
            prop_assert_eq!(assigned(next, wanted), next);
        }
    }
}

//! Doing a step to a conversation.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use trunkline_conversations::commands::{self, Reply};
use trunkline_conversations::compose::{self, Written};
use trunkline_conversations::rules::may_say;
use trunkline_conversations::{Actor, Assignee, Change, Conversation, State, What, change, touch};
use trunkline_db::{AgentId, ConversationId, DbError, TenantTx};
use trunkline_journal::NewEvent;
use uuid::Uuid;

use super::macros::Step;

/// What of a conversation a step may change: enough to take it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    state: State,
    snoozed_until: Option<DateTime<Utc>>,
    assignee: Assignee,
    priority: i16,
    spam: bool,
    labels: Vec<Uuid>,
}

impl Before {
    pub(super) fn of(conversation: &Conversation) -> Self {
        Self {
            state: conversation.state,
            snoozed_until: conversation.snoozed_until,
            assignee: Assignee {
                agent_id: conversation.agent_id,
                team_id: conversation.team_id,
                queue_id: conversation.queue_id,
            },
            priority: conversation.priority,
            spam: conversation.spam,
            labels: conversation.label_ids.iter().map(|label| label.uuid()).collect(),
        }
    }
}

/// Why a step was not done.
#[derive(Debug)]
pub(super) enum NotDone {
    /// This cannot be said there: the window is closed, they were blocked, nothing is sent over calls.
    MayNotSay,
    /// It names something that is not there.
    NoSuch(&'static str),
    Db(DbError),
}

impl From<DbError> for NotDone {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// Does one step to a conversation that is in sight, and tells what happened.
pub(super) async fn apply(
    tx: &mut TenantTx<'_>,
    conversation: &Conversation,
    step: &Step,
    by: AgentId,
    now: DateTime<Utc>,
) -> Result<Vec<NewEvent>, NotDone> {
    let (id, actor) = (conversation.id, Actor::Person(by));
    let what = match step {
        Step::Reply { text } => return reply(tx, conversation, text, by, now).await,
        Step::Note { text } => {
            let author = commands::author(tx, by).await?;
            let (_, events) = commands::note(tx, id, &author, by, text, &[], &[], now).await?;
            return Ok(events);
        }
        Step::Label { label_id } => {
            if commands::labels_known(tx, &[label_id.uuid()]).await? == 0 {
                return Err(NotDone::NoSuch("label"));
            }
            let mut labels = labels_of(tx, id).await?;
            labels.push(label_id.uuid());
            labels.sort_unstable();
            labels.dedup();
            return relabel(tx, id, &labels, actor, now).await;
        }
        Step::Unlabel { label_id } => {
            let mut labels = labels_of(tx, id).await?;
            labels.retain(|label| *label != label_id.uuid());
            return relabel(tx, id, &labels, actor, now).await;
        }
        Step::Assign { agent_id, team_id, queue_id } => {
            let wanted = Assignee { agent_id: *agent_id, team_id: *team_id, queue_id: *queue_id };
            let Some(standing) = change::hold(tx, id).await? else { return Ok(Vec::new()) };
            What::Assigned(change::assigned(standing.assignee, wanted))
        }
        Step::Priority { priority } => What::Priority(*priority),
        Step::Snooze { minutes } => What::Snoozed { until: now + TimeDelta::minutes(*minutes) },
        Step::Pending => What::Pending,
        Step::Resolve => What::Resolved,
        Step::Reopen => What::Reopened,
        Step::Spam { spam } => What::Spam(*spam),
    };
    Ok(touch(tx, id, Change::new(what).by(actor).at(now)).await?.into_iter().collect())
}

/// As they are now, and not as they were before the steps.
async fn labels_of(tx: &mut TenantTx<'_>, id: ConversationId) -> Result<Vec<Uuid>, NotDone> {
    let now = trunkline_conversations::list::view_of(tx, id).await?;
    Ok(now.map(|now| now.label_ids.iter().map(|label| label.uuid()).collect()).unwrap_or_default())
}

async fn relabel(
    tx: &mut TenantTx<'_>,
    id: ConversationId,
    labels: &[Uuid],
    actor: Actor,
    now: DateTime<Utc>,
) -> Result<Vec<NewEvent>, NotDone> {
    if !commands::put_labels(tx, id, labels).await? {
        return Ok(Vec::new());
    }
    Ok(touch(tx, id, Change::new(What::Labels).by(actor).at(now)).await?.into_iter().collect())
}

async fn reply(
    tx: &mut TenantTx<'_>,
    conversation: &Conversation,
    text: &str,
    by: AgentId,
    now: DateTime<Utc>,
) -> Result<Vec<NewEvent>, NotDone> {
    let id = conversation.id;
    let Some(terms) = commands::terms(tx, id).await? else { return Ok(Vec::new()) };
    let author = commands::author(tx, by).await?;
    let text = compose::filled(text, &conversation.contact.name, author.name.as_deref().unwrap_or_default());
    let written = Written { text: Some(text), ..Written::default() };
    let Some(account) = terms.account else { return Err(NotDone::MayNotSay) };
    if may_say(terms.channel, written.speech(), terms.consent, terms.last_in_at, now).is_err() {
        return Err(NotDone::MayNotSay);
    }
    let Ok(pieces) = compose::pieces(&written, &[], None) else { return Err(NotDone::MayNotSay) };
    let reply = Reply {
        conversation: id,
        account,
        author: &author,
        by: Actor::Person(by),
        reply_to: None,
        send_at: now + UNDO,
        now,
    };
    let (_, events) = commands::write(tx, &reply, &pieces).await?;
    Ok(events)
}

/// For so long what was written can be taken back.
const UNDO: TimeDelta = TimeDelta::seconds(5);

/// Makes a conversation what it was before, as far as steps change it.
pub(super) async fn restore(
    tx: &mut TenantTx<'_>,
    id: ConversationId,
    before: &Before,
    by: AgentId,
    now: DateTime<Utc>,
) -> Result<Vec<NewEvent>, NotDone> {
    let actor = Actor::Person(by);
    let state = match before.state {
        State::Open => What::Reopened,
        State::Pending => What::Pending,
        State::Resolved => What::Resolved,
        State::Snoozed => What::Snoozed { until: before.snoozed_until.unwrap_or(now) },
    };
    let changes = [state, What::Assigned(before.assignee), What::Priority(before.priority), What::Spam(before.spam)];
    let mut events = Vec::new();
    for what in changes {
        events.extend(touch(tx, id, Change::new(what).by(actor).at(now)).await?);
    }
    events.extend(relabel(tx, id, &before.labels, actor, now).await?);
    Ok(events)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_filled_in_and_what_is_not_known_stays() {
        let text = "Hello {{contact.first_name}}, {{ agent.name }} here. {{order}} {{";
        assert_eq!(compose::filled(text, "Ada Lovelace", "Bo Berg"), "Hello Ada, Bo Berg here. {{order}} {{");
    }

    proptest! {
        #[test]
        fn any_text_is_filled_in(text in "\\PC{0,80}", name in "\\PC{0,20}") {
            let once = compose::filled(&text, &name, "Bo");
            if !text.contains("{{") {
                prop_assert_eq!(once, text);
            }
        }
    }
}

//! How it was for them: asked once for each time that a conversation was resolved, where its account asks at all.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{AgentId, ConversationId, DbError, TenantTx};
use trunkline_jobs::NewJob;
use trunkline_journal::{Kind, NewEvent, Ref, Scope};
use uuid::Uuid;

use crate::change::Actor;
use crate::commands::{self, Reply};
use crate::compose::Piece;
use crate::csat_store as store;
use crate::model::{Author, AuthorType};
use crate::rules::{Speech, may_say};

/// The kind of job that asks.
pub const ASK: &str = "csat.ask";
const ANSWERED: Kind = Kind::from_static("csat.answered");
/// A conversation that is taken up again at once is not asked about.
const WAIT: TimeDelta = TimeDelta::seconds(20);
/// For so long a survey can be answered.
const LIFE: TimeDelta = TimeDelta::days(14);

/// A conversation was resolved by one of us: has its contact asked, if its account asks and they wrote at all.
pub(crate) async fn resolved(tx: &mut TenantTx<'_>, id: ConversationId, at: DateTime<Utc>) -> Result<(), DbError> {
    if store::is_wanted(tx, id).await? {
        let job = NewJob::new(ASK, json!({ "conversation_id": id, "resolved_at": at })).run_at(at + WAIT);
        trunkline_jobs::enqueue(tx, job).await?;
    }
    Ok(())
}

/// What to ask, once it is known where the answer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// The survey.
    pub survey: Uuid,
    /// The contact's language, as far as it is known.
    pub language: Option<String>,
}

/// Begins a survey; nothing if the conversation goes on again, was asked about already, or nothing may be said there now.
pub async fn begin(
    tx: &mut TenantTx<'_>,
    id: ConversationId,
    resolved_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<Asking>, DbError> {
    let Some(terms) = commands::terms(tx, id).await? else { return Ok(None) };
    if terms.account.is_none() || may_say(terms.channel, Speech::Free, terms.consent, terms.last_in_at, now).is_err() {
        return Ok(None);
    }
    let survey = Uuid::now_v7();
    let language = store::begin(tx, survey, id, resolved_at, now, now + LIFE).await?;
    Ok(language.map(|language| Asking { survey, language }))
}

/// Sends the question in its conversation.
pub async fn send(
    tx: &mut TenantTx<'_>,
    id: ConversationId,
    text: String,
    now: DateTime<Utc>,
) -> Result<Vec<NewEvent>, DbError> {
    let Some(account) = commands::terms(tx, id).await?.and_then(|terms| terms.account) else { return Ok(Vec::new()) };
    let author = Author { kind: AuthorType::System, id: None, name: None };
    let reply =
        Reply { conversation: id, account, author: &author, by: Actor::System, reply_to: None, send_at: now, now };
    let piece = Piece { kind: "text", text, content: json!({ "csat": true }), file: None };
    let (_, events) = commands::write(tx, &reply, &[piece]).await?;
    Ok(events)
}

/// A survey that can be answered, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// What they answered: 1 to 5.
    pub score: Option<i16>,
    /// Until when it can be answered.
    pub expires_at: DateTime<Utc>,
}

/// A survey.
pub async fn find(tx: &mut TenantTx<'_>, survey: Uuid) -> Result<Option<Survey>, DbError> {
    store::find(tx, survey).await
}

/// They answered. `None`: it was answered before, or is over.
pub async fn answer(
    tx: &mut TenantTx<'_>,
    survey: Uuid,
    score: i16,
    comment: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<NewEvent>, DbError> {
    let comment = comment.map(|text| text.replace('\0', "")).map(|text| text.trim().chars().take(2_000).collect());
    let comment: Option<String> = comment.filter(|text: &String| !text.is_empty());
    let Some(answered) = store::answer(tx, survey, score, comment.as_deref(), now).await? else { return Ok(None) };
    let data = json!({
        "survey_id": survey, "conversation_id": answered.conversation, "agent_id": answered.agent, "score": score,
        "comment": comment.is_some(),
    });
    let event = NewEvent::new(ANSWERED, Ref::new("conversation", answered.conversation), data).at(now);
    let scopes: Vec<Scope> =
        answered.queue.map(Scope::Queue).into_iter().chain(answered.agent.map(Scope::Agent)).collect();
    Ok(Some(if scopes.is_empty() { event.scopes([Scope::Tenant]) } else { event.scopes(scopes) }))
}

/// Whose it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) conversation: ConversationId,
    pub(crate) agent: Option<AgentId>,
    pub(crate) queue: Option<trunkline_db::QueueId>,
}

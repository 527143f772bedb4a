//! `GET /api/v1/conversations`: the list, one conversation, its thread.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_channels::model::Say;
use trunkline_conversations::commands::{self, Draft, KnownBy};
use trunkline_conversations::list::{self, After, Counts, Filter, Line};
use trunkline_conversations::messages::{self, Part};
use trunkline_conversations::rules::{self, Abilities, WindowView};
use trunkline_conversations::words::Word;
use trunkline_conversations::{Channel, Conversation, Label, MessageView, State as Standing};
use trunkline_db::{AgentId, ConversationId, MessageId};
use trunkline_journal::Fault;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::presence::Viewer;
use super::visible;
use crate::auth::Principal;
use crate::http::{AppError, Page, PageQuery, Path, Permission, Problem, Query, tagged};
use crate::state::AppState;

/// Longest search, in characters.
const MAX_SEARCH: usize = 200;

/// Which conversations to list.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `open`, `pending`, `snoozed`, `resolved`, several of them separated by commas, or `all`.
    #[param(default = "open", example = "open,pending")]
    state: Option<String>,
    /// `true`: only one's own.
    mine: Option<bool>,
    /// `true`: only those that have no agent.
    unassigned: Option<bool>,
    /// Only this agent's.
    agent_id: Option<Uuid>,
    /// Only this team's.
    team_id: Option<Uuid>,
    /// Only this queue's.
    queue_id: Option<Uuid>,
    /// Only over this channel account.
    account_id: Option<Uuid>,
    /// Only `whatsapp`, `telegram`, `sms` or `call`.
    channel: Option<String>,
    /// Only with this label.
    label_id: Option<Uuid>,
    /// Only with this person.
    contact_id: Option<Uuid>,
    /// `true`: only those in which one is named, and has not looked since.
    mentioned: Option<bool>,
    /// `true`: only those in which they wrote since one last looked.
    unread: Option<bool>,
    /// Only of this priority, 0 to 4.
    #[param(minimum = 0, maximum = 4)]
    priority: Option<i16>,
    /// `true`: spam alone. Otherwise there is none among them.
    spam: Option<bool>,
    /// Only with these words in a message, or with somebody of this name or number.
    q: Option<String>,
    /// Rows on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl ListQuery {
    fn filter(&self, principal: &Principal) -> Result<Filter, AppError> {
        let agent = match (self.mine.unwrap_or(false), self.agent_id) {
            (true, _) => Some(AgentId::from(principal.user)),
            (false, agent) => agent.map(AgentId::from),
        };
        if self.priority.is_some_and(|priority| !(0..=4).contains(&priority)) {
            return Err(AppError::bad_parameter("priority", "must be from 0 to 4"));
        }
        let text = self.q.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(|text| text.replace('\0', ""));
        if text.as_ref().is_some_and(|text| text.chars().count() > MAX_SEARCH) {
            return Err(AppError::bad_parameter("q", format!("must have at most {MAX_SEARCH} characters")));
        }
        Ok(Filter {
            states: states(self.state.as_deref())?,
            agent,
            unassigned: self.unassigned.unwrap_or(false),
            team: self.team_id.map(Into::into),
            queue: self.queue_id.map(Into::into),
            account: self.account_id.map(Into::into),
            channel: self.channel.as_deref().filter(|word| !word.is_empty()).map(channel).transpose()?,
            label: self.label_id.map(Into::into),
            contact: self.contact_id.map(Into::into),
            mentioned: self.mentioned.unwrap_or(false),
            unread: self.unread.unwrap_or(false),
            priority: self.priority,
            spam: self.spam.unwrap_or(false),
            text,
        })
    }
}

fn known<T: Word>() -> String {
    T::WORDS.iter().map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
}

/// `all` is no filter; nothing said is what is to be worked on.
fn states(text: Option<&str>) -> Result<Vec<Standing>, AppError> {
    let text = text.filter(|text| !text.is_empty()).unwrap_or("open");
    if text == "all" {
        return Ok(Vec::new());
    }
    let mut states = Vec::new();
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let state = Standing::parse(word).ok_or_else(|| {
            AppError::bad_parameter("state", format!("must be one or more of {}, or all", known::<Standing>()))
        })?;
        if !states.contains(&state) {
            states.push(state);
        }
    }
    Ok(states)
}

fn channel(word: &str) -> Result<Channel, AppError> {
    Channel::parse(word)
        .ok_or_else(|| AppError::bad_parameter("channel", format!("must be one of {}", known::<Channel>())))
}

/// Routes of the list.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_conversations))
        .routes(routes!(count_conversations))
        .routes(routes!(get_conversation))
        .routes(routes!(list_messages))
}

/// List conversations
///
/// Those in one's sight, the newest first: one's own, those of one's queues and of the teams one leads, those in which one is named, and those that have
/// neither queue nor agent. Calls, voicemails and messages are in one list.
#[utoipa::path(
    get, path = "/conversations", tag = "conversations", operation_id = "listConversations", params(ListQuery),
    responses(
        (status = 200, description = "A page of them", body = Page<Line>),
        (status = 400, description = "A parameter does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:read")))
)]
async fn list_conversations(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<Line>>, AppError> {
    principal.require(Permission::ConversationsRead)?;
    let filter = query.filter(&principal)?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let limit = page.limit()?;
    let after = page.position::<(DateTime<Utc>, ConversationId)>()?.map(|(at, id)| After { at, id });
    let sight = state.roster.sight(&principal);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let lines = list::page(&mut tx, &sight, &filter, i64::from(limit) + 1, after).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    let position = |line: &Line| (line.conversation.last_at, line.conversation.id);
    Ok(axum::Json(Page::new(lines, limit, as_of_seq, position)))
}

/// How many conversations there are.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Counted {
    /// How many.
    #[serde(flatten)]
    counts: Counts,
    /// They hold everything up to this `seq` of the journal.
    as_of_seq: i64,
}

/// Count conversations
///
/// What the panel shows beside its lists. Counting stops at 1,000.
#[utoipa::path(
    get, path = "/conversations/counts", tag = "conversations", operation_id = "countConversations",
    responses((status = 200, description = "How many", body = Counted)),
    extensions(("x-permission" = json!("conversations:read")))
)]
async fn count_conversations(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<axum::Json<Counted>, AppError> {
    principal.require(Permission::ConversationsRead)?;
    let sight = state.roster.sight(&principal);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let counts = list::counts(&mut tx, &sight).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Counted { counts, as_of_seq }))
}

/// A conversation with all that stands beside its thread.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Detail {
    /// As in the list.
    #[serde(flatten)]
    line: Line,
    /// What the person is known by.
    identities: Vec<KnownBy>,
    /// Its labels, by their names.
    labels: Vec<Label>,
    /// Whether free text may be sent now.
    window: WindowView,
    /// What its channel can; null: calls.
    abilities: Option<Abilities>,
    /// What one has begun to write.
    draft_text: Option<Draft>,
    /// Who looks at it now, but for oneself.
    viewing: Vec<Viewer>,
    /// It holds everything up to this `seq` of the journal.
    as_of_seq: i64,
}

/// Read a conversation
#[utoipa::path(
    get, path = "/conversations/{id}", tag = "conversations", operation_id = "getConversation",
    params(("id" = Uuid, Path, description = "The conversation")),
    responses(
        (status = 200, description = "The conversation, with an ETag", body = Detail),
        (status = 404, description = "No such conversation in the user's sight", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:read")))
)]
async fn get_conversation(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ConversationId>,
) -> Result<axum::response::Response, AppError> {
    principal.require(Permission::ConversationsRead)?;
    let sight = state.roster.sight(&principal);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let conversation = visible(&mut tx, &sight, id).await.map_err(refusal)?;
    let line = list::lines(&mut tx, principal.user, &[id]).await?.pop();
    let line = line.ok_or_else(|| AppError::not_found("conversation"))?;
    let terms = commands::terms(&mut tx, id).await?.ok_or_else(|| AppError::not_found("conversation"))?;
    let changed_at = commands::changed_at(&mut tx, id).await?.unwrap_or_default();
    let viewing = state.conversations.presence().viewers(id, principal.user, std::time::Instant::now());
    let detail = Detail {
        identities: commands::identities(&mut tx, conversation.contact.id).await?,
        labels: commands::labels(&mut tx, &conversation.label_ids).await?,
        window: rules::window_view(terms.channel, terms.consent, terms.last_in_at, Utc::now()),
        abilities: Abilities::of(terms.channel),
        draft_text: commands::drafted(&mut tx, id, principal.user).await?,
        viewing,
        as_of_seq: tx.as_of_seq().await?,
        line,
    };
    tx.commit().await?;
    Ok(tagged(changed_at, &detail))
}

/// What a check within a transaction refuses, outside of a command.
pub(super) fn refusal(fault: Fault<AppError>) -> AppError {
    match fault {
        Fault::Rejected(error) => error,
        Fault::Db(error) => error.into(),
    }
}

/// Which part of a thread.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ThreadQuery {
    /// What came before this message.
    before: Option<Uuid>,
    /// What came after this message.
    after: Option<Uuid>,
    /// Messages on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// A part of a thread.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Thread {
    /// The messages, the newest last.
    items: Vec<MessageView>,
    /// For `before`: there is more above. Null at the beginning, and where `after` was asked for.
    #[schema(value_type = Option<Uuid>)]
    next_before: Option<MessageId>,
    /// For `after`: there is more below. Null at the end, and where `after` was not asked for.
    #[schema(value_type = Option<Uuid>)]
    next_after: Option<MessageId>,
    /// It holds everything up to this `seq` of the journal.
    as_of_seq: i64,
}

/// Read a thread
///
/// Its end, or what came before or after a message. Messages of both sides, notes among ourselves, and lines that tell what happened.
#[utoipa::path(
    get, path = "/conversations/{id}/messages", tag = "conversations", operation_id = "listMessages",
    params(("id" = Uuid, Path, description = "The conversation"), ThreadQuery),
    responses(
        (status = 200, description = "A part of it", body = Thread),
        (status = 400, description = "A parameter does not fit", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such conversation in the user's sight", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:read")))
)]
async fn list_messages(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ConversationId>,
    Query(query): Query<ThreadQuery>,
) -> Result<axum::Json<Thread>, AppError> {
    principal.require(Permission::ConversationsRead)?;
    let limit = PageQuery { limit: query.limit, cursor: None }.limit()?;
    let part = match (query.before, query.after) {
        (Some(_), Some(_)) => return Err(AppError::bad_parameter("before", "cannot stand beside after")),
        (Some(before), None) => Part::Before(before.into()),
        (None, Some(after)) => Part::After(after.into()),
        (None, None) => Part::Newest,
    };
    let sight = state.roster.sight(&principal);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    visible(&mut tx, &sight, id).await.map_err(refusal)?;
    let (items, more) = messages::page(&mut tx, id, part, i64::from(limit)).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    let forward = matches!(part, Part::After(_));
    let next_before = items.first().map(|item| item.id).filter(|_| more && !forward);
    let next_after = items.last().map(|item| item.id).filter(|_| more && forward);
    Ok(axum::Json(Thread { items, next_before, next_after, as_of_seq }))
}

/// The read mark that they see, if the account shows such.
pub(super) fn read_mark(state: &AppState, conversation: &Conversation, last_in: Option<String>) {
    let Some(message) = last_in.map(trunkline_channels::model::ProviderId) else { return };
    let Some(connected) = conversation.account_id.and_then(|account| state.channels.get(account)) else { return };
    super::sending::mention(state, connected, &conversation.address, Say::Read { message });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_query_are_checked() {
        assert_eq!(states(None).unwrap(), [Standing::Open]);
        assert_eq!(states(Some("pending, open,pending")).unwrap(), [Standing::Pending, Standing::Open]);
        assert!(states(Some("all")).unwrap().is_empty());
        assert!(states(Some("done")).is_err());
        assert!(channel("fax").is_err());
    }
}

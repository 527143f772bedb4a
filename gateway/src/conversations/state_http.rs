//! Whose a conversation is, where it stands, and what one has read and drafted.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde::Deserialize;
use trunkline_conversations::change::{self, Change, What, touch};
use trunkline_conversations::commands::{self, Draft};
use trunkline_conversations::{Assignee, Conversation, list};
use trunkline_db::{AgentId, ConversationId, DbError, LabelId, TenantTx};
use trunkline_journal::{Fault, NewEvent, Outcome};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::list_http::{read_mark, refusal};
use super::{by, visible};
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, Idempotency, IdempotentJson};
use crate::http::{AppError, IfMatch, Json, Path, Permission, Problem, tagged};
use crate::state::AppState;

/// Most labels of a conversation.
const MAX_LABELS: usize = 30;
/// Longest draft, in bytes.
const MAX_DRAFT: usize = 65_536;

/// Routes of where conversations stand.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(assign_conversation))
        .routes(routes!(resolve_conversation))
        .routes(routes!(reopen_conversation))
        .routes(routes!(pend_conversation))
        .routes(routes!(snooze_conversation))
        .routes(routes!(read_conversation))
        .routes(routes!(unread_conversation))
        .routes(routes!(update_conversation))
        .routes(routes!(put_draft, drop_draft))
}

/// What the database refuses, as the client may mend it.
fn refused(error: DbError) -> Fault<AppError> {
    match error.constraint() {
        Some("conversations_running_key" | "conversations_running_calls_key") => {
            AppError::conflict("another-runs", "a newer conversation with this chat is not resolved; go on there")
                .into()
        }
        Some(name) if name.contains("agent_id") => AppError::invalid_field("agent_id", "there is no such agent").into(),
        Some(name) if name.contains("team_id") => AppError::invalid_field("team_id", "there is no such team").into(),
        Some(name) if name.contains("queue_id") => AppError::invalid_field("queue_id", "there is no such queue").into(),
        _ => error.into(),
    }
}

/// Changes a conversation in one's sight, and answers with how it is then.
async fn changed(
    state: &AppState,
    idempotency: Idempotency,
    id: ConversationId,
    what: impl Fn(&Conversation, &change::Standing) -> Result<What, AppError> + Send + Sync + 'static,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::ConversationsWrite)?;
    let sight = state.roster.sight(&principal);
    let agent = AgentId::from(principal.user);
    let what = std::sync::Arc::new(what);
    let answer = idempotency
        .command(state, move |tx| {
            let (sight, what) = (sight.clone(), std::sync::Arc::clone(&what));
            Box::pin(async move {
                let conversation = visible(tx, &sight, id).await?;
                let standing = change::hold(tx, id).await?.ok_or_else(|| AppError::not_found("conversation"))?;
                let what = what(&conversation, &standing)?;
                let event = touch(tx, id, Change::new(what).by(by(agent))).await.map_err(refused)?;
                // What one hands on may be out of one's own sight then: the answer shows it all the same.
                let conversation = list::view_of(tx, id).await?.ok_or_else(|| AppError::not_found("conversation"))?;
                Ok((Effect { status: StatusCode::OK, body: conversation, value: () }, event.into_iter().collect()))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Assign a conversation
///
/// An agent takes it within its queue and team, unless others are named. A team or a queue alone takes it from its agent; a queue's agents are offered it.
/// Nobody at all: it waits in its queue.
#[utoipa::path(
    post, path = "/conversations/{id}/assign", tag = "conversations", operation_id = "assignConversation", request_body = Assignee,
    params(
        ("id" = Uuid, Path, description = "The conversation"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The conversation, as it is now", body = Conversation),
        (status = 404, description = "No such conversation in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "There is no such agent, team or queue", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn assign_conversation(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    IdempotentJson(idempotency, wanted): IdempotentJson<Assignee>,
) -> Result<Response, AppError> {
    changed(&state, idempotency, id, move |_, now| Ok(What::Assigned(change::assigned(now.assignee, wanted)))).await
}

/// Resolve a conversation
#[utoipa::path(
    post, path = "/conversations/{id}/resolve", tag = "conversations", operation_id = "resolveConversation",
    params(
        ("id" = Uuid, Path, description = "The conversation"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The conversation, as it is now", body = Conversation),
        (status = 404, description = "No such conversation in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn resolve_conversation(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    changed(&state, idempotency, id, |_, _| Ok(What::Resolved)).await
}

/// Reopen a conversation
///
/// After it was resolved, or before it comes back by itself.
#[utoipa::path(
    post, path = "/conversations/{id}/reopen", tag = "conversations", operation_id = "reopenConversation",
    params(
        ("id" = Uuid, Path, description = "The conversation"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The conversation, as it is now", body = Conversation),
        (status = 404, description = "No such conversation in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A newer conversation with this chat runs (`another-runs`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn reopen_conversation(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    changed(&state, idempotency, id, |_, _| Ok(What::Reopened)).await
}

/// Let a conversation wait
///
/// For somebody else, without a time: it comes back when they write.
#[utoipa::path(
    post, path = "/conversations/{id}/pending", tag = "conversations", operation_id = "pendConversation",
    params(
        ("id" = Uuid, Path, description = "The conversation"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The conversation, as it is now", body = Conversation),
        (status = 404, description = "No such conversation in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A newer conversation with this chat runs, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn pend_conversation(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    changed(&state, idempotency, id, |_, _| Ok(What::Pending)).await
}

/// Body of `POST /conversations/{id}/snooze`.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Snooze {
    /// When it comes back.
    until: DateTime<Utc>,
}

/// Snooze a conversation
///
/// It comes back at that time, or when they write.
#[utoipa::path(
    post, path = "/conversations/{id}/snooze", tag = "conversations", operation_id = "snoozeConversation", request_body = Snooze,
    params(
        ("id" = Uuid, Path, description = "The conversation"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The conversation, as it is now", body = Conversation),
        (status = 404, description = "No such conversation in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A newer conversation with this chat runs, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The time does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn snooze_conversation(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    IdempotentJson(idempotency, wanted): IdempotentJson<Snooze>,
) -> Result<Response, AppError> {
    changed(&state, idempotency, id, move |_, _| {
        let now = Utc::now();
        if wanted.until <= now || wanted.until > now + TimeDelta::days(3 * 366) {
            return Err(AppError::invalid_field("until", "must be later than now, and within three years"));
        }
        Ok(What::Snoozed { until: wanted.until })
    })
    .await
}

/// Mark a conversation as read
///
/// Up to now, by oneself; also that one is named in it. They see that it was read, where the provider shows such.
#[utoipa::path(
    post, path = "/conversations/{id}/read", tag = "conversations", operation_id = "readConversation",
    params(
        ("id" = Uuid, Path, description = "The conversation"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 204, description = "It is read"),
        (status = 404, description = "No such conversation in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:read")))
)]
async fn read_conversation(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    mark(&state, idempotency, id, true).await
}

/// Mark a conversation as unread
///
/// For oneself alone.
#[utoipa::path(
    post, path = "/conversations/{id}/unread", tag = "conversations", operation_id = "unreadConversation",
    params(
        ("id" = Uuid, Path, description = "The conversation"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 204, description = "It is unread"),
        (status = 404, description = "No such conversation in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:read")))
)]
async fn unread_conversation(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    mark(&state, idempotency, id, false).await
}

async fn mark(
    state: &AppState,
    idempotency: Idempotency,
    id: ConversationId,
    read: bool,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::ConversationsRead)?;
    let sight = state.roster.sight(&principal);
    let user = principal.user;
    let answer = idempotency
        .command(state, move |tx| {
            let sight = sight.clone();
            Box::pin(async move {
                let conversation = visible(tx, &sight, id).await?;
                let event = commands::mark(tx, id, user, read.then(Utc::now)).await?;
                let terms = if event.is_some() { commands::terms(tx, id).await? } else { None };
                let shown = terms.map(|terms| (conversation, terms.last_in));
                let effect = Effect { status: StatusCode::NO_CONTENT, body: (), value: shown };
                Ok((effect, event.into_iter().collect()))
            })
        })
        .await?;
    match answer {
        Answer::First(response, shown) => {
            // Whoever may not write is not seen by customers.
            if let Some((conversation, last_in)) = shown
                && read
                && principal.may(Permission::ConversationsWrite)
            {
                read_mark(state, &conversation, last_in);
            }
            Ok(response)
        }
        Answer::Repeated(response) => Ok(response),
    }
}

/// Body of `PATCH /conversations/{id}`.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
struct UpdateConversation {
    /// 0 none, 1 low, 2 normal, 3 high, 4 urgent.
    #[schema(minimum = 0, maximum = 4)]
    priority: Option<i16>,
    /// It is spam, or is not.
    spam: Option<bool>,
    /// Its labels from now on: at most 30.
    #[schema(value_type = Option<Vec<Uuid>>, max_items = 30)]
    label_ids: Option<Vec<LabelId>>,
}

/// Change a conversation
#[utoipa::path(
    patch, path = "/conversations/{id}", tag = "conversations", operation_id = "updateConversation", request_body = UpdateConversation,
    params(
        ("id" = Uuid, Path, description = "The conversation"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what one has seen"),
    ),
    responses(
        (status = 200, description = "The conversation, as it is now, with an ETag", body = Conversation),
        (status = 404, description = "No such conversation in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "It was changed meanwhile", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit, or there is no such label", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn update_conversation(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ConversationId>,
    seen: IfMatch,
    Json(wanted): Json<UpdateConversation>,
) -> Result<Response, AppError> {
    principal.require(Permission::ConversationsWrite)?;
    if wanted.priority.is_some_and(|priority| !(0..=4).contains(&priority)) {
        return Err(AppError::invalid_field("priority", "must be from 0 to 4"));
    }
    if wanted.label_ids.as_ref().is_some_and(|labels| labels.len() > MAX_LABELS) {
        return Err(AppError::invalid_field("label_ids", "must be at most 30"));
    }
    let sight = state.roster.sight(&principal);
    let agent = AgentId::from(principal.user);
    let committed = state
        .journal
        .command(principal.tenant, move |tx| {
            let (sight, wanted, seen) = (sight.clone(), wanted.clone(), seen.clone());
            Box::pin(async move {
                visible(tx, &sight, id).await?;
                change::hold(tx, id).await?;
                seen.check(commands::changed_at(tx, id).await?.unwrap_or_default())?;
                let events = update(tx, id, &wanted, agent).await?;
                let conversation = list::view_of(tx, id).await?.ok_or_else(|| AppError::not_found("conversation"))?;
                let changed_at = commands::changed_at(tx, id).await?.unwrap_or_default();
                Ok::<_, Fault<AppError>>(Outcome::new((changed_at, conversation)).events(events))
            })
        })
        .await?;
    let (changed_at, conversation) = committed.value;
    Ok(tagged(changed_at, &conversation))
}

async fn update(
    tx: &mut TenantTx<'_>,
    id: ConversationId,
    wanted: &UpdateConversation,
    agent: AgentId,
) -> Result<Vec<NewEvent>, Fault<AppError>> {
    let mut events = Vec::new();
    if let Some(priority) = wanted.priority {
        events.extend(touch(tx, id, Change::new(What::Priority(priority)).by(by(agent))).await?);
    }
    if let Some(spam) = wanted.spam {
        events.extend(touch(tx, id, Change::new(What::Spam(spam)).by(by(agent))).await?);
    }
    if let Some(labels) = &wanted.label_ids {
        let mut labels: Vec<Uuid> = labels.iter().map(|label| label.uuid()).collect();
        labels.sort_unstable();
        labels.dedup();
        if commands::labels_known(tx, &labels).await? != i64::try_from(labels.len()).unwrap_or(0) {
            return Err(AppError::invalid_field("label_ids", "there is no such label").into());
        }
        if commands::put_labels(tx, id, &labels).await? {
            events.extend(touch(tx, id, Change::new(What::Labels).by(by(agent))).await?);
        }
    }
    Ok(events)
}

/// Body of `PUT /conversations/{id}/draft`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PutDraft {
    /// What one has begun to write; empty: nothing is kept.
    text: String,
    /// It is to be a note among ourselves.
    #[serde(default)]
    private: bool,
}

/// Keep a draft
///
/// One's own, one for each conversation: it is there on whatever device one goes on.
#[utoipa::path(
    put, path = "/conversations/{id}/draft", tag = "conversations", operation_id = "putDraft", request_body = PutDraft,
    params(("id" = Uuid, Path, description = "The conversation")),
    responses(
        (status = 200, description = "What is kept; null: nothing", body = Option<Draft>),
        (status = 404, description = "No such conversation in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn put_draft(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ConversationId>,
    Json(wanted): Json<PutDraft>,
) -> Result<axum::Json<Option<Draft>>, AppError> {
    principal.require(Permission::ConversationsWrite)?;
    if wanted.text.len() > MAX_DRAFT {
        return Err(AppError::invalid_field("text", "must have at most 65,536 bytes"));
    }
    let sight = state.roster.sight(&principal);
    let mut tx = state.db.tenant(principal.tenant).await?;
    visible(&mut tx, &sight, id).await.map_err(refusal)?;
    let draft = commands::draft(&mut tx, id, principal.user, &wanted.text, wanted.private).await?;
    tx.commit().await?;
    Ok(axum::Json(draft))
}

/// Throw a draft away
#[utoipa::path(
    delete, path = "/conversations/{id}/draft", tag = "conversations", operation_id = "dropDraft",
    params(("id" = Uuid, Path, description = "The conversation")),
    responses(
        (status = 204, description = "There is none"),
        (status = 404, description = "No such conversation in the user's sight", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn drop_draft(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ConversationId>,
) -> Result<StatusCode, AppError> {
    principal.require(Permission::ConversationsWrite)?;
    let sight = state.roster.sight(&principal);
    let mut tx = state.db.tenant(principal.tenant).await?;
    visible(&mut tx, &sight, id).await.map_err(refusal)?;
    commands::draft(&mut tx, id, principal.user, "", false).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Writing in a conversation, and what is done with a message afterwards.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use trunkline_conversations::commands::{self, Act, Reply};
use trunkline_conversations::compose::Written;
use trunkline_conversations::rules::{may_say, replied_meanwhile};
use trunkline_conversations::{Direction, MessageState, MessageView, change, messages, send};
use trunkline_db::{AgentId, ConversationId, MessageId, TenantTx, UserId};
use trunkline_jobs::NewJob;
use trunkline_journal::{Fault, NewEvent};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{by, compose, sending, visible, visible_of};
use crate::channels::Connected;
use crate::http::idempotency::{Answer, Effect, Idempotency, IdempotentJson};
use crate::http::{AppError, FieldError, Path, Permission, Problem};
use crate::state::AppState;

/// Most people who are named in one note.
const MAX_MENTIONS: usize = 20;

/// Routes of messages.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(write_message))
        .routes(routes!(undo_message))
        .routes(routes!(retry_message))
        .routes(routes!(resend_message))
        .routes(routes!(react_to_message))
        .routes(routes!(edit_message, delete_message))
}

/// Body of `POST /conversations/{id}/messages`: a text with files or choices, a template, or a place.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
struct WriteMessage {
    /// What is to be said.
    #[serde(flatten)]
    written: Written,
    /// The message that it answers.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    reply_to: Option<MessageId>,
    /// A note among ourselves: they never see it.
    #[serde(default)]
    private: bool,
    /// Who is named in a note: they are told, and see the conversation from then on. At most 20.
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>)]
    mentions: Vec<UserId>,
    /// When it is to be sent; absent: in five seconds, within which it can be taken back.
    #[serde(default)]
    send_at: Option<DateTime<Utc>>,
    /// The newest message that one has seen: whoever answers after a colleague did is told so first.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    seen: Option<MessageId>,
    /// Send it although a colleague answered meanwhile.
    #[serde(default)]
    anyway: bool,
}

/// Write in a conversation
///
/// Several files are several messages; the answer is the first of them. A message of ours waits five seconds as `scheduled`, within which
/// `POST /messages/{id}/undo` takes it back; then it is sent, in the order of its chat.
#[utoipa::path(
    post, path = "/conversations/{id}/messages", tag = "conversations", operation_id = "writeMessage", request_body = WriteMessage,
    params(
        ("id" = Uuid, Path, description = "The conversation"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 201, description = "The message", body = MessageView),
        (status = 404, description = "No such conversation in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A colleague answered meanwhile (`replied-meanwhile`, with their message in `errors`), only a template may be sent (`window-closed`), they do not want it (`opted-out`), they are blocked (`blocked`), the account is not connected (`no-account`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit, or the provider does not take it", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn write_message(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    IdempotentJson(idempotency, wanted): IdempotentJson<WriteMessage>,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::ConversationsWrite)?;
    if wanted.private && (wanted.written.template.is_some() || !wanted.written.choices.is_empty()) {
        return Err(AppError::invalid_field("private", "a note holds text and files"));
    }
    if !wanted.private && !wanted.mentions.is_empty() {
        return Err(AppError::invalid_field("mentions", "only a note names people"));
    }
    let sight = state.roster.sight(&principal);
    let (user, shared) = (principal.user, state.clone());
    let answer = idempotency
        .command(&state, move |tx| {
            let (sight, wanted, state) = (sight.clone(), wanted.clone(), shared.clone());
            Box::pin(async move {
                visible(tx, &sight, id).await?;
                // Who writes at the same time waits here, so that each sees what the other wrote.
                change::hold(tx, id).await?;
                let (message, mut events) = if wanted.private {
                    note(tx, id, user, &wanted).await?
                } else {
                    reply(tx, &state, id, user, &wanted).await?
                };
                commands::draft(tx, id, user, "", false).await?;
                events.extend(commands::mark(tx, id, user, Some(Utc::now())).await?);
                let view = messages::views(tx, &[message]).await?.pop();
                let view =
                    view.ok_or_else(|| AppError::internal(anyhow::anyhow!("a message that was just written")))?;
                Ok((Effect { status: StatusCode::CREATED, body: view, value: () }, events))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

async fn note(
    tx: &mut TenantTx<'_>,
    id: ConversationId,
    user: UserId,
    wanted: &WriteMessage,
) -> Result<(MessageId, Vec<NewEvent>), Fault<AppError>> {
    let text = wanted.written.text.as_deref().unwrap_or_default().trim();
    if text.is_empty() && wanted.written.attachments.is_empty() {
        return Err(AppError::invalid_field("text", "must not be empty").into());
    }
    if text.len() > 65_536 {
        return Err(AppError::invalid_field("text", "must have at most 65,536 bytes").into());
    }
    let mut mentions = wanted.mentions.clone();
    mentions.sort_unstable();
    mentions.dedup();
    if mentions.len() > MAX_MENTIONS {
        return Err(AppError::invalid_field("mentions", "must be at most 20").into());
    }
    if commands::members(tx, &mentions).await?.len() != mentions.len() {
        return Err(AppError::invalid_field("mentions", "must be people of the company").into());
    }
    let files = &wanted.written.attachments;
    if commands::loose(tx, user, files).await?.len() != files.len() {
        let words = "must be files that you uploaded and have not sent yet, each once";
        return Err(AppError::invalid_field("attachments", words).into());
    }
    let agent = AgentId::from(user);
    let author = commands::author(tx, agent).await?;
    Ok(commands::note(tx, id, &author, agent, text, &mentions, files, Utc::now()).await?)
}

async fn reply(
    tx: &mut TenantTx<'_>,
    state: &AppState,
    id: ConversationId,
    user: UserId,
    wanted: &WriteMessage,
) -> Result<(MessageId, Vec<NewEvent>), Fault<AppError>> {
    let now = Utc::now();
    let terms = commands::terms(tx, id).await?.ok_or_else(|| AppError::not_found("conversation"))?;
    if let (Some(seen), false) = (wanted.seen, wanted.anyway) {
        let newer = commands::newer(tx, id, seen).await?;
        let newer = newer.ok_or_else(|| AppError::invalid_field("seen", "is no message of this conversation"))?;
        if let Some(theirs) = replied_meanwhile(&newer, user.uuid()) {
            let words = "a colleague answered while you wrote; read it, and send yours with `anyway` if it still fits";
            let error = FieldError { field: "seen".to_owned(), message: theirs.to_string() };
            return Err(AppError::conflict("replied-meanwhile", words).with_errors(vec![error]).into());
        }
    }
    let connected = usable(state, terms.account, tx.tenant())?;
    may_say(terms.channel, wanted.written.speech(), terms.consent, terms.last_in_at, now).map_err(compose::may_not)?;
    if let Some(answered) = wanted.reply_to {
        let placed = commands::conversation_of(tx, answered).await?;
        if placed != Some(id) {
            return Err(AppError::invalid_field("reply_to", "is no message of this conversation").into());
        }
    }
    let send_at = compose::send_at(wanted.send_at, now)?;
    let pieces = compose::compose(tx, state, &connected, &terms.address, user, &wanted.written).await?;
    let agent = AgentId::from(user);
    let author = commands::author(tx, agent).await?;
    let reply = Reply {
        conversation: id,
        account: connected.id,
        author: &author,
        by: by(agent),
        reply_to: wanted.reply_to,
        send_at,
        now,
    };
    let (first, events) = commands::write(tx, &reply, &pieces).await?;
    let first = first.ok_or_else(|| AppError::internal(anyhow::anyhow!("what was written became no message")))?;
    Ok((first, events))
}

/// The account of a conversation, if something can be sent over it.
pub(super) fn usable(
    state: &AppState,
    account: Option<trunkline_db::ChannelAccountId>,
    tenant: trunkline_db::TenantId,
) -> Result<Arc<Connected>, AppError> {
    let no = |words: &'static str| Err(AppError::conflict("no-account", words));
    let Some(account) = account else { return no("a call is answered by a call, not by a message") };
    match state.channels.get(account).filter(|connected| connected.tenant == tenant) {
        None => no("the channel account of this conversation is not connected any more"),
        Some(connected) if !connected.enabled => no("the channel account of this conversation is switched off"),
        Some(connected) => Ok(connected),
    }
}

/// What one does with a message that was written.
#[derive(Debug, Clone, Copy)]
enum Afterwards {
    Undo,
    Again(MessageState),
}

async fn afterwards(
    state: &AppState,
    idempotency: Idempotency,
    id: MessageId,
    what: Afterwards,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::ConversationsWrite)?;
    let sight = state.roster.sight(&principal);
    let actor = by(AgentId::from(principal.user));
    let answer = idempotency
        .command(state, move |tx| {
            let sight = sight.clone();
            Box::pin(async move {
                visible_of(tx, &sight, id).await?;
                let now = Utc::now();
                let event = match what {
                    Afterwards::Undo => send::undo(tx, id, actor, now).await?.ok_or_else(|| {
                        AppError::conflict("too-late", "it does not wait any more: it cannot be taken back")
                    })?,
                    Afterwards::Again(from) => send::resend(tx, id, from, actor, now).await?.ok_or_else(|| {
                        let words = match from {
                            MessageState::Failed => "only what failed can be tried again",
                            _ => "only what may have been sent can be sent again",
                        };
                        AppError::conflict("wrong-state", words)
                    })?,
                };
                let view = messages::views(tx, &[id]).await?.pop().ok_or_else(|| AppError::not_found("message"))?;
                Ok((Effect { status: StatusCode::OK, body: view, value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Take a message back before it is sent
#[utoipa::path(
    post, path = "/messages/{id}/undo", tag = "conversations", operation_id = "undoMessage",
    params(
        ("id" = Uuid, Path, description = "The message"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The message, `canceled`", body = MessageView),
        (status = 404, description = "No such message in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It does not wait any more (`too-late`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn undo_message(
    State(state): State<AppState>,
    Path(id): Path<MessageId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    afterwards(&state, idempotency, id, Afterwards::Undo).await
}

/// Try a message again
///
/// One that failed.
#[utoipa::path(
    post, path = "/messages/{id}/retry", tag = "conversations", operation_id = "retryMessage",
    params(
        ("id" = Uuid, Path, description = "The message"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The message, `queued`", body = MessageView),
        (status = 404, description = "No such message in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has not failed (`wrong-state`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn retry_message(
    State(state): State<AppState>,
    Path(id): Path<MessageId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    afterwards(&state, idempotency, id, Afterwards::Again(MessageState::Failed)).await
}

/// Send a message again
///
/// One that may have been sent (`uncertain`): they may get it twice.
#[utoipa::path(
    post, path = "/messages/{id}/resend", tag = "conversations", operation_id = "resendMessage",
    params(
        ("id" = Uuid, Path, description = "The message"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The message, `queued`", body = MessageView),
        (status = 404, description = "No such message in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is known what became of it (`wrong-state`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn resend_message(
    State(state): State<AppState>,
    Path(id): Path<MessageId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    afterwards(&state, idempotency, id, Afterwards::Again(MessageState::Uncertain)).await
}

/// Body of `PUT /messages/{id}/reaction`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct React {
    /// The sign; null takes it away.
    emoji: Option<String>,
}

/// Body of `PATCH /messages/{id}`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Edit {
    /// What it says from now on.
    text: String,
}

/// React to a message
#[utoipa::path(
    put, path = "/messages/{id}/reaction", tag = "conversations", operation_id = "reactToMessage", request_body = React,
    params(
        ("id" = Uuid, Path, description = "The message"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The message", body = MessageView),
        (status = 404, description = "No such message in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The provider cannot (`not-possible`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn react_to_message(
    State(state): State<AppState>,
    Path(id): Path<MessageId>,
    IdempotentJson(idempotency, wanted): IdempotentJson<React>,
) -> Result<Response, AppError> {
    let emoji = wanted.emoji.map(|emoji| emoji.trim().to_owned()).filter(|emoji| !emoji.is_empty());
    if emoji.as_ref().is_some_and(|emoji| emoji.len() > 64) {
        return Err(AppError::invalid_field("emoji", "must be one sign"));
    }
    act(&state, idempotency, id, Act::React { emoji }).await
}

/// Change what a message says
///
/// One of ours that was sent, where the provider can; everybody sees that it was changed.
#[utoipa::path(
    patch, path = "/messages/{id}", tag = "conversations", operation_id = "editMessage", request_body = Edit,
    params(
        ("id" = Uuid, Path, description = "The message"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The message", body = MessageView),
        (status = 404, description = "No such message in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The provider cannot, or it is not ours (`not-possible`); or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn edit_message(
    State(state): State<AppState>,
    Path(id): Path<MessageId>,
    IdempotentJson(idempotency, wanted): IdempotentJson<Edit>,
) -> Result<Response, AppError> {
    let text = wanted.text.trim().to_owned();
    if text.is_empty() || text.len() > 65_536 {
        return Err(AppError::invalid_field("text", "must have 1 to 65,536 bytes"));
    }
    act(&state, idempotency, id, Act::Edit { text }).await
}

/// Take a message back after it was sent
///
/// One of ours, where the provider can.
#[utoipa::path(
    delete, path = "/messages/{id}", tag = "conversations", operation_id = "deleteMessage",
    params(
        ("id" = Uuid, Path, description = "The message"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The message", body = MessageView),
        (status = 404, description = "No such message in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The provider cannot, or it is not ours (`not-possible`); or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn delete_message(
    State(state): State<AppState>,
    Path(id): Path<MessageId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    act(&state, idempotency, id, Act::Delete).await
}

/// Makes the change here, and has the provider told.
async fn act(state: &AppState, idempotency: Idempotency, id: MessageId, act: Act) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::ConversationsWrite)?;
    let sight = state.roster.sight(&principal);
    let (actor, shared) = (by(AgentId::from(principal.user)), state.clone());
    let answer = idempotency
        .command(state, move |tx| {
            let (sight, act, state) = (sight.clone(), act.clone(), shared.clone());
            Box::pin(async move {
                visible_of(tx, &sight, id).await?;
                let not_possible = |words: String| AppError::conflict("not-possible", words);
                let placed = commands::placed(tx, id).await?;
                let placed = placed.ok_or_else(|| not_possible("no provider has this message".to_owned()))?;
                let ours = placed.direction == Direction::Out;
                if placed.deleted || (!ours && !matches!(act, Act::React { .. })) {
                    return Err(not_possible("only a message of ours that is there can be changed".to_owned()).into());
                }
                let connected = usable(&state, Some(placed.account), tx.tenant())?;
                sending::act_request(&connected, &placed, &act).map_err(|cannot| not_possible(cannot.to_string()))?;
                let (before, event) = commands::act(tx, id, &placed, &act, actor, Utc::now()).await?;
                let payload = json!({ "message_id": id, "act": act, "before": before });
                let job = NewJob::new(send::ACT, payload).key(send::key(placed.conversation)).max_attempts(8);
                trunkline_jobs::enqueue(tx, job).await?;
                let view = messages::views(tx, &[id]).await?.pop().ok_or_else(|| AppError::not_found("message"))?;
                Ok((Effect { status: StatusCode::OK, body: view, value: () }, event.into_iter().collect()))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

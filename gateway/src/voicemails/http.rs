//! `/api/v1/voicemails`.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};
use trunkline_blob::serve::Use;
use trunkline_db::AgentId;
use trunkline_journal::{Kind, Ref};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::store::{self, Wanted};
use crate::auth::Principal;
use crate::files;
use crate::http::idempotency::{Answer, Effect, Idempotency};
use crate::http::{AppError, Page, PageQuery, Path, Permission, Problem, Query};
use crate::state::AppState;

const DONE: Kind = Kind::from_static("voicemail.done");
const REOPENED: Kind = Kind::from_static("voicemail.reopened");

/// A message that a caller left.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Voicemail {
    /// The message.
    pub id: Uuid,
    /// The call in which it was left.
    pub call_id: Uuid,
    /// Whose queue it is for.
    pub queue_id: Option<Uuid>,
    /// Who called: E.164 where it can be told, else as received.
    pub from: String,
    /// The number that was called.
    pub to: String,
    /// The person who called, where known.
    pub contact_id: Option<Uuid>,
    /// Their name.
    pub contact_name: Option<String>,
    /// The conversation that shows it.
    pub conversation_id: Option<Uuid>,
    /// When they began to speak.
    pub at: DateTime<Utc>,
    /// `fetching`: Asterisk has it, and it can be heard soon; `ready`; `lost`: Asterisk has it no more; `expired`: it
    /// is older than recordings are kept.
    pub state: String,
    /// How long it is, in milliseconds: measured, until it is ready.
    pub length_ms: i64,
    /// Bytes of the file.
    pub bytes: Option<i64>,
    /// Why it is not here (yet).
    pub error: Option<String>,
    /// When somebody was done with it.
    pub done_at: Option<DateTime<Utc>>,
    /// Who.
    pub done_by: Option<Uuid>,
    /// Their name.
    pub done_by_name: Option<String>,
}

/// Which messages to list.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct VoicemailQuery {
    /// `open`: nobody is done with them; `done`. Absent: all.
    state: Option<String>,
    /// Only those for this queue.
    queue_id: Option<Uuid>,
    /// Rows on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct HearQuery {
    /// `true`: to be saved (takes `recordings:download`), not played.
    download: Option<bool>,
}

/// Routes of messages that callers leave.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_voicemails))
        .routes(routes!(get_voicemail))
        .routes(routes!(get_voicemail_audio))
        .routes(routes!(finish_voicemail))
        .routes(routes!(reopen_voicemail))
}

/// List voicemails
///
/// The newest first. They are seen by whoever sees the calls in which they were left.
#[utoipa::path(
    get, path = "/voicemails", tag = "calls", operation_id = "listVoicemails", params(VoicemailQuery),
    responses(
        (status = 200, description = "The messages in the user's sight", body = Page<Voicemail>),
        (status = 400, description = "A parameter does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:read")))
)]
async fn list_voicemails(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<VoicemailQuery>,
) -> Result<axum::Json<Page<Voicemail>>, AppError> {
    principal.require(Permission::CallsRead)?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let limit = page.limit()?;
    let done = match query.state.as_deref().unwrap_or_default() {
        "" => None,
        "open" => Some(false),
        "done" => Some(true),
        _ => return Err(AppError::bad_parameter("state", "must be open or done")),
    };
    let wanted = Wanted {
        done,
        queue: query.queue_id,
        before: page.position()?,
        limit: i64::from(limit) + 1,
        ..Wanted::default()
    };
    let sight = state.roster.sight(&principal);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let rows = store::list(&mut tx, &wanted, &sight).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(rows, limit, as_of_seq, |row: &Voicemail| (row.at, row.id))))
}

async fn find(state: &AppState, principal: &Principal, id: Uuid) -> Result<Voicemail, AppError> {
    principal.require(Permission::CallsRead)?;
    let wanted = Wanted { id: Some(id), limit: 1, ..Wanted::default() };
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let found = store::list(&mut tx, &wanted, &state.roster.sight(principal)).await?.pop();
    tx.commit().await?;
    found.ok_or_else(|| AppError::not_found("voicemail"))
}

/// Get a voicemail
#[utoipa::path(
    get, path = "/voicemails/{id}", tag = "calls", operation_id = "getVoicemail",
    params(("id" = Uuid, Path, description = "The message")),
    responses(
        (status = 200, description = "The message", body = Voicemail),
        (status = 404, description = "No such message in the user's sight", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:read")))
)]
async fn get_voicemail(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Uuid>,
) -> Result<axum::Json<Voicemail>, AppError> {
    Ok(axum::Json(find(&state, &principal, id).await?))
}

/// Hear a voicemail
///
/// A WAV file of one channel. Takes `Range` (one range), `If-Range` and `If-None-Match`.
#[utoipa::path(
    get, path = "/voicemails/{id}/audio", tag = "calls", operation_id = "getVoicemailAudio",
    params(
        ("id" = Uuid, Path, description = "The message"),
        HearQuery,
        ("Range" = Option<String>, Header, description = "One range of bytes, as in `bytes=0-65535`"),
    ),
    responses(
        (status = 200, description = "The whole file", body = Vec<u8>, content_type = "audio/wav"),
        (status = 206, description = "The range", body = Vec<u8>, content_type = "audio/wav"),
        (status = 304, description = "Not changed"),
        (status = 403, description = "Downloads take recordings:download", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such message in the user's sight, or it is lost", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is still being fetched (`not-here`)", body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "The range lies outside the file", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:read")))
)]
async fn get_voicemail_audio(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Uuid>,
    Query(HearQuery { download }): Query<HearQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let wanted = if download == Some(true) { Use::Saved } else { Use::Shown };
    if wanted == Use::Saved {
        principal.require(Permission::RecordingsDownload)?;
    }
    let found = find(&state, &principal, id).await?;
    match found.state.as_str() {
        "ready" => {}
        "fetching" => return Err(AppError::conflict("not-here", "the message is still being fetched from Asterisk")),
        _ => return Err(AppError::not_found("message: Asterisk has it no more")),
    }
    let name = format!("voicemail-{}-{}.wav", found.at.format("%Y-%m-%d-%H%M"), found.from.trim_start_matches('+'));
    // A file has the id of its message.
    files::answer(&state, principal.tenant, id, ("audio/wav", &name, wanted), &method, &headers).await
}

/// Be done with a voicemail
#[utoipa::path(
    post, path = "/voicemails/{id}/done", tag = "calls", operation_id = "finishVoicemail",
    params(
        ("id" = Uuid, Path, description = "The message"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The message; it stays as it was if somebody was done with it before", body = Voicemail),
        (status = 404, description = "No such message in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn finish_voicemail(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    mark(&state, id, idempotency, true).await
}

/// Take a voicemail up again
#[utoipa::path(
    post, path = "/voicemails/{id}/reopen", tag = "calls", operation_id = "reopenVoicemail",
    params(
        ("id" = Uuid, Path, description = "The message"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The message", body = Voicemail),
        (status = 404, description = "No such message in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn reopen_voicemail(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    mark(&state, id, idempotency, false).await
}

async fn mark(state: &AppState, id: Uuid, idempotency: Idempotency, done: bool) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::CallsControl)?;
    let (by, sight) = (AgentId::from(principal.user), state.roster.sight(&principal));
    let answer = idempotency
        .command(state, move |tx| {
            let sight = sight.clone();
            Box::pin(async move {
                let wanted = Wanted { id: Some(id), limit: 1, ..Wanted::default() };
                let not_found = || AppError::not_found("voicemail");
                store::list(tx, &wanted, &sight).await?.pop().ok_or_else(not_found)?;
                let changed = if done { store::mark_done(tx, id, by).await? } else { store::reopen(tx, id).await? };
                let mut events = Vec::new();
                if changed && let Some(told) = store::told(tx, id).await? {
                    let kind = if done { DONE } else { REOPENED };
                    events.push(told.event(kind, Utc::now(), Some(Ref::agent(by))));
                }
                let body = store::list(tx, &wanted, &sight).await?.pop().ok_or_else(not_found)?;
                Ok((Effect { status: StatusCode::OK, body, value: () }, events))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

//! `/api/v1/callbacks`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use trunkline_db::{AgentId, TenantTx};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::keep::{News, Terms};
use super::store::{self, Told, Wanted};
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, Idempotency, IdempotentJson};
use crate::http::{AppError, Page, PageQuery, Path, Permission, Problem, Query};
use crate::state::AppState;

/// Longest note, in characters.
const MAX_NOTE: usize = 500;

/// Somebody who is to be called back.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Callback {
    /// The row.
    pub id: Uuid,
    /// The call that put them on the list.
    pub call_id: Uuid,
    /// The queue for which they called.
    pub queue_id: Option<Uuid>,
    /// Their number.
    pub number: String,
    /// The person, where known.
    pub contact_id: Option<Uuid>,
    /// Their name.
    pub contact_name: Option<String>,
    /// `asked`, `abandoned` (they gave up waiting), `missed` (nobody served them), `voicemail`.
    pub why: String,
    /// When they called first.
    pub at: DateTime<Utc>,
    /// And when last.
    pub last_in_at: DateTime<Utc>,
    /// How often they called meanwhile.
    pub calls: i32,
    /// `open`; `done`: somebody talked with them; `closed`: by hand; `unreached`: all attempts were in vain, or the time is over.
    pub state: String,
    /// Calls of ours that nobody picked up.
    pub attempts: i32,
    /// When the last of them was.
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// The last call of ours, or the one in which somebody talked with them.
    pub last_call_id: Option<Uuid>,
    /// Until when they stand on the list.
    pub until: Option<DateTime<Utc>>,
    /// They stand in line: the first free agent of the queue is rung for them. Null: somebody has to take them.
    #[schema(value_type = Option<InLine>)]
    pub in_line: Option<sqlx::types::Json<InLine>>,
    /// Who is to call them.
    pub taken_by: Option<Uuid>,
    /// Their name.
    pub taken_by_name: Option<String>,
    /// Since when.
    pub taken_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
    /// Who talked with them, or closed it.
    pub ended_by: Option<Uuid>,
    /// Their name.
    pub ended_by_name: Option<String>,
    /// Why it was closed.
    pub note: String,
    /// The newest message that they left.
    pub voicemail_id: Option<Uuid>,
}

/// The call by which somebody is called back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = CallbackInLine)]
pub struct InLine {
    /// The call.
    pub call_id: Uuid,
    /// Since when they wait.
    pub since: DateTime<Utc>,
}

/// How much there is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct CallbackCounts {
    /// People who are to be called back.
    pub open: i64,
    /// Of them, those that the user has taken.
    pub mine: i64,
    /// Messages that nobody is done with.
    pub voicemails: i64,
}

/// Which rows to list.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct CallbackQuery {
    /// `open` or `done` (over in any way). Absent: all.
    state: Option<String>,
    /// Only those of this queue.
    queue_id: Option<Uuid>,
    /// `true`: only those that the user has taken.
    mine: Option<bool>,
    /// Rows on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Body of `POST /callbacks/{id}/close`.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct CloseCallback {
    /// Why, in at most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// Routes of the worklist.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_callbacks))
        .routes(routes!(count_callbacks))
        .routes(routes!(get_callback))
        .routes(routes!(take_callback))
        .routes(routes!(release_callback))
        .routes(routes!(close_callback))
        .routes(routes!(reopen_callback))
}

/// List calls to return
///
/// Who asked to be called back, gave up waiting, was not served, or left a message; the newest first. A number stands on the list once, however
/// often it calls. A row ends by itself when somebody of the house talks with that number.
#[utoipa::path(
    get, path = "/callbacks", tag = "calls", operation_id = "listCallbacks", params(CallbackQuery),
    responses(
        (status = 200, description = "The rows in the user's sight", body = Page<Callback>),
        (status = 400, description = "A parameter does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:read")))
)]
async fn list_callbacks(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<CallbackQuery>,
) -> Result<axum::Json<Page<Callback>>, AppError> {
    principal.require(Permission::CallsRead)?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let limit = page.limit()?;
    let open = match query.state.as_deref().unwrap_or_default() {
        "" => None,
        "open" => Some(true),
        "done" => Some(false),
        _ => return Err(AppError::bad_parameter("state", "must be open or done")),
    };
    let wanted = Wanted {
        open,
        queue: query.queue_id,
        taken_by: (query.mine == Some(true)).then(|| principal.user.uuid()),
        before: page.position()?,
        limit: i64::from(limit) + 1,
        ..Wanted::default()
    };
    let sight = state.roster.sight(&principal);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let rows = store::list(&mut tx, &wanted, &sight).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(rows, limit, as_of_seq, |row: &Callback| row.id)))
}

/// Count calls to return
///
/// What is open in the user's sight.
#[utoipa::path(
    get, path = "/callbacks/counts", tag = "calls", operation_id = "countCallbacks",
    responses((status = 200, description = "The counts", body = CallbackCounts)),
    extensions(("x-permission" = json!("calls:read")))
)]
async fn count_callbacks(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<axum::Json<CallbackCounts>, AppError> {
    principal.require(Permission::CallsRead)?;
    let sight = state.roster.sight(&principal);
    let mut tx = state.db.tenant(principal.tenant).await?;
    let counts = store::counts(&mut tx, &sight).await?;
    tx.commit().await?;
    Ok(axum::Json(counts))
}

/// Get a call to return
#[utoipa::path(
    get, path = "/callbacks/{id}", tag = "calls", operation_id = "getCallback",
    params(("id" = Uuid, Path, description = "The row")),
    responses(
        (status = 200, description = "The row", body = Callback),
        (status = 404, description = "No such row in the user's sight", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:read")))
)]
async fn get_callback(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Uuid>,
) -> Result<axum::Json<Callback>, AppError> {
    principal.require(Permission::CallsRead)?;
    let wanted = Wanted { id: Some(id), limit: 1, ..Wanted::default() };
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let found = store::list(&mut tx, &wanted, &state.roster.sight(&principal)).await?.pop();
    tx.commit().await?;
    found.map(axum::Json).ok_or_else(|| AppError::not_found("callback"))
}

/// Take a call to return
///
/// The others see who is going to call. Taking what one has is no mistake.
#[utoipa::path(
    post, path = "/callbacks/{id}/take", tag = "calls", operation_id = "takeCallback",
    params(
        ("id" = Uuid, Path, description = "The row"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The row", body = Callback),
        (status = 404, description = "No such row in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Somebody else has it (`taken`: the detail says who), it is over (`not-open`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn take_callback(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    act(&state, id, idempotency, Act::Take).await
}

/// Put a call to return back
///
/// Whoever has it; who sees all may put back anybody's.
#[utoipa::path(
    post, path = "/callbacks/{id}/release", tag = "calls", operation_id = "releaseCallback",
    params(
        ("id" = Uuid, Path, description = "The row"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The row", body = Callback),
        (status = 404, description = "No such row in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Somebody else has it (`taken`), it is over (`not-open`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn release_callback(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    act(&state, id, idempotency, Act::Release).await
}

/// Close a call to return
///
/// Without having talked with them.
#[utoipa::path(
    post, path = "/callbacks/{id}/close", tag = "calls", operation_id = "closeCallback", request_body = CloseCallback,
    params(
        ("id" = Uuid, Path, description = "The row"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The row", body = Callback),
        (status = 404, description = "No such row in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Somebody else has it (`taken`), it is over (`not-open`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn close_callback(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    IdempotentJson(idempotency, wanted): IdempotentJson<CloseCallback>,
) -> Result<Response, AppError> {
    let note = wanted.note.trim().replace('\0', "");
    if note.chars().count() > MAX_NOTE {
        return Err(AppError::invalid_field("note", format!("must have at most {MAX_NOTE} characters")));
    }
    act(&state, id, idempotency, Act::Close(note)).await
}

/// Take a call to return up again
///
/// With all its attempts before it.
#[utoipa::path(
    post, path = "/callbacks/{id}/reopen", tag = "calls", operation_id = "reopenCallback",
    params(
        ("id" = Uuid, Path, description = "The row"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The row", body = Callback),
        (status = 404, description = "No such row in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is open, or another row of its number is (`is-open`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn reopen_callback(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    let terms = Terms::of(&state.db, idempotency.principal().tenant).await?;
    act(&state, id, idempotency, Act::Reopen(terms.until(Utc::now()))).await
}

/// What somebody does with a row.
#[derive(Debug, Clone)]
enum Act {
    Take,
    Release,
    Close(String),
    Reopen(DateTime<Utc>),
}

impl Act {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Take => "callback.taken",
            Self::Release => "callback.released",
            Self::Close(_) => "callback.closed",
            Self::Reopen(_) => "callback.reopened",
        }
    }

    fn run<'t>(
        &'t self,
        tx: &'t mut TenantTx<'_>,
        id: Uuid,
        by: AgentId,
    ) -> BoxFuture<'t, Result<Option<Told>, trunkline_db::DbError>> {
        Box::pin(async move {
            match self {
                Self::Take => store::take_row(tx, id, by).await,
                Self::Release => store::release(tx, id).await,
                Self::Close(note) => store::close(tx, id, by, note).await,
                Self::Reopen(until) => store::reopen(tx, id, *until).await,
            }
        })
    }

    /// Why it cannot be done.
    fn refuse(&self, row: &Callback, by: AgentId, all: bool) -> Option<AppError> {
        let theirs = row.taken_by.filter(|taken| *taken != by.uuid());
        match self {
            Self::Reopen(_) if row.state == "open" => Some(AppError::conflict("is-open", "it is open already")),
            Self::Reopen(_) => None,
            _ if row.state != "open" => Some(AppError::conflict("not-open", format!("it is over: {}", row.state))),
            Self::Take if theirs.is_some() => Some(taken(row)),
            Self::Release | Self::Close(_) if theirs.is_some() && !all => Some(taken(row)),
            _ => None,
        }
    }
}

fn taken(row: &Callback) -> AppError {
    let who = row.taken_by_name.as_deref().unwrap_or("somebody who is no member any more");
    AppError::conflict("taken", format!("{who} has it"))
}

async fn act(state: &AppState, id: Uuid, idempotency: Idempotency, act: Act) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::CallsControl)?;
    let (by, sight) = (AgentId::from(principal.user), state.roster.sight(&principal));
    // From now on it is theirs alone to call.
    let settles = matches!(act, Act::Take | Act::Close(_));
    let act = Arc::new(act);
    let answer = idempotency
        .command(state, move |tx| {
            let (sight, act) = (sight.clone(), Arc::clone(&act));
            Box::pin(async move {
                let wanted = Wanted { id: Some(id), limit: 1, ..Wanted::default() };
                let not_found = || AppError::not_found("callback");
                let row = store::list(tx, &wanted, &sight).await?.pop().ok_or_else(not_found)?;
                if let Some(refusal) = act.refuse(&row, by, sight.all) {
                    return Err(refusal.into());
                }
                let was = row.taken_by;
                let told = act.run(tx, id, by).await?;
                if told.is_none() && matches!(*act, Act::Reopen(_)) {
                    return Err(AppError::conflict("is-open", "another row of this number is open").into());
                }
                let is_news = !(matches!(*act, Act::Take) && was == Some(by.uuid()));
                let events: Vec<_> = told
                    .filter(|_| is_news)
                    .into_iter()
                    .map(|told| News { kind: act.kind(), told, at: Utc::now(), by: Some(by) }.event())
                    .collect();
                // Who puts back what is theirs alone still gets to see that they did.
                let body = store::list(tx, &wanted, &sight).await?.pop().unwrap_or(row);
                let number = body.number.clone();
                Ok((Effect { status: StatusCode::OK, body, value: number }, events))
            })
        })
        .await?;
    Ok(match answer {
        Answer::First(response, number) => {
            if settles {
                state.calls.callback_settled(principal.tenant, number);
            }
            response
        }
        Answer::Repeated(response) => response,
    })
}

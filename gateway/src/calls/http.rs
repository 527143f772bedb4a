//! `/api/v1/calls`.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Serialize;
use trunkline_db::{AgentId, CallId, QueueId, RecordingId};
use trunkline_journal::Ref;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::disposition::CallDisposition;
use super::filter::CallQuery;
use super::notes::CallNote;
use super::{CallCommandError, history_store as history};
use crate::audit::{self, Actor, Origin};
use crate::auth::Principal;
use crate::http::idempotency::Idempotency;
use crate::http::{AppError, Page, Path, Permission, Problem, Query};
use crate::state::AppState;
use crate::stream;
use trunkline_calls::model::{CallGap, CallState, Direction, EndReason, Leg};

/// A call.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Call {
    /// The call.
    #[schema(value_type = Uuid)]
    pub id: CallId,
    /// Who called whom.
    pub direction: Direction,
    /// The calling number: E.164 where it can be told, else as received.
    pub from: String,
    /// The called number or extension.
    pub to: String,
    /// Where it stands.
    pub state: CallState,
    /// The queue it waits or waited in.
    #[schema(value_type = Option<Uuid>)]
    pub queue_id: Option<QueueId>,
    /// The agent who answered.
    #[schema(value_type = Option<Uuid>)]
    pub agent_id: Option<AgentId>,
    /// The person on the other side, where known.
    pub contact_id: Option<Uuid>,
    /// When it came in.
    pub started_at: DateTime<Utc>,
    /// When it began to wait.
    pub queued_at: Option<DateTime<Utc>>,
    /// When an agent answered.
    pub answered_at: Option<DateTime<Utc>>,
    /// Since when the agent's phone holds the other party.
    pub held_since: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub end_reason: Option<EndReason>,
    /// Q.850 cause of the customer's leg.
    pub cause: Option<i16>,
    /// SIP response code of the customer's leg, where there was one.
    pub sip_code: Option<i16>,
    /// Nobody saw the end: `ended_at` and `end_reason` are the best guess.
    pub estimated: bool,
    /// The Asterisk server on which it is or was, by its name in the configuration.
    pub asterisk: String,
    /// Every party's side of it.
    pub legs: Vec<Leg>,
    /// Its recording.
    #[schema(value_type = Option<Uuid>)]
    pub recording_id: Option<RecordingId>,
    /// What agents say it came to.
    pub dispositions: Vec<CallDisposition>,
    /// What people wrote on it, the oldest first.
    pub notes: Vec<CallNote>,
    /// What it can be found by.
    pub tags: Vec<String>,
    /// Stretches in which Asterisk could not tell us what happened.
    pub gaps: Vec<CallGap>,
}

/// A call's timeline.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // The shape of what the journal encodes itself, named for the OpenAPI document.
struct CallEvents {
    /// The events, the oldest first.
    items: Vec<stream::Event>,
    /// The answer holds everything up to this `seq` of the journal.
    as_of_seq: i64,
}

/// Routes of calls.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_calls))
        .routes(routes!(get_call))
        .routes(routes!(list_call_events))
        .routes(routes!(hang_up_call))
        .routes(routes!(reattach_call))
        .merge(super::control::router())
        .merge(super::disposition::router())
        .merge(super::notes::router())
        .merge(super::dial_http::router())
}

/// List calls
///
/// The newest first; all filters that are given must fit.
#[utoipa::path(
    get, path = "/calls", tag = "calls", operation_id = "listCalls", params(CallQuery),
    responses(
        (status = 200, description = "The calls in the user's sight", body = Page<Call>),
        (status = 400, description = "A parameter does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:read")))
)]
async fn list_calls(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<CallQuery>,
) -> Result<axum::Json<Page<Call>>, AppError> {
    principal.require(Permission::CallsRead)?;
    let (limit, wanted) = query.parse()?;
    let sight = state.roster.sight(&principal);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let calls = history::list(&mut tx, &wanted, i64::from(limit) + 1, &sight).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(calls, limit, as_of_seq, |call: &Call| call.id)))
}

/// Get a call
#[utoipa::path(
    get, path = "/calls/{id}", tag = "calls", operation_id = "getCall",
    params(("id" = Uuid, Path, description = "The call")),
    responses(
        (status = 200, description = "The call", body = Call),
        (status = 404, description = "No such call in the user's sight", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:read")))
)]
async fn get_call(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<CallId>,
) -> Result<axum::Json<Call>, AppError> {
    principal.require(Permission::CallsRead)?;
    let sight = state.roster.sight(&principal);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let call = history::find(&mut tx, id, &sight).await?;
    tx.commit().await?;
    call.map(axum::Json).ok_or_else(|| AppError::not_found("call"))
}

/// What happened to a call
///
/// The journal's events of the call and of its recording that the user may see, in order: at most 1,000.
#[utoipa::path(
    get, path = "/calls/{id}/events", tag = "calls", operation_id = "listCallEvents",
    params(("id" = Uuid, Path, description = "The call")),
    responses(
        (status = 200, description = "The events, the oldest first", body = CallEvents),
        (status = 404, description = "No such call in the user's sight", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:read")))
)]
async fn list_call_events(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<CallId>,
) -> Result<Response, AppError> {
    principal.require(Permission::CallsRead)?;
    let sight = state.roster.sight(&principal);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let call = history::find(&mut tx, id, &sight).await?;
    tx.commit().await?;
    let call = call.ok_or_else(|| AppError::not_found("call"))?;
    stream::call_story(&state, &principal, id, call.recording_id).await
}

/// Hang up a call
///
/// Both parties. Works while the database is away.
#[utoipa::path(
    post, path = "/calls/{id}/hangup", tag = "calls", operation_id = "hangUpCall",
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 204, description = "It is being hung up"),
        (status = 404, description = "No such running call in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn hang_up_call(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    origin: Origin,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::CallsControl)?;
    idempotency
        .outside(&state, async {
            match state.calls.hangup(principal.tenant, id, state.roster.sight(&principal)).await {
                Ok(()) => {
                    // Agents end their calls all day long, and the journal has it. Who sees all may end anybody's.
                    if principal.sees_all() {
                        let entry = audit::Entry {
                            actor: Actor::of(&principal),
                            action: "call.hung_up",
                            subject: Ref::call(id),
                            before: None,
                            after: None,
                            origin,
                        };
                        // A call does not wait for the database.
                        state.late_audit.note(principal.tenant, entry);
                    }
                    Ok((StatusCode::NO_CONTENT, ()))
                }
                Err(CallCommandError::NotFound) => Err(AppError::not_found("running call")),
                Err(error) => Err(AppError::unavailable("call control", error)),
            }
        })
        .await
}

/// Take my call back
///
/// For a softphone that lost its side of a running call, as a page that was loaded anew: it is rung with the SIP header
/// `X-Trunkline-Reattach: <call id>` and answers by itself; the new leg takes the place of the old one. Neither the call nor its recording
/// ends meanwhile, and if the phone does not answer within ten seconds all stays as it was. Works while the database is away.
#[utoipa::path(
    post, path = "/calls/{id}/reattach", tag = "calls", operation_id = "reattachCall",
    params(("id" = Uuid, Path, description = "The call")),
    responses(
        (status = 202, description = "The phone is being rung"),
        (status = 404, description = "No running call that the user talks in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "This sign-in's softphone is not signed in to Asterisk", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("softphone:self")))
)]
async fn reattach_call(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<CallId>,
) -> Result<StatusCode, AppError> {
    principal.require(Permission::SoftphoneSelf)?;
    let Some(username) = state.calls.softphones().username_of(principal.session) else {
        // A call out of sight is none, whatever the phone does.
        let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
        let call = history::find(&mut tx, id, &state.roster.sight(&principal)).await?;
        tx.commit().await?;
        call.ok_or_else(|| AppError::not_found("running call"))?;
        return Err(AppError::conflict("phone-away", CallCommandError::PhoneAway.to_string()));
    };
    match state.calls.reattach(principal.tenant, id, principal.user.into(), username).await {
        Ok(()) => Ok(StatusCode::ACCEPTED),
        Err(CallCommandError::NotFound) => Err(AppError::not_found("running call")),
        Err(error @ CallCommandError::PhoneAway) => Err(AppError::conflict("phone-away", error.to_string())),
        Err(error) => Err(AppError::unavailable("call control", error)),
    }
}

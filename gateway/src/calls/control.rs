//! Handing calls on, and bringing others in: `/api/v1/calls/{id}/transfer` and `/conference`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use trunkline_calls::center::{Input, TransferKind, TransferStep, TransferTo};
use trunkline_db::{AgentId, CallId, QueueId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{CallCommandError, dial_http, history_store as history};
use crate::auth::Principal;
use crate::http::idempotency::{Idempotency, IdempotentJson};
use crate::http::{AppError, Path, Permission, Problem};
use crate::state::AppState;

/// To whom a call is handed: one of the three.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Target {
    /// An agent with a phone that can ring, and nothing in hand.
    #[schema(required = false)]
    agent_id: Option<Uuid>,
    /// A queue: whoever serves it.
    #[schema(required = false)]
    queue_id: Option<Uuid>,
    /// Somebody outside: a number as somebody typed it, as for `POST /calls`.
    #[schema(required = false, min_length = 1, max_length = 64)]
    number: Option<String>,
}

/// Body of `POST /calls/{id}/transfer`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Transfer {
    /// `blind`: you are gone at once. `attended`: you ask first, while the customer hears music.
    kind: TransferKind,
    /// To whom.
    to: Target,
}

/// Body of `POST /calls/{id}/conference`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Conference {
    /// Who is to join.
    agent_id: Uuid,
}

/// Routes of what is done with a running call.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(transfer_call))
        .routes(routes!(complete_transfer))
        .routes(routes!(swap_transfer))
        .routes(routes!(merge_transfer))
        .routes(routes!(cancel_transfer))
        .routes(routes!(conference_call))
        .merge(super::controls_http::router())
        .merge(super::supervise_http::router())
}

/// Has the call centre carry a command out. Works while the database is away.
async fn carry_out(
    state: &AppState,
    idempotency: Idempotency,
    id: CallId,
    input: impl FnOnce(&Principal) -> Input + Send,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::CallsControl)?;
    let input = input(&principal);
    idempotency
        .outside(state, async { asked(state, &principal, id, input).await.map(|()| (StatusCode::ACCEPTED, ())) })
        .await
}

/// Asks the call centre something about one call.
pub(super) async fn asked(state: &AppState, by: &Principal, id: CallId, input: Input) -> Result<(), AppError> {
    match state.calls.ask(input).await {
        Ok(()) => Ok(()),
        Err(CallCommandError::Unavailable) => {
            // A call out of sight is none, whether calls are controlled or not.
            let mut tx = state.db.tenant_snapshot(by.tenant).await?;
            let call = history::find(&mut tx, id, &state.roster.sight(by)).await?;
            tx.commit().await?;
            call.ok_or_else(|| AppError::not_found("running call"))?;
            Err(AppError::unavailable("call control", CallCommandError::Unavailable))
        }
        Err(error) => Err(refusal(error)),
    }
}

fn refusal(error: CallCommandError) -> AppError {
    let code = match error {
        CallCommandError::NotFound => return AppError::not_found("running call"),
        CallCommandError::NoSuchTarget => return AppError::invalid_field("to", error.to_string()),
        CallCommandError::NotDialled(refusal) => return dial_http::refused(refusal),
        CallCommandError::Unavailable => return AppError::unavailable("call control", error),
        CallCommandError::NotNow => "not-now",
        CallCommandError::TargetAway => "target-away",
        CallCommandError::TargetBusy => "target-busy",
        CallCommandError::PhoneAway => "phone-away",
    };
    AppError::conflict(code, error.to_string())
}

/// Hand a call on
///
/// Blind: the customer hears music until the other picks up; if they don't, you are rung again, and then whoever serves the queue.
/// Attended: you are joined with the other and go on with `complete`, `swap`, `merge` or `cancel`; hanging up completes. Recording and
/// record go on through all of it. A queue can be asked, too: whoever of it is free first is joined with you, by the queue's own rules.
///
/// To a number: what may be called is what `POST /calls` may call, and a refusal is told in the same way. Blind, the customer hears it ring there.
/// Once no agent is in the call it ends, as `transferred`, when either of the two hangs up.
#[utoipa::path(
    post, path = "/calls/{id}/transfer", tag = "calls", operation_id = "transferCall", request_body = Transfer,
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "It is being handed on"),
        (status = 404, description = "No such running call that the user talks in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Not now, the other is busy or has no phone, the number may not be called (`call-denied`), there is no trunk (`no-trunk`), the month's minutes are used up (`limit-reached`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit, or there is no such agent or queue", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn transfer_call(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    IdempotentJson(idempotency, wanted): IdempotentJson<Transfer>,
) -> Result<Response, AppError> {
    let to = match (wanted.to.agent_id, wanted.to.queue_id, wanted.to.number) {
        (Some(agent), None, None) => TransferTo::Agent(AgentId(agent)),
        (None, Some(queue), None) => TransferTo::Queue(QueueId(queue)),
        (None, None, Some(number)) => {
            dial_http::check_number("to.number", &number)?;
            TransferTo::Number(number)
        }
        _ => return Err(AppError::invalid_field("to", "must be an agent_id, a queue_id or a number")),
    };
    let roster = state.roster.clone();
    carry_out(&state, idempotency, id, |by| Input::Transfer {
        tenant: by.tenant,
        call: id,
        sight: roster.sight(by),
        kind: wanted.kind,
        to,
    })
    .await
}

async fn step(
    state: &AppState,
    idempotency: Idempotency,
    id: CallId,
    step: TransferStep,
) -> Result<Response, AppError> {
    let roster = state.roster.clone();
    carry_out(state, idempotency, id, |by| Input::TransferStep {
        tenant: by.tenant,
        call: id,
        sight: roster.sight(by),
        step,
    })
    .await
}

/// Complete an attended transfer
///
/// The other has the customer from now on. Before they picked up it becomes a blind one.
#[utoipa::path(
    post, path = "/calls/{id}/transfer/complete", tag = "calls", operation_id = "completeTransfer",
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "Done"),
        (status = 404, description = "No such running call that the user talks in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nobody is being asked, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn complete_transfer(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    Box::pin(step(&state, idempotency, id, TransferStep::Complete)).await
}

/// Talk to the other one of the two
///
/// To the customer while the other hears music, or the other way round.
#[utoipa::path(
    post, path = "/calls/{id}/transfer/swap", tag = "calls", operation_id = "swapTransfer",
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "Done"),
        (status = 404, description = "No such running call that the user talks in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nobody is being asked, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn swap_transfer(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    Box::pin(step(&state, idempotency, id, TransferStep::Swap)).await
}

/// Let all three talk
///
/// The attended transfer becomes a conference.
#[utoipa::path(
    post, path = "/calls/{id}/transfer/merge", tag = "calls", operation_id = "mergeTransfer",
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "Done"),
        (status = 404, description = "No such running call that the user talks in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nobody is being asked, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn merge_transfer(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    Box::pin(step(&state, idempotency, id, TransferStep::Merge)).await
}

/// Cancel an attended transfer
///
/// The other is released, and you are with the customer again.
#[utoipa::path(
    post, path = "/calls/{id}/transfer/cancel", tag = "calls", operation_id = "cancelTransfer",
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "Done"),
        (status = 404, description = "No such running call that the user talks in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nobody is being asked, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn cancel_transfer(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    Box::pin(step(&state, idempotency, id, TransferStep::Cancel)).await
}

/// Bring an agent into a call
///
/// They are rung, and join when they pick up. The call goes on as long as an agent is in it.
#[utoipa::path(
    post, path = "/calls/{id}/conference", tag = "calls", operation_id = "conferenceCall", request_body = Conference,
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "They are being rung"),
        (status = 404, description = "No such running call that the user talks in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Not now, the other is busy or has no phone, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit, or there is no such agent", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn conference_call(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    IdempotentJson(idempotency, wanted): IdempotentJson<Conference>,
) -> Result<Response, AppError> {
    let roster = state.roster.clone();
    carry_out(&state, idempotency, id, |by| Input::Conference {
        tenant: by.tenant,
        call: id,
        sight: roster.sight(by),
        agent: AgentId(wanted.agent_id),
    })
    .await
}

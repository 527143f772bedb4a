//! Supervisors: who listens to a running call, whispers to its agent, joins it, takes it over, or moves one that waits.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use trunkline_calls::center::{Ask, Input, OnPhone, SuperviseMode};
use trunkline_db::{CallId, DeviceId, QueueId};
use trunkline_journal::Ref;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::CallCommandError;
use super::control::asked;
use crate::audit::{self, Actor, Origin};
use crate::auth::Principal;
use crate::http::idempotency::{Idempotency, IdempotentJson};
use crate::http::{AppError, Path, Permission, Problem};
use crate::state::AppState;

/// Body of `POST /calls/{id}/supervise`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Supervise {
    /// `listen`: you hear all, and nobody hears you. `whisper`: the agent alone hears you. `barge`: all do.
    mode: SuperviseMode,
    /// The phone to ring: a device's id, or `softphone` for this sign-in's browser; it answers by itself, as far as it can. Absent: the
    /// browser's where there is one, else all of yours ring.
    from_device: Option<String>,
}

/// Body of `POST /calls/{id}/move`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Move {
    /// Where it waits from now on.
    #[schema(value_type = Uuid)]
    queue_id: QueueId,
}

/// Routes of supervisors.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(supervise_call, stop_supervising_call))
        .routes(routes!(take_over_call))
        .routes(routes!(move_call))
}

/// Asks the call centre, and tells the audit log what it did. A call does not wait for the database.
async fn ask(
    state: &AppState,
    (by, origin): (&Principal, Origin),
    id: CallId,
    ask: Ask,
    (action, after): (&'static str, Option<serde_json::Value>),
) -> Result<(StatusCode, ()), AppError> {
    let input = Input::Ask { tenant: by.tenant, call: id, sight: state.roster.sight(by), ask };
    asked(state, by, id, input).await?;
    let entry = audit::Entry { actor: Actor::of(by), action, subject: Ref::call(id), before: None, after, origin };
    state.late_audit.note(by.tenant, entry);
    Ok((StatusCode::ACCEPTED, ()))
}

/// The phone that is meant.
fn phone(state: &AppState, by: &Principal, device: Option<&str>) -> Result<OnPhone, AppError> {
    let softphone = || state.calls.softphones().username_of(by.session);
    match device {
        None => Ok(softphone().map_or(OnPhone::Any, OnPhone::Rather)),
        Some("softphone") => softphone()
            .map(OnPhone::This)
            .ok_or_else(|| AppError::conflict("phone-away", CallCommandError::PhoneAway.to_string())),
        Some(id) => {
            let id: Uuid = id.parse().map_err(|_| {
                AppError::invalid_field("from_device", "must be a device's id, or softphone for this browser")
            })?;
            let username = state.calls.username_of_device(by.tenant, by.user.into(), DeviceId::from(id));
            username
                .map(OnPhone::This)
                .ok_or_else(|| AppError::conflict("phone-away", "no such phone of yours is signed in"))
        }
    }
}

/// Listen to a call
///
/// Your phone rings, and you hear the call; asked again, the mode changes at once. You go where the call goes: to who talks in it after
/// it was handed on. It ends when you hang up, with `DELETE`, or with the call. By the setting `supervision.announced` the agent
/// hears a short tone and sees who listens. Written into the audit log.
#[utoipa::path(
    post, path = "/calls/{id}/supervise", tag = "calls", operation_id = "superviseCall", request_body = Supervise,
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "Your phone rings, or the mode is another"),
        (status = 404, description = "No such running call in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nobody talks in it, or you do (`not-now`); you are in another call (`target-busy`); no phone of yours is signed in (`phone-away`); or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:supervise")))
)]
async fn supervise_call(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<Supervise>,
) -> Result<Response, AppError> {
    let by = idempotency.principal();
    by.require(Permission::CallsSupervise)?;
    idempotency
        .outside(&state, async {
            let ring = phone(&state, &by, wanted.from_device.as_deref());
            let after = json!({ "mode": wanted.mode });
            // What is wrong with the call comes first: one out of sight is none, whatever phones there are.
            let wish = Ask::Supervise(wanted.mode, ring.as_ref().ok().cloned().unwrap_or(OnPhone::This(String::new())));
            match ask(&state, (&by, origin), id, wish, ("call.supervised", Some(after))).await {
                Err(refused) if refused.code() == Some("phone-away") => Err(ring.err().unwrap_or(refused)),
                done => done,
            }
        })
        .await
}

/// Stop listening
#[utoipa::path(
    delete, path = "/calls/{id}/supervise", tag = "calls", operation_id = "stopSupervisingCall",
    params(("id" = Uuid, Path, description = "The call")),
    responses(
        (status = 202, description = "Your phone is hung up"),
        (status = 404, description = "No such running call in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "You do not listen to it (`not-now`)", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:supervise")))
)]
async fn stop_supervising_call(
    State(state): State<AppState>,
    by: Principal,
    Path(id): Path<CallId>,
) -> Result<StatusCode, AppError> {
    by.require(Permission::CallsSupervise)?;
    let sight = state.roster.sight(&by);
    asked(&state, &by, id, Input::Ask { tenant: by.tenant, call: id, sight, ask: Ask::EndSupervision }).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Take a call over
///
/// You talk with the customer instead of the agent who is responsible, and the agent's leg ends. Who does not listen yet is rung first: this
/// browser's phone where there is one, else all of yours. Recording and record go on. Written into the audit log.
#[utoipa::path(
    post, path = "/calls/{id}/take-over", tag = "calls", operation_id = "takeOverCall",
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "It is yours, or will be when you pick up"),
        (status = 404, description = "No such running call in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nobody talks in it, you do, or it is being handed on (`not-now`); you are in another call (`target-busy`); no phone of yours is signed in (`phone-away`); or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:supervise")))
)]
async fn take_over_call(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    origin: Origin,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    let by = idempotency.principal();
    by.require(Permission::CallsSupervise)?;
    let wish = Ask::TakeOver(phone(&state, &by, None)?);
    idempotency.outside(&state, ask(&state, (&by, origin), id, wish, ("call.taken_over", None))).await
}

/// Move a waiting call
///
/// It waits in another queue from now on, as long as it has waited already. Phones that ring for it fall silent. Written into the audit log.
#[utoipa::path(
    post, path = "/calls/{id}/move", tag = "calls", operation_id = "moveCall", request_body = Move,
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "It waits there"),
        (status = 404, description = "No such running call in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It does not wait in a queue (`not-now`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit, or there is no such queue", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:supervise")))
)]
async fn move_call(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<Move>,
) -> Result<Response, AppError> {
    let by = idempotency.principal();
    by.require(Permission::CallsSupervise)?;
    let after = json!({ "queue_id": wanted.queue_id });
    let wish = Ask::Move(wanted.queue_id);
    idempotency.outside(&state, ask(&state, (&by, origin), id, wish, ("call.moved", Some(after)))).await
}

//! What who talks does with the call: hold, mute, tones, and a pause of its recording.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use trunkline_calls::center::{Ask, Input};
use trunkline_db::CallId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::control::asked;
use crate::http::idempotency::{Idempotency, IdempotentJson};
use crate::http::{AppError, Path, Permission, Problem};
use crate::state::AppState;

/// Most tones at once.
const MOST_DIGITS: usize = 32;

/// Body of `POST /calls/{id}/dtmf`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Digits {
    /// The keys, in order.
    #[schema(min_length = 1, max_length = 32, pattern = "^[0-9A-D*#]{1,32}$", example = "12#")]
    digits: String,
}

/// Routes of what is done while one talks.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(hold_call))
        .routes(routes!(resume_call))
        .routes(routes!(mute_call))
        .routes(routes!(unmute_call))
        .routes(routes!(send_dtmf))
        .routes(routes!(pause_recording))
        .routes(routes!(resume_recording))
}

async fn ask(state: &AppState, idempotency: Idempotency, id: CallId, ask: Ask) -> Result<Response, AppError> {
    let by = idempotency.principal();
    by.require(Permission::CallsControl)?;
    let input = Input::Ask { tenant: by.tenant, call: id, sight: state.roster.sight(&by), ask };
    idempotency.outside(state, async { asked(state, &by, id, input).await.map(|()| (StatusCode::ACCEPTED, ())) }).await
}

/// Hold a call
///
/// You leave the conversation, and the other side hears music if nobody else talks with them. Who holds already goes on holding.
/// The user is who talks in the call; who sees all acts for who is responsible.
#[utoipa::path(
    post, path = "/calls/{id}/hold", tag = "calls", operation_id = "holdCall",
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "They are on hold"),
        (status = 404, description = "No such running call that the user talks in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nobody talks in it, or somebody is being asked meanwhile (`not-now`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn hold_call(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    ask(&state, idempotency, id, Ask::Hold).await
}

/// Talk again with who was held
///
/// A phone that holds by itself has to take the other side back by itself.
#[utoipa::path(
    post, path = "/calls/{id}/resume", tag = "calls", operation_id = "resumeCall",
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "You are with them again"),
        (status = 404, description = "No such running call that the user talks in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The phone itself holds them (`not-now`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn resume_call(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    ask(&state, idempotency, id, Ask::Resume).await
}

/// Mute oneself
///
/// Nobody hears you, and you hear them. It ends with your phone's leg, as when you hang up or the page is loaded anew.
#[utoipa::path(
    post, path = "/calls/{id}/mute", tag = "calls", operation_id = "muteCall",
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "Nobody hears you"),
        (status = 404, description = "No such running call that the user talks in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nobody talks in it (`not-now`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn mute_call(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    ask(&state, idempotency, id, Ask::Mute).await
}

/// End one's mute
///
/// They hear you again.
#[utoipa::path(
    post, path = "/calls/{id}/unmute", tag = "calls", operation_id = "unmuteCall",
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "They hear you"),
        (status = 404, description = "No such running call that the user talks in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nobody talks in it (`not-now`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn unmute_call(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    ask(&state, idempotency, id, Ask::Unmute).await
}

/// Send tones
///
/// To the other side, as for the menu of whom you called. Which keys they were is kept nowhere.
#[utoipa::path(
    post, path = "/calls/{id}/dtmf", tag = "calls", operation_id = "sendDtmf", request_body = Digits,
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "They are being sent"),
        (status = 404, description = "No such running call that the user talks in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nobody talks in it (`not-now`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn send_dtmf(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    IdempotentJson(idempotency, wanted): IdempotentJson<Digits>,
) -> Result<Response, AppError> {
    let is_key = |key: u8| key.is_ascii_digit() || b"ABCD*#".contains(&key);
    if !(1..=MOST_DIGITS).contains(&wanted.digits.len()) || !wanted.digits.bytes().all(is_key) {
        return Err(AppError::invalid_field("digits", format!("must be 1 to {MOST_DIGITS} of 0-9, A-D, * and #")));
    }
    ask(&state, idempotency, id, Ask::Dtmf(wanted.digits)).await
}

/// Pause the recording
///
/// For what must not be kept, as the number of a card. The file holds silence of the same length, listed among its gaps as `paused`. On the
/// phone `*1` does the same, and ends it. A call that ends meanwhile leaves it paused.
#[utoipa::path(
    post, path = "/calls/{id}/recording/pause", tag = "calls", operation_id = "pauseRecording",
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "Nothing is recorded from now on"),
        (status = 404, description = "No such running call that the user talks in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The call is not recorded, or nobody talks in it (`not-now`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn pause_recording(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    ask(&state, idempotency, id, Ask::PauseRecording).await
}

/// Go on recording
///
/// What is said is recorded again.
#[utoipa::path(
    post, path = "/calls/{id}/recording/resume", tag = "calls", operation_id = "resumeRecording",
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "It is recorded again"),
        (status = 404, description = "No such running call that the user talks in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The call is not recorded, or nobody talks in it (`not-now`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn resume_recording(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    ask(&state, idempotency, id, Ask::ResumeRecording).await
}

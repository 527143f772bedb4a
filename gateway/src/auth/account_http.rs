//! Routes of looking after one's account.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::http::{forget, granted, no_store};
use super::model::{
    ConfirmSecondStep, ForgotPassword, JudgePassword, MySessions, RecoveryCodes, ResetPassword, SecondStep,
    SecondStepSecret, SignedIn, SwitchTenant, VerifyEmail, WithPassword,
};
use super::strength::{Strength, strength};
use super::{Principal, account};
use crate::audit::Origin;
use crate::http::{AppError, Json, Path, Problem};
use crate::state::AppState;

/// Routes of one's own account.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(judge_password))
        .routes(routes!(forgot_password))
        .routes(routes!(reset_password))
        .routes(routes!(verify_email))
        .routes(routes!(ask_verification))
        .routes(routes!(switch_tenant))
        .routes(routes!(my_sessions, end_my_sessions))
        .routes(routes!(end_my_session))
        .routes(routes!(second_step, begin_second_step))
        .routes(routes!(confirm_second_step))
        .routes(routes!(end_second_step))
        .routes(routes!(new_recovery_codes))
}

/// Judge a password
///
/// What zxcvbn says of it, as words to be put into a language. Nothing of it is kept.
#[utoipa::path(
    post, path = "/auth/password/strength", tag = "sign-in", operation_id = "judgePassword", security(()),
    request_body = JudgePassword,
    responses((status = 200, description = "How strong it is", body = Strength)),
    extensions(("x-permission" = json!("public")))
)]
async fn judge_password(Json(wanted): Json<JudgePassword>) -> Response {
    let own: Vec<&str> = wanted.own.iter().take(10).map(String::as_str).collect();
    no_store(axum::Json(strength(&wanted.password, &own)).into_response())
}

/// Ask for a new password
///
/// Sends a link, if somebody has the address. The answer is the same whether or not.
#[utoipa::path(
    post, path = "/auth/password/forgot", tag = "sign-in", operation_id = "forgotPassword", security(()),
    request_body = ForgotPassword,
    responses(
        (status = 202, description = "A link is on its way, if somebody has the address"),
        (status = 409, description = "This installation sends no e-mail", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many; see Retry-After", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("public")), ("x-rate-limit" = json!("sign_in")))
)]
async fn forgot_password(
    State(state): State<AppState>,
    origin: Origin,
    Json(wanted): Json<ForgotPassword>,
) -> Result<StatusCode, AppError> {
    account::forgot(&state, origin, &wanted.email)?;
    Ok(StatusCode::ACCEPTED)
}

/// Choose a new password with a link
///
/// Ends all sign-ins of the person. The link works once.
#[utoipa::path(
    post, path = "/auth/password/reset", tag = "sign-in", operation_id = "resetPassword", security(()),
    request_body = ResetPassword,
    responses(
        (status = 204, description = "Changed; sign in with it"),
        (status = 409, description = "The link is void", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The password is too weak", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("public")), ("x-rate-limit" = json!("sign_in")))
)]
async fn reset_password(
    State(state): State<AppState>,
    origin: Origin,
    Json(wanted): Json<ResetPassword>,
) -> Result<StatusCode, AppError> {
    account::reset(&state, &origin, &wanted.token, wanted.new).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Prove an address with a link
#[utoipa::path(
    post, path = "/auth/email/verify", tag = "sign-in", operation_id = "verifyEmail", security(()), request_body = VerifyEmail,
    responses(
        (status = 204, description = "Proved"),
        (status = 409, description = "The link is void", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("public")), ("x-rate-limit" = json!("sign_in")))
)]
async fn verify_email(
    State(state): State<AppState>,
    origin: Origin,
    Json(wanted): Json<VerifyEmail>,
) -> Result<StatusCode, AppError> {
    account::verify(&state, &origin, &wanted.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask for a link that proves my address
#[utoipa::path(
    post, path = "/me/email/verification", tag = "sign-in", operation_id = "askVerification",
    responses(
        (status = 202, description = "The link is on its way"),
        (status = 409, description = "It is proved already, or no e-mail can be sent", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")), ("x-rate-limit" = json!("sign_in")))
)]
async fn ask_verification(
    State(state): State<AppState>,
    origin: Origin,
    principal: Principal,
) -> Result<StatusCode, AppError> {
    account::ask_verification(&state, &origin, principal.user).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Go on in another of my tenants
///
/// This sign-in ends and another begins: a new access token, a new refresh cookie. `GET /me/tenants` says which there are.
#[utoipa::path(
    post, path = "/auth/switch", tag = "sign-in", operation_id = "switchTenant", request_body = SwitchTenant,
    responses(
        (status = 200, description = "Signed in there", body = SignedIn),
        (status = 403, description = "This sign-in holds for this tenant alone", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "None of yours, or a suspended one", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "That is where you are", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")), ("x-rate-limit" = json!("sign_in")))
)]
async fn switch_tenant(
    State(state): State<AppState>,
    origin: Origin,
    principal: Principal,
    Json(wanted): Json<SwitchTenant>,
) -> Result<Response, AppError> {
    Ok(granted(&state, account::switch(&state, &origin, &principal, &wanted.tenant).await?))
}

/// List my sign-ins
#[utoipa::path(
    get, path = "/me/sessions", tag = "sign-in", operation_id = "mySessions",
    responses((status = 200, description = "Sign-ins that hold", body = MySessions)),
    extensions(("x-permission" = json!("person")))
)]
async fn my_sessions(State(state): State<AppState>, principal: Principal) -> Result<axum::Json<MySessions>, AppError> {
    Ok(axum::Json(MySessions { items: account::sessions(&state, &principal).await? }))
}

/// Sign out everywhere
///
/// Ends all of my sign-ins, this one too: tokens are refused and streams closed at once.
#[utoipa::path(
    delete, path = "/me/sessions", tag = "sign-in", operation_id = "endMySessions",
    responses((status = 204, description = "Ended; the refresh cookie is removed")),
    extensions(("x-permission" = json!("person")))
)]
async fn end_my_sessions(
    State(state): State<AppState>,
    origin: Origin,
    principal: Principal,
) -> Result<Response, AppError> {
    account::end_sessions(&state, &origin, &principal, None).await?;
    Ok(forget(&state, StatusCode::NO_CONTENT))
}

/// End one of my sign-ins
#[utoipa::path(
    delete, path = "/me/sessions/{id}", tag = "sign-in", operation_id = "endMySession",
    params(("id" = Uuid, Path, description = "The sign-in")),
    responses(
        (status = 204, description = "Ended"),
        (status = 404, description = "No such sign-in of mine", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")))
)]
async fn end_my_session(
    State(state): State<AppState>,
    origin: Origin,
    principal: Principal,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, AppError> {
    account::end_sessions(&state, &origin, &principal, Some(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// My one-time codes
#[utoipa::path(
    get, path = "/me/second-step", tag = "sign-in", operation_id = "secondStep",
    responses((status = 200, description = "Whether they are asked for", body = SecondStep)),
    extensions(("x-permission" = json!("person")))
)]
async fn second_step(State(state): State<AppState>, principal: Principal) -> Result<axum::Json<SecondStep>, AppError> {
    Ok(axum::Json(account::second_step(&state, &principal).await?))
}

/// Begin to set up one-time codes
///
/// Gives the secret, which is shown once. Codes are asked for after the first was confirmed.
#[utoipa::path(
    post, path = "/me/second-step", tag = "sign-in", operation_id = "beginSecondStep", request_body = WithPassword,
    responses(
        (status = 200, description = "What the authenticator needs", body = SecondStepSecret),
        (status = 409, description = "They are in use already", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The password is wrong", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")), ("x-rate-limit" = json!("sign_in")))
)]
async fn begin_second_step(
    State(state): State<AppState>,
    origin: Origin,
    principal: Principal,
    Json(wanted): Json<WithPassword>,
) -> Result<Response, AppError> {
    let secret = account::begin_second_step(&state, &origin, &principal, wanted.password).await?;
    Ok(no_store(axum::Json(secret).into_response()))
}

/// Confirm one-time codes
///
/// From now on they are asked for. The recovery codes are shown once.
#[utoipa::path(
    post, path = "/me/second-step/confirm", tag = "sign-in", operation_id = "confirmSecondStep", request_body = ConfirmSecondStep,
    responses(
        (status = 200, description = "They are in use", body = RecoveryCodes),
        (status = 409, description = "Setting them up was not begun", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The code is wrong", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")), ("x-rate-limit" = json!("sign_in")))
)]
async fn confirm_second_step(
    State(state): State<AppState>,
    origin: Origin,
    principal: Principal,
    Json(wanted): Json<ConfirmSecondStep>,
) -> Result<Response, AppError> {
    let codes = account::confirm_second_step(&state, &origin, &principal, &wanted.code).await?;
    Ok(no_store(axum::Json(codes).into_response()))
}

/// Switch one-time codes off
#[utoipa::path(
    post, path = "/me/second-step/off", tag = "sign-in", operation_id = "endSecondStep", request_body = WithPassword,
    responses(
        (status = 204, description = "They are not asked for any more"),
        (status = 422, description = "The password is wrong", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")), ("x-rate-limit" = json!("sign_in")))
)]
async fn end_second_step(
    State(state): State<AppState>,
    origin: Origin,
    principal: Principal,
    Json(wanted): Json<WithPassword>,
) -> Result<StatusCode, AppError> {
    account::end_second_step(&state, &origin, &principal, wanted.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make new recovery codes
///
/// The old ones are void.
#[utoipa::path(
    post, path = "/me/second-step/recovery-codes", tag = "sign-in", operation_id = "newRecoveryCodes", request_body = WithPassword,
    responses(
        (status = 200, description = "The new ones; shown once", body = RecoveryCodes),
        (status = 409, description = "One-time codes are not in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The password is wrong", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")), ("x-rate-limit" = json!("sign_in")))
)]
async fn new_recovery_codes(
    State(state): State<AppState>,
    origin: Origin,
    principal: Principal,
    Json(wanted): Json<WithPassword>,
) -> Result<Response, AppError> {
    let codes = account::new_recovery_codes(&state, &origin, &principal, wanted.password).await?;
    Ok(no_store(axum::Json(codes).into_response()))
}

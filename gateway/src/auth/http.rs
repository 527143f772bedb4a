//! `/api/v1/auth/*` and `/api/v1/me`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::CookieJar;
use http::header::{CACHE_CONTROL, HeaderValue};
use http::{HeaderMap, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ChangePassword, LanguageChoice, LoginRequest, Me, SignedIn, TenantView, UpdateMe, UserView};
use super::service::{self, Granted, REFRESH_DAYS};
use super::{Principal, cookie, device, token};
use crate::audit::Origin;
use crate::http::{AppError, Json, Problem, bearer};
use crate::settings;
use crate::settings::registry::LANGUAGE;
use crate::state::AppState;

/// Routes of sign-in.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .routes(routes!(change_password))
        .routes(routes!(me, update_me))
        .merge(super::account_http::router())
}

fn set_cookie(state: &AppState, value: &str, max_age: u64, mut answer: Response) -> Response {
    cookie::set(&state.config.public_url, &mut answer, value, max_age);
    no_store(answer)
}

/// Puts the refresh token of a sign-in into an answer that is no JSON.
pub(crate) fn set_refresh_cookie(state: &AppState, answer: &mut Response, granted: &Granted) {
    let max_age = 24 * 60 * 60 * REFRESH_DAYS.unsigned_abs();
    let taken = std::mem::take(answer);
    *answer = set_cookie(state, &granted.refresh_token, max_age, taken);
}

pub(super) fn granted(state: &AppState, granted: Granted) -> Response {
    let Granted { signed_in, refresh_token, device } = granted;
    let max_age = 24 * 60 * 60 * REFRESH_DAYS.unsigned_abs();
    let mut answer = set_cookie(state, &refresh_token, max_age, axum::Json(signed_in).into_response());
    if let Some(device) = &device {
        device::set(&state.config.public_url, &mut answer, device);
    }
    answer
}

/// Also tells the browser to forget the cookie: what it holds will not be taken again.
pub(super) fn forget(state: &AppState, answer: impl IntoResponse) -> Response {
    set_cookie(state, "", 0, answer.into_response())
}

pub(super) fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Sign in
///
/// Begins a sign-in and sets the refresh cookie. Failures are limited by address and e-mail.
#[utoipa::path(
    post, path = "/auth/login", tag = "sign-in", operation_id = "login", security(()),
    request_body = LoginRequest,
    responses(
        (status = 200, description = "Signed in; the refresh cookie is set", body = SignedIn),
        (status = 401, description = "Wrong address or password; `second-step-required` or `wrong-code` when the password is right", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is suspended; the detail says why", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many failures; see Retry-After", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("public")), ("x-rate-limit" = json!("sign_in")))
)]
async fn login(
    State(state): State<AppState>,
    origin: Origin,
    jar: CookieJar,
    Json(request): Json<LoginRequest>,
) -> Result<Response, AppError> {
    let device = device::read(&state.config.public_url, &jar);
    Ok(granted(&state, service::login(&state, &origin, device, request).await?))
}

/// Refresh the access token
///
/// Takes the refresh cookie and sets a new one; the old one is void. Using an old one again ends the whole sign-in.
#[utoipa::path(
    post, path = "/auth/refresh", tag = "sign-in", operation_id = "refresh", security(()),
    responses(
        (status = 200, description = "A new access token; the refresh cookie is replaced", body = SignedIn),
        (status = 401, description = "Sign in again", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("public")), ("x-rate-limit" = json!("sign_in")))
)]
async fn refresh(State(state): State<AppState>, origin: Origin, jar: CookieJar) -> Result<Response, AppError> {
    let Some(refresh_token) = cookie::read(&state.config.public_url, &jar) else {
        return Err(AppError::unauthorized("there is no refresh cookie; sign in"));
    };
    match service::refresh(&state, &origin, refresh_token).await {
        Ok(pair) => Ok(granted(&state, pair)),
        Err(error) if error.status() == StatusCode::UNAUTHORIZED => Ok(forget(&state, error)),
        Err(error) => Err(error),
    }
}

/// Sign out
///
/// Ends the sign-in of the refresh cookie, and that of the access token when one is sent: on this node its access tokens and
/// streams end at once.
#[utoipa::path(
    post, path = "/auth/logout", tag = "sign-in", operation_id = "logout", security(()),
    responses((status = 204, description = "Signed out; the refresh cookie is removed")),
    extensions(("x-permission" = json!("public")))
)]
async fn logout(
    State(state): State<AppState>,
    origin: Origin,
    jar: CookieJar,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    if let Some(refresh_token) = cookie::read(&state.config.public_url, &jar) {
        service::logout(&state, &origin, refresh_token).await?;
    }
    let identity = bearer(&headers).and_then(|token| token::verify(&state.keys, token, chrono::Utc::now()).ok());
    if let Some(identity) = identity {
        service::logout_session(&state, &origin, &identity).await?;
    }
    Ok(forget(&state, StatusCode::NO_CONTENT))
}

/// Change my password
///
/// Ends the user's other sign-ins and goes on with this one: a new access token, a new refresh cookie. A one-time password has to be
/// changed before anything else is allowed.
#[utoipa::path(
    post, path = "/auth/password", tag = "sign-in", operation_id = "changePassword", request_body = ChangePassword,
    responses(
        (status = 200, description = "Changed; the access token and the refresh cookie are replaced", body = SignedIn),
        (status = 401, description = "Not signed in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was changed elsewhere in this moment", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The current one is wrong, or the new one is too weak", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong passwords; see Retry-After", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")), ("x-rate-limit" = json!("sign_in")))
)]
async fn change_password(
    State(state): State<AppState>,
    origin: Origin,
    principal: Principal,
    Json(wanted): Json<ChangePassword>,
) -> Result<Response, AppError> {
    Ok(granted(&state, service::change_password(&state, &origin, principal, wanted).await?))
}

/// Who am I
#[utoipa::path(
    get, path = "/me", tag = "sign-in", operation_id = "me",
    responses(
        (status = 200, description = "The signed-in user", body = Me),
        (status = 401, description = "Not signed in", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("signed-in")))
)]
async fn me(State(state): State<AppState>, principal: Principal) -> Result<Response, AppError> {
    let (user, tenant) = service::me(&state, principal).await?;
    Ok(who(&state, &principal, user, tenant).into_response())
}

/// Change my name or language
///
/// What is absent stays as it is; `"language": null` goes back to the tenant's.
#[utoipa::path(
    patch, path = "/me", tag = "sign-in", operation_id = "updateMe", request_body = UpdateMe,
    responses(
        (status = 200, description = "The signed-in user as it is now", body = Me),
        (status = 401, description = "Not signed in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The language is locked by the tenant or the platform (`setting-locked`)", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")))
)]
async fn update_me(
    State(state): State<AppState>,
    principal: Principal,
    origin: Origin,
    Json(wanted): Json<UpdateMe>,
) -> Result<Response, AppError> {
    principal.require_own_password()?;
    if matches!(wanted.language, LanguageChoice::Own(_)) {
        let mut tx = state.db.tenant(principal.tenant).await?;
        settings::require_open(&mut tx, &principal, &LANGUAGE).await?;
        tx.commit().await?;
    }
    let (user, tenant) = service::update_me(&state, principal, origin, wanted).await?;
    Ok(who(&state, &principal, user, tenant).into_response())
}

fn who(state: &AppState, principal: &Principal, user: UserView, tenant: TenantView) -> axum::Json<Me> {
    let role_name = state
        .roster
        .member(principal.tenant, principal.user)
        .and_then(|member| member.custom_role)
        .map(|(_, name)| name);
    let permissions = principal.permissions.names();
    axum::Json(Me { user, tenant, role_name, permissions, reach: principal.reach })
}

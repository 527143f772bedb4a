//! `/api/v1/auth/oidc/*`, `/api/v1/auth/methods` and `/api/v1/identity-provider`.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::cookie::CookieJar;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::flow::{self, Back, Failed, Refused};
use super::model::{IdentityProvider, SetIdentityProvider, SignInMethods};
use super::{settings, store};
use crate::audit::Origin;
use crate::auth::{Principal, set_refresh_cookie};
use crate::http::{AppError, Json, Problem, Query};
use crate::roles::Asking;
use crate::state::AppState;

/// Routes of signing in elsewhere.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(sign_in_methods))
        .routes(routes!(start_oidc))
        .routes(routes!(finish_oidc))
        .routes(routes!(identity_provider, set_identity_provider, remove_identity_provider))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct WhichTenant {
    /// Slug of the tenant; without it, the only one that has an identity provider.
    tenant: Option<String>,
}

/// How one may sign in
#[utoipa::path(
    get, path = "/auth/methods", tag = "sign-in", operation_id = "signInMethods", security(()), params(WhichTenant),
    responses((status = 200, description = "Ways to sign in beside a password", body = SignInMethods)),
    extensions(("x-permission" = json!("public")))
)]
async fn sign_in_methods(
    State(state): State<AppState>,
    Query(which): Query<WhichTenant>,
) -> Result<axum::Json<SignInMethods>, AppError> {
    let mut tx = state.db.system().await?;
    let provider = store::offered(&mut tx, which.tenant.as_deref()).await?;
    Ok(axum::Json(SignInMethods { mail: state.config.mail.is_some(), provider }))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Start {
    /// Slug of the tenant.
    tenant: String,
    /// Place of the panel to go on to.
    next: Option<String>,
}

fn to(place: &str) -> Response {
    let mut answer = StatusCode::SEE_OTHER.into_response();
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let place = HeaderValue::from_str(place).unwrap_or(HeaderValue::from_static("/"));
    answer.headers_mut().insert(LOCATION, place);
    answer
}

fn refused(why: Refused) -> Response {
    to(&format!("/sign-in?problem={}", why.as_str()))
}

/// Sign in elsewhere
///
/// Sends the browser to the tenant's identity provider. From another site it leads to the sign-in page first: nobody is signed in without
/// wanting it.
#[utoipa::path(
    get, path = "/auth/oidc/start", tag = "sign-in", operation_id = "startOidc", security(()), params(Start),
    responses(
        (status = 303, description = "To the provider, or back to the sign-in page with the reason"),
        (status = 400, description = "No tenant is named", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("public")), ("x-rate-limit" = json!("sign_in")))
)]
async fn start_oidc(
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(start): Query<Start>,
) -> Result<Response, AppError> {
    if headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("tenant", &start.tenant).finish();
        return Ok(to(&format!("/sign-in?{query}")));
    }
    match flow::start(&state, &start.tenant, start.next.as_deref()).await {
        Ok((url, sealed)) => {
            let mut answer = to(url.as_str());
            flow::set_cookie(&state.config.public_url, &mut answer, &sealed, 600);
            Ok(answer)
        }
        Err(Failed::Refused(why)) => Ok(refused(why)),
        Err(Failed::Ours(error)) => Err(error),
    }
}

/// Back from the identity provider
///
/// Begins a sign-in and sets the refresh cookie; the panel does the rest.
#[utoipa::path(
    get, path = "/auth/oidc/callback", tag = "sign-in", operation_id = "finishOidc", security(()), params(Back),
    responses((status = 303, description = "To the panel, or back to the sign-in page with the reason")),
    extensions(("x-permission" = json!("public")), ("x-rate-limit" = json!("sign_in")))
)]
async fn finish_oidc(
    State(state): State<AppState>,
    origin: Origin,
    jar: CookieJar,
    Query(back): Query<Back>,
) -> Result<Response, AppError> {
    let mut answer = match flow::finish(&state, &origin, &jar, &back).await {
        Ok((granted, next)) => {
            let mut answer = to(&next);
            set_refresh_cookie(&state, &mut answer, &granted);
            answer
        }
        Err(Failed::Refused(why)) => {
            state.metrics.logins.with_label_values(&["wrong"]).inc();
            refused(why)
        }
        Err(Failed::Ours(error)) => return Err(error),
    };
    // Used up, whatever came of it.
    flow::set_cookie(&state.config.public_url, &mut answer, "", 0);
    Ok(answer)
}

/// The tenant's identity provider
#[utoipa::path(
    get, path = "/identity-provider", tag = "people", operation_id = "identityProvider",
    responses(
        (status = 200, description = "The provider, without its secret", body = IdentityProvider),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("sign_in:manage")))
)]
async fn identity_provider(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<axum::Json<IdentityProvider>, AppError> {
    Ok(axum::Json(settings::get(&state, principal.tenant).await?))
}

/// Name the tenant's identity provider
///
/// It is asked at once whether it is there.
#[utoipa::path(
    put, path = "/identity-provider", tag = "people", operation_id = "setIdentityProvider", request_body = SetIdentityProvider,
    responses(
        (status = 200, description = "The provider, without its secret", body = IdentityProvider),
        (status = 403, description = "The role may do more than the caller", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit, or the provider does not answer", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("sign_in:manage")))
)]
async fn set_identity_provider(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Json(wanted): Json<SetIdentityProvider>,
) -> Result<axum::Json<IdentityProvider>, AppError> {
    Ok(axum::Json(settings::set(&state, &Asking { by, origin }, wanted).await?))
}

/// Remove the tenant's identity provider
///
/// Who signed in through it stays signed in; nobody new comes from there.
#[utoipa::path(
    delete, path = "/identity-provider", tag = "people", operation_id = "removeIdentityProvider",
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "There was none", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("sign_in:manage")))
)]
async fn remove_identity_provider(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
) -> Result<StatusCode, AppError> {
    settings::remove(&state, &Asking { by, origin }).await?;
    Ok(StatusCode::NO_CONTENT)
}

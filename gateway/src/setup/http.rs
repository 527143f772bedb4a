//! `/api/v1/setup`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{SetUp, Setup, SetupState};
use super::service::{self, Removal};
use super::{plan, store};
use crate::audit::Origin;
use crate::auth::Principal;
use crate::http::idempotency::{Answer, IdempotentJson};
use crate::http::{AppError, ClientAddress, Permission, Problem, authenticate, bearer};
use crate::state::AppState;

/// Routes of the setup.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_setup, set_up)).routes(routes!(remove_demo))
}

/// How far the setup is
///
/// Before sign-in only whether there is a demo tenant: then its well-known users may be offered. With an access token also whether
/// a tenant of one's own is still to be set up.
#[utoipa::path(
    get, path = "/setup", tag = "setup", operation_id = "getSetup", security((), ("bearer" = [])),
    responses(
        (status = 200, description = "The state", body = SetupState),
        (status = 401, description = "The access token is not valid", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("public")))
)]
async fn get_setup(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let principal = bearer(&headers).map(|token| authenticate(&state, token, address)).transpose()?;
    let mut tx = state.db.system().await?;
    let tenants = store::tenants(&mut tx).await?;
    tx.commit().await?;
    let told = SetupState {
        demo_present: tenants.demo.is_some(),
        needed: principal.map(|_| tenants.others == 0),
        demo: principal.map(|principal| tenants.demo.is_some_and(|(demo, _)| demo == principal.tenant)),
        removing: principal.map(|_| tenants.demo.is_some_and(|(_, removing)| removing)),
    };
    Ok(([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], axum::Json(told)).into_response())
}

/// Set up a tenant
///
/// For an admin of the demo tenant. Makes the tenant with its zone, language, hours, first queue and number, and its first users, all
/// or nothing. One-time passwords are in this answer and nowhere else. Operators serve the queue; without any the admin does.
#[utoipa::path(
    post, path = "/setup", tag = "setup", operation_id = "setUp", request_body = Setup,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The tenant, and how its users sign in", body = SetUp),
        (status = 403, description = "Not an admin of the demo tenant", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Something does not fit; every field is named", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("setup:run")))
)]
async fn set_up(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<Setup>,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::SetupRun)?;
    let plan = plan::plan(&wanted).map_err(AppError::invalid)?;
    let ready = service::ready(&state, &plan, wanted.admin.password).await?;
    let made = idempotency
        .transaction_through(&state, |tx| Box::pin(service::make(principal, origin, tx, plan, ready)))
        .await?;
    let mut response = match made {
        Answer::First(response, tenant) => {
            state.metrics.setups.inc();
            tracing::info!(%tenant, by = %principal.user, "a tenant was set up");
            response
        }
        Answer::Repeated(response) => response,
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// How far the removal is.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
struct RemovalState {
    /// Always true: with nothing left the answer is 204.
    removing: bool,
}

/// Remove the demo
///
/// The demo tenant with its users, queues, phones, calls, recordings and journal. For admins of the demo and of any other tenant; its
/// own users are signed out. May be sent again: a removal that was cut off goes on. It does not come back with the next start.
#[utoipa::path(
    delete, path = "/setup/demo", tag = "setup", operation_id = "removeDemo",
    responses(
        (status = 202, description = "It takes longer than an answer may; it goes on", body = RemovalState),
        (status = 204, description = "Nothing is left of it"),
        (status = 403, description = "Not an admin", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is the only tenant (`only-tenant`), or calls of it run (`calls-running`)", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("setup:run")))
)]
async fn remove_demo(
    State(state): State<AppState>,
    principal: Principal,
    origin: Origin,
) -> Result<Response, AppError> {
    principal.require(Permission::SetupRun)?;
    tracing::info!(by = %principal.user, tenant = %principal.tenant, "the removal of the demo is asked for");
    Ok(match service::remove_demo(&state, &principal, origin).await? {
        Removal::Done => StatusCode::NO_CONTENT.into_response(),
        Removal::Underway => (StatusCode::ACCEPTED, axum::Json(RemovalState { removing: true })).into_response(),
    })
}

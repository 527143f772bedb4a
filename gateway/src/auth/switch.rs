//! `/api/v1/auth/switch`: from one tenant of a person's to another.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::http::granted;
use super::model::SignedIn;
use super::service::Granted;
use super::{Principal, audit as told, service, store};
use crate::audit::{self, Origin};
use crate::http::{AppError, Json, Problem};
use crate::state::AppState;

/// Routes of switching.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(switch_tenant))
}

/// Body of `POST /auth/switch`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Switch {
    /// Slug of the tenant to sign in to.
    tenant: String,
}

/// Sign in to another tenant of mine
///
/// Ends this sign-in and begins one there: a new access token, a new refresh cookie. `GET /me/tenants` says which there are.
#[utoipa::path(
    post, path = "/auth/switch", tag = "sign-in", operation_id = "switchTenant", request_body = Switch,
    responses(
        (status = 200, description = "Signed in there; the refresh cookie is replaced", body = SignedIn),
        (status = 401, description = "Not signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No tenant of mine, or a suspended one", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "That is where I am", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")), ("x-rate-limit" = json!("sign_in")))
)]
async fn switch_tenant(
    State(state): State<AppState>,
    origin: Origin,
    by: Principal,
    Json(wanted): Json<Switch>,
) -> Result<Response, AppError> {
    by.require_own_password()?;
    Ok(granted(&state, switch(&state, &origin, by, &wanted.tenant).await?))
}

async fn switch(state: &AppState, origin: &Origin, by: Principal, slug: &str) -> Result<Granted, AppError> {
    let mut tx = state.db.system().await?;
    let there = store::membership(&mut tx, by.user, Some(slug)).await?;
    let (user, tenant) = there.ok_or_else(|| AppError::not_found("tenant"))?;
    if tenant.id == by.tenant {
        return Err(AppError::conflict("current-tenant", "you are signed in to this tenant already"));
    }
    // Of two that switch at once from the same sign-in the second finds it ended.
    if !store::revoke_family(&mut tx, by.session).await? {
        return Err(AppError::unauthorized("the sign-in has ended; sign in again"));
    }
    let session = Uuid::now_v7();
    let ended = told::entry("sign_in.ended", by.user, by.session, origin);
    audit::append_system(&mut tx, Some(by.tenant), ended).await?;
    let begun = told::entry("sign_in.succeeded", by.user, session, origin);
    audit::append_system(&mut tx, Some(tenant.id), begun).await?;
    let granted = service::grant(state, &mut tx, user, tenant, session).await?;
    tx.commit().await?;
    state.sessions.end(by.session);
    Ok(granted)
}

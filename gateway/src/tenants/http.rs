//! `/api/v1/platform/tenants` and `/api/v1/usage`.

use axum::extract::State;
use axum::response::Response;
use http::header::{CACHE_CONTROL, HeaderValue};
use trunkline_db::TenantId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{CreateTenant, CreatedTenant, Delete, OwnTenants, PlatformTenant, Suspend, UpdateTenant, Usage};
use super::{create, service, store};
use crate::audit::Origin;
use crate::auth::Principal;
use crate::http::idempotency::{Answer, IdempotentJson};
use crate::http::{AppError, Json, Page, PageQuery, Path, Problem, Query};
use crate::roles::Asking;
use crate::roster;
use crate::state::AppState;

/// Routes of tenants.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_tenants, create_tenant))
        .routes(routes!(update_tenant))
        .routes(routes!(suspend_tenant, resume_tenant))
        .routes(routes!(delete_tenant, keep_tenant))
        .routes(routes!(tenant_usage))
        .routes(routes!(own_usage))
        .routes(routes!(own_tenants))
}

type Changed = Result<axum::Json<PlatformTenant>, AppError>;

/// List tenants
///
/// By slug.
#[utoipa::path(
    get, path = "/platform/tenants", tag = "platform", operation_id = "listTenants", params(PageQuery),
    responses((status = 200, description = "Tenants", body = Page<PlatformTenant>)),
    extensions(("x-permission" = json!("platform:manage")))
)]
async fn list_tenants(
    State(state): State<AppState>,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<PlatformTenant>>, AppError> {
    let (limit, after) = (page.limit()?, page.position::<String>()?);
    let mut tx = state.db.system().await?;
    let tenants = store::list(&mut tx, None, after.as_deref(), i64::from(limit) + 1).await?;
    tx.commit().await?;
    // The platform has no journal.
    Ok(axum::Json(Page::new(tenants, limit, 0, |tenant: &PlatformTenant| tenant.slug.clone())))
}

/// Make a tenant
///
/// With its first admin, queue and number, all or nothing. A one-time password is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/platform/tenants", tag = "platform", operation_id = "createTenant", request_body = CreateTenant,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The tenant, and how its admin signs in", body = CreatedTenant),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Something does not fit; every field is named", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("platform:manage")))
)]
async fn create_tenant(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<CreateTenant>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let ready = create::ready(&state, wanted).await?;
    let made = idempotency.transaction_through(&state, |tx| Box::pin(create::make(tx, asking, ready))).await?;
    let mut response = match made {
        Answer::First(response, tenant) => {
            roster::refresh(&state, Some(tenant)).await?;
            response
        }
        Answer::Repeated(response) => response,
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Change a tenant
///
/// Its names, and what it may use. Less than it uses already takes nothing away: there is no room for more.
#[utoipa::path(
    patch, path = "/platform/tenants/{id}", tag = "platform", operation_id = "updateTenant", request_body = UpdateTenant,
    params(("id" = uuid::Uuid, Path, description = "The tenant")),
    responses(
        (status = 200, description = "The tenant as it is now", body = PlatformTenant),
        (status = 404, description = "No such tenant", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("platform:manage")))
)]
async fn update_tenant(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<TenantId>,
    Json(wanted): Json<UpdateTenant>,
) -> Changed {
    Ok(axum::Json(service::update(&state, &Asking { by, origin }, id, wanted).await?))
}

/// Suspend a tenant
///
/// Nobody signs in, tokens and keys are refused and sockets closed, and whoever calls is refused. Calls that run go on; everything stays.
#[utoipa::path(
    post, path = "/platform/tenants/{id}/suspension", tag = "platform", operation_id = "suspendTenant", request_body = Suspend,
    params(("id" = uuid::Uuid, Path, description = "The tenant")),
    responses(
        (status = 200, description = "The tenant as it is now", body = PlatformTenant),
        (status = 404, description = "No such tenant", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "One's own tenant", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("platform:manage")))
)]
async fn suspend_tenant(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<TenantId>,
    Json(wanted): Json<Suspend>,
) -> Changed {
    Ok(axum::Json(service::suspend(&state, &Asking { by, origin }, id, &wanted.reason).await?))
}

/// Resume a tenant
///
/// Also calls its deletion off.
#[utoipa::path(
    delete, path = "/platform/tenants/{id}/suspension", tag = "platform", operation_id = "resumeTenant",
    params(("id" = uuid::Uuid, Path, description = "The tenant")),
    responses(
        (status = 200, description = "The tenant as it is now", body = PlatformTenant),
        (status = 404, description = "No such tenant", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("platform:manage")))
)]
async fn resume_tenant(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<TenantId>,
) -> Changed {
    Ok(axum::Json(service::resume(&state, &Asking { by, origin }, id).await?))
}

/// Delete a tenant
///
/// It is suspended at once, and removed with all that belongs to it when the days of grace are over.
#[utoipa::path(
    post, path = "/platform/tenants/{id}/deletion", tag = "platform", operation_id = "deleteTenant", request_body = Delete,
    params(("id" = uuid::Uuid, Path, description = "The tenant")),
    responses(
        (status = 200, description = "The tenant as it is now", body = PlatformTenant),
        (status = 404, description = "No such tenant", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "One's own tenant", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit, or the slug is another", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("platform:manage")))
)]
async fn delete_tenant(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<TenantId>,
    Json(wanted): Json<Delete>,
) -> Changed {
    Ok(axum::Json(service::delete(&state, &Asking { by, origin }, id, &wanted).await?))
}

/// Call a tenant's deletion off
///
/// It stays suspended until it is resumed.
#[utoipa::path(
    delete, path = "/platform/tenants/{id}/deletion", tag = "platform", operation_id = "keepTenant",
    params(("id" = uuid::Uuid, Path, description = "The tenant")),
    responses(
        (status = 200, description = "The tenant as it is now", body = PlatformTenant),
        (status = 404, description = "No such tenant", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("platform:manage")))
)]
async fn keep_tenant(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<TenantId>,
) -> Changed {
    Ok(axum::Json(service::keep(&state, &Asking { by, origin }, id).await?))
}

/// What a tenant has used
#[utoipa::path(
    get, path = "/platform/tenants/{id}/usage", tag = "platform", operation_id = "tenantUsage",
    params(("id" = uuid::Uuid, Path, description = "The tenant")),
    responses(
        (status = 200, description = "Used and allowed, by resource", body = Usage),
        (status = 404, description = "No such tenant", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("platform:manage")))
)]
async fn tenant_usage(State(state): State<AppState>, Path(id): Path<TenantId>) -> Result<axum::Json<Usage>, AppError> {
    let mut tx = state.db.system().await?;
    let usage = service::usage(&mut tx, id).await?;
    tx.commit().await?;
    Ok(axum::Json(usage))
}

/// What one's own tenant has used
#[utoipa::path(
    get, path = "/usage", tag = "administration", operation_id = "usage",
    responses((status = 200, description = "Used and allowed, by resource", body = Usage)),
    extensions(("x-permission" = json!("usage:read")))
)]
async fn own_usage(State(state): State<AppState>, by: Principal) -> Result<axum::Json<Usage>, AppError> {
    let mut tx = state.db.system().await?;
    let usage = service::usage(&mut tx, by.tenant).await?;
    tx.commit().await?;
    Ok(axum::Json(usage))
}

/// Which tenants I belong to
///
/// To those that are suspended nobody comes in: they are left out. `POST /auth/switch` signs in to another one.
#[utoipa::path(
    get, path = "/me/tenants", tag = "sign-in", operation_id = "myTenants",
    responses((status = 200, description = "Tenants, by name", body = OwnTenants)),
    extensions(("x-permission" = json!("person")))
)]
async fn own_tenants(State(state): State<AppState>, by: Principal) -> Result<axum::Json<OwnTenants>, AppError> {
    Ok(axum::Json(OwnTenants { items: service::own(&state, &by).await? }))
}

//! `/api/v1/roles` and `/api/v1/permissions`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use trunkline_db::{Role, RoleId};
use trunkline_journal::Outcome;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{BuiltInRole, Catalogue, CreateRole, CustomRole, PermissionView, UpdateRole};
use super::service::Asking;
use super::{service, store};
use crate::audit::Origin;
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, IfMatch, Json, Page, PageQuery, Path, Permission, Problem, Query, Reach, tagged};
use crate::roster;
use crate::state::AppState;

/// Routes of roles.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_permissions))
        .routes(routes!(list_roles, create_role))
        .routes(routes!(update_role, delete_role))
}

/// List what may be permitted
///
/// The table of permissions and built-in roles.
#[utoipa::path(
    get, path = "/permissions", tag = "people", operation_id = "listPermissions",
    responses((status = 200, description = "The table", body = Catalogue)),
    extensions(("x-permission" = json!("signed-in")))
)]
async fn list_permissions(principal: Principal) -> axum::Json<Catalogue> {
    let permissions = Permission::ALL
        .iter()
        .filter(|permission| !permission.is_platforms())
        .map(|permission| PermissionView {
            name: permission.as_str(),
            description: permission.description(),
            roles: Role::ALL.into_iter().filter(|role| permission.allowed_to(*role)).collect(),
            yours: principal.may(*permission),
        })
        .collect();
    let roles = Role::ALL
        .into_iter()
        .map(|role| BuiltInRole { role, reach: Reach::of(role), takes_work: role.takes_work() })
        .collect();
    axum::Json(Catalogue { permissions, roles })
}

/// List the tenant's own roles
///
/// By name. The roles that every tenant has are in `GET /permissions`.
#[utoipa::path(
    get, path = "/roles", tag = "people", operation_id = "listRoles", params(PageQuery),
    responses((status = 200, description = "Roles", body = Page<CustomRole>)),
    extensions(("x-permission" = json!("roles:read")))
)]
async fn list_roles(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<CustomRole>>, AppError> {
    let (limit, after) = (page.limit()?, page.position::<(String, RoleId)>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let roles = store::list(&mut tx, after.as_ref(), i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(roles, limit, as_of_seq, |role: &CustomRole| (role.name.clone(), role.id))))
}

/// Make a role
///
/// Nobody can give what they do not have: the permissions are a part of the caller's own.
#[utoipa::path(
    post, path = "/roles", tag = "people", operation_id = "createRole", request_body = CreateRole,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The role", body = CustomRole),
        (status = 403, description = "More than the caller has", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken, there are too many, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("roles:manage")))
)]
async fn create_role(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<CreateRole>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let answer = idempotency
        .command(&state, move |tx| {
            let (asking, wanted) = (asking.clone(), wanted.clone());
            Box::pin(async move {
                let (role, event) = service::create(tx, &asking, &wanted).await?;
                Ok((Effect { status: StatusCode::CREATED, body: role, value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Change a role
///
/// Counts at once for everybody who has it.
#[utoipa::path(
    patch, path = "/roles/{id}", tag = "people", operation_id = "updateRole", request_body = UpdateRole,
    params(
        ("id" = uuid::Uuid, Path, description = "The role"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
    ),
    responses(
        (status = 200, description = "The role as it is now", body = CustomRole),
        (status = 403, description = "More than the caller has", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such role", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("roles:manage")))
)]
async fn update_role(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<RoleId>,
    seen: IfMatch,
    Json(wanted): Json<UpdateRole>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, wanted, seen) = (asking.clone(), wanted.clone(), seen.clone());
            Box::pin(async move {
                let (role, event) = service::update(tx, &asking, id, &seen, &wanted).await?;
                Ok(Outcome::new(role).event(event))
            })
        })
        .await?;
    roster::refresh(&state, Some(by.tenant)).await?;
    Ok(tagged(committed.value.updated_at, &committed.value))
}

/// Remove a role
///
/// Only one that nobody has.
#[utoipa::path(
    delete, path = "/roles/{id}", tag = "people", operation_id = "deleteRole",
    params(("id" = uuid::Uuid, Path, description = "The role")),
    responses(
        (status = 204, description = "Removed"),
        (status = 403, description = "It may do more than the caller", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such role", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Somebody has it", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("roles:manage")))
)]
async fn delete_role(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<RoleId>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    state
        .journal
        .command(by.tenant, move |tx| {
            let asking = asking.clone();
            Box::pin(async move { Ok(Outcome::new(()).event(service::remove(tx, &asking, id).await?)) })
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

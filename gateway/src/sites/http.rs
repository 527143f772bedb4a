//! `/api/v1/sites`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use trunkline_db::SiteId;
use trunkline_journal::Outcome;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{CreateSite, Site, UpdateSite};
use super::{service, store};
use crate::audit::Origin;
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, IfMatch, Json, Page, PageQuery, Path, Problem, Query, tagged};
use crate::roles::Asking;
use crate::state::AppState;

/// Routes of sites.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_sites, create_site)).routes(routes!(update_site, delete_site))
}

/// List sites
///
/// By name, with their numbers.
#[utoipa::path(
    get, path = "/sites", tag = "administration", operation_id = "listSites", params(PageQuery),
    responses((status = 200, description = "Sites", body = Page<Site>)),
    extensions(("x-permission" = json!("sites:read")))
)]
async fn list_sites(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<Site>>, AppError> {
    let (limit, after) = (page.limit()?, page.position::<(String, SiteId)>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let sites = store::list(&mut tx, None, after.as_ref(), i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(sites, limit, as_of_seq, |site: &Site| (site.name.clone(), site.id))))
}

/// Make a site
#[utoipa::path(
    post, path = "/sites", tag = "administration", operation_id = "createSite", request_body = CreateSite,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The site", body = Site),
        (status = 409, description = "The name is taken, there are too many, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("sites:manage")))
)]
async fn create_site(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<CreateSite>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let answer = idempotency
        .command(&state, move |tx| {
            let (asking, wanted) = (asking.clone(), wanted.clone());
            Box::pin(async move {
                let (site, event) = service::create(tx, &asking, &wanted).await?;
                Ok((Effect { status: StatusCode::CREATED, body: site, value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Change a site
#[utoipa::path(
    patch, path = "/sites/{id}", tag = "administration", operation_id = "updateSite", request_body = UpdateSite,
    params(
        ("id" = uuid::Uuid, Path, description = "The site"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
    ),
    responses(
        (status = 200, description = "The site as it is now", body = Site),
        (status = 404, description = "No such site", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("sites:manage")))
)]
async fn update_site(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<SiteId>,
    seen: IfMatch,
    Json(wanted): Json<UpdateSite>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, wanted, seen) = (asking.clone(), wanted.clone(), seen.clone());
            Box::pin(async move {
                let (site, event) = service::update(tx, &asking, id, &seen, &wanted).await?;
                Ok(Outcome::new(site).events(event))
            })
        })
        .await?;
    Ok(tagged(committed.value.updated_at, &committed.value))
}

/// Remove a site
///
/// Its numbers stay the tenant's, and lead where they lead.
#[utoipa::path(
    delete, path = "/sites/{id}", tag = "administration", operation_id = "deleteSite",
    params(("id" = uuid::Uuid, Path, description = "The site")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such site", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("sites:manage")))
)]
async fn delete_site(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<SiteId>,
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

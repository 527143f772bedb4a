//! `/api/v1/trunks`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use trunkline_db::TrunkId;
use trunkline_journal::Outcome;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{CreateTrunk, ImportTrunks, ImportedTrunks, Trunk, UpdateTrunk};
use super::{service, store};
use crate::audit::Origin;
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, IfMatch, Json, Page, PageQuery, Path, Problem, Query, tagged};
use crate::roles::Asking;
use crate::state::AppState;

/// Routes of trunks.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_trunks, create_trunk)).routes(routes!(import_trunks)).routes(routes!(
        get_trunk,
        update_trunk,
        delete_trunk
    ))
}

/// List trunks
///
/// By name, each with how it does at every Asterisk server that has it.
#[utoipa::path(
    get, path = "/trunks", tag = "telephony", operation_id = "listTrunks", params(PageQuery),
    responses((status = 200, description = "Trunks", body = Page<Trunk>)),
    extensions(("x-permission" = json!("telephony:read")))
)]
async fn list_trunks(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<Trunk>>, AppError> {
    let (limit, after) = (page.limit()?, page.position::<(String, TrunkId)>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let rows = store::list(&mut tx, None, after.as_ref(), i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    let trunks = rows.into_iter().map(|row| service::view(&state, row)).collect::<Result<_, _>>()?;
    Ok(axum::Json(Page::new(trunks, limit, as_of_seq, |trunk: &Trunk| (trunk.name.clone(), trunk.id))))
}

/// A trunk
#[utoipa::path(
    get, path = "/trunks/{id}", tag = "telephony", operation_id = "getTrunk",
    params(("id" = uuid::Uuid, Path, description = "The trunk")),
    responses(
        (status = 200, description = "The trunk", body = Trunk),
        (status = 404, description = "No such trunk", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:read")))
)]
async fn get_trunk(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<TrunkId>,
) -> Result<Response, AppError> {
    let mut tx = state.db.tenant(principal.tenant).await?;
    let row = store::list(&mut tx, Some(id), None, 1).await?.pop().ok_or_else(|| AppError::not_found("trunk"))?;
    tx.commit().await?;
    let trunk = service::view(&state, row)?;
    Ok(tagged(trunk.updated_at, &trunk))
}

/// Connect a trunk
///
/// It is told to Asterisk within a second or two; how it does is in its `status`.
#[utoipa::path(
    post, path = "/trunks", tag = "telephony", operation_id = "createTrunk", request_body = CreateTrunk,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The trunk", body = Trunk),
        (status = 409, description = "The name is taken, there are too many, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn create_trunk(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<CreateTrunk>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let inner = state.clone();
    let answer = idempotency
        .command(&state, move |tx| {
            let (state, asking, wanted) = (inner.clone(), asking.clone(), wanted.clone());
            Box::pin(async move {
                let (trunk, event) = service::create(&state, tx, &asking, &wanted).await?;
                Ok((Effect { status: StatusCode::CREATED, body: trunk, value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Read trunks out of a `pjsip.conf`
///
/// Without `apply` nothing is made: it is told which trunks the text describes, and line by line what is not understood.
#[utoipa::path(
    post, path = "/trunks/import", tag = "telephony", operation_id = "importTrunks", request_body = ImportTrunks,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 200, description = "What the text says, and what was made of it", body = ImportedTrunks),
        (status = 409, description = "There are too many, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The text is no such file", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn import_trunks(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<ImportTrunks>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let inner = state.clone();
    let answer = idempotency
        .command(&state, move |tx| {
            let (state, asking, wanted) = (inner.clone(), asking.clone(), wanted.clone());
            Box::pin(async move {
                let (imported, events) = service::import(&state, tx, &asking, &wanted.text, wanted.apply).await?;
                Ok((Effect { status: StatusCode::OK, body: imported, value: () }, events))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Change a trunk
///
/// Calls that run on it go on.
#[utoipa::path(
    patch, path = "/trunks/{id}", tag = "telephony", operation_id = "updateTrunk", request_body = UpdateTrunk,
    params(
        ("id" = uuid::Uuid, Path, description = "The trunk"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
    ),
    responses(
        (status = 200, description = "The trunk as it is now", body = Trunk),
        (status = 404, description = "No such trunk", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn update_trunk(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<TrunkId>,
    seen: IfMatch,
    Json(wanted): Json<UpdateTrunk>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let inner = state.clone();
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (state, asking, wanted, seen) = (inner.clone(), asking.clone(), wanted.clone(), seen.clone());
            Box::pin(async move {
                let (trunk, event) = service::update(&state, tx, &asking, id, &seen, &wanted).await?;
                Ok(Outcome::new(trunk).events(event))
            })
        })
        .await?;
    Ok(tagged(committed.value.updated_at, &committed.value))
}

/// Remove a trunk
///
/// Calls that run on it go on; new ones find it gone.
#[utoipa::path(
    delete, path = "/trunks/{id}", tag = "telephony", operation_id = "deleteTrunk",
    params(("id" = uuid::Uuid, Path, description = "The trunk")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such trunk", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn delete_trunk(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<TrunkId>,
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

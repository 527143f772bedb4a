//! `/api/v1/numbers`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use trunkline_db::TenantId;
use trunkline_journal::Outcome;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{AddNumber, Number, UpdateNumber};
use super::{service, store};
use crate::audit::Origin;
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, IfMatch, Json, Page, PageQuery, Path, Problem, Query, tagged};
use crate::roles::Asking;
use crate::state::AppState;

/// Routes of numbers.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_numbers, add_number)).routes(routes!(update_number, remove_number))
}

/// List numbers
///
/// The tenant's numbers of the public network, with where each leads and the site whose it is.
#[utoipa::path(
    get, path = "/numbers", tag = "telephony", operation_id = "listNumbers", params(PageQuery),
    responses((status = 200, description = "Numbers", body = Page<Number>)),
    extensions(("x-permission" = json!("telephony:read")))
)]
async fn list_numbers(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<Number>>, AppError> {
    let (limit, after) = (page.limit()?, page.position::<String>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let numbers = store::list(&mut tx, None, after.as_deref(), i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(numbers, limit, as_of_seq, |number: &Number| number.number.clone())))
}

/// Add a number
///
/// A number of the public network belongs to one tenant of the platform. Calls to it come by the tenant's trunks.
#[utoipa::path(
    post, path = "/numbers", tag = "telephony", operation_id = "addNumber", request_body = AddNumber,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The number", body = Number),
        (status = 409, description = "The number is taken, there are too many, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn add_number(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<AddNumber>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let tenant = asking.by.tenant;
    let answer = idempotency
        .command(&state, move |tx| {
            let (asking, wanted) = (asking.clone(), wanted.clone());
            Box::pin(async move {
                let (number, event) = service::add(tx, &asking, &wanted).await?;
                Ok((Effect { status: StatusCode::CREATED, body: number.clone(), value: number }, vec![event]))
            })
        })
        .await?;
    match answer {
        Answer::First(response, number) => {
            calls_go_by(&state, tenant, &number).await;
            Ok(response)
        }
        Answer::Repeated(response) => Ok(response),
    }
}

/// Who is told that a number leads elsewhere can call it: calls go there.
async fn calls_go_by(state: &AppState, tenant: TenantId, number: &Number) {
    let wanted = number.for_calls(tenant);
    state.calls.goes_by(|directory| directory.numbers.get(&number.number) == Some(&wanted)).await;
}

/// Change a number
#[utoipa::path(
    patch, path = "/numbers/{number}", tag = "telephony", operation_id = "updateNumber", request_body = UpdateNumber,
    params(
        ("number" = String, Path, description = "E.164"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
    ),
    responses(
        (status = 200, description = "The number as it is now", body = Number),
        (status = 404, description = "No such number", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn update_number(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(number): Path<String>,
    seen: IfMatch,
    Json(wanted): Json<UpdateNumber>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, number, wanted, seen) = (asking.clone(), number.clone(), wanted.clone(), seen.clone());
            Box::pin(async move {
                let (number, event) = service::update(tx, &asking, &number, &seen, &wanted).await?;
                Ok(Outcome::new(number).events(event))
            })
        })
        .await?;
    calls_go_by(&state, by.tenant, &committed.value).await;
    Ok(tagged(committed.value.updated_at, &committed.value))
}

/// Remove a number
///
/// Who calls it from now on hears that nobody has it.
#[utoipa::path(
    delete, path = "/numbers/{number}", tag = "telephony", operation_id = "removeNumber",
    params(("number" = String, Path, description = "E.164")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such number", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn remove_number(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(number): Path<String>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, number) = (asking.clone(), number.clone());
            Box::pin(async move { Ok(Outcome::new(()).event(service::remove(tx, &asking, &number).await?)) })
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

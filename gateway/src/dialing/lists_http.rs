//! `/api/v1/dnc` and `/api/v1/caller-marks`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use trunkline_journal::Outcome;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{AddDnc, CallerMark, DncEntry, ImportDnc, Imported, SetMark};
use super::{service, store};
use crate::audit::Origin;
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, Json, Page, PageQuery, Path, Problem, Query};
use crate::roles::Asking;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_dnc, add_dnc))
        .routes(routes!(import_dnc))
        .routes(routes!(remove_dnc))
        .routes(routes!(list_caller_marks))
        .routes(routes!(set_caller_mark, remove_caller_mark))
}

/// Query of `GET /dnc`.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct DncQuery {
    /// Rows on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only numbers that begin so (E.164).
    beginning: Option<String>,
}

/// Query of `GET /caller-marks`.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct MarksQuery {
    /// Rows on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only this caller (E.164).
    number: Option<String>,
}

/// List numbers that are not called
///
/// By number.
#[utoipa::path(
    get, path = "/dnc", tag = "calls", operation_id = "listDnc", params(DncQuery),
    responses((status = 200, description = "Numbers that are not called", body = Page<DncEntry>)),
    extensions(("x-permission" = json!("dialing:read")))
)]
async fn list_dnc(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<DncQuery>,
) -> Result<axum::Json<Page<DncEntry>>, AppError> {
    let DncQuery { limit, cursor, beginning } = query;
    let page = PageQuery { limit, cursor };
    let (limit, after) = (page.limit()?, page.position::<String>()?);
    let beginning = beginning.unwrap_or_default();
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let entries = store::list_dnc(&mut tx, beginning.trim(), after.as_deref(), i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(entries, limit, as_of_seq, |entry: &DncEntry| entry.number.clone())))
}

/// Put a number on the do-not-call list
///
/// One that is there gets the new reason and time.
#[utoipa::path(
    post, path = "/dnc", tag = "calls", operation_id = "addDnc", request_body = AddDnc,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The entry", body = DncEntry),
        (status = 409, description = "There are too many, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("dnc:manage")))
)]
async fn add_dnc(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<AddDnc>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let answer = idempotency
        .command(&state, move |tx| {
            let (asking, wanted) = (asking.clone(), wanted.clone());
            Box::pin(async move {
                let (entry, event) = service::add_dnc(tx, &asking, &wanted).await?;
                Ok((Effect { status: StatusCode::CREATED, body: entry, value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Put many numbers on the do-not-call list
///
/// From a text or CSV file, at most 500 lines at a time. Lines that cannot be read are named; the others count.
#[utoipa::path(
    post, path = "/dnc/import", tag = "calls", operation_id = "importDnc", request_body = ImportDnc,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 200, description = "What became of each line", body = Imported),
        (status = 409, description = "There are too many, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("dnc:manage")))
)]
async fn import_dnc(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<ImportDnc>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let answer = idempotency
        .command(&state, move |tx| {
            let (asking, wanted) = (asking.clone(), wanted.clone());
            Box::pin(async move {
                let (imported, event) = service::import_dnc(tx, &asking, &wanted).await?;
                Ok((Effect { status: StatusCode::OK, body: imported, value: () }, event.into_iter().collect()))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Take a number from the do-not-call list
#[utoipa::path(
    delete, path = "/dnc/{number}", tag = "calls", operation_id = "removeDnc",
    params(("number" = String, Path, description = "E.164, its + percent-encoded or not")),
    responses(
        (status = 204, description = "It may be called again"),
        (status = 404, description = "It is not on the list", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("dnc:manage")))
)]
async fn remove_dnc(
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
            Box::pin(async move { Ok(Outcome::new(()).event(service::remove_dnc(tx, &asking, &number).await?)) })
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// List marked callers
///
/// Blocked ones, whose calls are turned away, and VIPs, who are served before others. By number.
#[utoipa::path(
    get, path = "/caller-marks", tag = "calls", operation_id = "listCallerMarks", params(MarksQuery),
    responses((status = 200, description = "Marked callers", body = Page<CallerMark>)),
    extensions(("x-permission" = json!("callers:mark")))
)]
async fn list_caller_marks(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<MarksQuery>,
) -> Result<axum::Json<Page<CallerMark>>, AppError> {
    let MarksQuery { limit, cursor, number } = query;
    let page = PageQuery { limit, cursor };
    let (limit, after) = (page.limit()?, page.position::<String>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let marks = store::list_marks(&mut tx, number.as_deref(), after.as_deref(), i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(marks, limit, as_of_seq, |mark: &CallerMark| mark.number.clone())))
}

/// Mark a caller
///
/// `blocked`: their calls are turned away, and they are not called. `vip`: they are served before others. The last mark counts.
#[utoipa::path(
    put, path = "/caller-marks/{number}", tag = "calls", operation_id = "setCallerMark", request_body = SetMark,
    params(("number" = String, Path, description = "The caller's number, its + percent-encoded or not")),
    responses(
        (status = 200, description = "The caller as marked now", body = CallerMark),
        (status = 409, description = "There are too many", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body or the number does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("callers:mark")))
)]
async fn set_caller_mark(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(number): Path<String>,
    Json(wanted): Json<SetMark>,
) -> Result<axum::Json<CallerMark>, AppError> {
    let asking = Asking { by, origin };
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, number, wanted) = (asking.clone(), number.clone(), wanted.clone());
            Box::pin(async move {
                let (mark, event) = service::set_mark(tx, &asking, &number, &wanted).await?;
                Ok(Outcome::new(mark).event(event))
            })
        })
        .await?;
    Ok(axum::Json(committed.value))
}

/// Take a caller's mark away
#[utoipa::path(
    delete, path = "/caller-marks/{number}", tag = "calls", operation_id = "removeCallerMark",
    params(("number" = String, Path, description = "E.164, its + percent-encoded or not")),
    responses(
        (status = 204, description = "A caller as any other"),
        (status = 404, description = "The caller has no mark", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("callers:mark")))
)]
async fn remove_caller_mark(
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
            Box::pin(async move { Ok(Outcome::new(()).event(service::remove_mark(tx, &asking, &number).await?)) })
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

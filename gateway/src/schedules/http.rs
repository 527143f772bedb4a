//! `/api/v1/schedules`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use http::StatusCode;
use trunkline_db::{ScheduleId, TenantId};
use trunkline_journal::Outcome;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{CreateSchedule, Decide, Schedule, UpdateSchedule};
use super::{service, store};
use crate::audit::Origin;
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, IfMatch, Json, Page, PageQuery, Path, Problem, Query, tagged};
use crate::roles::Asking;
use crate::state::AppState;

/// Routes of opening hours.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_schedules, create_schedule))
        .routes(routes!(override_schedules, end_overrides))
        .routes(routes!(get_schedule, update_schedule, remove_schedule))
        .routes(routes!(override_schedule, end_override))
}

/// List opening hours
///
/// By name, with whether they are open now and who goes by them.
#[utoipa::path(
    get, path = "/schedules", tag = "telephony", operation_id = "listSchedules", params(PageQuery),
    responses((status = 200, description = "Opening hours", body = Page<Schedule>)),
    extensions(("x-permission" = json!("telephony:read")))
)]
async fn list_schedules(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<Schedule>>, AppError> {
    let (limit, after) = (page.limit()?, page.position::<(String, ScheduleId)>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let rows = store::list(&mut tx, None, after.as_ref(), i64::from(limit) + 1).await?;
    let mut used = store::used_by(&mut tx).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    let now = Utc::now();
    let shown = rows.into_iter().map(|row| {
        let used_by = used.remove(&row.id).unwrap_or_default();
        row.shown(principal.tenant, used_by, now)
    });
    let position = |schedule: &Schedule| (schedule.name.clone(), schedule.id);
    Ok(axum::Json(Page::new(shown.collect(), limit, as_of_seq, position)))
}

/// Get opening hours
#[utoipa::path(
    get, path = "/schedules/{id}", tag = "telephony", operation_id = "getSchedule",
    params(("id" = Uuid, Path, description = "The opening hours")),
    responses(
        (status = 200, description = "The opening hours", body = Schedule),
        (status = 404, description = "No such opening hours", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:read")))
)]
async fn get_schedule(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ScheduleId>,
) -> Result<Response, AppError> {
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let row = store::list(&mut tx, Some(id), None, 1).await?.pop().ok_or_else(|| AppError::not_found("schedule"))?;
    let schedule = service::shown(&mut tx, row).await?;
    tx.commit().await?;
    Ok(tagged(schedule.updated_at, &schedule))
}

/// Make opening hours
#[utoipa::path(
    post, path = "/schedules", tag = "telephony", operation_id = "createSchedule", request_body = CreateSchedule,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The opening hours", body = Schedule),
        (status = 409, description = "The name is taken, there are too many, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn create_schedule(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<CreateSchedule>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let answer = idempotency
        .command(&state, move |tx| {
            let (asking, wanted) = (asking.clone(), wanted.clone());
            Box::pin(async move {
                let (schedule, event) = service::create(tx, &asking, &wanted).await?;
                Ok((Effect { status: StatusCode::CREATED, body: schedule, value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Change opening hours
#[utoipa::path(
    patch, path = "/schedules/{id}", tag = "telephony", operation_id = "updateSchedule", request_body = UpdateSchedule,
    params(
        ("id" = Uuid, Path, description = "The opening hours"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
    ),
    responses(
        (status = 200, description = "The opening hours as they are now", body = Schedule),
        (status = 404, description = "No such opening hours", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Changed since they were read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn update_schedule(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<ScheduleId>,
    seen: IfMatch,
    Json(wanted): Json<UpdateSchedule>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, wanted, seen) = (asking.clone(), wanted.clone(), seen.clone());
            Box::pin(async move {
                let (schedule, event) = service::update(tx, &asking, id, &seen, &wanted).await?;
                Ok(Outcome::new(schedule).events(event))
            })
        })
        .await?;
    calls_go_by(&state, by.tenant, &committed.value).await;
    Ok(tagged(committed.value.updated_at, &committed.value))
}

/// Who is told that it is open, or closed, can rely on it.
async fn calls_go_by(state: &AppState, tenant: TenantId, wanted: &Schedule) {
    let is_it = |known: &trunkline_calls::schedule::Schedule| {
        let decided = known.decided.as_ref().map(|decided| decided.since);
        (&known.hours.week, &known.special) == (&wanted.week, &wanted.special)
            && decided == wanted.decided.as_ref().map(|decided| decided.since)
    };
    state.calls.goes_by(|directory| directory.schedule(tenant, wanted.id).is_some_and(is_it)).await;
}

/// Remove opening hours
///
/// Not while a number, a queue or a flow goes by them.
#[utoipa::path(
    delete, path = "/schedules/{id}", tag = "telephony", operation_id = "removeSchedule",
    params(("id" = Uuid, Path, description = "The opening hours")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such opening hours", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Something goes by them", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn remove_schedule(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<ScheduleId>,
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

async fn decide(
    state: &AppState,
    asking: Asking,
    one: Option<ScheduleId>,
    wanted: Option<Decide>,
) -> Result<Vec<Schedule>, AppError> {
    let tenant = asking.by.tenant;
    let committed = state
        .journal
        .command(tenant, move |tx| {
            let (asking, wanted) = (asking.clone(), wanted.clone());
            Box::pin(async move {
                let events = service::decide(tx, &asking, one, wanted.as_ref()).await?;
                let mut all = service::all(tx).await?;
                all.retain(|schedule| one.is_none_or(|id| schedule.id == id));
                Ok(Outcome::new(all).events(events))
            })
        })
        .await?;
    for schedule in &committed.value {
        calls_go_by(state, tenant, schedule).await;
    }
    Ok(committed.value)
}

fn only(mut all: Vec<Schedule>) -> Result<Response, AppError> {
    let schedule = all.pop().ok_or_else(|| AppError::not_found("schedule"))?;
    Ok(tagged(schedule.updated_at, &schedule))
}

/// Open or close now
///
/// Whatever the calendar says, until a moment or until somebody ends it. Callers who wait already are not sent away, unless the queue is set up so.
#[utoipa::path(
    put, path = "/schedules/{id}/override", tag = "telephony", operation_id = "overrideSchedule", request_body = Decide,
    params(("id" = Uuid, Path, description = "The opening hours")),
    responses(
        (status = 200, description = "The opening hours as they are now", body = Schedule),
        (status = 404, description = "No such opening hours", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn override_schedule(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<ScheduleId>,
    Json(wanted): Json<Decide>,
) -> Result<Response, AppError> {
    only(decide(&state, Asking { by, origin }, Some(id), Some(wanted)).await?)
}

/// Go by the calendar again
#[utoipa::path(
    delete, path = "/schedules/{id}/override", tag = "telephony", operation_id = "endScheduleOverride",
    params(("id" = Uuid, Path, description = "The opening hours")),
    responses(
        (status = 200, description = "The opening hours as they are now", body = Schedule),
        (status = 404, description = "No such opening hours", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn end_override(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<ScheduleId>,
) -> Result<Response, AppError> {
    only(decide(&state, Asking { by, origin }, Some(id), None).await?)
}

/// Close everything now
///
/// Or open it: all opening hours of the company at once, for an emergency.
#[utoipa::path(
    put, path = "/schedules/override", tag = "telephony", operation_id = "overrideSchedules", request_body = Decide,
    responses(
        (status = 200, description = "All opening hours as they are now", body = Vec<Schedule>),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn override_schedules(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Json(wanted): Json<Decide>,
) -> Result<axum::Json<Vec<Schedule>>, AppError> {
    Ok(axum::Json(decide(&state, Asking { by, origin }, None, Some(wanted)).await?))
}

/// Go by all calendars again
#[utoipa::path(
    delete, path = "/schedules/override", tag = "telephony", operation_id = "endScheduleOverrides",
    responses((status = 200, description = "All opening hours as they are now", body = Vec<Schedule>)),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn end_overrides(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
) -> Result<axum::Json<Vec<Schedule>>, AppError> {
    Ok(axum::Json(decide(&state, Asking { by, origin }, None, None).await?))
}

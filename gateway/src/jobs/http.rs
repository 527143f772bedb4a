//! `/api/v1/jobs`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use trunkline_db::JobId;
use trunkline_jobs::Found;
use trunkline_journal::Ref;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Job, JobState};
use super::store;
use crate::audit::{self, Actor, Origin};
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, Idempotency};
use crate::http::{AppError, Page, PageQuery, Path, Permission, Problem, Query};
use crate::state::AppState;

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct JobQuery {
    /// Only jobs in this state.
    state: Option<JobState>,
    /// Only jobs of this kind.
    kind: Option<String>,
    /// Rows on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Routes of jobs.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_jobs)).routes(routes!(get_job, drop_job)).routes(routes!(retry_job))
}

/// List jobs
///
/// What the tenant has to be done in the background, the newest first.
#[utoipa::path(
    get, path = "/jobs", tag = "jobs", operation_id = "listJobs", params(JobQuery),
    responses(
        (status = 200, description = "The jobs", body = Page<Job>),
        (status = 400, description = "A parameter does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("jobs:read")))
)]
async fn list_jobs(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<JobQuery>,
) -> Result<axum::Json<Page<Job>>, AppError> {
    principal.require(Permission::JobsRead)?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let (limit, before) = (page.limit()?, page.position::<JobId>()?);
    let kind = query.kind.as_deref().filter(|kind| !kind.is_empty());
    if kind.is_some_and(|kind| kind.contains('\0')) {
        return Err(AppError::bad_parameter("kind", "is no kind of job"));
    }
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let jobs = store::list(&mut tx, query.state, kind, before, i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(jobs, limit, as_of_seq, |job: &Job| job.id)))
}

/// Get a job
#[utoipa::path(
    get, path = "/jobs/{id}", tag = "jobs", operation_id = "getJob",
    params(("id" = uuid::Uuid, Path, description = "The job")),
    responses(
        (status = 200, description = "The job, with what it was given unless that is sealed", body = Job),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("jobs:read")))
)]
async fn get_job(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<JobId>,
) -> Result<axum::Json<Job>, AppError> {
    principal.require(Permission::JobsRead)?;
    let mut tx = state.db.tenant(principal.tenant).await?;
    let job = store::find(&mut tx, id).await?;
    tx.commit().await?;
    job.map(axum::Json).ok_or_else(|| AppError::not_found("job"))
}

/// Run a job now
///
/// One that is dead is taken up again, with as many attempts as it was given at first; one that waits for its time does not wait any longer.
/// One that waits for its turn, or for an earlier one of its key, goes on waiting.
#[utoipa::path(
    post, path = "/jobs/{id}/retry", tag = "jobs", operation_id = "retryJob",
    params(
        ("id" = uuid::Uuid, Path, description = "The job"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The job as it stands now", body = Job),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is running (`job-running`) or was done (`job-done`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("jobs:manage")))
)]
async fn retry_job(
    State(state): State<AppState>,
    Path(id): Path<JobId>,
    origin: Origin,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::JobsManage)?;
    let answer = idempotency
        .transaction(&state, |tx| {
            Box::pin(async move {
                match trunkline_jobs::retry(tx, id).await? {
                    None => return Err(AppError::not_found("job")),
                    Some(Found::Running) => return Err(running()),
                    Some(Found::Done) => return Err(AppError::conflict("job-done", "the job was done already")),
                    Some(Found::Waiting | Found::Dead) => {}
                }
                let body = store::find(tx, id).await?.ok_or_else(|| AppError::not_found("job"))?;
                audit::append(tx, entry(&principal, "job.retried", &body, origin)).await?;
                Ok(Effect { status: StatusCode::OK, body, value: () })
            })
        })
        .await?;
    match answer {
        Answer::First(response, ()) | Answer::Repeated(response) => Ok(response),
    }
}

/// Drop a job
///
/// It will never be done. One that is running cannot be dropped.
#[utoipa::path(
    delete, path = "/jobs/{id}", tag = "jobs", operation_id = "dropJob",
    params(("id" = uuid::Uuid, Path, description = "The job")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is running (`job-running`)", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("jobs:manage")))
)]
async fn drop_job(
    State(state): State<AppState>,
    principal: Principal,
    origin: Origin,
    Path(id): Path<JobId>,
) -> Result<StatusCode, AppError> {
    principal.require(Permission::JobsManage)?;
    let mut tx = state.db.tenant(principal.tenant).await?;
    let job = store::find(&mut tx, id).await?.ok_or_else(|| AppError::not_found("job"))?;
    match trunkline_jobs::drop_job(&mut tx, id).await? {
        None => return Err(AppError::not_found("job")),
        Some(Found::Running) => return Err(running()),
        Some(_) => {}
    }
    audit::append(&mut tx, entry(&principal, "job.dropped", &job, origin)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What it was given is left out: it may be anything.
fn entry(principal: &Principal, action: &'static str, job: &Job, origin: Origin) -> audit::Entry {
    audit::Entry {
        actor: Actor::of(principal),
        action,
        subject: Ref::new("job", job.id),
        before: Some(json!({ "name": job.kind, "attempt": job.attempt, "error": job.error })),
        after: None,
        origin,
    }
}

fn running() -> AppError {
    AppError::conflict("job-running", "the job is running; wait until this attempt has ended")
}

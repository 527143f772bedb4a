//! `/api/v1/queues/{id}/routing`: how a queue works.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use trunkline_calls::queueing::QueueRouting;
use trunkline_db::{QueueId, TenantTx};
use trunkline_journal::{Fault, Kind, NewEvent, Outcome, Ref};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store;
use crate::audit::{self, Origin};
use crate::auth::Principal;
use crate::http::{AppError, FieldError, IfMatch, Json, Path, Permission, Problem, tagged};
use crate::roles::Asking;
use crate::state::AppState;

const UPDATED: Kind = Kind::from_static("queue.updated");

/// How a queue works. What is left out has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct QueueWorks {
    /// How long one agent is rung, in seconds.
    #[serde(default = "ring_seconds")]
    #[schema(minimum = 5, maximum = 300)]
    pub(super) ring_seconds: i32,
    /// Everything else.
    #[serde(default)]
    pub(super) routing: QueueRouting,
}

fn ring_seconds() -> i32 {
    15
}

/// What the database has of it.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) works: QueueWorks,
    pub(super) updated_at: DateTime<Utc>,
}

/// Routes of queues' rules.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_queue_routing, set_queue_routing))
}

/// How a queue works
///
/// Who is asked, in which order callers are served, and where they go whom nobody serves.
#[utoipa::path(
    get, path = "/queues/{id}/routing", tag = "queues", operation_id = "getQueueRouting",
    params(("id" = uuid::Uuid, Path, description = "The queue")),
    responses(
        (status = 200, description = "How it works", body = QueueWorks),
        (status = 404, description = "No such queue", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("queues:read")))
)]
async fn get_queue_routing(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<QueueId>,
) -> Result<Response, AppError> {
    principal.require(Permission::QueuesRead)?;
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let stored = store::routing(&mut tx, id).await?;
    tx.commit().await?;
    let stored = stored.ok_or_else(|| AppError::not_found("queue"))?;
    Ok(tagged(stored.updated_at, &stored.works))
}

/// Say how a queue works
///
/// Takes the place of what was there; who waits is treated by the new rules at once.
#[utoipa::path(
    put, path = "/queues/{id}/routing", tag = "queues", operation_id = "setQueueRouting", request_body = QueueWorks,
    params(
        ("id" = uuid::Uuid, Path, description = "The queue"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
    ),
    responses(
        (status = 200, description = "How it works now", body = QueueWorks),
        (status = 404, description = "No such queue", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("queues:manage")))
)]
async fn set_queue_routing(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<QueueId>,
    seen: IfMatch,
    Json(wanted): Json<QueueWorks>,
) -> Result<Response, AppError> {
    by.require(Permission::QueuesManage)?;
    let asking = Asking { by, origin };
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, wanted, seen) = (asking.clone(), wanted.clone(), seen.clone());
            Box::pin(async move {
                let stored =
                    store::lock_routing(tx, id).await?.ok_or_else(|| Fault::from(AppError::not_found("queue")))?;
                seen.check(stored.updated_at)?;
                check(tx, id, &wanted).await?;
                let updated_at = store::set_routing(tx, id, &wanted).await?;
                let subject = Ref::new("queue", id.uuid());
                let (before, after) = (json!(stored.works), json!(wanted));
                let entry = asking.entry("queue.updated", subject.clone(), Some(before), Some(after));
                audit::append(tx, entry).await?;
                let event = NewEvent::new(UPDATED, subject, json!({})).actor(Ref::new("user", asking.by.user));
                Ok(Outcome::new(Stored { works: wanted, updated_at }).event(event))
            })
        })
        .await?;
    let works = &committed.value.works;
    state
        .calls
        .goes_by(|directory| {
            directory.queues.get(&id).is_none_or(|queue| {
                queue.routing == works.routing && i32::try_from(queue.ring_seconds) == Ok(works.ring_seconds)
            })
        })
        .await;
    Ok(tagged(committed.value.updated_at, works))
}

/// Refuses what cannot work, every field of it at once.
async fn check(tx: &mut TenantTx<'_>, id: QueueId, wanted: &QueueWorks) -> Result<(), AppError> {
    let mut faults = wanted.routing.faults();
    if !(5..=300).contains(&wanted.ring_seconds) {
        faults.push(("ring_seconds".to_owned(), "must be from 5 to 300".to_owned()));
    }
    let queues = wanted.routing.queues();
    if queues.contains(&id) {
        faults.push(("to".to_owned(), "a queue cannot hand callers to itself".to_owned()));
    }
    let queues: Vec<_> = queues.into_iter().collect();
    if store::count_queues(tx, &queues).await? < queues.len() {
        faults.push(("to".to_owned(), "names a queue that does not exist".to_owned()));
    }
    let skills: Vec<_> = wanted.routing.skills().into_iter().collect();
    if store::count_skills(tx, &skills).await? < skills.len() {
        faults.push(("required".to_owned(), "names a skill that does not exist".to_owned()));
    }
    let music: Vec<_> = wanted.routing.while_waiting.music.into_iter().collect();
    if store::count_sounds(tx, &music).await? < music.len() {
        faults.push(("while_waiting.music".to_owned(), "is no sound of this company".to_owned()));
    }
    let said: Vec<_> = wanted.routing.sounds().into_iter().filter(|sound| !music.contains(sound)).collect();
    if store::count_sounds(tx, &said).await? < said.len() {
        faults.push(("say".to_owned(), "names a sound that does not exist".to_owned()));
    }
    if faults.is_empty() {
        return Ok(());
    }
    let errors = faults.into_iter().map(|(field, message)| FieldError { field, message }).collect();
    Err(AppError::invalid(errors))
}

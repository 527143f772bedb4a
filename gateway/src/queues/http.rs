//! `/api/v1/queues`.

use axum::extract::State;
use serde::Serialize;
use trunkline_db::{AgentId, QueueId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::live::{self, QueueLive};
use super::{live_store, store};
use crate::auth::Principal;
use crate::http::{AppError, Page, PageQuery, Path, Permission, Problem, Query};
use crate::state::AppState;

/// Where calls wait for an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Queue {
    /// The queue.
    #[schema(value_type = uuid::Uuid)]
    pub id: QueueId,
    /// Short name.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// What the tenant's phones dial to reach it.
    pub extension: String,
    /// Seconds that an offer rings before the next agent is tried.
    pub ring_seconds: i32,
    /// Its members.
    #[schema(value_type = Vec<uuid::Uuid>)]
    pub agent_ids: Vec<AgentId>,
    /// Numbers of the public network that lead to it, E.164.
    pub numbers: Vec<String>,
}

/// Routes of queues.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_queues))
        .routes(routes!(list_live_queues))
        .routes(routes!(get_live_queue))
        .merge(super::routing::router())
}

/// List queues
#[utoipa::path(
    get, path = "/queues", tag = "queues", operation_id = "listQueues", params(PageQuery),
    responses((status = 200, description = "Queues by name", body = Page<Queue>)),
    extensions(("x-permission" = json!("queues:read")))
)]
async fn list_queues(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<Queue>>, AppError> {
    principal.require(Permission::QueuesRead)?;
    let (limit, after) = (page.limit()?, page.position::<(String, QueueId)>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let rows = store::list(&mut tx, after.as_ref(), i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(rows, limit, as_of_seq, |queue: &Queue| (queue.name.clone(), queue.id))))
}

/// What goes on in the queues now.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct LiveQueues {
    /// The queues in the user's sight, by name.
    items: Vec<QueueLive>,
    /// The answer holds everything up to this `seq` of the journal.
    as_of_seq: i64,
}

/// What goes on in one queue now.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct LiveQueue {
    #[serde(flatten)]
    queue: QueueLive,
    /// The answer holds everything up to this `seq` of the journal.
    as_of_seq: i64,
}

async fn live_queues(state: &AppState, principal: &Principal) -> Result<LiveQueues, AppError> {
    principal.require(Permission::QueuesRead)?;
    let member = (!principal.sees_all()).then(|| AgentId::from(principal.user));
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let picture = live_store::read(&mut tx, member).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    let items = live::summarise(picture, |agent| state.calls.reachable(principal.tenant, agent));
    Ok(LiveQueues { items, as_of_seq })
}

/// What goes on in the queues
///
/// Who waits, who rings, and what the members are doing, now. Admins and managers see all queues, operators their own. Read it
/// once, then follow the journal after `as_of_seq`.
#[utoipa::path(
    get, path = "/queues/live", tag = "queues", operation_id = "listLiveQueues",
    responses((status = 200, description = "The queues in the user's sight, by name", body = LiveQueues)),
    extensions(("x-permission" = json!("queues:read")))
)]
async fn list_live_queues(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<axum::Json<LiveQueues>, AppError> {
    Ok(axum::Json(live_queues(&state, &principal).await?))
}

/// What goes on in a queue
#[utoipa::path(
    get, path = "/queues/{id}/live", tag = "queues", operation_id = "getLiveQueue",
    params(("id" = uuid::Uuid, Path, description = "The queue")),
    responses(
        (status = 200, description = "The queue now", body = LiveQueue),
        (status = 404, description = "No such queue in the user's sight", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("queues:read")))
)]
async fn get_live_queue(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<QueueId>,
) -> Result<axum::Json<LiveQueue>, AppError> {
    // An agent's activity depends on all queues: one is read with the others.
    let LiveQueues { items, as_of_seq } = live_queues(&state, &principal).await?;
    let queue = items.into_iter().find(|queue| queue.queue_id == id).ok_or_else(|| AppError::not_found("queue"))?;
    Ok(axum::Json(LiveQueue { queue, as_of_seq }))
}

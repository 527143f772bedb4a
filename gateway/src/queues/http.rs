//! `/api/v1/queues`.

use axum::extract::State;
use serde::Serialize;
use trunkline_db::{AgentId, QueueId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store;
use crate::auth::Principal;
use crate::http::{AppError, Page, PageQuery, Permission, Query};
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
    OpenApiRouter::new().routes(routes!(list_queues))
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

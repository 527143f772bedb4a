//! SQL of queues.

use chrono::{DateTime, Utc};
use trunkline_db::{AgentId, DbError, QueueId, SkillId, TenantTx};
use uuid::Uuid;

use super::Queue;
use super::routing::{QueueWorks, Stored};

/// Queues by name, behind the position (name, id), with their members.
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    after: Option<&(String, QueueId)>,
    limit: i64,
) -> Result<Vec<Queue>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT q.id, q.slug, q.name, q.extension, q.ring_seconds,
                  ARRAY(SELECT m.agent_id FROM queue_members m
                         WHERE m.tenant_id = q.tenant_id AND m.queue_id = q.id ORDER BY m.agent_id) AS "agent_ids!",
                  ARRAY(SELECT n.number FROM numbers n
                         WHERE n.tenant_id = q.tenant_id AND n.queue_id = q.id ORDER BY n.number) AS "numbers!"
             FROM queues q
            WHERE $1::text IS NULL OR (q.name, q.id) > ($1, $2)
            ORDER BY q.name, q.id LIMIT $3"#,
        after.map(|(name, _)| name.as_str()),
        after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Queue {
            id: QueueId(row.id),
            slug: row.slug,
            name: row.name,
            extension: row.extension,
            ring_seconds: row.ring_seconds,
            agent_ids: row.agent_ids.into_iter().map(AgentId).collect(),
            numbers: row.numbers,
        })
        .collect())
}

/// The queues that an agent belongs to: the scopes of an operator.
pub(crate) async fn of_agent(tx: &mut TenantTx<'_>, agent: AgentId) -> Result<Vec<QueueId>, DbError> {
    let ids =
        sqlx::query_scalar!("SELECT queue_id FROM queue_members WHERE agent_id = $1 ORDER BY queue_id", agent.uuid())
            .fetch_all(tx.conn())
            .await?;
    Ok(ids.into_iter().map(QueueId).collect())
}

fn stored(ring_seconds: i32, routing: serde_json::Value, updated_at: DateTime<Utc>) -> Stored {
    // What cannot be read, the call centre takes for a plain queue too.
    let routing = serde_json::from_value(routing).unwrap_or_default();
    Stored { works: QueueWorks { ring_seconds, routing }, updated_at }
}

/// How a queue works.
pub(super) async fn routing(tx: &mut TenantTx<'_>, id: QueueId) -> Result<Option<Stored>, DbError> {
    let row = sqlx::query!("SELECT ring_seconds, routing, routing_updated_at FROM queues WHERE id = $1", id.uuid())
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.map(|row| stored(row.ring_seconds, row.routing, row.routing_updated_at)))
}

/// The same, locked until the transaction ends.
pub(super) async fn lock_routing(tx: &mut TenantTx<'_>, id: QueueId) -> Result<Option<Stored>, DbError> {
    let row = sqlx::query!(
        "SELECT ring_seconds, routing, routing_updated_at FROM queues WHERE id = $1 FOR NO KEY UPDATE",
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| stored(row.ring_seconds, row.routing, row.routing_updated_at)))
}

/// Says how a queue works; when.
pub(super) async fn set_routing(
    tx: &mut TenantTx<'_>,
    id: QueueId,
    works: &QueueWorks,
) -> Result<DateTime<Utc>, DbError> {
    Ok(sqlx::query_scalar!(
        "UPDATE queues SET ring_seconds = $2, routing = $3,
                routing_updated_at = greatest(now(), routing_updated_at + interval '1 microsecond')
          WHERE id = $1 RETURNING routing_updated_at",
        id.uuid(),
        works.ring_seconds,
        serde_json::json!(works.routing),
    )
    .fetch_one(tx.conn())
    .await?)
}

/// How many of these queues exist.
pub(crate) async fn count_queues(tx: &mut TenantTx<'_>, ids: &[QueueId]) -> Result<usize, DbError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let count = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM queues WHERE id = ANY($1)"#, &ids)
        .fetch_one(tx.conn())
        .await?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// How many of these sounds there are.
pub(super) async fn count_sounds(tx: &mut TenantTx<'_>, ids: &[Uuid]) -> Result<usize, DbError> {
    let count = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM sounds WHERE id = ANY($1)"#, ids)
        .fetch_one(tx.conn())
        .await?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// How many of these skills exist.
pub(super) async fn count_skills(tx: &mut TenantTx<'_>, ids: &[SkillId]) -> Result<usize, DbError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let count = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM skills WHERE id = ANY($1)"#, &ids)
        .fetch_one(tx.conn())
        .await?;
    Ok(usize::try_from(count).unwrap_or(0))
}

//! SQL of queues.

use trunkline_db::{AgentId, DbError, QueueId, TenantTx};

use super::Queue;

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

//! SQL of grants.

use std::collections::HashMap;

use trunkline_db::{AgentId, DbError, QueueId, Role, TenantTx, UserId};

/// A user's role, if the user is a member.
pub(super) async fn role(tx: &mut TenantTx<'_>, user: UserId) -> Result<Option<Role>, DbError> {
    let text = sqlx::query_scalar!("SELECT role FROM memberships WHERE user_id = $1", user.uuid())
        .fetch_optional(tx.conn())
        .await?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// All members' roles.
pub(super) async fn roles(tx: &mut TenantTx<'_>) -> Result<HashMap<UserId, Role>, DbError> {
    let rows = sqlx::query!("SELECT user_id, role FROM memberships").fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().filter_map(|row| Some((UserId(row.user_id), row.role.parse().ok()?))).collect())
}

/// All agents' queues, in the order in which one agent's are read.
pub(super) async fn queues_by_agent(tx: &mut TenantTx<'_>) -> Result<HashMap<AgentId, Vec<QueueId>>, DbError> {
    let rows =
        sqlx::query!("SELECT agent_id, queue_id FROM queue_members ORDER BY queue_id").fetch_all(tx.conn()).await?;
    let mut queues: HashMap<AgentId, Vec<QueueId>> = HashMap::new();
    for row in rows {
        queues.entry(AgentId(row.agent_id)).or_default().push(QueueId(row.queue_id));
    }
    Ok(queues)
}

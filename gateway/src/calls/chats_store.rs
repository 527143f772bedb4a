//! What the router is to know of conversations.

use chrono::{DateTime, Utc};
use trunkline_calls::center::{ChatRecord, ChatStands};
use trunkline_db::{AgentId, ConversationId, DbError, QueueId, TenantTx};
use uuid::Uuid;

/// A conversation, as far as agents' work goes.
struct Row {
    id: ConversationId,
    version: i64,
    /// Open, written, and no spam.
    is_work: bool,
    queue: Option<QueueId>,
    agent: Option<AgentId>,
    priority: i16,
    since: DateTime<Utc>,
    last_agent: Option<AgentId>,
}

impl Row {
    fn record(self, tx: &TenantTx<'_>) -> ChatRecord {
        let stands = match (self.agent, self.queue) {
            _ if !self.is_work => ChatStands::Over,
            (Some(agent), queue) => ChatStands::Held { agent, queue },
            (None, Some(queue)) => {
                let Self { priority, since, last_agent, .. } = self;
                ChatStands::Waits { queue, priority, since, last_agent }
            }
            // Whoever looks at the list takes it.
            (None, None) => ChatStands::Over,
        };
        ChatRecord { tenant: tx.tenant(), chat: self.id, version: self.version, stands }
    }
}

/// Every chat that waits for an agent or is in an agent's hand.
pub(super) async fn all(tx: &mut TenantTx<'_>) -> Result<Vec<ChatRecord>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT c.id AS "id: ConversationId", c.version, true AS "is_work!", c.queue_id AS "queue: QueueId",
                  c.agent_id AS "agent: AgentId", c.priority,
                  coalesce(c.waiting_since, greatest(c.opened_at, c.reopened_at)) AS "since!", l.agent_id AS "last_agent?: AgentId"
             FROM conversations c
             LEFT JOIN LATERAL (
                 SELECT p.agent_id FROM conversations p
                  WHERE p.tenant_id = c.tenant_id AND p.contact_id = c.contact_id AND p.agent_id IS NOT NULL AND c.agent_id IS NULL
                  ORDER BY p.last_at DESC LIMIT 1) l ON true
            WHERE c.state = 'open' AND NOT c.spam AND c.channel <> 'call' AND (c.queue_id IS NOT NULL OR c.agent_id IS NOT NULL)"#
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| row.record(tx)).collect())
}

/// What is to be known of these conversations.
pub(super) async fn some(tx: &mut TenantTx<'_>, chats: &[Uuid]) -> Result<Vec<ChatRecord>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT c.id AS "id: ConversationId", c.version,
                  (c.state = 'open' AND NOT c.spam AND c.channel <> 'call') AS "is_work!", c.queue_id AS "queue: QueueId",
                  c.agent_id AS "agent: AgentId", c.priority,
                  coalesce(c.waiting_since, greatest(c.opened_at, c.reopened_at)) AS "since!", l.agent_id AS "last_agent?: AgentId"
             FROM conversations c
             LEFT JOIN LATERAL (
                 SELECT p.agent_id FROM conversations p
                  WHERE p.tenant_id = c.tenant_id AND p.contact_id = c.contact_id AND p.agent_id IS NOT NULL AND c.agent_id IS NULL
                  ORDER BY p.last_at DESC LIMIT 1) l ON true
            WHERE c.id = ANY($1)"#,
        chats,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| row.record(tx)).collect())
}

//! SQL of surveys.

use chrono::{DateTime, Utc};
use trunkline_db::{AgentId, ConversationId, DbError, QueueId, TenantTx};
use uuid::Uuid;

use crate::csat::{Answered, Survey};

/// Whether the conversation's account asks, and they wrote at all.
pub(crate) async fn is_wanted(tx: &mut TenantTx<'_>, id: ConversationId) -> Result<bool, DbError> {
    let wanted = sqlx::query_scalar!(
        r#"SELECT (a.settings ->> 'csat' = 'true' AND c.last_in_at IS NOT NULL AND NOT c.spam) AS "wanted!"
             FROM conversations c JOIN channel_accounts a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
            WHERE c.id = $1 AND a.settings ? 'csat'"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(wanted.unwrap_or(false))
}

/// Begins a survey of a conversation that is still resolved since then and was not asked about since; the contact's language.
pub(crate) async fn begin(
    tx: &mut TenantTx<'_>,
    survey: Uuid,
    id: ConversationId,
    resolved_at: DateTime<Utc>,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<Option<Option<String>>, DbError> {
    let agent = sqlx::query_scalar!(
        "INSERT INTO csat_surveys (tenant_id, id, conversation_id, agent_id, asked_at, expires_at)
         SELECT c.tenant_id, $1, c.id,
                coalesce(c.agent_id, (SELECT a.id FROM agents a WHERE a.id = c.resolved_by)), $4, $5 FROM conversations c
          WHERE c.id = $2 AND c.state = 'resolved' AND c.resolved_at <= $3::timestamptz + interval '1 second'
            AND NOT EXISTS (SELECT FROM csat_surveys s WHERE s.conversation_id = c.id AND s.asked_at >= c.resolved_at)
         RETURNING id",
        survey,
        id.uuid(),
        resolved_at,
        now,
        expires_at,
    )
    .fetch_optional(tx.conn())
    .await?;
    if agent.is_none() {
        return Ok(None);
    }
    let language = sqlx::query_scalar!(
        "SELECT p.language FROM conversations c JOIN contacts p ON p.tenant_id = c.tenant_id AND p.id = c.contact_id WHERE c.id = $1",
        id.uuid(),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Some(language))
}

pub(crate) async fn find(tx: &mut TenantTx<'_>, survey: Uuid) -> Result<Option<Survey>, DbError> {
    Ok(sqlx::query_as!(Survey, "SELECT score, expires_at FROM csat_surveys WHERE id = $1", survey)
        .fetch_optional(tx.conn())
        .await?)
}

/// Keeps the answer, once.
pub(crate) async fn answer(
    tx: &mut TenantTx<'_>,
    survey: Uuid,
    score: i16,
    comment: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<Answered>, DbError> {
    Ok(sqlx::query_as!(
        Answered,
        r#"UPDATE csat_surveys s SET score = $2, comment = $3, answered_at = $4 FROM conversations c
            WHERE s.id = $1 AND s.answered_at IS NULL AND s.expires_at > $4 AND c.id = s.conversation_id
        RETURNING s.conversation_id AS "conversation: ConversationId", s.agent_id AS "agent: AgentId", c.queue_id AS "queue: QueueId""#,
        survey,
        score,
        comment,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

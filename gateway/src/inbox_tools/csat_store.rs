//! SQL of answers to surveys.

use chrono::{DateTime, Utc};
use trunkline_db::{AgentId, ConversationId, DbError, TenantTx};
use uuid::Uuid;

use super::csat::CsatAnswer;
use crate::roster::Sight;

/// Answers of conversations in sight, the newest first.
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    sight: &Sight,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<CsatAnswer>, DbError> {
    Ok(sqlx::query_as!(
        CsatAnswer,
        r#"SELECT s.id, s.conversation_id AS "conversation_id: ConversationId", s.agent_id AS "agent_id: AgentId", s.score AS "score!",
                  s.comment, s.asked_at, s.answered_at AS "answered_at!"
             FROM csat_surveys s JOIN conversations c ON c.id = s.conversation_id
            WHERE s.answered_at IS NOT NULL AND ($1::timestamptz IS NULL OR (s.answered_at, s.id) < ($1, $2))
              AND ($3 OR s.agent_id = ANY($4) OR EXISTS (
                    SELECT FROM queue_members m WHERE m.queue_id = c.queue_id AND m.agent_id = $5))
            ORDER BY s.answered_at DESC, s.id DESC LIMIT $6"#,
        after.map(|(at, _)| at),
        after.map(|(_, id)| id),
        sight.all,
        &sight.agents(),
        sight.user.uuid(),
        limit,
    )
    .fetch_all(tx.conn())
    .await?)
}

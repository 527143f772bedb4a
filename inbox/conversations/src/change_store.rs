//! SQL of what changes at a conversation.

use chrono::{DateTime, Utc};
use trunkline_db::{AgentId, CallId, ConversationId, DbError, QueueId, TeamId, TenantTx};

use crate::change::Standing;
use crate::model::{Assignee, State};
use crate::words::{Word as _, word};

pub(crate) async fn lock(tx: &mut TenantTx<'_>, id: ConversationId) -> Result<Option<Standing>, DbError> {
    let row = sqlx::query!(
        r#"SELECT state, snoozed_until, queue_id AS "queue_id: QueueId", team_id AS "team_id: TeamId", agent_id AS "agent_id: AgentId",
                  priority, spam, call_id AS "call_id: CallId" FROM conversations WHERE id = $1 FOR NO KEY UPDATE"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        Ok(Standing {
            state: word(&row.state)?,
            snoozed_until: row.snoozed_until,
            assignee: Assignee { agent_id: row.agent_id, team_id: row.team_id, queue_id: row.queue_id },
            priority: row.priority,
            spam: row.spam,
            call: row.call_id,
        })
    })
    .transpose()
}

/// The rows around it say something new.
pub(crate) async fn raise(tx: &mut TenantTx<'_>, id: ConversationId) -> Result<(), DbError> {
    sqlx::query!("UPDATE conversations SET version = version + 1, updated_at = now() WHERE id = $1", id.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(crate) async fn put(
    tx: &mut TenantTx<'_>,
    id: ConversationId,
    next: &Standing,
    before: State,
    at: DateTime<Utc>,
    by: Option<AgentId>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE conversations SET version = version + 1, updated_at = now(), state = $2, snoozed_until = $3, queue_id = $4, team_id = $5,
             assigned_at = CASE WHEN $6::uuid IS DISTINCT FROM agent_id THEN CASE WHEN $6::uuid IS NOT NULL THEN $10::timestamptz END
                                ELSE assigned_at END,
             agent_id = $6, priority = $7, spam = $8, call_id = $9,
             resolved_at = CASE WHEN $2 = 'resolved' THEN coalesce(resolved_at, $10) END,
             resolved_by = CASE WHEN $2 <> 'resolved' THEN NULL WHEN $11 <> 'resolved' THEN $12 ELSE resolved_by END,
             reopened_at = CASE WHEN $2 = 'open' AND $11 <> 'open' THEN $10 ELSE reopened_at END,
             waiting_since = CASE WHEN $2 = 'resolved' THEN NULL ELSE waiting_since END
         WHERE id = $1",
        id.uuid(),
        next.state_word(),
        next.snoozed_until,
        next.assignee.queue_id.map(QueueId::uuid),
        next.assignee.team_id.map(TeamId::uuid),
        next.assignee.agent_id.map(AgentId::uuid),
        next.priority,
        next.spam,
        next.call.map(CallId::uuid),
        at,
        before.as_str(),
        by.map(AgentId::uuid),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(crate) async fn named(tx: &mut TenantTx<'_>, id: ConversationId, most: i64) -> Result<Vec<AgentId>, DbError> {
    let named = sqlx::query_scalar!(
        r#"SELECT user_id AS "user_id!: AgentId" FROM mentions WHERE conversation_id = $1 GROUP BY user_id ORDER BY max(at) DESC LIMIT $2"#,
        id.uuid(),
        most,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(named)
}

pub(crate) async fn agent_name(tx: &mut TenantTx<'_>, agent: AgentId) -> Result<Option<String>, DbError> {
    // Of those who take no calls, too: they write all the same.
    let name = sqlx::query_scalar!(
        "SELECT coalesce((SELECT name FROM agents WHERE id = $1), member_name($1)) AS name",
        agent.uuid()
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(name)
}

//! SQL of dispositions.

use std::collections::HashMap;

use trunkline_calls::queueing::QueueRouting;
use trunkline_db::{AgentId, CallId, DbError, QueueId, TenantTx};
use uuid::Uuid;

use super::disposition::CallDisposition;

/// The queue by whose rules an agent talked in a call, and those rules.
pub(super) async fn queue_of(
    tx: &mut TenantTx<'_>,
    call: CallId,
    agent: AgentId,
) -> Result<Option<(QueueId, QueueRouting)>, DbError> {
    let row = sqlx::query!(
        r#"SELECT q.id AS "id: QueueId", q.routing FROM calls c
             JOIN queues q ON q.id = coalesce(
                      (SELECT w.queue_id FROM wrap_ups w WHERE w.call_id = c.id AND w.agent_id = $2), c.queue_id)
            WHERE c.id = $1
              AND EXISTS (SELECT FROM call_legs l WHERE l.call_id = c.id AND l.agent_id = $2 AND l.answered_at IS NOT NULL)"#,
        call.uuid(),
        agent.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.id, serde_json::from_value(row.routing).unwrap_or_default())))
}

/// Notes what an agent says a call came to.
pub(super) async fn put(tx: &mut TenantTx<'_>, call: CallId, said: &CallDisposition) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO dispositions (tenant_id, call_id, agent_id, code, label, note, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tenant_id, call_id, agent_id) DO UPDATE SET
             code = excluded.code, label = excluded.label, note = excluded.note, at = excluded.at",
        tx.tenant().uuid(),
        call.uuid(),
        said.agent_id.uuid(),
        said.code,
        said.label,
        said.note,
        said.at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What was said of these calls.
pub(super) async fn of_calls(
    tx: &mut TenantTx<'_>,
    calls: &[Uuid],
) -> Result<HashMap<CallId, Vec<CallDisposition>>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT call_id AS "call_id: CallId", agent_id AS "agent_id: AgentId", code, label, note, at FROM dispositions
            WHERE call_id = ANY($1) ORDER BY at, agent_id"#,
        calls,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut said: HashMap<CallId, Vec<CallDisposition>> = HashMap::new();
    for row in rows {
        said.entry(row.call_id).or_default().push(CallDisposition {
            agent_id: row.agent_id,
            code: row.code,
            label: row.label,
            note: row.note,
            at: row.at,
        });
    }
    Ok(said)
}

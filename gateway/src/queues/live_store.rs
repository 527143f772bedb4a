//! SQL of what goes on in the queues: running calls only, so that the length of the history does not matter.

use std::collections::HashSet;

use trunkline_db::{AgentId, CallId, DbError, QueueId, TenantTx};

use super::live::{OpenCall, Picture};
use crate::agents::state_of;
use crate::calls::model::CallState;

/// The moment's picture of the queues of `member`, or of all. Read it in a snapshot: it takes four statements.
pub(super) async fn read(tx: &mut TenantTx<'_>, member: Option<AgentId>) -> Result<Picture, DbError> {
    let queues = sqlx::query_scalar!(
        r#"SELECT q.id AS "id: QueueId" FROM queues q
            WHERE $1::uuid IS NULL
               OR EXISTS (SELECT FROM queue_members m
                           WHERE m.tenant_id = q.tenant_id AND m.queue_id = q.id AND m.agent_id = $1)
            ORDER BY q.name, q.id"#,
        member.map(AgentId::uuid),
    )
    .fetch_all(tx.conn())
    .await?;
    let ids: Vec<uuid::Uuid> = queues.iter().map(|queue| queue.uuid()).collect();
    let members = sqlx::query!(
        r#"SELECT m.queue_id AS "queue: QueueId", m.agent_id AS "agent: AgentId", a.state
             FROM queue_members m JOIN agents a ON a.tenant_id = m.tenant_id AND a.id = m.agent_id
            WHERE m.queue_id = ANY($1)"#,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    let calls = sqlx::query!(
        r#"SELECT id AS "id: CallId", queue_id AS "queue: QueueId", agent_id AS "agent: AgentId", from_number, state,
                  coalesce(queued_at, started_at) AS "since!"
             FROM calls WHERE state <> 'ended' ORDER BY coalesce(queued_at, started_at), id"#
    )
    .fetch_all(tx.conn())
    .await?;
    let legs = sqlx::query!(
        r#"SELECT l.agent_id AS "agent!: AgentId", l.answered_at IS NOT NULL AS "answered!"
             FROM calls c JOIN call_legs l ON l.tenant_id = c.tenant_id AND l.call_id = c.id
            WHERE c.state <> 'ended' AND l.kind = 'agent' AND l.agent_id IS NOT NULL AND l.ended_at IS NULL"#
    )
    .fetch_all(tx.conn())
    .await?;

    let mut talking: HashSet<AgentId> = legs.iter().filter(|leg| leg.answered).map(|leg| leg.agent).collect();
    let ringing = legs.iter().filter(|leg| !leg.answered).map(|leg| leg.agent).collect();
    let mut open = Vec::with_capacity(calls.len());
    for call in calls {
        // The schema allows no other words; one of a newer version is a call like any other.
        let state = CallState::parse(&call.state).unwrap_or(CallState::New);
        if state == CallState::Active {
            talking.extend(call.agent);
        }
        if let Some(queue) = call.queue {
            open.push(OpenCall { id: call.id, queue, from: call.from_number, state, since: call.since });
        }
    }
    let members = members.into_iter().map(|row| (row.queue, row.agent, state_of(&row.state))).collect();
    Ok(Picture { queues, calls: open, members, talking, ringing })
}

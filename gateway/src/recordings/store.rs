//! SQL of recordings.

use chrono::{DateTime, Utc};
use trunkline_db::{CallId, DbError, RecordingId, SystemTx, TenantId, TenantTx};
use uuid::Uuid;

use super::model::Recording;
use crate::roster::Sight;

/// A recording and where its file lies.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) recording: Recording,
    pub(super) path: String,
    /// The customer's number, for the name of a download.
    pub(super) customer: String,
}

/// One recording, if the user may hear it: those who see all, the agent of the call, who leads a team of the
/// agent, and members of its queue.
pub(super) async fn find(tx: &mut TenantTx<'_>, id: RecordingId, sight: &Sight) -> Result<Option<Row>, DbError> {
    let row = sqlx::query!(
        r#"SELECT r.call_id, r.state, r.path, r.started_at, r.ended_at, r.duration_ms, r.bytes, r.gaps, r.lost_packets, r.error,
                  CASE WHEN c.direction = 'outbound' THEN c.to_number ELSE c.from_number END AS "customer!"
             FROM recordings r
             JOIN calls c ON c.tenant_id = r.tenant_id AND c.id = r.call_id
            WHERE r.id = $1
              AND ($3 OR c.agent_id = ANY($2)
                   OR EXISTS (SELECT 1 FROM queue_members m
                               WHERE m.tenant_id = c.tenant_id AND m.queue_id = c.queue_id AND m.agent_id = $4))"#,
        id.uuid(),
        &sight.agents(),
        sight.all,
        sight.user.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Row {
        recording: Recording {
            id,
            call_id: CallId(row.call_id),
            state: row.state,
            started_at: row.started_at,
            ended_at: row.ended_at,
            duration_ms: row.duration_ms,
            bytes: row.bytes,
            gaps: row.gaps,
            lost_packets: row.lost_packets,
            error: row.error,
        },
        path: row.path,
        customer: row.customer,
    }))
}

/// Tenants that are at work.
pub(super) async fn tenants(tx: &mut SystemTx) -> Result<Vec<TenantId>, DbError> {
    let tenants = sqlx::query_scalar!(r#"SELECT id AS "id: TenantId" FROM tenants WHERE removal_started_at IS NULL"#);
    Ok(tenants.fetch_all(tx.conn()).await?)
}

/// Some recordings that were finished before `end`, the oldest first, with their files.
pub(super) async fn finished_before(tx: &mut TenantTx<'_>, end: DateTime<Utc>) -> Result<Vec<(Uuid, String)>, DbError> {
    let rows = sqlx::query!(
        "SELECT id, path FROM recordings WHERE state <> 'recording' AND coalesce(ended_at, started_at) < $1
          ORDER BY started_at, id LIMIT 200 FOR UPDATE SKIP LOCKED",
        end,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.path)).collect())
}

/// Removes recordings; their calls stay.
pub(super) async fn delete(tx: &mut TenantTx<'_>, ids: &[Uuid]) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM recordings WHERE id = ANY($1)", ids).execute(tx.conn()).await?;
    Ok(())
}

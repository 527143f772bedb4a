//! SQL of calls as the API shows them.

use std::collections::HashMap;

use trunkline_db::{AgentId, CallId, DbError, DeviceId, QueueId, RecordingId, TenantTx, UserId};
use uuid::Uuid;

use super::http::Call;
use super::model::{CallState, Direction, EndReason, Leg, LegKind};
use super::store::word;

/// Which calls.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) state: Option<CallState>,
    pub(super) queue: Option<Uuid>,
    pub(super) agent: Option<Uuid>,
    /// Behind this one; the newest come first, and ids sort by time.
    pub(super) before: Option<CallId>,
}

/// Calls that the user may see: those who see all, the agents who were asked or talked, and members of the queue.
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    wanted: &Wanted,
    limit: i64,
    user: UserId,
    sees_all: bool,
) -> Result<Vec<Call>, DbError> {
    read(tx, None, wanted, limit, user, sees_all).await
}

/// One call, if the user may see it.
pub(super) async fn find(
    tx: &mut TenantTx<'_>,
    id: CallId,
    user: UserId,
    sees_all: bool,
) -> Result<Option<Call>, DbError> {
    let any = Wanted { state: None, queue: None, agent: None, before: None };
    Ok(read(tx, Some(id), &any, 1, user, sees_all).await?.pop())
}

async fn read(
    tx: &mut TenantTx<'_>,
    id: Option<CallId>,
    wanted: &Wanted,
    limit: i64,
    user: UserId,
    sees_all: bool,
) -> Result<Vec<Call>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT c.id AS "id: CallId", c.direction, c.from_number, c.to_number, c.state, c.queue_id AS "queue_id: QueueId",
                  c.agent_id AS "agent_id: AgentId", c.contact_id, c.started_at, c.queued_at, c.answered_at, c.ended_at,
                  c.end_reason, c.cause, c.sip_code, c.estimated, c.gaps, c.recording_id AS "recording_id: RecordingId"
             FROM calls c
            WHERE ($1::uuid IS NULL OR c.id = $1)
              AND ($2::text IS NULL OR c.state = $2)
              AND ($3::uuid IS NULL OR c.queue_id = $3)
              AND ($4::uuid IS NULL OR c.agent_id = $4)
              AND ($5::uuid IS NULL OR c.id < $5)
              AND ($7 OR c.agent_id = $6
                   OR EXISTS (SELECT FROM queue_members m
                               WHERE m.tenant_id = c.tenant_id AND m.queue_id = c.queue_id AND m.agent_id = $6)
                   OR EXISTS (SELECT FROM call_legs l
                               WHERE l.tenant_id = c.tenant_id AND l.call_id = c.id AND l.agent_id = $6))
            ORDER BY c.id DESC LIMIT $8"#,
        id.map(CallId::uuid),
        wanted.state.map(CallState::as_str),
        wanted.queue,
        wanted.agent,
        wanted.before.map(CallId::uuid),
        user.uuid(),
        sees_all,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id.uuid()).collect();
    let mut legs = legs_of(tx, &ids).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Call {
                id: row.id,
                direction: word(&row.direction, Direction::parse)?,
                from: row.from_number,
                to: row.to_number,
                state: word(&row.state, CallState::parse)?,
                queue_id: row.queue_id,
                agent_id: row.agent_id,
                contact_id: row.contact_id,
                started_at: row.started_at,
                queued_at: row.queued_at,
                answered_at: row.answered_at,
                ended_at: row.ended_at,
                end_reason: row.end_reason.as_deref().map(|reason| word(reason, EndReason::parse)).transpose()?,
                cause: row.cause,
                sip_code: row.sip_code,
                estimated: row.estimated,
                legs: legs.remove(&row.id).unwrap_or_default(),
                recording_id: row.recording_id,
                gaps: serde_json::from_value(row.gaps).unwrap_or_default(),
            })
        })
        .collect()
}

async fn legs_of(tx: &mut TenantTx<'_>, calls: &[Uuid]) -> Result<HashMap<CallId, Vec<Leg>>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT call_id AS "call_id: CallId", id, kind, agent_id AS "agent_id: AgentId", device_id AS "device_id: DeviceId",
                  started_at, answered_at, ended_at, cause
             FROM call_legs WHERE call_id = ANY($1) ORDER BY started_at, kind DESC, id"#,
        calls,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut legs: HashMap<CallId, Vec<Leg>> = HashMap::new();
    for row in rows {
        legs.entry(row.call_id).or_default().push(Leg {
            id: row.id,
            kind: word(&row.kind, LegKind::parse)?,
            agent_id: row.agent_id,
            device_id: row.device_id,
            started_at: row.started_at,
            answered_at: row.answered_at,
            ended_at: row.ended_at,
            cause: row.cause,
        });
    }
    Ok(legs)
}

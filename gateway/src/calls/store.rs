//! What is kept of calls, and what a starting gateway reads back.

use trunkline_db::{AgentId, CallId, Db, DbError, DeviceId, QueueId, RecordingId, SystemTx, TenantId, TenantTx};
use trunkline_jobs::NewJob;

use trunkline_calls::flow::walk::Step;
use trunkline_calls::model::{
    AgentRow, CallGap, CallRow, CallState, CallbackRow, Direction, EndReason, Leg, LegKind, OpenCall, Record,
    RecordingRow, RecordingState, Server, VoicemailRow, WrapUpRow,
};

/// Writes a record's rows. Its happenings go into the journal in the same transaction.
pub(super) async fn apply(tx: &mut TenantTx<'_>, record: &Record) -> Result<(), DbError> {
    if let Some(call) = &record.call {
        upsert_call(tx, call).await?;
    }
    for (call, leg) in &record.legs {
        upsert_leg(tx, *call, leg).await?;
    }
    if let Some(recording) = &record.recording {
        upsert_recording(tx, recording).await?;
    }
    if let Some((agent, at)) = record.last_contact {
        sqlx::query!(
            "UPDATE agents SET last_contact_at = greatest(last_contact_at, $3) WHERE tenant_id = $1 AND id = $2",
            record.tenant.uuid(),
            agent.uuid(),
            at,
        )
        .execute(tx.conn())
        .await?;
    }
    if let Some(agent) = &record.agent {
        update_agent(tx, agent).await?;
    }
    for row in &record.wrap_ups {
        upsert_wrap_up(tx, row).await?;
    }
    if let Some(call) = &record.call {
        insert_steps(tx, call.id, &record.steps).await?;
    }
    if let Some(left) = &record.voicemail {
        insert_voicemail(tx, left).await?;
    }
    if let Some(wanted) = &record.callback {
        insert_callback(tx, wanted).await?;
    }
    Ok(())
}

async fn insert_steps(tx: &mut TenantTx<'_>, call: CallId, steps: &[Step]) -> Result<(), DbError> {
    for step in steps {
        sqlx::query!(
            "INSERT INTO call_steps (tenant_id, call_id, place, at, node, name, type, what, data)
             SELECT $1, $2, coalesce((SELECT max(s.place) FROM call_steps s WHERE s.call_id = $2), 0) + 1, $3, $4, $5, $6, $7, $8",
            tx.tenant().uuid(),
            call.uuid(),
            step.at,
            step.node,
            step.name,
            step.kind,
            step.what,
            step.data,
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

/// The message's row, and the job that fetches it.
async fn insert_voicemail(tx: &mut TenantTx<'_>, left: &VoicemailRow) -> Result<(), DbError> {
    let id = uuid::Uuid::now_v7();
    let inserted = sqlx::query!(
        "INSERT INTO voicemails (tenant_id, id, call_id, queue_id, at, asterisk, name, length_ms)
         VALUES ($1, $2, $3, (SELECT q.id FROM queues q WHERE q.id = $4), $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        tx.tenant().uuid(),
        id,
        left.call_id.uuid(),
        left.queue_id.uuid(),
        left.at,
        left.server.as_str(),
        left.name,
        left.length_ms,
    );
    if inserted.execute(tx.conn()).await?.rows_affected() == 1 {
        let job = NewJob::new(crate::voicemails::FETCH, serde_json::json!({ "voicemail_id": id })).max_attempts(20);
        trunkline_jobs::enqueue(tx, job).await?;
    }
    Ok(())
}

async fn insert_callback(tx: &mut TenantTx<'_>, wanted: &CallbackRow) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO callbacks (tenant_id, id, call_id, queue_id, number, why, at)
         VALUES ($1, $2, $3, (SELECT q.id FROM queues q WHERE q.id = $4), $5, 'asked', $6) ON CONFLICT DO NOTHING",
        tx.tenant().uuid(),
        uuid::Uuid::now_v7(),
        wanted.call_id.uuid(),
        wanted.queue_id.uuid(),
        wanted.number,
        wanted.at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn update_agent(tx: &mut TenantTx<'_>, agent: &AgentRow) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE agents SET activity = $2, activity_since = $3 WHERE id = $1",
        agent.id.uuid(),
        agent.activity.as_str(),
        agent.since,
    )
    .execute(tx.conn())
    .await?;
    if let Some(reason) = &agent.paused {
        // What the agent chose meanwhile stands.
        sqlx::query!(
            "UPDATE agents SET state = 'paused', reason = $2, state_since = $3 WHERE id = $1 AND state_since <= $3",
            agent.id.uuid(),
            reason,
            agent.since,
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

async fn upsert_wrap_up(tx: &mut TenantTx<'_>, row: &WrapUpRow) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO wrap_ups (tenant_id, call_id, agent_id, queue_id, began_at, until, ended_at)
         SELECT $1, $2, $3, $4, $5, $6, $7 WHERE EXISTS (SELECT FROM agents WHERE tenant_id = $1 AND id = $3)
         ON CONFLICT (tenant_id, call_id, agent_id) DO UPDATE SET
             queue_id = excluded.queue_id, began_at = excluded.began_at, until = excluded.until, ended_at = excluded.ended_at",
        tx.tenant().uuid(),
        row.call_id.uuid(),
        row.agent_id.uuid(),
        row.queue_id.uuid(),
        row.began_at,
        row.until,
        row.ended_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn upsert_call(tx: &mut TenantTx<'_>, call: &CallRow) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO calls (tenant_id, id, direction, from_number, to_number, state, queue_id, agent_id, customer_channel,
             bridge_id, started_at, queued_at, answered_at, ended_at, end_reason, cause, sip_code, estimated, gaps,
             held_since, asterisk, way, may_record, priority)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)
         ON CONFLICT (tenant_id, id) DO UPDATE SET
             state = excluded.state, queue_id = excluded.queue_id, agent_id = excluded.agent_id,
             customer_channel = excluded.customer_channel, bridge_id = excluded.bridge_id, queued_at = excluded.queued_at, answered_at = excluded.answered_at, ended_at = excluded.ended_at,
             end_reason = excluded.end_reason, cause = excluded.cause, sip_code = excluded.sip_code,
             estimated = excluded.estimated, gaps = excluded.gaps, held_since = excluded.held_since,
             way = excluded.way, may_record = excluded.may_record, priority = excluded.priority",
        tx.tenant().uuid(),
        call.id.uuid(),
        call.direction.as_str(),
        call.from_number,
        call.to_number,
        call.state.as_str(),
        call.queue_id.map(QueueId::uuid),
        call.agent_id.map(AgentId::uuid),
        call.customer_channel,
        call.bridge_id,
        call.started_at,
        call.queued_at,
        call.answered_at,
        call.ended_at,
        call.end_reason.map(EndReason::as_str),
        call.cause,
        call.sip_code,
        call.estimated,
        serde_json::json!(call.gaps),
        call.held_since,
        call.server.as_str(),
        call.way.as_ref().map(|way| serde_json::json!(way)),
        call.may_record,
        call.priority,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn upsert_leg(tx: &mut TenantTx<'_>, call: CallId, leg: &Leg) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO call_legs (tenant_id, call_id, id, kind, agent_id, device_id, started_at, answered_at, ended_at, cause, number)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (tenant_id, call_id, id) DO UPDATE SET
             kind = excluded.kind, answered_at = excluded.answered_at, ended_at = excluded.ended_at, cause = excluded.cause",
        tx.tenant().uuid(),
        call.uuid(),
        leg.id,
        leg.kind.as_str(),
        leg.agent_id.map(AgentId::uuid),
        leg.device_id.map(DeviceId::uuid),
        leg.started_at,
        leg.answered_at,
        leg.ended_at,
        leg.cause,
        leg.number,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn upsert_recording(tx: &mut TenantTx<'_>, recording: &RecordingRow) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO recordings (tenant_id, id, call_id, state, path, started_at, ended_at, duration_ms, bytes, gaps,
             lost_packets, error)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (tenant_id, id) DO UPDATE SET
             state = excluded.state, ended_at = excluded.ended_at, duration_ms = excluded.duration_ms,
             bytes = excluded.bytes, gaps = excluded.gaps, lost_packets = excluded.lost_packets, error = excluded.error",
        tx.tenant().uuid(),
        recording.id.uuid(),
        recording.call_id.uuid(),
        recording.state.as_str(),
        recording.path,
        recording.started_at,
        recording.ended_at,
        recording.duration_ms,
        recording.bytes,
        recording.gaps,
        recording.lost_packets,
        recording.error,
    )
    .execute(tx.conn())
    .await?;
    // The call points at its recording, and the recording at its call: one of them has to come second.
    sqlx::query!(
        "UPDATE calls SET recording_id = $3 WHERE tenant_id = $1 AND id = $2 AND recording_id IS DISTINCT FROM $3",
        tx.tenant().uuid(),
        recording.call_id.uuid(),
        recording.id.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A word of a closed set. The table's constraint allows no other than ours; an older program may still meet a newer one's.
pub(super) fn word<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, DbError> {
    parse(text).ok_or_else(|| DbError::from(sqlx::Error::Decode(format!("a word that is not known: {text:?}").into())))
}

/// The calls that were running, or whose recording was not closed, when their gateway stopped.
pub(super) async fn open_calls(db: &Db) -> Result<Vec<OpenCall>, DbError> {
    let mut tx = db.system().await?;
    let mut open = open_call_rows(&mut tx).await?;
    for call in &mut open {
        call.legs = legs_of(&mut tx, call.tenant, call.row.id).await?;
        if let Some(recording) = call.row.recording_id {
            call.recording = recording_of(&mut tx, call.tenant, recording).await?;
        }
    }
    tx.commit().await?;
    Ok(open)
}

async fn open_call_rows(tx: &mut SystemTx) -> Result<Vec<OpenCall>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT c.tenant_id AS "tenant_id: TenantId", c.id AS "id: CallId", c.direction, c.from_number, c.to_number, c.state,
                  c.queue_id AS "queue_id: QueueId", c.agent_id AS "agent_id: AgentId", c.customer_channel, c.bridge_id,
                  c.started_at, c.queued_at, c.answered_at, c.ended_at, c.end_reason, c.cause, c.sip_code, c.estimated,
                  c.gaps, c.held_since, c.asterisk, c.way, c.may_record, c.priority, c.recording_id AS "recording_id: RecordingId"
             FROM calls c
            WHERE c.state <> 'ended'
               OR EXISTS (SELECT FROM recordings r
                           WHERE r.tenant_id = c.tenant_id AND r.id = c.recording_id AND r.state = 'recording')
            ORDER BY c.id"#
    )
    .fetch_all(tx.conn())
    .await?;
    let mut open = Vec::with_capacity(rows.len());
    for row in rows {
        let gaps: Vec<CallGap> = serde_json::from_value(row.gaps).unwrap_or_default();
        open.push(OpenCall {
            tenant: row.tenant_id,
            row: CallRow {
                id: row.id,
                direction: word(&row.direction, Direction::parse)?,
                from_number: row.from_number,
                to_number: row.to_number,
                state: word(&row.state, CallState::parse)?,
                queue_id: row.queue_id,
                agent_id: row.agent_id,
                customer_channel: row.customer_channel.unwrap_or_default(),
                bridge_id: row.bridge_id.unwrap_or_default(),
                started_at: row.started_at,
                queued_at: row.queued_at,
                answered_at: row.answered_at,
                ended_at: row.ended_at,
                end_reason: row.end_reason.as_deref().and_then(EndReason::parse),
                cause: row.cause,
                sip_code: row.sip_code,
                estimated: row.estimated,
                gaps,
                held_since: row.held_since,
                server: Server::new(row.asterisk),
                recording_id: row.recording_id,
                // One that cannot be read any more begins anew.
                way: row.way.and_then(|way| serde_json::from_value(way).ok()),
                may_record: row.may_record,
                priority: row.priority,
            },
            legs: Vec::new(),
            recording: None,
        });
    }
    Ok(open)
}

async fn legs_of(tx: &mut SystemTx, tenant: TenantId, call: CallId) -> Result<Vec<Leg>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT id, kind, agent_id AS "agent_id: AgentId", device_id AS "device_id: DeviceId", started_at, answered_at,
                  ended_at, cause, number
             FROM call_legs WHERE tenant_id = $1 AND call_id = $2 ORDER BY started_at, kind DESC, id"#,
        tenant.uuid(),
        call.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Leg {
                id: row.id,
                kind: word(&row.kind, LegKind::parse)?,
                agent_id: row.agent_id,
                device_id: row.device_id,
                started_at: row.started_at,
                answered_at: row.answered_at,
                ended_at: row.ended_at,
                cause: row.cause,
                number: row.number,
            })
        })
        .collect()
}

async fn recording_of(
    tx: &mut SystemTx,
    tenant: TenantId,
    recording: RecordingId,
) -> Result<Option<RecordingRow>, DbError> {
    let row = sqlx::query!(
        r#"SELECT id AS "id: RecordingId", call_id AS "call_id: CallId", state, path, started_at, ended_at, duration_ms, bytes,
                  gaps, lost_packets, error
             FROM recordings WHERE tenant_id = $1 AND id = $2"#,
        tenant.uuid(),
        recording.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        Ok(RecordingRow {
            id: row.id,
            call_id: row.call_id,
            state: word(&row.state, RecordingState::parse)?,
            path: row.path,
            started_at: row.started_at,
            ended_at: row.ended_at,
            duration_ms: row.duration_ms,
            bytes: row.bytes,
            gaps: row.gaps,
            lost_packets: row.lost_packets,
            error: row.error,
        })
    })
    .transpose()
}

/// The highest number of a spool's records that was applied for any tenant; 0 before the first.
pub(super) async fn highest_applied(db: &Db, node: &str) -> Result<i64, DbError> {
    let mut tx = db.system().await?;
    let highest = sqlx::query_scalar!(
        r#"SELECT coalesce(max(applied), 0) AS "highest!" FROM journal_writers WHERE starts_with(writer, $1 || '/')"#,
        node,
    )
    .fetch_one(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(highest)
}

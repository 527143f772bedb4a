//! SQL of numbers.

use trunkline_db::{AgentId, DbError, FlowId, QueueId, ScheduleId, SiteId, TenantTx};
use uuid::Uuid;

use super::model::{Number, Recording, Target};

/// What the columns of a target say together; the table's own check lets nothing else in.
pub(super) fn target(kind: &str, queue: Option<QueueId>, flow: Option<FlowId>, agent: Option<AgentId>) -> Target {
    match (kind, queue, flow, agent) {
        ("queue", Some(queue_id), ..) => Target::Queue { queue_id },
        ("flow", _, Some(flow_id), _) => Target::Flow { flow_id },
        ("agent", _, _, Some(agent_id)) => Target::Agent { agent_id },
        _ => Target::HangUp,
    }
}

/// The columns of a target.
struct Columns {
    kind: &'static str,
    queue: Option<Uuid>,
    flow: Option<Uuid>,
    agent: Option<Uuid>,
}

impl From<Target> for Columns {
    fn from(target: Target) -> Self {
        let none = Self { kind: "hang_up", queue: None, flow: None, agent: None };
        match target {
            Target::Queue { queue_id } => Self { kind: "queue", queue: Some(queue_id.uuid()), ..none },
            Target::Flow { flow_id } => Self { kind: "flow", flow: Some(flow_id.uuid()), ..none },
            Target::Agent { agent_id } => Self { kind: "agent", agent: Some(agent_id.uuid()), ..none },
            Target::HangUp => none,
        }
    }
}

/// The tenant's numbers behind `after`; or this one.
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    one: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Number>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT number, label, site_id AS "site: SiteId", target_type, queue_id AS "queue: QueueId", flow_id AS "flow: FlowId",
                  agent_id AS "agent: AgentId", schedule_id AS "schedule: ScheduleId", closed_type,
                  closed_queue_id AS "closed_queue: QueueId", closed_flow_id AS "closed_flow: FlowId",
                  closed_agent_id AS "closed_agent: AgentId", recording, created_at, updated_at
             FROM numbers
            WHERE ($1::text IS NULL OR number = $1) AND ($2::text IS NULL OR number > $2) ORDER BY number LIMIT $3"#,
        one,
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let numbers = rows.into_iter().map(|row| Number {
        number: row.number,
        label: row.label,
        site_id: row.site,
        target: target(&row.target_type, row.queue, row.flow, row.agent),
        schedule_id: row.schedule,
        closed_target: target(&row.closed_type, row.closed_queue, row.closed_flow, row.closed_agent),
        recording: Recording::parse(&row.recording),
        queue_id: row.queue,
        created_at: row.created_at,
        updated_at: row.updated_at,
    });
    Ok(numbers.collect())
}

/// A number, locked until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx<'_>, number: &str) -> Result<Option<Number>, DbError> {
    let known = sqlx::query_scalar!("SELECT number FROM numbers WHERE number = $1 FOR UPDATE", number);
    if known.fetch_optional(tx.conn()).await?.is_none() {
        return Ok(None);
    }
    Ok(list(tx, Some(number), None, 1).await?.pop())
}

/// How many there are.
pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM numbers"#).fetch_one(tx.conn()).await?)
}

/// Adds a number. The violated constraint of one that is taken, by whomever, is `numbers_pkey` or `numbers_number_key`.
pub(super) async fn insert(tx: &mut TenantTx<'_>, number: &Number) -> Result<(), DbError> {
    let (to, closed) = (Columns::from(number.target), Columns::from(number.closed_target));
    sqlx::query!(
        "INSERT INTO numbers (tenant_id, number, label, site_id, target_type, queue_id, flow_id, agent_id, schedule_id,
                              closed_type, closed_queue_id, closed_flow_id, closed_agent_id, recording)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        tx.tenant().uuid(),
        number.number,
        number.label,
        number.site_id.map(SiteId::uuid),
        to.kind,
        to.queue,
        to.flow,
        to.agent,
        number.schedule_id.map(ScheduleId::uuid),
        closed.kind,
        closed.queue,
        closed.flow,
        closed.agent,
        number.recording.as_str(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Changes a number.
pub(super) async fn update(tx: &mut TenantTx<'_>, number: &Number) -> Result<(), DbError> {
    let (to, closed) = (Columns::from(number.target), Columns::from(number.closed_target));
    sqlx::query!(
        "UPDATE numbers SET label = $2, site_id = $3, target_type = $4, queue_id = $5, flow_id = $6, agent_id = $7, schedule_id = $8,
                closed_type = $9, closed_queue_id = $10, closed_flow_id = $11, closed_agent_id = $12, recording = $13,
                updated_at = now()
          WHERE number = $1",
        number.number,
        number.label,
        number.site_id.map(SiteId::uuid),
        to.kind,
        to.queue,
        to.flow,
        to.agent,
        number.schedule_id.map(ScheduleId::uuid),
        closed.kind,
        closed.queue,
        closed.flow,
        closed.agent,
        number.recording.as_str(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes a number.
pub(super) async fn remove(tx: &mut TenantTx<'_>, number: &str) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM numbers WHERE number = $1", number).execute(tx.conn()).await?;
    Ok(())
}

//! SQL of opening hours.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::Value;
use trunkline_calls::schedule::Override;
use trunkline_db::{DbError, FlowId, QueueId, ScheduleId, TenantTx};
use uuid::Uuid;

use super::model::{Row, UsedBy};

fn read<T: DeserializeOwned>(value: Value) -> Result<T, DbError> {
    serde_json::from_value(value).map_err(|error| DbError::from(sqlx::Error::Decode(error.into())))
}

/// Opening hours by name, behind a position; or those of one id alone.
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    one: Option<ScheduleId>,
    after: Option<&(String, ScheduleId)>,
    limit: i64,
) -> Result<Vec<Row>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: ScheduleId", name, hours, special, decided, updated_at FROM schedules
            WHERE ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR (lower(name), id) > (lower($2), $3::uuid))
            ORDER BY lower(name), id LIMIT $4"#,
        one.map(ScheduleId::uuid),
        after.map(|(name, _)| name.as_str()),
        after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Row {
                id: row.id,
                name: row.name,
                hours: read(row.hours)?,
                special: read(row.special)?,
                decided: row.decided.map(read).transpose()?,
                updated_at: row.updated_at,
            })
        })
        .collect()
}

/// One, locked until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx<'_>, id: ScheduleId) -> Result<Option<Row>, DbError> {
    let known = sqlx::query_scalar!("SELECT id FROM schedules WHERE id = $1 FOR NO KEY UPDATE", id.uuid());
    if known.fetch_optional(tx.conn()).await?.is_none() {
        return Ok(None);
    }
    Ok(list(tx, Some(id), None, 1).await?.pop())
}

/// Who goes by these.
pub(super) async fn used_by(tx: &mut TenantTx<'_>) -> Result<HashMap<ScheduleId, UsedBy>, DbError> {
    let mut used: HashMap<ScheduleId, UsedBy> = HashMap::new();
    let numbers = sqlx::query!(
        r#"SELECT schedule_id AS "schedule!: ScheduleId", number FROM numbers WHERE schedule_id IS NOT NULL ORDER BY number"#
    );
    for row in numbers.fetch_all(tx.conn()).await? {
        used.entry(row.schedule).or_default().numbers.push(row.number);
    }
    let queues = sqlx::query!(
        r#"SELECT id AS "id: QueueId", routing ->> 'schedule_id' AS "schedule!" FROM queues
            WHERE routing ->> 'schedule_id' IS NOT NULL ORDER BY name, id"#
    );
    for row in queues.fetch_all(tx.conn()).await? {
        if let Ok(schedule) = row.schedule.parse::<Uuid>() {
            used.entry(ScheduleId(schedule)).or_default().queues.push(row.id);
        }
    }
    let flows = sqlx::query!(
        r#"SELECT DISTINCT f.id AS "id: FlowId", n.node -> 'do' ->> 'schedule_id' AS "schedule!"
             FROM flows f JOIN flow_versions v ON v.flow_id = f.id AND v.version = f.published
                  CROSS JOIN LATERAL jsonb_array_elements(v.definition -> 'nodes') AS n (node)
            WHERE n.node -> 'do' ->> 'type' = 'hours' ORDER BY 1"#
    );
    for row in flows.fetch_all(tx.conn()).await? {
        if let Ok(schedule) = row.schedule.parse::<Uuid>() {
            used.entry(ScheduleId(schedule)).or_default().flows.push(row.id);
        }
    }
    Ok(used)
}

pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM schedules"#).fetch_one(tx.conn()).await?)
}

/// The constraint of a name that is taken is `schedules_name_key`.
pub(super) async fn insert(tx: &mut TenantTx<'_>, row: &Row) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO schedules (tenant_id, id, name, hours, special) VALUES ($1, $2, $3, $4, $5)",
        tx.tenant().uuid(),
        row.id.uuid(),
        row.name,
        serde_json::json!(row.hours),
        serde_json::json!(row.special),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn update(tx: &mut TenantTx<'_>, row: &Row) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE schedules SET name = $2, hours = $3, special = $4, updated_at = now() WHERE id = $1",
        row.id.uuid(),
        row.name,
        serde_json::json!(row.hours),
        serde_json::json!(row.special),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What somebody decided for now; of one, or of all. Which they were.
pub(super) async fn decide(
    tx: &mut TenantTx<'_>,
    one: Option<ScheduleId>,
    decided: Option<&Override>,
) -> Result<Vec<ScheduleId>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"UPDATE schedules SET decided = $2, updated_at = now() WHERE ($1::uuid IS NULL OR id = $1) AND decided IS DISTINCT FROM $2
        RETURNING id AS "id: ScheduleId""#,
        one.map(ScheduleId::uuid),
        decided.map(|decided| serde_json::json!(decided)),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The constraint of one that a number goes by is `numbers_schedule_fkey`.
pub(super) async fn remove(tx: &mut TenantTx<'_>, id: ScheduleId) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM schedules WHERE id = $1", id.uuid()).execute(tx.conn()).await?;
    Ok(())
}

//! SQL of service levels' policies.

use sqlx::types::Json;
use trunkline_calls::hours::Hours;
use trunkline_conversations::sla::PolicyApplies;
use trunkline_db::{DbError, TenantTx};
use uuid::Uuid;

use super::sla::{SlaPolicy, WriteSlaPolicy};

macro_rules! policy {
    ($row:expr) => {{
        let row = $row;
        SlaPolicy {
            id: row.id,
            name: row.name,
            place: row.place,
            applies: row.applies.0,
            first_reply_minutes: row.first_reply_minutes,
            next_reply_minutes: row.next_reply_minutes,
            resolution_minutes: row.resolution_minutes,
            hours: row.hours.map(|hours| hours.0),
            pauses: row.pauses,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }};
}

pub(super) async fn list(tx: &mut TenantTx<'_>) -> Result<Vec<SlaPolicy>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT id, name, place, applies AS "applies: Json<PolicyApplies>", first_reply_minutes, next_reply_minutes, resolution_minutes,
                  hours AS "hours: Json<Hours>", pauses, created_at, updated_at
             FROM sla_policies ORDER BY place, created_at, id"#
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| policy!(row)).collect())
}

pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM sla_policies"#).fetch_one(tx.conn()).await?)
}

pub(super) async fn lock(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<SlaPolicy>, DbError> {
    let row = sqlx::query!(
        r#"SELECT id, name, place, applies AS "applies: Json<PolicyApplies>", first_reply_minutes, next_reply_minutes, resolution_minutes,
                  hours AS "hours: Json<Hours>", pauses, created_at, updated_at
             FROM sla_policies WHERE id = $1 FOR UPDATE"#,
        id,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| policy!(row)))
}

pub(super) async fn put(tx: &mut TenantTx<'_>, id: Uuid, wanted: &WriteSlaPolicy) -> Result<SlaPolicy, DbError> {
    let row = sqlx::query!(
        r#"INSERT INTO sla_policies AS p (tenant_id, id, name, place, applies, first_reply_minutes, next_reply_minutes, resolution_minutes,
                                          hours, pauses)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           ON CONFLICT (tenant_id, id) DO UPDATE
              SET name = excluded.name, place = excluded.place, applies = excluded.applies,
                  first_reply_minutes = excluded.first_reply_minutes, next_reply_minutes = excluded.next_reply_minutes,
                  resolution_minutes = excluded.resolution_minutes, hours = excluded.hours, pauses = excluded.pauses,
                  updated_at = greatest(now(), p.updated_at + interval '1 microsecond')
           RETURNING id, name, place, applies AS "applies: Json<PolicyApplies>", first_reply_minutes, next_reply_minutes,
                     resolution_minutes, hours AS "hours: Json<Hours>", pauses, created_at, updated_at"#,
        tx.tenant().uuid(),
        id,
        wanted.name,
        wanted.place,
        serde_json::to_value(&wanted.applies).expect("plain values"),
        wanted.first_reply_minutes,
        wanted.next_reply_minutes,
        wanted.resolution_minutes,
        wanted.hours.as_ref().map(|hours| serde_json::to_value(hours).expect("plain values")),
        wanted.pauses,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(policy!(row))
}

pub(super) async fn delete(tx: &mut TenantTx<'_>, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM sla_policies WHERE id = $1", id).execute(tx.conn()).await?;
    Ok(())
}

//! SQL of trunks.

use chrono::{DateTime, Utc};
use serde_json::Value;
use trunkline_db::{DbError, TenantTx, TrunkId};

/// A trunk's row.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: TrunkId,
    pub(super) name: String,
    pub(super) settings: Value,
    pub(super) password_sealed: Option<Vec<u8>>,
    pub(super) priority: i32,
    pub(super) enabled: bool,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// Trunks by name, behind the position (name, id); or the one with that id.
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    one: Option<TrunkId>,
    after: Option<&(String, TrunkId)>,
    limit: i64,
) -> Result<Vec<Row>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: TrunkId", name, settings, password_sealed, priority, enabled, created_at, updated_at
             FROM trunks
            WHERE ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR (name, id) > ($2, $3))
            ORDER BY name, id LIMIT $4"#,
        one.map(TrunkId::uuid),
        after.map(|(name, _)| name.as_str()),
        after.map(|(_, id)| id.uuid()),
        limit,
    );
    Ok(rows.fetch_all(tx.conn()).await?)
}

/// A trunk, locked until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx<'_>, id: TrunkId) -> Result<Option<Row>, DbError> {
    let known = sqlx::query_scalar!("SELECT id FROM trunks WHERE id = $1 FOR UPDATE", id.uuid());
    if known.fetch_optional(tx.conn()).await?.is_none() {
        return Ok(None);
    }
    Ok(list(tx, Some(id), None, 1).await?.pop())
}

/// How many there are.
pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM trunks"#).fetch_one(tx.conn()).await?)
}

/// Makes a trunk. The violated constraint of a name that is taken is `trunks_name_key`.
pub(super) async fn insert(tx: &mut TenantTx<'_>, row: &Row) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO trunks (tenant_id, id, name, settings, password_sealed, priority, enabled) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tx.tenant().uuid(),
        row.id.uuid(),
        row.name,
        row.settings,
        row.password_sealed,
        row.priority,
        row.enabled,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Changes a trunk.
pub(super) async fn update(tx: &mut TenantTx<'_>, row: &Row) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE trunks SET name = $2, settings = $3, password_sealed = $4, priority = $5, enabled = $6, updated_at = now()
          WHERE id = $1",
        row.id.uuid(),
        row.name,
        row.settings,
        row.password_sealed,
        row.priority,
        row.enabled,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes a trunk.
pub(super) async fn remove(tx: &mut TenantTx<'_>, id: TrunkId) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM trunks WHERE id = $1", id.uuid()).execute(tx.conn()).await?;
    Ok(())
}

//! SQL of devices.

use trunkline_db::{AgentId, DbError, DeviceId, SystemTx, TenantId, TenantTx};

use super::model::Device;

/// The slug with which a tenant's user names begin.
pub(super) async fn tenant_slug(tx: &mut SystemTx, tenant: TenantId) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar!("SELECT slug FROM tenants WHERE id = $1", tenant.uuid()).fetch_optional(tx.conn()).await?)
}

/// A device to be stored.
pub(super) struct NewRow<'a> {
    pub(super) id: DeviceId,
    pub(super) agent: AgentId,
    pub(super) name: &'a str,
    pub(super) username: &'a str,
    pub(super) ha1: &'a [u8],
}

/// Stores a device.
pub(super) async fn insert(tx: &mut TenantTx<'_>, row: &NewRow<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO devices (tenant_id, id, agent_id, name, username, ha1_sealed) VALUES ($1, $2, $3, $4, $5, $6)",
        tx.tenant().uuid(),
        row.id.uuid(),
        row.agent.uuid(),
        row.name,
        row.username,
        row.ha1,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many devices an agent has.
pub(super) async fn count(tx: &mut TenantTx<'_>, agent: AgentId) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM devices WHERE agent_id = $1 AND removed_at IS NULL"#,
        agent.uuid()
    )
    .fetch_one(tx.conn())
    .await?)
}

/// An agent's devices, oldest first, behind an id.
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    agent: AgentId,
    after: Option<DeviceId>,
    limit: i64,
) -> Result<Vec<Device>, DbError> {
    let rows = sqlx::query!(
        "SELECT id, name, username, created_at FROM devices
          WHERE agent_id = $1 AND removed_at IS NULL AND ($2::uuid IS NULL OR id > $2)
          ORDER BY id LIMIT $3",
        agent.uuid(),
        after.map(DeviceId::uuid),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Device { id: DeviceId(row.id), name: row.name, username: row.username, created_at: row.created_at })
        .collect())
}

/// Removes a device; its user name and its name, or `None` when the agent has no such device.
pub(super) async fn remove(
    tx: &mut TenantTx<'_>,
    agent: AgentId,
    id: DeviceId,
) -> Result<Option<(String, String)>, DbError> {
    let row = sqlx::query!(
        "UPDATE devices SET removed_at = now() WHERE id = $1 AND agent_id = $2 AND removed_at IS NULL RETURNING username, name",
        id.uuid(),
        agent.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.username, row.name)))
}

//! SQL of channel accounts.

use chrono::{DateTime, Utc};
use serde_json::Value;
use trunkline_db::{ChannelAccountId, DbError, QueueId, SiteId, SystemTx, TenantId, TenantTx};

/// An account as stored.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) tenant: TenantId,
    pub(super) id: ChannelAccountId,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) settings: Value,
    pub(super) secrets: Vec<u8>,
    pub(super) queue_id: Option<QueueId>,
    pub(super) site_id: Option<SiteId>,
    pub(super) enabled: bool,
    pub(super) health: Value,
    pub(super) last_received_at: Option<DateTime<Utc>>,
    pub(super) last_sent_at: Option<DateTime<Utc>>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) removed_at: Option<DateTime<Utc>>,
}

macro_rules! row {
    ($row:expr) => {
        Row {
            tenant: TenantId($row.tenant_id),
            id: ChannelAccountId($row.id),
            kind: $row.r#type,
            name: $row.name,
            settings: $row.settings,
            secrets: $row.secrets_sealed,
            queue_id: $row.queue_id.map(QueueId),
            site_id: $row.site_id.map(SiteId),
            enabled: $row.enabled,
            health: $row.health,
            last_received_at: $row.last_received_at,
            last_sent_at: $row.last_sent_at,
            created_at: $row.created_at,
            updated_at: $row.updated_at,
            removed_at: $row.removed_at,
        }
    };
}

/// Every account of a tenant, or of all of them, that is not removed; those of tenants that are being removed are not there.
pub(super) async fn read(tx: &mut SystemTx, tenant: Option<TenantId>) -> Result<Vec<Row>, DbError> {
    let rows = sqlx::query!(
        "SELECT a.tenant_id, a.id, a.type, a.name, a.settings, a.secrets_sealed, a.queue_id, a.site_id, a.enabled, a.health,
                a.last_received_at, a.last_sent_at, a.created_at, a.updated_at, a.removed_at
           FROM channel_accounts a JOIN tenants t ON t.id = a.tenant_id
          WHERE ($1::uuid IS NULL OR a.tenant_id = $1) AND a.removed_at IS NULL AND t.removal_started_at IS NULL",
        tenant.map(TenantId::uuid),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| row!(row)).collect())
}

/// The tenant's accounts by name, behind the position (name, id).
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    after: Option<&(String, ChannelAccountId)>,
    limit: i64,
) -> Result<Vec<Row>, DbError> {
    let rows = sqlx::query!(
        "SELECT tenant_id, id, type, name, settings, secrets_sealed, queue_id, site_id, enabled, health, last_received_at, last_sent_at,
                created_at, updated_at, removed_at
           FROM channel_accounts
          WHERE removed_at IS NULL AND ($1::text IS NULL OR (name, id) > ($1, $2))
          ORDER BY name, id LIMIT $3",
        after.map(|(name, _)| name.as_str()),
        after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| row!(row)).collect())
}

/// An account, removed or not.
pub(super) async fn find(tx: &mut TenantTx<'_>, id: ChannelAccountId) -> Result<Option<Row>, DbError> {
    let row = sqlx::query!(
        "SELECT tenant_id, id, type, name, settings, secrets_sealed, queue_id, site_id, enabled, health, last_received_at, last_sent_at,
                created_at, updated_at, removed_at
           FROM channel_accounts WHERE id = $1",
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| row!(row)))
}

/// An account that is not removed, locked until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx<'_>, id: ChannelAccountId) -> Result<Option<Row>, DbError> {
    let row = sqlx::query!(
        "SELECT tenant_id, id, type, name, settings, secrets_sealed, queue_id, site_id, enabled, health, last_received_at, last_sent_at,
                created_at, updated_at, removed_at
           FROM channel_accounts WHERE id = $1 AND removed_at IS NULL FOR NO KEY UPDATE",
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| row!(row)))
}

/// How many there are that are not removed.
pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    let count = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM channel_accounts WHERE removed_at IS NULL"#);
    Ok(count.fetch_one(tx.conn()).await?)
}

/// Whether the queue and the site, where they are named, are the tenant's.
pub(super) async fn places_exist(
    tx: &mut TenantTx<'_>,
    queue: Option<QueueId>,
    site: Option<SiteId>,
) -> Result<(bool, bool), DbError> {
    let row = sqlx::query!(
        r#"SELECT ($1::uuid IS NULL OR EXISTS (SELECT FROM queues WHERE id = $1)) AS "queue!",
                  ($2::uuid IS NULL OR EXISTS (SELECT FROM sites WHERE id = $2)) AS "site!""#,
        queue.map(QueueId::uuid),
        site.map(SiteId::uuid),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((row.queue, row.site))
}

/// Connects an account.
pub(super) async fn insert(tx: &mut TenantTx<'_>, row: &Row) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO channel_accounts (tenant_id, id, type, name, settings, secrets_sealed, queue_id, site_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        tx.tenant().uuid(),
        row.id.uuid(),
        row.kind,
        row.name,
        row.settings,
        row.secrets,
        row.queue_id.map(QueueId::uuid),
        row.site_id.map(SiteId::uuid),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Changes an account.
pub(super) async fn update(tx: &mut TenantTx<'_>, row: &Row) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE channel_accounts SET name = $2, settings = $3, secrets_sealed = $4, queue_id = $5, site_id = $6, enabled = $7,
                updated_at = greatest(now(), updated_at + interval '1 microsecond')
          WHERE id = $1",
        row.id.uuid(),
        row.name,
        row.settings,
        row.secrets,
        row.queue_id.map(QueueId::uuid),
        row.site_id.map(SiteId::uuid),
        row.enabled,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes an account: its conversations stay, its secrets do not. `nothing` is an envelope of none.
pub(super) async fn remove(tx: &mut TenantTx<'_>, id: ChannelAccountId, nothing: &[u8]) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE channel_accounts SET removed_at = now(), enabled = false, secrets_sealed = $2 WHERE id = $1",
        id.uuid(),
        nothing,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How it does.
pub(super) async fn set_health(tx: &mut TenantTx<'_>, id: ChannelAccountId, health: &Value) -> Result<(), DbError> {
    sqlx::query!("UPDATE channel_accounts SET health = $2 WHERE id = $1", id.uuid(), health).execute(tx.conn()).await?;
    Ok(())
}

/// What is wrong with it, by its name.
pub(super) async fn problem(tx: &mut TenantTx<'_>, id: ChannelAccountId) -> Result<Option<String>, DbError> {
    let what = sqlx::query_scalar!("SELECT health #>> '{problem,what}' FROM channel_accounts WHERE id = $1", id.uuid());
    Ok(what.fetch_optional(tx.conn()).await?.flatten())
}

/// Remembers the bot's name: it is no change of a person's.
pub(super) async fn set_username(tx: &mut TenantTx<'_>, id: ChannelAccountId, name: &str) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE channel_accounts SET settings = jsonb_set(settings, '{username}', to_jsonb($2::text))
          WHERE id = $1 AND settings ->> 'username' IS DISTINCT FROM $2",
        id.uuid(),
        name,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

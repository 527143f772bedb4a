//! SQL of bots that are asked for what is new: by whom, and how far.

use sqlx::postgres::types::PgInterval;
use trunkline_db::{ChannelAccountId, Db, DbError, TenantId};

/// Makes, or keeps, a node the one who asks. False: another one does.
pub(super) async fn hold(
    db: &Db,
    tenant: TenantId,
    id: ChannelAccountId,
    owner: &str,
    seconds: u32,
) -> Result<bool, DbError> {
    let life = PgInterval { months: 0, days: 0, microseconds: i64::from(seconds) * 1_000_000 };
    let mut tx = db.tenant(tenant).await?;
    let done = sqlx::query!(
        "UPDATE channel_accounts SET poll_owner = $2, poll_until = now() + $3
          WHERE id = $1 AND (poll_owner = $2 OR poll_until IS NULL OR poll_until < now())",
        id.uuid(),
        owner,
        life,
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}

/// Another node may ask at once.
pub(super) async fn release(db: &Db, tenant: TenantId, id: ChannelAccountId, owner: &str) -> Result<(), DbError> {
    let mut tx = db.tenant(tenant).await?;
    sqlx::query!("UPDATE channel_accounts SET poll_until = NULL WHERE id = $1 AND poll_owner = $2", id.uuid(), owner)
        .execute(tx.conn())
        .await?;
    tx.commit().await
}

/// How far it was asked.
pub(super) async fn offset(db: &Db, tenant: TenantId, id: ChannelAccountId) -> Result<Option<i64>, DbError> {
    let mut tx = db.tenant(tenant).await?;
    let offset = sqlx::query_scalar!("SELECT poll_offset FROM channel_accounts WHERE id = $1", id.uuid())
        .fetch_optional(tx.conn())
        .await?;
    tx.commit().await?;
    Ok(offset.flatten())
}

/// Everything before this is committed.
pub(super) async fn set_offset(
    db: &Db,
    tenant: TenantId,
    id: ChannelAccountId,
    offset: Option<i64>,
) -> Result<(), DbError> {
    let mut tx = db.tenant(tenant).await?;
    sqlx::query!("UPDATE channel_accounts SET poll_offset = $2 WHERE id = $1", id.uuid(), offset)
        .execute(tx.conn())
        .await?;
    tx.commit().await
}

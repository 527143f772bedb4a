//! SQL of tickets. That one is used once is kept here; what it stands for, it carries itself.

use chrono::{DateTime, Utc};
use trunkline_db::{Db, DbError, SystemTx, TenantId, UserId};

/// Stores the hash of a ticket.
pub(super) async fn insert(
    tx: &mut SystemTx,
    hash: &[u8],
    tenant: TenantId,
    user: UserId,
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO stream_tickets (ticket_hash, tenant_id, user_id, expires_at) VALUES ($1, $2, $3, $4)",
        hash,
        tenant.uuid(),
        user.uuid(),
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes a ticket away; false when it was not there (any more).
pub(super) async fn take(db: &Db, hash: &[u8]) -> Result<bool, DbError> {
    let mut tx = db.system().await?;
    let done = sqlx::query!("DELETE FROM stream_tickets WHERE ticket_hash = $1 AND expires_at > now()", hash)
        .execute(tx.conn())
        .await?;
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}

/// Removes tickets that nobody used in time.
pub(crate) async fn sweep(db: &Db) -> Result<(), DbError> {
    let mut tx = db.system().await?;
    sqlx::query!("DELETE FROM stream_tickets WHERE expires_at < now()").execute(tx.conn()).await?;
    tx.commit().await
}

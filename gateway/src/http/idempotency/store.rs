//! SQL of idempotency keys.

use trunkline_db::{Db, DbError, TenantTx, UserId};

/// An answer as it is kept and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: String,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// A row as read back.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) request_hash: Vec<u8>,
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) sealed: Vec<u8>,
}

/// Takes the key for the rest of the transaction; false when another transaction, of any node, has it. Waiting instead would hold
/// up the other commands of a writer lane.
pub(super) async fn try_lock(tx: &mut TenantTx<'_>, context: &str) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS "locked!""#, context)
        .fetch_one(tx.conn())
        .await?)
}

/// The kept answer of a key, unless it is older than a day.
pub(super) async fn find(tx: &mut TenantTx<'_>, user: UserId, route: &str, key: &str) -> Result<Option<Row>, DbError> {
    let row = sqlx::query!(
        r#"SELECT request_hash, status AS "status!", content_type AS "content_type!", response AS "response!"
             FROM idempotency_keys
            WHERE user_id = $1 AND route = $2 AND key = $3 AND status IS NOT NULL AND created_at > now() - interval '24 hours'"#,
        user.uuid(),
        route,
        key,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Row {
        request_hash: row.request_hash,
        status: u16::try_from(row.status).unwrap_or_default(),
        content_type: row.content_type,
        sealed: row.response,
    }))
}

/// Keeps an answer; false when another transaction was first. A row past its day is overwritten.
#[allow(clippy::too_many_arguments)] // One per column; a struct for a single call would only move the list.
pub(super) async fn keep(
    tx: &mut TenantTx<'_>,
    user: UserId,
    route: &str,
    key: &str,
    request_hash: &[u8],
    status: u16,
    content_type: &str,
    sealed: &[u8],
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "INSERT INTO idempotency_keys AS kept (tenant_id, user_id, route, key, request_hash, status, content_type, response)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (tenant_id, user_id, route, key) DO UPDATE
            SET request_hash = excluded.request_hash, status = excluded.status, content_type = excluded.content_type,
                response = excluded.response, created_at = now()
          WHERE kept.created_at <= now() - interval '24 hours'",
        tx.tenant().uuid(),
        user.uuid(),
        route,
        key,
        request_hash,
        status.cast_signed(),
        content_type,
        sealed,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes rows past their day; the policy shows the system no others.
pub(crate) async fn sweep(db: &Db) -> Result<(), DbError> {
    let mut tx = db.system().await?;
    sqlx::query!("DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours'")
        .execute(tx.conn())
        .await?;
    tx.commit().await
}

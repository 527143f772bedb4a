//! SQL of canned replies.

use trunkline_db::{DbError, TenantTx, UserId};
use uuid::Uuid;

use super::canned::{CannedReply, WriteCannedReply};

/// Everybody's and one's own.
pub(super) async fn list(tx: &mut TenantTx<'_>, by: UserId) -> Result<Vec<CannedReply>, DbError> {
    Ok(sqlx::query_as!(
        CannedReply,
        "SELECT id, shortcut, text, user_id, created_at, updated_at FROM canned_replies
          WHERE user_id IS NULL OR user_id = $1 ORDER BY lower(shortcut), id",
        by.uuid(),
    )
    .fetch_all(tx.conn())
    .await?)
}

pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM canned_replies"#).fetch_one(tx.conn()).await?)
}

pub(super) async fn lock(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<CannedReply>, DbError> {
    Ok(sqlx::query_as!(
        CannedReply,
        "SELECT id, shortcut, text, user_id, created_at, updated_at FROM canned_replies WHERE id = $1 FOR UPDATE",
        id,
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn put(
    tx: &mut TenantTx<'_>,
    id: Uuid,
    wanted: &WriteCannedReply,
    owner: Option<UserId>,
) -> Result<CannedReply, DbError> {
    Ok(sqlx::query_as!(
        CannedReply,
        "INSERT INTO canned_replies AS r (tenant_id, id, shortcut, text, user_id) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, id) DO UPDATE
            SET shortcut = excluded.shortcut, text = excluded.text, user_id = excluded.user_id,
                updated_at = greatest(now(), r.updated_at + interval '1 microsecond')
         RETURNING id, shortcut, text, user_id, created_at, updated_at",
        tx.tenant().uuid(),
        id,
        wanted.shortcut,
        wanted.text,
        owner.map(UserId::uuid),
    )
    .fetch_one(tx.conn())
    .await?)
}

pub(super) async fn delete(tx: &mut TenantTx<'_>, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM canned_replies WHERE id = $1", id).execute(tx.conn()).await?;
    Ok(())
}

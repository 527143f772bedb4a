//! SQL of saved views.

use serde_json::Value;
use trunkline_db::{DbError, TenantTx, UserId};
use uuid::Uuid;

use super::views::{InboxView, WriteInboxView};

/// Everybody's and one's own.
pub(super) async fn list(tx: &mut TenantTx<'_>, by: UserId) -> Result<Vec<InboxView>, DbError> {
    Ok(sqlx::query_as!(
        InboxView,
        "SELECT id, name, place, filter, user_id, created_at, updated_at FROM inbox_views
          WHERE user_id IS NULL OR user_id = $1 ORDER BY user_id IS NOT NULL, place, name, id",
        by.uuid(),
    )
    .fetch_all(tx.conn())
    .await?)
}

pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM inbox_views"#).fetch_one(tx.conn()).await?)
}

pub(super) async fn lock(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<InboxView>, DbError> {
    Ok(sqlx::query_as!(
        InboxView,
        "SELECT id, name, place, filter, user_id, created_at, updated_at FROM inbox_views WHERE id = $1 FOR UPDATE",
        id,
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn put(
    tx: &mut TenantTx<'_>,
    id: Uuid,
    wanted: &WriteInboxView,
    owner: Option<UserId>,
) -> Result<InboxView, DbError> {
    Ok(sqlx::query_as!(
        InboxView,
        "INSERT INTO inbox_views AS v (tenant_id, id, name, place, filter, user_id) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant_id, id) DO UPDATE
            SET name = excluded.name, place = excluded.place, filter = excluded.filter, user_id = excluded.user_id,
                updated_at = greatest(now(), v.updated_at + interval '1 microsecond')
         RETURNING id, name, place, filter, user_id, created_at, updated_at",
        tx.tenant().uuid(),
        id,
        wanted.name,
        wanted.place,
        Value::Object(wanted.filter.clone()),
        owner.map(UserId::uuid),
    )
    .fetch_one(tx.conn())
    .await?)
}

pub(super) async fn delete(tx: &mut TenantTx<'_>, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM inbox_views WHERE id = $1", id).execute(tx.conn()).await?;
    Ok(())
}

//! SQL of changes of many, kept for a day.

use serde_json::Value;
use trunkline_db::{DbError, TenantTx};
use uuid::Uuid;

/// Keeps what it takes to take it back, and forgets what is older than a day.
pub(super) async fn keep(
    tx: &mut TenantTx<'_>,
    id: Uuid,
    user: Uuid,
    action: &Value,
    before: &Value,
) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM bulk_actions WHERE at < now() - interval '1 day'").execute(tx.conn()).await?;
    sqlx::query!(
        "INSERT INTO bulk_actions (tenant_id, id, user_id, action, before) VALUES ($1, $2, $3, $4, $5)",
        tx.tenant().uuid(),
        id,
        user,
        action,
        before,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What it takes to take one's own change back, once.
pub(super) async fn take(tx: &mut TenantTx<'_>, id: Uuid, user: Uuid) -> Result<Option<Value>, DbError> {
    Ok(sqlx::query_scalar!(
        "UPDATE bulk_actions SET undone_at = now() WHERE id = $1 AND user_id = $2 AND undone_at IS NULL RETURNING before",
        id,
        user,
    )
    .fetch_optional(tx.conn())
    .await?)
}

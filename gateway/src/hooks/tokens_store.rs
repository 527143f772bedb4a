//! SQL of hook tokens.

use chrono::{DateTime, Utc};
use trunkline_db::{DbError, SystemTx, TenantId, TenantTx, UserId};
use uuid::Uuid;

use super::tokens_http::HookToken;

/// A token as the gateway knows it.
pub(super) struct Row {
    pub(super) tenant: TenantId,
    pub(super) id: Uuid,
    pub(super) prefix: String,
    pub(super) secret_hash: Vec<u8>,
    pub(super) created_by: UserId,
}

/// All that may be used.
pub(super) async fn read(tx: &mut SystemTx) -> Result<Vec<Row>, DbError> {
    Ok(sqlx::query_as!(
        Row,
        r#"SELECT tenant_id AS "tenant: TenantId", id, prefix, secret_hash, created_by AS "created_by: UserId"
             FROM hook_tokens WHERE revoked_at IS NULL"#
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Tokens that were not revoked, newest first, behind the position.
pub(super) async fn list(tx: &mut TenantTx<'_>, before: Option<Uuid>, limit: i64) -> Result<Vec<HookToken>, DbError> {
    Ok(sqlx::query_as!(
        HookToken,
        r#"SELECT id, name, prefix, created_at, created_by AS "created_by: UserId", last_used_at
             FROM hook_tokens WHERE revoked_at IS NULL AND ($1::uuid IS NULL OR id < $1)
            ORDER BY id DESC LIMIT $2"#,
        before,
        limit,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// A token that was not revoked, taken for the rest of the transaction.
pub(super) async fn lock(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<HookToken>, DbError> {
    Ok(sqlx::query_as!(
        HookToken,
        r#"SELECT id, name, prefix, created_at, created_by AS "created_by: UserId", last_used_at
             FROM hook_tokens WHERE revoked_at IS NULL AND id = $1 FOR UPDATE"#,
        id,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// How many there are.
pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM hook_tokens WHERE revoked_at IS NULL"#)
        .fetch_one(tx.conn())
        .await?)
}

/// Makes one.
pub(super) async fn insert(tx: &mut TenantTx<'_>, token: &HookToken, secret_hash: &[u8]) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO hook_tokens (tenant_id, id, name, prefix, secret_hash, created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tx.tenant().uuid(),
        token.id,
        token.name,
        token.prefix,
        secret_hash,
        token.created_at,
        token.created_by.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends one for good.
pub(super) async fn revoke(tx: &mut TenantTx<'_>, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("UPDATE hook_tokens SET revoked_at = now() WHERE id = $1", id).execute(tx.conn()).await?;
    Ok(())
}

/// Notes when one was last used.
pub(super) async fn used(tx: &mut TenantTx<'_>, id: Uuid, at: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("UPDATE hook_tokens SET last_used_at = greatest(last_used_at, $2) WHERE id = $1", id, at)
        .execute(tx.conn())
        .await?;
    Ok(())
}

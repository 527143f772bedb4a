//! SQL of API keys. The [`Roster`](crate::roster) reads them for signing in.

use chrono::{DateTime, Utc};
use trunkline_db::{ApiKeyId, Db, DbError, TenantTx, UserId};
use uuid::Uuid;

use super::model::ApiKey;
use crate::roster::Counted;

/// A new key.
pub(super) struct NewRow<'a> {
    pub(super) id: ApiKeyId,
    pub(super) user: UserId,
    pub(super) name: &'a str,
    pub(super) prefix: &'a str,
    pub(super) secret_hash: &'a [u8],
    pub(super) permissions: &'a [String],
    pub(super) allowed_addresses: &'a [String],
    pub(super) requests_per_second: Option<i32>,
    pub(super) expires_at: Option<DateTime<Utc>>,
}

/// Keys that were not revoked, newest first, behind the position.
pub(super) async fn list(tx: &mut TenantTx<'_>, before: Option<ApiKeyId>, limit: i64) -> Result<Vec<ApiKey>, DbError> {
    Ok(sqlx::query_as!(
        ApiKey,
        r#"SELECT id AS "id: ApiKeyId", name, prefix, user_id AS "user_id: UserId", permissions, allowed_addresses,
                  requests_per_second, created_at, updated_at, rotated_at,
                  CASE WHEN previous_until > now() THEN previous_until END AS previous_until, expires_at, requests, refused,
                  last_used_at, last_used_from
             FROM api_keys WHERE revoked_at IS NULL AND ($1::uuid IS NULL OR id < $1)
            ORDER BY id DESC LIMIT $2"#,
        before.map(ApiKeyId::uuid),
        limit,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// A key that was not revoked.
pub(super) async fn find(tx: &mut TenantTx<'_>, id: ApiKeyId) -> Result<Option<ApiKey>, DbError> {
    Ok(sqlx::query_as!(
        ApiKey,
        r#"SELECT id AS "id: ApiKeyId", name, prefix, user_id AS "user_id: UserId", permissions, allowed_addresses,
                  requests_per_second, created_at, updated_at, rotated_at,
                  CASE WHEN previous_until > now() THEN previous_until END AS previous_until, expires_at, requests, refused,
                  last_used_at, last_used_from
             FROM api_keys WHERE revoked_at IS NULL AND id = $1"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Takes a key for the rest of the transaction; false when it is not there.
pub(super) async fn lock(tx: &mut TenantTx<'_>, id: ApiKeyId) -> Result<bool, DbError> {
    let row = sqlx::query_scalar!("SELECT id FROM api_keys WHERE revoked_at IS NULL AND id = $1 FOR UPDATE", id.uuid());
    Ok(row.fetch_optional(tx.conn()).await?.is_some())
}

/// How many may be used.
pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM api_keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"#
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Makes a key.
pub(super) async fn insert(tx: &mut TenantTx<'_>, row: &NewRow<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO api_keys (tenant_id, id, user_id, name, prefix, secret_hash, permissions, allowed_addresses,
                               requests_per_second, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tx.tenant().uuid(),
        row.id.uuid(),
        row.user.uuid(),
        row.name,
        row.prefix,
        row.secret_hash,
        row.permissions,
        row.allowed_addresses,
        row.requests_per_second,
        row.expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes what may be changed of a key.
pub(super) async fn update(tx: &mut TenantTx<'_>, key: &ApiKey) -> Result<DateTime<Utc>, DbError> {
    Ok(sqlx::query_scalar!(
        "UPDATE api_keys
            SET name = $2, permissions = $3, allowed_addresses = $4, requests_per_second = $5, expires_at = $6, updated_at = now()
          WHERE id = $1 RETURNING updated_at",
        key.id.uuid(),
        key.name,
        &key.permissions,
        &key.allowed_addresses,
        key.requests_per_second,
        key.expires_at,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Gives a key another secret; the present one is good until `previous_until`.
pub(super) async fn rotate(
    tx: &mut TenantTx<'_>,
    id: ApiKeyId,
    secret_hash: &[u8],
    previous_until: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE api_keys
            SET previous_hash = secret_hash, previous_until = $3, secret_hash = $2, rotated_at = now(), updated_at = now()
          WHERE id = $1",
        id.uuid(),
        secret_hash,
        previous_until,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends a key for good.
pub(super) async fn revoke(tx: &mut TenantTx<'_>, id: ApiKeyId) -> Result<(), DbError> {
    sqlx::query!("UPDATE api_keys SET revoked_at = now() WHERE id = $1", id.uuid()).execute(tx.conn()).await?;
    Ok(())
}

/// Adds what was counted, of all tenants.
pub(super) async fn add_counts(db: &Db, counted: &[Counted]) -> Result<(), DbError> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let tenants: Vec<Uuid> = counted.iter().map(|counted| counted.tenant.uuid()).collect();
    let ids: Vec<Uuid> = counted.iter().map(|counted| counted.key.uuid()).collect();
    let requests: Vec<i64> = counted.iter().map(|counted| number(counted.requests)).collect();
    let refused: Vec<i64> = counted.iter().map(|counted| number(counted.refused)).collect();
    let at: Vec<DateTime<Utc>> = counted.iter().map(|counted| counted.at).collect();
    let from: Vec<String> = counted.iter().map(|counted| counted.from.to_string()).collect();
    let mut tx = db.system().await?;
    sqlx::query!(
        r#"SELECT api_keys_used($1, $2, $3, $4, $5, $6)::text AS done"#,
        &tenants,
        &ids,
        &requests,
        &refused,
        &at,
        &from,
    )
    .fetch_one(tx.conn())
    .await?;
    tx.commit().await
}

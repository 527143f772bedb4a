//! SQL of an account's health and templates.

use chrono::{DateTime, Utc};
use serde_json::Value;
use trunkline_db::{ChannelAccountId, DbError, TenantTx};

/// An account's health, held until the transaction ends.
pub(super) async fn health(tx: &mut TenantTx<'_>, account: ChannelAccountId) -> Result<Option<Value>, DbError> {
    Ok(sqlx::query_scalar!("SELECT health FROM channel_accounts WHERE id = $1 FOR NO KEY UPDATE", account.uuid())
        .fetch_optional(tx.conn())
        .await?)
}

pub(super) async fn set_health(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    health: &Value,
) -> Result<(), DbError> {
    sqlx::query!("UPDATE channel_accounts SET health = $2 WHERE id = $1", account.uuid(), health)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// What was told of a template.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) name: &'a str,
    pub(super) language: &'a str,
    /// `status`, `quality`, `category`; of anything else only the time is noted.
    pub(super) what: &'a str,
    pub(super) value: &'a str,
    pub(super) reason: Option<&'a str>,
}

/// Changes what is known of a template, unless something later is known: to the second, since the provider tells no more. `false`: it is not known at all.
pub(super) async fn change_template(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    word: &Word<'_>,
    at: DateTime<Utc>,
) -> Result<bool, DbError> {
    sqlx::query!(
        "UPDATE message_templates SET
             status = CASE WHEN $4 = 'status' THEN $5 ELSE status END,
             reason = CASE WHEN $4 = 'status' THEN $6 ELSE reason END,
             quality = CASE WHEN $4 = 'quality' THEN $5 ELSE quality END,
             category = CASE WHEN $4 = 'category' THEN $5 ELSE category END,
             synced_at = greatest(synced_at, $7)
          WHERE account_id = $1 AND name = $2 AND language = $3 AND date_trunc('second', synced_at) <= $7",
        account.uuid(),
        word.name,
        word.language,
        word.what,
        word.value,
        word.reason,
        at,
    )
    .execute(tx.conn())
    .await?;
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM message_templates WHERE account_id = $1 AND name = $2 AND language = $3) AS "is!""#,
        account.uuid(),
        word.name,
        word.language,
    )
    .fetch_one(tx.conn())
    .await?)
}

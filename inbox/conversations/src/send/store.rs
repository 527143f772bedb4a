//! SQL of sending. A message is locked before its conversation, everywhere.

use chrono::{DateTime, Utc};
use serde_json::Value;
use trunkline_channels::model::ProviderId;
use trunkline_db::{ChannelAccountId, ConversationId, DbError, MessageId, TenantTx};
use uuid::Uuid;

use crate::messages_store;
use crate::model::{Channel, FailureView, MessageState};
use crate::words::{Word as _, word};

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) conversation: ConversationId,
    pub(crate) account: Option<ChannelAccountId>,
    pub(crate) channel: Channel,
    pub(crate) state: MessageState,
    pub(crate) send_at: Option<DateTime<Utc>>,
    pub(crate) provider_id: Option<String>,
    pub(crate) at: DateTime<Utc>,
}

/// One of ours.
pub(crate) async fn find(tx: &mut TenantTx<'_>, message: MessageId) -> Result<Option<Row>, DbError> {
    let row = sqlx::query!(
        r#"SELECT m.conversation_id AS "conversation: ConversationId", m.account_id AS "account: ChannelAccountId", c.channel, m.state,
                  m.send_at, m.provider_id, m.at
             FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE m.id = $1 AND m.direction = 'out'"#,
        message.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        Ok(Row {
            conversation: row.conversation,
            account: row.account,
            channel: word(&row.channel)?,
            state: word(&row.state)?,
            send_at: row.send_at,
            provider_id: row.provider_id,
            at: row.at,
        })
    })
    .transpose()
}

pub(crate) async fn lock(tx: &mut TenantTx<'_>, message: MessageId) -> Result<Option<Row>, DbError> {
    sqlx::query!("SELECT 1 AS one FROM messages WHERE id = $1 FOR NO KEY UPDATE", message.uuid())
        .fetch_optional(tx.conn())
        .await?;
    find(tx, message).await
}

pub(crate) async fn open_attempt(tx: &mut TenantTx<'_>, message: MessageId) -> Result<Option<Uuid>, DbError> {
    let open = sqlx::query_scalar!(
        "SELECT id FROM send_attempts WHERE message_id = $1 AND outcome IS NULL ORDER BY number DESC LIMIT 1",
        message.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(open)
}

pub(crate) async fn begin(tx: &mut TenantTx<'_>, message: MessageId, now: DateTime<Utc>) -> Result<Uuid, DbError> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "INSERT INTO send_attempts (tenant_id, id, message_id, number, began_at)
         SELECT $1, $2, $3, coalesce(max(number), 0) + 1, $4 FROM send_attempts WHERE message_id = $3",
        tx.tenant().uuid(),
        id,
        message.uuid(),
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!("UPDATE messages SET state = 'sending', failure = NULL WHERE id = $1", message.uuid())
        .execute(tx.conn())
        .await?;
    Ok(id)
}

pub(crate) async fn message_of(tx: &mut TenantTx<'_>, attempt: Uuid) -> Result<Option<MessageId>, DbError> {
    let message =
        sqlx::query_scalar!(r#"SELECT message_id AS "id: MessageId" FROM send_attempts WHERE id = $1"#, attempt)
            .fetch_optional(tx.conn())
            .await?;
    Ok(message)
}

pub(crate) async fn end(
    tx: &mut TenantTx<'_>,
    attempt: Uuid,
    outcome: &str,
    provider_id: Option<&str>,
    detail: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE send_attempts SET outcome = $2, ended_at = $5, provider_id = coalesce(provider_id, $3), detail = left($4, 1000)
         WHERE id = $1 AND outcome IS NULL",
        attempt,
        outcome,
        provider_id,
        detail.map(|detail| detail.replace('\0', "")),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What a status says of an attempt that is open or uncertain.
pub(crate) async fn settle(
    tx: &mut TenantTx<'_>,
    attempt: Uuid,
    outcome: &str,
    provider_id: &ProviderId,
    detail: Option<&str>,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE send_attempts SET outcome = $2, ended_at = coalesce(ended_at, $5), provider_id = coalesce(provider_id, $3),
             detail = coalesce(left($4, 1000), detail)
         WHERE id = $1 AND (outcome IS NULL OR outcome = 'uncertain' OR $2 = 'failed')",
        attempt,
        outcome,
        provider_id.0,
        detail.map(|detail| detail.replace('\0', "")),
        at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(crate) async fn overrule(tx: &mut TenantTx<'_>, attempt: Uuid, outcome: &str) -> Result<(), DbError> {
    sqlx::query!("UPDATE send_attempts SET outcome = $2 WHERE id = $1 AND outcome = 'uncertain'", attempt, outcome)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// When an attempt whose end is not known was begun and given up.
pub(crate) async fn uncertain(
    tx: &mut TenantTx<'_>,
    attempt: Uuid,
) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>, DbError> {
    let row = sqlx::query!(
        r#"SELECT began_at, ended_at AS "ended_at!" FROM send_attempts WHERE id = $1 AND outcome = 'uncertain'"#,
        attempt,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.began_at, row.ended_at)))
}

pub(crate) async fn is_newest(tx: &mut TenantTx<'_>, message: MessageId, attempt: Uuid) -> Result<bool, DbError> {
    let newest = sqlx::query_scalar!(
        "SELECT id FROM send_attempts WHERE message_id = $1 ORDER BY number DESC LIMIT 1",
        message.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(newest == Some(attempt))
}

/// One of ours that the provider calls so.
pub(crate) async fn named(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    provider_id: &ProviderId,
) -> Result<Option<MessageId>, DbError> {
    let message = sqlx::query_scalar!(
        r#"SELECT id AS "id: MessageId" FROM messages WHERE account_id = $1 AND provider_id = $2 AND direction = 'out'"#,
        account.uuid(),
        provider_id.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(message)
}

/// The provider's id of a message, unless another has it: two of one id would be one message told twice.
pub(crate) async fn name(
    tx: &mut TenantTx<'_>,
    message: MessageId,
    provider_id: Option<&ProviderId>,
) -> Result<(), DbError> {
    let Some(provider_id) = provider_id else { return Ok(()) };
    sqlx::query!(
        "UPDATE messages m SET provider_id = $2 WHERE m.id = $1
            AND NOT EXISTS (SELECT FROM messages o WHERE o.account_id = m.account_id AND o.provider_id = $2)",
        message.uuid(),
        provider_id.0,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(crate) async fn put_state(
    tx: &mut TenantTx<'_>,
    message: MessageId,
    state: MessageState,
    failure: Option<&FailureView>,
    pricing: Option<Value>,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE messages SET state = $2, failure = $3, pricing = coalesce($4, pricing),
             sent_at = CASE WHEN $2 IN ('sent', 'delivered', 'read') THEN coalesce(sent_at, $5) ELSE sent_at END,
             delivered_at = CASE WHEN $2 IN ('delivered', 'read') THEN coalesce(delivered_at, $5) ELSE delivered_at END,
             read_at = CASE WHEN $2 = 'read' THEN coalesce(read_at, $5) ELSE read_at END
         WHERE id = $1",
        message.uuid(),
        state.as_str(),
        failure.map(|failure| serde_json::json!(failure)),
        pricing,
        at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The provider took a message: the tenant's count, and the account's health.
pub(crate) async fn taken(
    tx: &mut TenantTx<'_>,
    account: Option<ChannelAccountId>,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    messages_store::count(tx, at).await?;
    if let Some(account) = account {
        // To the minute: a row that all senders of an account would wait for.
        sqlx::query!(
            "UPDATE channel_accounts SET last_sent_at = $2
              WHERE id = $1 AND (last_sent_at IS NULL OR last_sent_at < $2::timestamptz - interval '1 minute')",
            account.uuid(),
            at,
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

/// What a message says, as it is stored.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) content: Value,
    pub(crate) address: String,
    pub(crate) reply_to: Option<String>,
}

pub(crate) async fn said(tx: &mut TenantTx<'_>, message: MessageId) -> Result<Option<Said>, DbError> {
    let said = sqlx::query_as!(
        Said,
        r#"SELECT m.kind, m.text, m.content, c.address, coalesce(r.provider_id, m.reply_to_provider) AS "reply_to?"
             FROM messages m JOIN conversations c ON c.id = m.conversation_id LEFT JOIN messages r ON r.id = m.reply_to
            WHERE m.id = $1"#,
        message.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(said)
}

/// A stored file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// What sort of file the message says it is.
    pub sort: String,
    /// The blob.
    pub blob: Uuid,
    /// What it is.
    pub mime: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its size.
    pub bytes: Option<i64>,
}

/// The first file of a message.
pub(crate) async fn file(tx: &mut TenantTx<'_>, message: MessageId) -> Result<Option<File>, DbError> {
    let file = sqlx::query_as!(
        File,
        r#"SELECT sort, blob_id AS "blob!", coalesce(mime, declared_mime) AS mime, file_name AS name, bytes
             FROM attachments WHERE message_id = $1 AND state = 'stored' ORDER BY place, id LIMIT 1"#,
        message.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(file)
}

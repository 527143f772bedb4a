//! SQL of messages that came: those that are there, what is said of them afterwards, and their files.

use chrono::{DateTime, Utc};
use serde_json::Value;
use trunkline_db::{AttachmentId, ChannelAccountId, ConversationId, DbError, MessageId, TenantTx};

use super::contents::File;
use crate::model::{Direction, MessageState};
use crate::words::{Word, word};

/// A message that is there.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) id: MessageId,
    pub(super) conversation: ConversationId,
    pub(super) direction: Direction,
    pub(super) state: MessageState,
    pub(super) kind: String,
    pub(super) edited_at: Option<DateTime<Utc>>,
    pub(super) deleted_at: Option<DateTime<Utc>>,
    pub(super) reactions: Value,
}

/// The message that an account's provider knows by this id, held until the transaction ends.
pub(super) async fn hold(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    provider_id: &str,
) -> Result<Option<Held>, DbError> {
    let row = sqlx::query!(
        r#"SELECT id AS "id: MessageId", conversation_id AS "conversation_id: ConversationId", direction, state, kind, edited_at, deleted_at,
                  reactions
             FROM messages WHERE account_id = $1 AND provider_id = $2 FOR NO KEY UPDATE"#,
        account.uuid(),
        provider_id,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        Ok(Held {
            id: row.id,
            conversation: row.conversation_id,
            direction: word(&row.direction)?,
            state: word(&row.state)?,
            kind: row.kind,
            edited_at: row.edited_at,
            deleted_at: row.deleted_at,
            reactions: row.reactions,
        })
    })
    .transpose()
}

/// Answers that were waiting for this message as their question.
pub(super) async fn answer_to(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    provider_id: &str,
    question: MessageId,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE messages SET reply_to = $3 WHERE account_id = $1 AND reply_to_provider = $2 AND reply_to IS NULL AND id <> $3",
        account.uuid(),
        provider_id,
        question.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// It says something else now.
pub(super) async fn rewrite(
    tx: &mut TenantTx<'_>,
    id: MessageId,
    kind: &str,
    text: &str,
    content: &Value,
    edited_at: Option<DateTime<Utc>>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE messages SET kind = $2, text = $3, content = $4, edited_at = coalesce($5, edited_at) WHERE id = $1",
        id.uuid(),
        kind,
        text,
        content,
        edited_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Its writer took it back.
pub(super) async fn delete(tx: &mut TenantTx<'_>, id: MessageId, at: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("UPDATE messages SET deleted_at = least(deleted_at, $2) WHERE id = $1", id.uuid(), at)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// What stands under it.
pub(super) async fn react(tx: &mut TenantTx<'_>, id: MessageId, reactions: &Value) -> Result<(), DbError> {
    sqlx::query!("UPDATE messages SET reactions = $2 WHERE id = $1", id.uuid(), reactions).execute(tx.conn()).await?;
    Ok(())
}

/// A file of a message. Its id is wanted when it is to be fetched.
pub(super) async fn attach(
    tx: &mut TenantTx<'_>,
    message: MessageId,
    conversation: ConversationId,
    file: &File,
) -> Result<AttachmentId, DbError> {
    let id = AttachmentId::new();
    sqlx::query!(
        "INSERT INTO attachments (tenant_id, id, message_id, conversation_id, sort, state, source, declared_mime, file_name, seconds)
         VALUES ($1, $2, $3, $4, $5, CASE WHEN $6::jsonb IS NULL THEN 'gone' ELSE 'wanted' END, $6, $7, $8, $9)",
        tx.tenant().uuid(),
        id.uuid(),
        message.uuid(),
        conversation.uuid(),
        file.sort,
        file.source,
        file.mime,
        file.name,
        file.seconds,
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

/// Whether a message has this very file.
pub(super) async fn has_file(tx: &mut TenantTx<'_>, message: MessageId, source: &Value) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM attachments WHERE message_id = $1 AND source ->> 'value' = $2::jsonb ->> 'value') AS "has!""#,
        message.uuid(),
        source,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Whether a message has a file that can be had or was.
pub(super) async fn has_any_file(tx: &mut TenantTx<'_>, message: MessageId) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM attachments WHERE message_id = $1 AND source IS NOT NULL) AS "has!""#,
        message.uuid(),
    )
    .fetch_one(tx.conn())
    .await?)
}

/// The files of a message belong to it no more: whatever sweeps loose files takes them away.
pub(super) async fn detach(tx: &mut TenantTx<'_>, message: MessageId) -> Result<(), DbError> {
    sqlx::query!("UPDATE attachments SET message_id = NULL, conversation_id = NULL WHERE message_id = $1", message.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Something that came before its message.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) what: Value,
    pub(super) at: DateTime<Utc>,
    pub(super) received_at: DateTime<Utc>,
}

/// Keeps something until its message comes. What waited for a month waits for nothing.
pub(super) async fn wait(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    provider_id: &str,
    waiting: &Waiting,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO inbound_waiting (tenant_id, id, account_id, provider_id, what, at, received_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tx.tenant().uuid(),
        uuid::Uuid::now_v7(),
        account.uuid(),
        provider_id,
        waiting.what,
        waiting.at,
        waiting.received_at,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "DELETE FROM inbound_waiting WHERE id IN (
             SELECT w.id FROM inbound_waiting w WHERE w.account_id = $1 AND w.received_at < now() - interval '30 days'
              ORDER BY w.received_at LIMIT 20 FOR UPDATE SKIP LOCKED)",
        account.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes what waited for a message, in the order in which it came.
pub(super) async fn take_waiting(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    provider_id: &str,
) -> Result<Vec<Waiting>, DbError> {
    Ok(sqlx::query_as!(
        Waiting,
        r#"WITH taken AS (DELETE FROM inbound_waiting WHERE account_id = $1 AND provider_id = $2 RETURNING id, what, at, received_at)
           SELECT what AS "what!", at AS "at!", received_at AS "received_at!" FROM taken ORDER BY id"#,
        account.uuid(),
        provider_id,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// How far a message of ours is, by a status.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    pub(super) state: Option<MessageState>,
    pub(super) sent_at: Option<DateTime<Utc>>,
    pub(super) delivered_at: Option<DateTime<Utc>>,
    pub(super) read_at: Option<DateTime<Utc>>,
    pub(super) failure: Option<Value>,
    pub(super) pricing: Option<Value>,
}

/// The earliest time of each counts. A failure is kept only with the state that it explains.
pub(super) async fn progress(tx: &mut TenantTx<'_>, id: MessageId, progress: &Progress) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE messages SET
             state = coalesce($2, state),
             sent_at = least(sent_at, $3), delivered_at = least(delivered_at, $4), read_at = least(read_at, $5),
             failure = CASE WHEN coalesce($2, state) = 'failed' THEN coalesce($6, failure) END,
             pricing = coalesce($7, pricing)
          WHERE id = $1",
        id.uuid(),
        progress.state.map(Word::as_str),
        progress.sent_at,
        progress.delivered_at,
        progress.read_at,
        progress.failure,
        progress.pricing,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether an attempt went out, by what its provider says of its reference: the provider's id goes to its message. `None`: the reference is none of
/// an attempt of this account.
pub(super) async fn settle_attempt(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    attempt: uuid::Uuid,
    provider_id: &str,
    at: DateTime<Utc>,
) -> Result<Option<MessageId>, DbError> {
    let message = sqlx::query_scalar!(
        r#"SELECT m.id AS "id: MessageId" FROM send_attempts a JOIN messages m ON m.id = a.message_id
            WHERE a.id = $1 AND m.account_id = $2 FOR NO KEY UPDATE OF m"#,
        attempt,
        account.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(message) = message else { return Ok(None) };
    sqlx::query!(
        "UPDATE send_attempts SET outcome = 'sent', ended_at = coalesce(ended_at, greatest(began_at, $3)), provider_id = coalesce(provider_id, $2)
          WHERE id = $1 AND (outcome IS NULL OR outcome = 'uncertain')",
        attempt,
        provider_id,
        at,
    )
    .execute(tx.conn())
    .await?;
    // An earlier attempt's id stays known by the attempt alone.
    sqlx::query!(
        "UPDATE messages m SET provider_id = $2 WHERE m.id = $1 AND m.provider_id IS NULL
            AND NOT EXISTS (SELECT FROM messages o WHERE o.account_id = m.account_id AND o.provider_id = $2)",
        message.uuid(),
        provider_id,
    )
    .execute(tx.conn())
    .await?;
    Ok(Some(message))
}

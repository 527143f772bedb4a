//! SQL of messages.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Uuid;
use trunkline_db::{AttachmentId, CallId, ChannelAccountId, ConversationId, DbError, MessageId, TenantTx};

use crate::messages::{NewMessage, answers};
use crate::model::{AttachmentView, Author, AuthorType, MessageView};
use crate::words::{Word, json, word};

pub(crate) async fn insert(
    tx: &mut TenantTx<'_>,
    message: &NewMessage,
    text: &str,
    content: &Value,
) -> Result<bool, DbError> {
    let rows = sqlx::query!(
        "INSERT INTO messages (tenant_id, id, conversation_id, account_id, direction, author_type, author_id, author_name, kind, text,
             content, provider_id, reply_to, reply_to_provider, forwarded, album, state, send_at, sent_at, history, call_id, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, left($8, 200), $9, $10, $11, $12,
             coalesce($13, (SELECT m.id FROM messages m WHERE m.account_id = $4 AND m.provider_id = $14)), $14, $15, $16, $17, $18,
             CASE WHEN $17 IN ('sent', 'delivered', 'read') THEN $21::timestamptz END, $19, $20, $21)
         ON CONFLICT DO NOTHING",
        tx.tenant().uuid(),
        message.id.uuid(),
        message.conversation.uuid(),
        message.account.map(ChannelAccountId::uuid),
        message.direction.as_str(),
        message.author.kind.as_str(),
        message.author.id,
        message.author.name.as_ref().map(|name| name.replace('\0', "")),
        message.kind,
        text,
        content,
        message.provider_id,
        message.reply_to.map(MessageId::uuid),
        message.reply_to_provider,
        message.forwarded,
        message.album,
        message.state.as_str(),
        message.send_at,
        message.history,
        message.call.map(CallId::uuid),
        message.at,
    )
    .execute(tx.conn())
    .await?
    .rows_affected();
    Ok(rows > 0)
}

/// What a message does to its conversation. Messages may come in another order than they were said: the newest by its time is what the list shows.
pub(crate) async fn weigh(tx: &mut TenantTx<'_>, id: MessageId, preview: &str) -> Result<(), DbError> {
    let human: Vec<&str> =
        AuthorType::WORDS.iter().filter(|(author, _)| answers(*author)).map(|(_, word)| *word).collect();
    sqlx::query!(
        "UPDATE conversations c SET
             messages = c.messages + 1,
             last_message_id = CASE WHEN m.newest THEN m.id ELSE c.last_message_id END,
             preview = CASE WHEN m.newest THEN $2 ELSE c.preview END,
             preview_kind = CASE WHEN m.newest THEN m.kind ELSE c.preview_kind END,
             preview_direction = CASE WHEN m.newest THEN m.direction ELSE c.preview_direction END,
             last_at = CASE WHEN m.newest THEN greatest(c.last_at, m.at) ELSE c.last_at END,
             last_in_at = CASE WHEN m.direction = 'in' THEN greatest(c.last_in_at, m.at) ELSE c.last_in_at END,
             last_out_at = CASE WHEN m.direction = 'out' THEN greatest(c.last_out_at, m.at) ELSE c.last_out_at END,
             first_reply_at = CASE WHEN m.reply THEN coalesce(c.first_reply_at, m.at) ELSE c.first_reply_at END,
             waiting_since = CASE WHEN m.reply AND m.at >= coalesce(c.last_in_at, m.at) THEN NULL
                                  WHEN m.direction = 'in' AND NOT m.history AND m.at > coalesce(c.last_out_at, '-infinity')
                                      THEN least(c.waiting_since, m.at)
                                  ELSE c.waiting_since END
         FROM (SELECT w.*, w.direction IN ('in', 'out', 'event')
                           AND (k.last_message_id IS NULL
                                OR w.at >= coalesce((SELECT l.at FROM messages l WHERE l.id = k.last_message_id), '-infinity')) AS newest,
                      w.direction = 'out' AND w.author_type = ANY($3) AND NOT w.history AS reply
                 FROM messages w
                CROSS JOIN LATERAL (SELECT last_message_id FROM conversations WHERE conversations.id = w.conversation_id OFFSET 0) AS k
                WHERE w.id = $1 OFFSET 0) AS m
         WHERE c.id = (SELECT conversation_id FROM messages WHERE id = $1)",
        id.uuid(),
        preview,
        &human as &[&str],
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Counts a message of the tenant's.
pub(crate) async fn count(tx: &mut TenantTx<'_>, at: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("SELECT tenant_count_messages($1, 1)", at).execute(tx.conn()).await?;
    Ok(())
}

/// Its text, if it did wait for its time.
pub(crate) async fn release(
    tx: &mut TenantTx<'_>,
    id: MessageId,
    now: DateTime<Utc>,
) -> Result<Option<String>, DbError> {
    let text = sqlx::query_scalar!(
        "UPDATE messages SET state = 'queued', at = $2 WHERE id = $1 AND state = 'scheduled' RETURNING text",
        id.uuid(),
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(text)
}

pub(crate) async fn before(
    tx: &mut TenantTx<'_>,
    conversation: ConversationId,
    before: Option<MessageId>,
    limit: i64,
) -> Result<Vec<MessageId>, DbError> {
    let ids = match before {
        None => {
            sqlx::query_scalar!(
                r#"SELECT id AS "id: MessageId" FROM messages WHERE conversation_id = $1 ORDER BY at DESC, id DESC LIMIT $2"#,
                conversation.uuid(),
                limit,
            )
            .fetch_all(tx.conn())
            .await?
        }
        Some(before) => {
            sqlx::query_scalar!(
                r#"SELECT m.id AS "id: MessageId" FROM messages m
                    WHERE m.conversation_id = $1
                      AND (m.at, m.id) < ((SELECT b.at FROM messages b WHERE b.id = $2 AND b.conversation_id = $1), $2)
                    ORDER BY m.at DESC, m.id DESC LIMIT $3"#,
                conversation.uuid(),
                before.uuid(),
                limit,
            )
            .fetch_all(tx.conn())
            .await?
        }
    };
    Ok(ids)
}

pub(crate) async fn after(
    tx: &mut TenantTx<'_>,
    conversation: ConversationId,
    after: MessageId,
    limit: i64,
) -> Result<Vec<MessageId>, DbError> {
    let ids = sqlx::query_scalar!(
        r#"SELECT m.id AS "id: MessageId" FROM messages m
            WHERE m.conversation_id = $1
              AND (m.at, m.id) > ((SELECT b.at FROM messages b WHERE b.id = $2 AND b.conversation_id = $1), $2)
            ORDER BY m.at, m.id LIMIT $3"#,
        conversation.uuid(),
        after.uuid(),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

pub(crate) async fn views(tx: &mut TenantTx<'_>, ids: &[MessageId]) -> Result<Vec<MessageView>, DbError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let mut attachments = attachments(tx, &ids).await?;
    let rows = sqlx::query!(
        r#"SELECT m.id AS "id: MessageId", m.conversation_id AS "conversation_id: ConversationId", m.direction, m.author_type, m.author_id,
                  m.author_name, m.kind, m.text, m.content, m.reply_to AS "reply_to: MessageId", m.forwarded, m.album, m.state, m.failure,
                  m.send_at, m.edited_at, m.deleted_at, m.reactions, m.history, m.call_id AS "call_id: CallId", m.at
             FROM unnest((SELECT $1::uuid[])) WITH ORDINALITY AS asked (id, place)
            CROSS JOIN LATERAL (SELECT * FROM messages WHERE messages.id = asked.id OFFSET 0) AS m ORDER BY asked.place"#,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(MessageView {
                id: row.id,
                conversation_id: row.conversation_id,
                direction: word(&row.direction)?,
                author: Author { kind: word(&row.author_type)?, id: row.author_id, name: row.author_name },
                kind: row.kind,
                text: row.text,
                content: row.content,
                attachments: attachments.remove(&row.id).unwrap_or_default(),
                reply_to: row.reply_to,
                forwarded: row.forwarded,
                album: row.album,
                state: word(&row.state)?,
                failure: row.failure.map(json).transpose()?,
                send_at: row.send_at,
                edited_at: row.edited_at,
                deleted_at: row.deleted_at,
                reactions: json(row.reactions)?,
                history: row.history,
                call_id: row.call_id,
                at: row.at,
            })
        })
        .collect()
}

async fn attachments(
    tx: &mut TenantTx<'_>,
    messages: &[Uuid],
) -> Result<HashMap<MessageId, Vec<AttachmentView>>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT a.message_id AS "message_id!: MessageId", a.id AS "id: AttachmentId", a.sort, a.state, a.mime, a.file_name, a.bytes,
                  a.seconds, a.width, a.height, a.thumbnail_id IS NOT NULL AS "thumbnail!", a.error
             FROM attachments a WHERE a.message_id = ANY($1) ORDER BY a.message_id, a.place, a.id"#,
        messages,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut attachments: HashMap<MessageId, Vec<AttachmentView>> = HashMap::new();
    for row in rows {
        attachments.entry(row.message_id).or_default().push(AttachmentView {
            id: row.id,
            sort: word(&row.sort)?,
            state: word(&row.state)?,
            mime: row.mime,
            file_name: row.file_name,
            bytes: row.bytes,
            seconds: row.seconds,
            width: row.width,
            height: row.height,
            thumbnail: row.thumbnail,
            error: row.error,
        });
    }
    Ok(attachments)
}

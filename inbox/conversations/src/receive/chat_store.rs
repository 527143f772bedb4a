//! SQL of chats: what was told before, which conversation a chat has, and what a message does to it.

use chrono::{DateTime, Utc};
use trunkline_db::{ChannelAccountId, ContactId, ConversationId, DbError, MessageId, TenantTx};

use super::account::Account;
use super::chat::Chat;
use crate::messages::NewMessage;
use crate::model::{AuthorType, Direction, State};
use crate::words::{Word as _, word};

/// Notes that this was told. `false`: it was told before.
pub(super) async fn note_told(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    key: &[u8; 32],
) -> Result<bool, DbError> {
    let rows = sqlx::query!(
        "INSERT INTO inbound_told (tenant_id, account_id, key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        tx.tenant().uuid(),
        account.uuid(),
        key,
    )
    .execute(tx.conn())
    .await?
    .rows_affected();
    Ok(rows > 0)
}

/// Holds a chat until the transaction ends: two who meet a new one at once make one conversation.
pub(super) async fn lock(tx: &mut TenantTx<'_>, account: ChannelAccountId, address: &str) -> Result<(), DbError> {
    let chat = format!("chat/{account}/{address}");
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", chat).execute(tx.conn()).await?;
    Ok(())
}

/// Whether staff use this chat: it has no customers.
pub(super) async fn is_staff(tx: &mut TenantTx<'_>, account: ChannelAccountId, address: &str) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM staff_chats WHERE account_id = $1 AND chat = $2) AS "is!""#,
        account.uuid(),
        address,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// A conversation that a chat has.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) id: ConversationId,
    pub(super) contact: ContactId,
    pub(super) state: State,
    pub(super) spam: bool,
    pub(super) resolved_at: Option<DateTime<Utc>>,
}

/// The chat's conversation that goes on, or else its newest.
pub(super) async fn find(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    address: &str,
) -> Result<Option<Found>, DbError> {
    let row = sqlx::query!(
        r#"SELECT id AS "id: ConversationId", contact_id AS "contact_id: ContactId", state, spam, resolved_at
             FROM conversations WHERE account_id = $1 AND address = $2
            ORDER BY state <> 'resolved' DESC, opened_at DESC, id DESC LIMIT 1"#,
        account.uuid(),
        address,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        Ok(Found {
            id: row.id,
            contact: row.contact_id,
            state: word(&row.state)?,
            spam: row.spam,
            resolved_at: row.resolved_at,
        })
    })
    .transpose()
}

/// The conversation of an account with this contact that goes on.
pub(super) async fn running_with(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    contact: ContactId,
) -> Result<Option<ConversationId>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT id AS "id: ConversationId" FROM conversations
            WHERE contact_id = $2 AND account_id = $1 AND state <> 'resolved' ORDER BY last_at DESC LIMIT 1"#,
        account.uuid(),
        contact.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Whether the person was in a conversation over this account before.
pub(super) async fn is_known(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    contact: ContactId,
    but: ConversationId,
) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (
             SELECT FROM contacts asked JOIN contacts k ON k.person_id = asked.person_id
               JOIN conversations c ON c.contact_id = k.id
              WHERE asked.id = $2 AND c.account_id = $1 AND c.id <> $3) AS "is!""#,
        account.uuid(),
        contact.uuid(),
        but.uuid(),
    )
    .fetch_one(tx.conn())
    .await?)
}

/// A conversation that is to be made.
#[derive(Debug)]
pub(super) struct NewConversation<'a> {
    pub(super) account: &'a Account,
    pub(super) chat: &'a Chat,
    pub(super) contact: ContactId,
    pub(super) title: Option<&'a str>,
    pub(super) line: Option<&'a str>,
    /// `None`: it is open; else it is made as one that was resolved then.
    pub(super) resolved_at: Option<DateTime<Utc>>,
    pub(super) spam: bool,
    pub(super) at: DateTime<Utc>,
}

pub(super) async fn make(tx: &mut TenantTx<'_>, new: NewConversation<'_>) -> Result<ConversationId, DbError> {
    let id = ConversationId::new();
    let state = if new.resolved_at.is_some() { State::Resolved } else { State::Open };
    sqlx::query!(
        "INSERT INTO conversations (tenant_id, id, channel, account_id, contact_id, address, line, title, state, resolved_at, queue_id, spam,
                                    opened_at, last_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, (SELECT q.id FROM queues q WHERE q.id = $11), $12, $13, $13)",
        tx.tenant().uuid(),
        id.uuid(),
        new.account.channel.as_str(),
        new.account.id.uuid(),
        new.contact.uuid(),
        new.chat.address,
        new.line,
        new.title,
        state.as_str(),
        new.resolved_at,
        new.account.queue_id.map(trunkline_db::QueueId::uuid),
        new.spam,
        new.at,
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

/// How a message counts for its conversation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weight<'a> {
    pub(super) message: &'a NewMessage,
    pub(super) preview: &'a str,
    /// Somebody waits for an answer to it.
    pub(super) waits: bool,
    /// It is an answer of a person of ours.
    pub(super) answers: bool,
    pub(super) title: Option<&'a str>,
    pub(super) line: Option<&'a str>,
}

/// What a message does to its conversation, in whichever order messages come: the newest by its time is what the list shows, and they wait since the
/// first of theirs that came after our last answer.
pub(super) async fn weigh(tx: &mut TenantTx<'_>, weight: Weight<'_>) -> Result<(), DbError> {
    let message = weight.message;
    let theirs = message.direction == Direction::In && !message.history && message.author.kind == AuthorType::Contact;
    sqlx::query!(
        "UPDATE conversations c SET
             messages = c.messages + 1,
             opened_at = least(c.opened_at, $8),
             title = coalesce($5, c.title),
             line = coalesce($6, c.line),
             last_message_id = CASE WHEN m.newest THEN $1 ELSE c.last_message_id END,
             preview = CASE WHEN m.newest THEN $2 ELSE c.preview END,
             preview_kind = CASE WHEN m.newest THEN $9 ELSE c.preview_kind END,
             preview_direction = CASE WHEN m.newest THEN $10 ELSE c.preview_direction END,
             last_at = CASE WHEN m.newest AND c.last_message_id IS NULL THEN $8 ELSE greatest(c.last_at, $8) END,
             last_in_at = CASE WHEN $11 THEN greatest(c.last_in_at, $8) ELSE c.last_in_at END,
             last_out_at = CASE WHEN $4 THEN greatest(c.last_out_at, $8) ELSE c.last_out_at END,
             first_reply_at = CASE WHEN $4 THEN least(c.first_reply_at, $8) ELSE c.first_reply_at END,
             waiting_since = CASE
                 WHEN $3 AND $8 > coalesce(c.last_out_at, '-infinity') THEN least(c.waiting_since, $8)
                 WHEN $4 AND c.waiting_since <= $8 THEN (
                     SELECT min(w.at) FROM messages w
                      WHERE w.conversation_id = c.id AND w.at > $8 AND w.direction = 'in' AND w.author_type = 'contact' AND NOT w.history)
                 ELSE c.waiting_since END
         FROM (SELECT k.last_message_id IS NULL
                      OR ($8::timestamptz, $1::uuid) >= (SELECT l.at, l.id FROM messages l WHERE l.id = k.last_message_id) AS newest
                 FROM conversations k WHERE k.id = $7 OFFSET 0) AS m
         WHERE c.id = $7",
        message.id.uuid(),
        weight.preview,
        weight.waits,
        weight.answers,
        weight.title,
        weight.line,
        message.conversation.uuid(),
        message.at,
        message.kind,
        message.direction.as_str(),
        theirs,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The list shows another text of its newest message, if it is this one.
pub(super) async fn preview_again(
    tx: &mut TenantTx<'_>,
    message: MessageId,
    kind: &str,
    preview: &str,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE conversations SET preview = $2, preview_kind = $3
          WHERE id = (SELECT conversation_id FROM messages WHERE id = $1) AND last_message_id = $1",
        message.uuid(),
        preview,
        kind,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// They are greeted, or told that nobody is there: `false` when they were before.
pub(super) async fn greeted(tx: &mut TenantTx<'_>, id: ConversationId, at: DateTime<Utc>) -> Result<bool, DbError> {
    let rows =
        sqlx::query!("UPDATE conversations SET greeted_at = $2 WHERE id = $1 AND greeted_at IS NULL", id.uuid(), at);
    Ok(rows.execute(tx.conn()).await?.rows_affected() > 0)
}

/// As [`greeted`].
pub(super) async fn told_closed(tx: &mut TenantTx<'_>, id: ConversationId, at: DateTime<Utc>) -> Result<bool, DbError> {
    let rows = sqlx::query!(
        "UPDATE conversations SET told_closed_at = $2 WHERE id = $1 AND told_closed_at IS NULL",
        id.uuid(),
        at
    );
    Ok(rows.execute(tx.conn()).await?.rows_affected() > 0)
}

/// A chat has another address from now on: its conversations go along. One that goes on stays where it is if the new address has one already.
pub(super) async fn move_chat(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    old: &str,
    new: &str,
) -> Result<Vec<ConversationId>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"UPDATE conversations c SET address = $3
            WHERE c.account_id = $1 AND c.address = $2
              AND (c.state = 'resolved' OR NOT EXISTS (
                   SELECT FROM conversations o WHERE o.account_id = $1 AND o.address = $3 AND o.state <> 'resolved'))
        RETURNING c.id AS "id: ConversationId""#,
        account.uuid(),
        old,
        new,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Whether something was said by itself since then.
pub(super) async fn said_by_itself(
    tx: &mut TenantTx<'_>,
    id: ConversationId,
    since: DateTime<Utc>,
) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM messages WHERE conversation_id = $1 AND at >= $2 AND direction = 'out' AND author_type = 'system') AS "is!""#,
        id.uuid(),
        since,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// A group has another name.
pub(super) async fn rename(tx: &mut TenantTx<'_>, id: ConversationId, title: &str) -> Result<(), DbError> {
    sqlx::query!("UPDATE conversations SET title = $2 WHERE id = $1", id.uuid(), title).execute(tx.conn()).await?;
    Ok(())
}

/// Notes when somebody said what they want to be sent. `false`: they said something later.
pub(super) async fn said_last(tx: &mut TenantTx<'_>, contact: ContactId, at: DateTime<Utc>) -> Result<bool, DbError> {
    let rows = sqlx::query!(
        "UPDATE contacts SET consent_at = $2 WHERE id = $1 AND (consent_at IS NULL OR consent_at <= $2)",
        contact.uuid(),
        at
    );
    Ok(rows.execute(tx.conn()).await?.rows_affected() > 0)
}

/// What whom a conversation is with is called.
pub(super) async fn contact_name(tx: &mut TenantTx<'_>, id: ConversationId) -> Result<String, DbError> {
    Ok(sqlx::query_scalar!(
        "SELECT p.display_name FROM conversations c JOIN contacts p ON p.tenant_id = c.tenant_id AND p.id = c.contact_id WHERE c.id = $1",
        id.uuid(),
    )
    .fetch_one(tx.conn())
    .await?)
}

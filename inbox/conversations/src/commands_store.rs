//! SQL of what people do with conversations.

use chrono::{DateTime, Utc};
use serde_json::Value;
use trunkline_db::{
    AgentId, AttachmentId, ChannelAccountId, ContactId, ConversationId, DbError, LabelId, MessageId, QueueId, SystemTx,
    TenantId, TenantTx, UserId,
};
use uuid::Uuid;

use crate::commands::{Draft, KnownBy, Loose, Opening, Placed, Terms};
use crate::model::Label;
use crate::rules::{Consent, Said};
use crate::send::File;
use crate::words::{Word as _, json, word};

pub(crate) async fn terms(tx: &mut TenantTx<'_>, id: ConversationId) -> Result<Option<Terms>, DbError> {
    let row = sqlx::query!(
        r#"SELECT channel, account_id AS "account: ChannelAccountId", contact_id AS "contact: ContactId", address, last_in_at,
                  (SELECT m.provider_id FROM messages m WHERE m.conversation_id = c.id AND m.direction = 'in'
                    ORDER BY m.at DESC, m.id DESC LIMIT 1) AS last_in
             FROM conversations c WHERE id = $1"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let consent = consent(tx, row.contact).await?.unwrap_or_default();
    Ok(Some(Terms {
        channel: word(&row.channel)?,
        account: row.account,
        contact: row.contact,
        address: row.address,
        last_in_at: row.last_in_at,
        last_in: row.last_in,
        consent,
    }))
}

pub(crate) async fn consent(tx: &mut TenantTx<'_>, contact: ContactId) -> Result<Option<Consent>, DbError> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "contacts!", coalesce(bool_or(k.blocked_at IS NOT NULL), false) AS "blocked!",
                  max(k.opted_out_at) AS opted_out_at
             FROM contacts asked JOIN contacts k ON k.person_id = asked.person_id WHERE asked.id = $1"#,
        contact.uuid(),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((row.contacts > 0).then_some(Consent { blocked: row.blocked, opted_out_at: row.opted_out_at }))
}

pub(crate) async fn newer(
    tx: &mut TenantTx<'_>,
    id: ConversationId,
    seen: MessageId,
) -> Result<Option<Vec<Said>>, DbError> {
    let at =
        sqlx::query_scalar!("SELECT at FROM messages WHERE id = $1 AND conversation_id = $2", seen.uuid(), id.uuid())
            .fetch_optional(tx.conn())
            .await?;
    let Some(at) = at else { return Ok(None) };
    let rows = sqlx::query!(
        r#"SELECT id AS "id: MessageId", direction, author_type, author_id, state FROM messages
            WHERE conversation_id = $1 AND (at, id) > ($2, $3) ORDER BY at, id LIMIT 200"#,
        id.uuid(),
        at,
        seen.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    let said = rows.into_iter().map(|row| {
        Ok(Said {
            id: row.id,
            direction: word(&row.direction)?,
            author: word(&row.author_type)?,
            author_id: row.author_id,
            state: word(&row.state)?,
        })
    });
    said.collect::<Result<_, DbError>>().map(Some)
}

pub(crate) async fn loose(tx: &mut TenantTx<'_>, user: UserId, ids: &[AttachmentId]) -> Result<Vec<Loose>, DbError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"SELECT a.id AS "id: AttachmentId", a.sort, a.blob_id AS "blob!", coalesce(a.mime, a.declared_mime) AS mime, a.file_name, a.bytes
             FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, place) JOIN attachments a ON a.id = asked.id
            WHERE a.message_id IS NULL AND a.state = 'stored' AND a.uploaded_by = $2 ORDER BY asked.place"#,
        &ids,
        user.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            let sort = word(&row.sort)?;
            let file = File { sort: row.sort, blob: row.blob, mime: row.mime, name: row.file_name, bytes: row.bytes };
            Ok(Loose { id: row.id, sort, file })
        })
        .collect()
}

pub(crate) async fn attach(
    tx: &mut TenantTx<'_>,
    file: AttachmentId,
    message: MessageId,
    conversation: ConversationId,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE attachments SET message_id = $2, conversation_id = $3 WHERE id = $1 AND message_id IS NULL",
        file.uuid(),
        message.uuid(),
        conversation.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(crate) async fn mention(
    tx: &mut TenantTx<'_>,
    message: MessageId,
    user: UserId,
    conversation: ConversationId,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO mentions (tenant_id, message_id, user_id, conversation_id, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        tx.tenant().uuid(),
        message.uuid(),
        user.uuid(),
        conversation.uuid(),
        at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(crate) async fn members(tx: &mut TenantTx<'_>, users: &[UserId]) -> Result<Vec<UserId>, DbError> {
    let users: Vec<Uuid> = users.iter().map(|user| user.uuid()).collect();
    let members = sqlx::query_scalar!(
        r#"SELECT user_id AS "id: UserId" FROM memberships WHERE user_id = ANY($1) ORDER BY 1"#,
        &users
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(members)
}

/// Whether that is news.
pub(crate) async fn mark(
    tx: &mut TenantTx<'_>,
    id: ConversationId,
    user: UserId,
    read_at: Option<DateTime<Utc>>,
) -> Result<bool, DbError> {
    let Some(read_at) = read_at else {
        let gone = sqlx::query!(
            "DELETE FROM conversation_reads WHERE conversation_id = $1 AND user_id = $2",
            id.uuid(),
            user.uuid(),
        )
        .execute(tx.conn())
        .await?
        .rows_affected();
        return Ok(gone > 0);
    };
    let seen = sqlx::query!(
        "UPDATE mentions SET seen_at = $3 WHERE conversation_id = $1 AND user_id = $2 AND seen_at IS NULL",
        id.uuid(),
        user.uuid(),
        read_at,
    )
    .execute(tx.conn())
    .await?
    .rows_affected();
    let read = sqlx::query!(
        "INSERT INTO conversation_reads AS r (tenant_id, conversation_id, user_id, read_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, conversation_id, user_id) DO UPDATE SET read_at = excluded.read_at
         WHERE r.read_at < (SELECT coalesce(c.last_at, '-infinity') FROM conversations c WHERE c.id = $2)",
        tx.tenant().uuid(),
        id.uuid(),
        user.uuid(),
        read_at,
    )
    .execute(tx.conn())
    .await?
    .rows_affected();
    Ok(seen + read > 0)
}

pub(crate) async fn draft(
    tx: &mut TenantTx<'_>,
    id: ConversationId,
    user: UserId,
    text: &str,
    private: bool,
) -> Result<Draft, DbError> {
    let draft = sqlx::query_as!(
        Draft,
        "INSERT INTO drafts (tenant_id, conversation_id, user_id, text, private) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, conversation_id, user_id) DO UPDATE SET text = excluded.text, private = excluded.private, updated_at = now()
         RETURNING text, private, updated_at",
        tx.tenant().uuid(),
        id.uuid(),
        user.uuid(),
        text,
        private,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(draft)
}

pub(crate) async fn drop_draft(tx: &mut TenantTx<'_>, id: ConversationId, user: UserId) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM drafts WHERE conversation_id = $1 AND user_id = $2", id.uuid(), user.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(crate) async fn drafted(tx: &mut TenantTx<'_>, id: ConversationId, user: UserId) -> Result<Option<Draft>, DbError> {
    let draft = sqlx::query_as!(
        Draft,
        "SELECT text, private, updated_at FROM drafts WHERE conversation_id = $1 AND user_id = $2",
        id.uuid(),
        user.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(draft)
}

pub(crate) async fn running(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    address: &str,
) -> Result<Option<ConversationId>, DbError> {
    let id = sqlx::query_scalar!(
        r#"SELECT id AS "id: ConversationId" FROM conversations WHERE account_id = $1 AND address = $2 AND state <> 'resolved'"#,
        account.uuid(),
        address,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(id)
}

pub(crate) async fn last_in(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    address: &str,
) -> Result<Option<DateTime<Utc>>, DbError> {
    let at = sqlx::query_scalar!(
        "SELECT max(last_in_at) FROM (SELECT last_in_at FROM conversations WHERE account_id = $1 AND address = $2
            ORDER BY opened_at DESC LIMIT 20) AS latest",
        account.uuid(),
        address,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(at)
}

pub(crate) async fn whatsapp_ids(tx: &mut TenantTx<'_>, contact: ContactId) -> Result<Vec<String>, DbError> {
    let ids = sqlx::query_scalar!(
        "SELECT i.value FROM contacts asked JOIN contacts k ON k.person_id = asked.person_id
           JOIN contact_identities i ON i.contact_id = k.id
          WHERE asked.id = $1 AND i.type = 'whatsapp_id' AND i.ended_at IS NULL ORDER BY i.created_at DESC LIMIT 20",
        contact.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

/// It is its opener's, unless they take no work.
pub(crate) async fn open(tx: &mut TenantTx<'_>, id: ConversationId, opening: &Opening) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO conversations (tenant_id, id, channel, account_id, contact_id, address, queue_id, agent_id, assigned_at, opened_at, last_at,
             preview_direction)
         SELECT $1, $2, $3, $4, $5, $6, $7, a.id, CASE WHEN a.id IS NOT NULL THEN $9::timestamptz END, $9, $9, 'out'
           FROM (VALUES (1)) AS one LEFT JOIN agents a ON a.id = $8",
        tx.tenant().uuid(),
        id.uuid(),
        opening.channel.as_str(),
        opening.account.uuid(),
        opening.contact.uuid(),
        opening.address,
        opening.queue.map(QueueId::uuid),
        opening.agent.map(AgentId::uuid),
        opening.now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(crate) async fn placed(tx: &mut TenantTx<'_>, id: MessageId) -> Result<Option<Placed>, DbError> {
    let row = sqlx::query!(
        r#"SELECT m.conversation_id AS "conversation: ConversationId", m.account_id AS "account!: ChannelAccountId", c.channel, c.address,
                  m.provider_id AS "provider_id!", m.direction, m.kind, m.text, m.reactions, m.deleted_at IS NOT NULL AS "deleted!"
             FROM messages m JOIN conversations c ON c.id = m.conversation_id
            WHERE m.id = $1 AND m.account_id IS NOT NULL AND m.provider_id IS NOT NULL"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        Ok(Placed {
            conversation: row.conversation,
            account: row.account,
            channel: word(&row.channel)?,
            address: row.address,
            provider_id: row.provider_id,
            direction: word(&row.direction)?,
            kind: row.kind,
            text: row.text,
            reactions: json(row.reactions)?,
            deleted: row.deleted,
        })
    })
    .transpose()
}

pub(crate) async fn react(tx: &mut TenantTx<'_>, id: MessageId, reactions: &Value) -> Result<(), DbError> {
    sqlx::query!("UPDATE messages SET reactions = $2 WHERE id = $1", id.uuid(), reactions).execute(tx.conn()).await?;
    Ok(())
}

pub(crate) async fn edit(
    tx: &mut TenantTx<'_>,
    id: MessageId,
    text: &str,
    at: Option<DateTime<Utc>>,
) -> Result<(), DbError> {
    sqlx::query!("UPDATE messages SET text = $2, edited_at = $3 WHERE id = $1", id.uuid(), text, at)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(crate) async fn delete(tx: &mut TenantTx<'_>, id: MessageId, at: Option<DateTime<Utc>>) -> Result<(), DbError> {
    sqlx::query!("UPDATE messages SET deleted_at = $2 WHERE id = $1", id.uuid(), at).execute(tx.conn()).await?;
    Ok(())
}

pub(crate) async fn to_wake(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(TenantId, ConversationId)>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id AS "tenant: TenantId", id AS "id: ConversationId" FROM conversations
            WHERE state = 'snoozed' AND snoozed_until <= $1 ORDER BY snoozed_until LIMIT $2"#,
        now,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant, row.id)).collect())
}

pub(crate) async fn put_labels(tx: &mut TenantTx<'_>, id: ConversationId, labels: &[Uuid]) -> Result<bool, DbError> {
    let gone = sqlx::query!(
        "DELETE FROM conversation_labels WHERE conversation_id = $1 AND label_id <> ALL($2)",
        id.uuid(),
        labels
    )
    .execute(tx.conn())
    .await?
    .rows_affected();
    let new = sqlx::query!(
        "INSERT INTO conversation_labels (tenant_id, conversation_id, label_id)
         SELECT $1, $2, l.id FROM labels l WHERE l.id = ANY($3) ON CONFLICT DO NOTHING",
        tx.tenant().uuid(),
        id.uuid(),
        labels,
    )
    .execute(tx.conn())
    .await?
    .rows_affected();
    Ok(gone + new > 0)
}

pub(crate) async fn labels_known(tx: &mut TenantTx<'_>, labels: &[Uuid]) -> Result<i64, DbError> {
    let known = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM labels WHERE id = ANY($1)"#, labels)
        .fetch_one(tx.conn())
        .await?;
    Ok(known)
}

/// When anything of a conversation that anybody sees was last changed.
pub(crate) async fn changed_at(tx: &mut TenantTx<'_>, id: ConversationId) -> Result<Option<DateTime<Utc>>, DbError> {
    let at = sqlx::query_scalar!("SELECT updated_at FROM conversations WHERE id = $1", id.uuid())
        .fetch_optional(tx.conn())
        .await?;
    Ok(at)
}

/// What the person of a contact is known by.
pub(crate) async fn identities(tx: &mut TenantTx<'_>, contact: ContactId) -> Result<Vec<KnownBy>, DbError> {
    let identities = sqlx::query_as!(
        KnownBy,
        r#"SELECT i.type AS "kind", i.value, i.shown FROM contacts asked JOIN contacts k ON k.person_id = asked.person_id
             JOIN contact_identities i ON i.contact_id = k.id
            WHERE asked.id = $1 AND i.ended_at IS NULL ORDER BY i.type, i.created_at, i.id LIMIT 50"#,
        contact.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(identities)
}

pub(crate) async fn labels(tx: &mut TenantTx<'_>, ids: &[LabelId]) -> Result<Vec<Label>, DbError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let labels = sqlx::query_as!(
        Label,
        r#"SELECT id AS "id: LabelId", name, colour FROM labels WHERE id = ANY($1) ORDER BY lower(name)"#,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(labels)
}

/// The state and the components of a template.
pub(crate) async fn template(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    name: &str,
    language: &str,
) -> Result<Option<(String, Value)>, DbError> {
    let row = sqlx::query!(
        "SELECT status, components FROM message_templates WHERE account_id = $1 AND name = $2 AND language = $3",
        account.uuid(),
        name,
        language,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.status, row.components)))
}

/// Whether the provider has told of any template of the account's.
pub(crate) async fn has_templates(tx: &mut TenantTx<'_>, account: ChannelAccountId) -> Result<bool, DbError> {
    let has = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM message_templates WHERE account_id = $1) AS "has!""#,
        account.uuid()
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(has)
}

/// The conversation of a message.
pub(crate) async fn conversation_of(
    tx: &mut TenantTx<'_>,
    message: MessageId,
) -> Result<Option<ConversationId>, DbError> {
    let id = sqlx::query_scalar!(
        r#"SELECT conversation_id AS "id: ConversationId" FROM messages WHERE id = $1"#,
        message.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(id)
}

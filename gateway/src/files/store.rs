//! SQL of attachments.

use chrono::{DateTime, Utc};
use serde_json::Value;
use trunkline_db::{
    AttachmentId, ChannelAccountId, ConversationId, DbError, MessageId, SystemTx, TenantId, TenantTx, UserId,
};
use uuid::Uuid;

use super::intake::Kept;

/// A file that is to be fetched.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) message: MessageId,
    pub(super) conversation: ConversationId,
    pub(super) account: ChannelAccountId,
    pub(super) sort: String,
    pub(super) source: Value,
    pub(super) declared_mime: Option<String>,
}

/// An attachment that waits to be fetched, of a message that is there.
pub(super) async fn wanted(tx: &mut TenantTx<'_>, id: AttachmentId) -> Result<Option<Wanted>, DbError> {
    let row = sqlx::query!(
        r#"SELECT a.message_id AS "message!", a.conversation_id AS "conversation!", m.account_id AS "account!", a.sort,
                  a.source AS "source!", a.declared_mime
             FROM attachments a JOIN messages m ON m.tenant_id = a.tenant_id AND m.id = a.message_id
            WHERE a.id = $1 AND a.state = 'wanted' AND a.source IS NOT NULL AND m.account_id IS NOT NULL AND a.conversation_id IS NOT NULL"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Wanted {
        message: MessageId(row.message),
        conversation: ConversationId(row.conversation),
        account: ChannelAccountId(row.account),
        sort: row.sort,
        source: row.source,
        declared_mime: row.declared_mime,
    }))
}

/// Bytes that the tenant may still keep; `None`: as many as it likes.
pub(crate) async fn room(tx: &mut TenantTx<'_>) -> Result<Option<i64>, DbError> {
    let row = sqlx::query!(
        r#"SELECT l.storage_bytes AS "limit?", coalesce((SELECT s.bytes FROM tenant_storage s WHERE s.tenant_id = $1), 0) AS "used!"
             FROM tenant_limits l WHERE l.tenant_id = $1"#,
        tx.tenant().uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.and_then(|row| row.limit.map(|limit| (limit - row.used).max(0))))
}

/// It is here. False: it is not waited for any more.
pub(super) async fn stored(tx: &mut TenantTx<'_>, id: AttachmentId, kept: &Kept) -> Result<bool, DbError> {
    let (width, height) =
        kept.size.map_or((None, None), |(width, height)| (i32::try_from(width).ok(), i32::try_from(height).ok()));
    let done = sqlx::query!(
        "UPDATE attachments SET state = 'stored', mime = $2, bytes = $3, sha256 = $4, blob_id = $5, thumbnail_id = $6, width = $7, height = $8,
                error = NULL
          WHERE id = $1 AND state = 'wanted'",
        id.uuid(),
        kept.mime,
        i64::try_from(kept.bytes).unwrap_or(i64::MAX),
        kept.sha256,
        kept.blob,
        kept.thumbnail,
        width,
        height,
    );
    Ok(done.execute(tx.conn()).await?.rows_affected() == 1)
}

/// It will not come: `state` is `refused`, `gone` or `failed`. False: it is not waited for any more.
pub(super) async fn ended(tx: &mut TenantTx<'_>, id: AttachmentId, state: &str, error: &str) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "UPDATE attachments SET state = $2, error = $3 WHERE id = $1 AND state = 'wanted'",
        id.uuid(),
        state,
        error,
    );
    Ok(done.execute(tx.conn()).await?.rows_affected() == 1)
}

/// A file that somebody uploaded, of no message yet.
pub(super) async fn insert(
    tx: &mut TenantTx<'_>,
    id: AttachmentId,
    (sort, declared, name): (&str, Option<&str>, Option<&str>),
    kept: &Kept,
    by: UserId,
) -> Result<(), DbError> {
    let (width, height) =
        kept.size.map_or((None, None), |(width, height)| (i32::try_from(width).ok(), i32::try_from(height).ok()));
    sqlx::query!(
        "INSERT INTO attachments (tenant_id, id, sort, state, declared_mime, mime, file_name, bytes, sha256, width, height, blob_id, thumbnail_id, uploaded_by)
         VALUES ($1, $2, $3, 'stored', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        tx.tenant().uuid(),
        id.uuid(),
        sort,
        declared,
        kept.mime,
        name,
        i64::try_from(kept.bytes).unwrap_or(i64::MAX),
        kept.sha256,
        width,
        height,
        kept.blob,
        kept.thumbnail,
        by.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A file as it is served.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) conversation: Option<ConversationId>,
    pub(super) uploaded_by: Option<UserId>,
    pub(super) state: String,
    pub(super) mime: Option<String>,
    pub(super) file_name: Option<String>,
    pub(super) blob: Option<Uuid>,
    pub(super) thumbnail: Option<Uuid>,
    pub(super) created_at: DateTime<Utc>,
}

/// An attachment.
pub(super) async fn find(tx: &mut TenantTx<'_>, id: AttachmentId) -> Result<Option<Row>, DbError> {
    let row = sqlx::query!(
        "SELECT conversation_id, uploaded_by, state, mime, file_name, blob_id, thumbnail_id, created_at FROM attachments WHERE id = $1",
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Row {
        conversation: row.conversation_id.map(ConversationId),
        uploaded_by: row.uploaded_by.map(UserId),
        state: row.state,
        mime: row.mime,
        file_name: row.file_name,
        blob: row.blob_id,
        thumbnail: row.thumbnail_id,
        created_at: row.created_at,
    }))
}

/// The type that was found in a file that is kept; of a link that names the file alone.
pub(super) async fn mime_of(tx: &mut TenantTx<'_>, blob: Uuid) -> Result<Option<String>, DbError> {
    // A file's id is its attachment's.
    let mime = sqlx::query_scalar!("SELECT mime FROM attachments WHERE id = $1 AND blob_id = $1", blob);
    Ok(mime.fetch_optional(tx.conn()).await?.flatten())
}

/// Files of no message that nobody has sent since, taken away: what lies in the store of each.
pub(super) async fn take_loose(
    tx: &mut TenantTx<'_>,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(Option<Uuid>, Option<Uuid>)>, DbError> {
    let rows = sqlx::query!(
        "DELETE FROM attachments
          WHERE id = ANY (ARRAY(SELECT id FROM attachments WHERE message_id IS NULL AND created_at < $1 ORDER BY created_at LIMIT $2))
         RETURNING blob_id, thumbnail_id",
        before,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.blob_id, row.thumbnail_id)).collect())
}

/// Tenants that are not being removed.
pub(super) async fn tenants(tx: &mut SystemTx) -> Result<Vec<TenantId>, DbError> {
    let ids = sqlx::query_scalar!("SELECT id FROM tenants WHERE removal_started_at IS NULL ORDER BY id");
    Ok(ids.fetch_all(tx.conn()).await?.into_iter().map(TenantId).collect())
}

/// Some of the tenant's attachments, with what lies in the store of each.
pub(super) async fn some(
    tx: &mut TenantTx<'_>,
    limit: i64,
) -> Result<Vec<(Uuid, Option<Uuid>, Option<Uuid>)>, DbError> {
    let rows = sqlx::query!("SELECT id, blob_id, thumbnail_id FROM attachments ORDER BY id LIMIT $1", limit);
    let rows = rows.fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.blob_id, row.thumbnail_id)).collect())
}

/// Forgets these attachments.
pub(super) async fn delete(tx: &mut TenantTx<'_>, ids: &[Uuid]) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM attachments WHERE id = ANY($1)", ids).execute(tx.conn()).await?;
    Ok(())
}

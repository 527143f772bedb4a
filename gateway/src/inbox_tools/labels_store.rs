//! SQL of labels.

use trunkline_db::{DbError, LabelId, TenantTx};
use uuid::Uuid;

use super::labels::{InboxLabel, WriteLabel};

pub(super) async fn list(tx: &mut TenantTx<'_>) -> Result<Vec<InboxLabel>, DbError> {
    Ok(sqlx::query_as!(
        InboxLabel,
        r#"SELECT id AS "id: LabelId", name, colour, created_at, updated_at FROM labels ORDER BY name, id"#
    )
    .fetch_all(tx.conn())
    .await?)
}

pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM labels"#).fetch_one(tx.conn()).await?)
}

pub(super) async fn lock(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<InboxLabel>, DbError> {
    Ok(sqlx::query_as!(
        InboxLabel,
        r#"SELECT id AS "id: LabelId", name, colour, created_at, updated_at FROM labels WHERE id = $1 FOR UPDATE"#,
        id,
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn put(tx: &mut TenantTx<'_>, id: Uuid, wanted: &WriteLabel) -> Result<InboxLabel, DbError> {
    Ok(sqlx::query_as!(
        InboxLabel,
        r#"INSERT INTO labels AS l (tenant_id, id, name, colour) VALUES ($1, $2, $3, coalesce($4, 'grey'))
           ON CONFLICT (tenant_id, id) DO UPDATE
              SET name = excluded.name, colour = coalesce($4, l.colour), updated_at = greatest(now(), l.updated_at + interval '1 microsecond')
           RETURNING id AS "id: LabelId", name, colour, created_at, updated_at"#,
        tx.tenant().uuid(),
        id,
        wanted.name,
        wanted.colour,
    )
    .fetch_one(tx.conn())
    .await?)
}

pub(super) async fn delete(tx: &mut TenantTx<'_>, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM labels WHERE id = $1", id).execute(tx.conn()).await?;
    Ok(())
}

//! SQL of macros.

use sqlx::types::Json;
use trunkline_db::{DbError, TenantTx};
use uuid::Uuid;

use super::macros::{Macro, Step, WriteMacro};

macro_rules! read {
    ($row:expr) => {{
        let row = $row;
        Macro { id: row.id, name: row.name, steps: row.steps.0, created_at: row.created_at, updated_at: row.updated_at }
    }};
}

pub(super) async fn list(tx: &mut TenantTx<'_>) -> Result<Vec<Macro>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT id, name, steps AS "steps: Json<Vec<Step>>", created_at, updated_at FROM macros ORDER BY name, id"#
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| read!(row)).collect())
}

pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM macros"#).fetch_one(tx.conn()).await?)
}

/// A macro, held as it is until the transaction ends.
pub(super) async fn find(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<Macro>, DbError> {
    let row = sqlx::query!(
        r#"SELECT id, name, steps AS "steps: Json<Vec<Step>>", created_at, updated_at FROM macros WHERE id = $1 FOR UPDATE"#,
        id,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| read!(row)))
}

pub(super) async fn put(tx: &mut TenantTx<'_>, id: Uuid, wanted: &WriteMacro) -> Result<Macro, DbError> {
    let row = sqlx::query!(
        r#"INSERT INTO macros AS m (tenant_id, id, name, steps) VALUES ($1, $2, $3, $4)
           ON CONFLICT (tenant_id, id) DO UPDATE
              SET name = excluded.name, steps = excluded.steps, updated_at = greatest(now(), m.updated_at + interval '1 microsecond')
           RETURNING id, name, steps AS "steps: Json<Vec<Step>>", created_at, updated_at"#,
        tx.tenant().uuid(),
        id,
        wanted.name,
        serde_json::to_value(&wanted.steps).expect("plain values"),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(read!(row))
}

pub(super) async fn delete(tx: &mut TenantTx<'_>, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM macros WHERE id = $1", id).execute(tx.conn()).await?;
    Ok(())
}

//! SQL of flows.

use std::collections::HashMap;

use serde_json::Value;
use trunkline_db::{DbError, FlowId, TenantTx, UserId};

use super::model::{Row, Version, VersionShort};

/// Flows by name, behind a position; or one alone.
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    one: Option<FlowId>,
    after: Option<&(String, FlowId)>,
    limit: i64,
) -> Result<Vec<Row>, DbError> {
    Ok(sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: FlowId", name, draft, draft_at, draft_by AS "draft_by: UserId", published, updated_at FROM flows
            WHERE ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR (lower(name), id) > (lower($2), $3::uuid))
            ORDER BY lower(name), id LIMIT $4"#,
        one.map(FlowId::uuid),
        after.map(|(name, _)| name.as_str()),
        after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// One, locked until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx<'_>, id: FlowId) -> Result<Option<Row>, DbError> {
    let known = sqlx::query_scalar!("SELECT id FROM flows WHERE id = $1 FOR NO KEY UPDATE", id.uuid());
    if known.fetch_optional(tx.conn()).await?.is_none() {
        return Ok(None);
    }
    Ok(list(tx, Some(id), None, 1).await?.pop())
}

pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM flows"#).fetch_one(tx.conn()).await?)
}

/// Numbers that lead to flows, open or closed.
pub(super) async fn numbers(tx: &mut TenantTx<'_>) -> Result<HashMap<FlowId, Vec<String>>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT f.id AS "id!: FlowId", n.number FROM numbers n
             CROSS JOIN LATERAL unnest(ARRAY[n.flow_id, n.closed_flow_id]) AS f (id) WHERE f.id IS NOT NULL ORDER BY n.number"#
    );
    let mut numbers: HashMap<FlowId, Vec<String>> = HashMap::new();
    for row in rows.fetch_all(tx.conn()).await? {
        numbers.entry(row.id).or_default().push(row.number);
    }
    Ok(numbers)
}

/// Published flows that lead to this one.
pub(super) async fn led_from(tx: &mut TenantTx<'_>, id: FlowId) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT f.name FROM flows f JOIN flow_versions v ON v.flow_id = f.id AND v.version = f.published
             CROSS JOIN LATERAL jsonb_array_elements(v.definition -> 'nodes') AS n (node)
            WHERE n.node -> 'do' ->> 'flow_id' = $1 AND f.id <> $1::uuid ORDER BY f.name"#,
        id.uuid().to_string(),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The constraint of a name that is taken is `flows_name_key`.
pub(super) async fn insert(
    tx: &mut TenantTx<'_>,
    id: FlowId,
    name: &str,
    draft: &Value,
    by: UserId,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO flows (tenant_id, id, name, draft, draft_at, draft_by) VALUES ($1, $2, $3, $4, now(), $5)",
        tx.tenant().uuid(),
        id.uuid(),
        name,
        draft,
        by.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn rename(tx: &mut TenantTx<'_>, id: FlowId, name: &str) -> Result<(), DbError> {
    sqlx::query!("UPDATE flows SET name = $2, updated_at = now() WHERE id = $1", id.uuid(), name)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// What is being drawn, or nothing any more.
pub(super) async fn draw(
    tx: &mut TenantTx<'_>,
    id: FlowId,
    draft: Option<&Value>,
    by: UserId,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE flows SET draft = $2, draft_at = CASE WHEN $2::jsonb IS NOT NULL THEN now() END,
                draft_by = CASE WHEN $2::jsonb IS NOT NULL THEN $3::uuid END, updated_at = now() WHERE id = $1",
        id.uuid(),
        draft,
        by.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Publishes the next version. Its number.
pub(super) async fn publish(
    tx: &mut TenantTx<'_>,
    id: FlowId,
    definition: &Value,
    note: &str,
    by: UserId,
) -> Result<i32, DbError> {
    let version = sqlx::query_scalar!(
        r#"INSERT INTO flow_versions (tenant_id, flow_id, version, definition, note, by)
           VALUES ($1, $2, coalesce((SELECT max(v.version) FROM flow_versions v WHERE v.flow_id = $2), 0) + 1, $3, $4, $5)
           RETURNING version"#,
        tx.tenant().uuid(),
        id.uuid(),
        definition,
        note,
        by.uuid(),
    )
    .fetch_one(tx.conn())
    .await?;
    sqlx::query!(
        "UPDATE flows SET published = $2, draft = NULL, draft_at = NULL, draft_by = NULL, updated_at = now() WHERE id = $1",
        id.uuid(),
        version,
    )
    .execute(tx.conn())
    .await?;
    Ok(version)
}

/// The newest versions, before one; or one alone.
pub(super) async fn versions(
    tx: &mut TenantTx<'_>,
    id: FlowId,
    one: Option<i32>,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<Version>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT version, definition, note, at, by AS "by: UserId", member_name(by) AS by_name FROM flow_versions
            WHERE flow_id = $1 AND ($2::int IS NULL OR version = $2) AND ($3::int IS NULL OR version < $3)
            ORDER BY version DESC LIMIT $4"#,
        id.uuid(),
        one,
        before,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let versions = rows.into_iter().map(|row| Version {
        short: VersionShort { version: row.version, at: row.at, by: row.by, by_name: row.by_name, note: row.note },
        definition: row.definition,
    });
    Ok(versions.collect())
}

/// The published version of each flow, without what it does.
pub(super) async fn published(tx: &mut TenantTx<'_>) -> Result<HashMap<FlowId, VersionShort>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT f.id AS "id: FlowId", v.version, v.note, v.at, v.by AS "by: UserId", member_name(v.by) AS by_name
             FROM flows f JOIN flow_versions v ON v.flow_id = f.id AND v.version = f.published"#
    );
    let rows = rows.fetch_all(tx.conn()).await?.into_iter();
    Ok(rows
        .map(|row| {
            let short =
                VersionShort { version: row.version, at: row.at, by: row.by, by_name: row.by_name, note: row.note };
            (row.id, short)
        })
        .collect())
}

/// Removes it with all its versions. The constraints of numbers that lead here are `numbers_flow_fkey` and `numbers_closed_flow_fkey`.
pub(super) async fn remove(tx: &mut TenantTx<'_>, id: FlowId) -> Result<(), DbError> {
    sqlx::query!("UPDATE flows SET published = NULL WHERE id = $1", id.uuid()).execute(tx.conn()).await?;
    sqlx::query!("DELETE FROM flows WHERE id = $1", id.uuid()).execute(tx.conn()).await?;
    Ok(())
}

//! SQL of skills.

use chrono::{DateTime, Utc};
use trunkline_db::{DbError, SkillId, TenantTx};

use super::http::Skill;

/// Skills by name, behind the position (name, id).
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    after: Option<&(String, SkillId)>,
    limit: i64,
) -> Result<Vec<Skill>, DbError> {
    Ok(sqlx::query_as!(
        Skill,
        r#"SELECT id AS "id: SkillId", name, created_at, updated_at FROM skills
            WHERE $1::text IS NULL OR (name, id) > ($1, $2)
            ORDER BY name, id LIMIT $3"#,
        after.map(|(name, _)| name.as_str()),
        after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// How many there are.
pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM skills"#).fetch_one(tx.conn()).await?)
}

/// Stores a skill; when.
pub(super) async fn insert(tx: &mut TenantTx<'_>, id: SkillId, name: &str) -> Result<DateTime<Utc>, DbError> {
    Ok(sqlx::query_scalar!(
        "INSERT INTO skills (tenant_id, id, name) VALUES ($1, $2, $3) RETURNING created_at",
        tx.tenant().uuid(),
        id.uuid(),
        name,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// A skill, locked until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx<'_>, id: SkillId) -> Result<Option<Skill>, DbError> {
    Ok(sqlx::query_as!(
        Skill,
        r#"SELECT id AS "id: SkillId", name, created_at, updated_at FROM skills WHERE id = $1 FOR UPDATE"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Renames a skill; when.
pub(super) async fn rename(tx: &mut TenantTx<'_>, id: SkillId, name: &str) -> Result<DateTime<Utc>, DbError> {
    Ok(sqlx::query_scalar!(
        "UPDATE skills SET name = $2, updated_at = greatest(now(), updated_at + interval '1 microsecond') WHERE id = $1
         RETURNING updated_at",
        id.uuid(),
        name
    )
    .fetch_one(tx.conn())
    .await?)
}

/// The queues that ask for a skill.
pub(super) async fn queues_asking(tx: &mut TenantTx<'_>, id: SkillId) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT name FROM queues WHERE position($1 IN routing::text) > 0 ORDER BY name"#,
        id.to_string()
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Removes a skill, also from the agents who have it.
pub(super) async fn delete(tx: &mut TenantTx<'_>, id: SkillId) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM skills WHERE id = $1", id.uuid()).execute(tx.conn()).await?;
    Ok(())
}

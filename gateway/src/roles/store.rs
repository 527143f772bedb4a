//! SQL of roles.

use chrono::{DateTime, Utc};
use trunkline_db::{DbError, Role, RoleId, TenantTx, UserId};

use super::Assignment;
use super::model::CustomRole;
use crate::http::Reach;

/// Roles by name, behind the position (name, id).
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    after: Option<&(String, RoleId)>,
    limit: i64,
) -> Result<Vec<CustomRole>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT r.id, r.name, r.permissions, r.reach, r.created_at, r.updated_at,
                  (SELECT count(*) FROM memberships m WHERE m.tenant_id = r.tenant_id AND m.custom_role_id = r.id) AS "members!"
             FROM roles r
            WHERE $1::text IS NULL OR (r.name, r.id) > ($1, $2)
            ORDER BY r.name, r.id LIMIT $3"#,
        after.map(|(name, _)| name.as_str()),
        after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| CustomRole {
            id: RoleId(row.id),
            name: row.name,
            permissions: row.permissions,
            reach: Reach::parse(&row.reach),
            members: row.members,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
        .collect())
}

/// A role, locked until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx<'_>, id: RoleId) -> Result<Option<CustomRole>, DbError> {
    let row = sqlx::query!(
        r#"SELECT r.name, r.permissions, r.reach, r.created_at, r.updated_at,
                  (SELECT count(*) FROM memberships m WHERE m.tenant_id = r.tenant_id AND m.custom_role_id = r.id) AS "members!"
             FROM roles r WHERE r.id = $1 FOR UPDATE OF r"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| CustomRole {
        id,
        name: row.name,
        permissions: row.permissions,
        reach: Reach::parse(&row.reach),
        members: row.members,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }))
}

/// How many there are.
pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM roles"#).fetch_one(tx.conn()).await?)
}

/// Makes a role. The violated constraint of a name that is taken is `roles_name_key`.
pub(super) async fn insert(
    tx: &mut TenantTx<'_>,
    id: RoleId,
    name: &str,
    permissions: &[String],
    reach: Reach,
) -> Result<DateTime<Utc>, DbError> {
    Ok(sqlx::query_scalar!(
        "INSERT INTO roles (tenant_id, id, name, permissions, reach) VALUES ($1, $2, $3, $4, $5) RETURNING created_at",
        tx.tenant().uuid(),
        id.uuid(),
        name,
        permissions,
        reach.as_str(),
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Changes a role.
pub(super) async fn update(
    tx: &mut TenantTx<'_>,
    id: RoleId,
    name: &str,
    permissions: &[String],
    reach: Reach,
) -> Result<DateTime<Utc>, DbError> {
    Ok(sqlx::query_scalar!(
        "UPDATE roles SET name = $2, permissions = $3, reach = $4, updated_at = now() WHERE id = $1 RETURNING updated_at",
        id.uuid(),
        name,
        permissions,
        reach.as_str(),
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Removes a role. The violated constraint of one that somebody has is `memberships_custom_role_fkey`.
pub(super) async fn remove(tx: &mut TenantTx<'_>, id: RoleId) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM roles WHERE id = $1", id.uuid()).execute(tx.conn()).await?;
    Ok(())
}

/// A member's role, locked until the transaction ends.
pub(super) async fn lock_member(
    tx: &mut TenantTx<'_>,
    user: UserId,
) -> Result<Option<(Role, Option<RoleId>)>, DbError> {
    let row = sqlx::query!("SELECT role, custom_role_id FROM memberships WHERE user_id = $1 FOR UPDATE", user.uuid())
        .fetch_optional(tx.conn())
        .await?;
    // The schema allows no other words.
    Ok(row.and_then(|row| Some((row.role.parse().ok()?, row.custom_role_id.map(RoleId)))))
}

/// How many other admins there are who may sign in; locks them.
pub(super) async fn other_admins(tx: &mut TenantTx<'_>, user: UserId) -> Result<i32, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT tenant_other_admins($1) AS "count!""#, user.uuid()).fetch_one(tx.conn()).await?)
}

/// Gives a member a role.
pub(super) async fn assign(tx: &mut TenantTx<'_>, user: UserId, assignment: Assignment) -> Result<(), DbError> {
    let (role, custom) = match assignment {
        Assignment::BuiltIn(role) => (role, None),
        Assignment::Custom(id) => (Role::Client, Some(id.uuid())),
    };
    sqlx::query!(
        "UPDATE memberships SET role = $2, custom_role_id = $3 WHERE user_id = $1",
        user.uuid(),
        role.as_str(),
        custom,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

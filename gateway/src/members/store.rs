//! SQL of members and invitations.

use chrono::{DateTime, Utc};
use trunkline_db::{DbError, Role, RoleId, SystemTx, TenantId, TenantTx, UserId};
use uuid::Uuid;

use super::model::{Invitation, Member, SignInRules};

/// Members of a tenant by name, behind the position (name, id). People stand above tenants, so the system reads them.
pub(super) async fn list(
    tx: &mut SystemTx,
    tenant: TenantId,
    after: Option<&(String, UserId)>,
    limit: i64,
) -> Result<Vec<Member>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT u.id, u.name, u.email, m.role, m.custom_role_id, r.name AS "role_name?", m.created_at, m.disabled_at,
                  EXISTS (SELECT FROM agents a WHERE a.tenant_id = m.tenant_id AND a.id = m.user_id) AS "takes_work!",
                  EXISTS (SELECT FROM account_totp o WHERE o.user_id = u.id AND o.confirmed_at IS NOT NULL) AS "second_step!",
                  (SELECT max(s.last_used_at) FROM sign_ins s WHERE s.tenant_id = m.tenant_id AND s.user_id = m.user_id) AS last_seen_at
             FROM memberships m JOIN users u ON u.id = m.user_id
             LEFT JOIN roles r ON r.tenant_id = m.tenant_id AND r.id = m.custom_role_id
            WHERE m.tenant_id = $1 AND ($2::text IS NULL OR (u.name, u.id) > ($2, $3))
            ORDER BY u.name, u.id LIMIT $4"#,
        tenant.uuid(),
        after.map(|(name, _)| name.as_str()),
        after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Member {
            id: UserId(row.id),
            name: row.name,
            email: row.email,
            role: row.role.parse().unwrap_or(Role::Client),
            role_id: row.custom_role_id.map(RoleId),
            role_name: row.role_name,
            takes_work: row.takes_work,
            second_step: row.second_step,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            disabled_at: row.disabled_at,
        })
        .collect())
}

/// A member's role and whether they may come in, locked.
pub(super) async fn lock(tx: &mut TenantTx<'_>, user: UserId) -> Result<Option<(Role, Option<RoleId>, bool)>, DbError> {
    let row = sqlx::query!(
        r#"SELECT role, custom_role_id, disabled_at IS NOT NULL AS "disabled!" FROM memberships WHERE user_id = $1 FOR UPDATE"#,
        user.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.and_then(|row| Some((row.role.parse().ok()?, row.custom_role_id.map(RoleId), row.disabled))))
}

/// How many other admins may come in; locks them.
pub(super) async fn other_admins(tx: &mut TenantTx<'_>, user: UserId) -> Result<i32, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT tenant_other_admins($1) AS "count!""#, user.uuid()).fetch_one(tx.conn()).await?)
}

/// Lets a member in, or no more.
pub(super) async fn set_disabled(tx: &mut TenantTx<'_>, user: UserId, disabled: bool) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE memberships SET disabled_at = CASE WHEN $2 THEN now() END WHERE user_id = $1",
        user.uuid(),
        disabled,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes an agent off work; the state that they were in, unless it was that already.
pub(super) async fn send_home(tx: &mut TenantTx<'_>, user: UserId) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"WITH old AS (SELECT id, state FROM agents WHERE id = $1 FOR UPDATE)
           UPDATE agents a SET state = 'offline', reason = NULL, state_since = now()
             FROM old WHERE a.id = old.id AND old.state <> 'offline' RETURNING old.state AS "state!""#,
        user.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Removes an agent's phones; their user names.
pub(super) async fn remove_devices(tx: &mut TenantTx<'_>, user: UserId) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar!(
        "UPDATE devices SET removed_at = now() WHERE agent_id = $1 AND removed_at IS NULL RETURNING username",
        user.uuid(),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// What a tenant asks of those who sign in, locked.
pub(super) async fn lock_sign_in_rules(tx: &mut SystemTx, tenant: TenantId) -> Result<SignInRules, DbError> {
    Ok(sqlx::query_as!(
        SignInRules,
        "SELECT second_step_required FROM tenants WHERE id = $1 FOR NO KEY UPDATE",
        tenant.uuid()
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Keeps it.
pub(super) async fn set_sign_in_rules(tx: &mut SystemTx, tenant: TenantId, rules: SignInRules) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE tenants SET second_step_required = $2 WHERE id = $1",
        tenant.uuid(),
        rules.second_step_required
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// An invitation to be kept.
pub(super) struct NewRow<'a> {
    pub(super) id: Uuid,
    pub(super) email: &'a str,
    pub(super) role: Role,
    pub(super) custom_role: Option<RoleId>,
    pub(super) takes_work: bool,
    pub(super) by: UserId,
    pub(super) token_hash: &'a [u8],
    pub(super) mailed: bool,
    pub(super) expires_at: DateTime<Utc>,
}

/// Keeps an invitation; an open one of the same address is withdrawn.
pub(super) async fn insert_invitation(tx: &mut TenantTx<'_>, row: &NewRow<'_>) -> Result<DateTime<Utc>, DbError> {
    sqlx::query!(
        "UPDATE invitations SET withdrawn_at = now() WHERE email = $1 AND accepted_at IS NULL AND withdrawn_at IS NULL",
        row.email,
    )
    .execute(tx.conn())
    .await?;
    Ok(sqlx::query_scalar!(
        "INSERT INTO invitations (tenant_id, id, email, role, custom_role_id, takes_work, invited_by, token_hash, mailed, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING created_at",
        tx.tenant().uuid(),
        row.id,
        row.email,
        row.role.as_str(),
        row.custom_role.map(RoleId::uuid),
        row.takes_work,
        row.by.uuid(),
        row.token_hash,
        row.mailed,
        row.expires_at,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Open invitations of a tenant, the newest first.
pub(super) async fn invitations(tx: &mut SystemTx, tenant: TenantId) -> Result<Vec<Invitation>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT i.id, i.email, i.role, i.custom_role_id, r.name AS "role_name?", i.takes_work, u.name AS invited_by,
                  i.created_at, i.expires_at
           FROM invitations i JOIN users u ON u.id = i.invited_by
           LEFT JOIN roles r ON r.tenant_id = i.tenant_id AND r.id = i.custom_role_id
          WHERE i.tenant_id = $1 AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL
          ORDER BY i.id DESC LIMIT 500"#,
        tenant.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Invitation {
            id: row.id,
            email: row.email,
            role: row.role.parse().unwrap_or(Role::Client),
            role_id: row.custom_role_id.map(RoleId),
            role_name: row.role_name,
            takes_work: row.takes_work,
            invited_by: row.invited_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
        .collect())
}

/// Withdraws an open invitation; its address.
pub(super) async fn withdraw(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar!(
        "UPDATE invitations SET withdrawn_at = now() WHERE id = $1 AND accepted_at IS NULL AND withdrawn_at IS NULL RETURNING email",
        id,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// An invitation that a link leads to.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: Uuid,
    pub(super) tenant: TenantId,
    pub(super) email: String,
    pub(super) role: Role,
    pub(super) custom_role: Option<RoleId>,
    pub(super) takes_work: bool,
    pub(super) mailed: bool,
    pub(super) invited_by: String,
    pub(super) tenant_name: String,
    pub(super) tenant_slug: String,
    pub(super) language: String,
}

/// The open invitation of a token, whose maker still belongs to the tenant.
pub(super) async fn invitation_of(tx: &mut SystemTx, hash: &[u8]) -> Result<Option<Found>, DbError> {
    let row = sqlx::query!(
        r#"SELECT i.id, i.tenant_id AS "tenant: TenantId", i.email, i.role, i.custom_role_id, i.takes_work, i.mailed, u.name AS invited_by,
                  t.name AS tenant_name, t.slug, t.language
             FROM invitations i JOIN users u ON u.id = i.invited_by AND u.disabled_at IS NULL
             JOIN memberships m ON m.tenant_id = i.tenant_id AND m.user_id = i.invited_by AND m.disabled_at IS NULL
             JOIN tenants t ON t.id = i.tenant_id AND t.removal_started_at IS NULL
            WHERE i.token_hash = $1 AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at > now()"#,
        hash,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.and_then(|row| {
        Some(Found {
            id: row.id,
            tenant: row.tenant,
            email: row.email,
            role: row.role.parse().ok()?,
            custom_role: row.custom_role_id.map(RoleId),
            takes_work: row.takes_work,
            mailed: row.mailed,
            invited_by: row.invited_by,
            tenant_name: row.tenant_name,
            tenant_slug: row.slug,
            language: row.language,
        })
    }))
}

/// Uses an invitation up. False: somebody was quicker.
pub(super) async fn accept(tx: &mut TenantTx<'_>, id: Uuid) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "UPDATE invitations SET accepted_at = now() WHERE id = $1 AND accepted_at IS NULL AND withdrawn_at IS NULL",
        id
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The account of an address: its id, its password's hash, and whether it may sign in at all.
pub(super) async fn account(
    tx: &mut SystemTx,
    email: &str,
) -> Result<Option<(UserId, String, Option<String>, bool)>, DbError> {
    let row = sqlx::query!(
        r#"SELECT id AS "id: UserId", name, password_hash, disabled_at IS NOT NULL AS "disabled!" FROM users WHERE email = $1"#,
        email
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.id, row.name, row.password_hash, row.disabled)))
}

/// Makes an account. The violated constraint of an address that is taken is `users_email_key`.
pub(crate) async fn insert_account(
    tx: &mut SystemTx,
    id: UserId,
    email: &str,
    name: &str,
    hash: Option<&str>,
    verified: bool,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO users (id, email, name, password_hash, email_verified_at) VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN now() END)",
        id.uuid(),
        email,
        name,
        hash,
        verified,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes a member. False: is one already.
pub(crate) async fn insert_member(
    tx: &mut TenantTx<'_>,
    user: UserId,
    role: Role,
    custom: Option<RoleId>,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "INSERT INTO memberships (tenant_id, user_id, role, custom_role_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        tx.tenant().uuid(),
        user.uuid(),
        role.as_str(),
        custom.map(RoleId::uuid),
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes a member an agent.
pub(crate) async fn insert_agent(tx: &mut TenantTx<'_>, user: UserId, name: &str, email: &str) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO agents (tenant_id, id, name, email) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        tx.tenant().uuid(),
        user.uuid(),
        name,
        email,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

//! SQL of provisioning.

use trunkline_db::{AgentId, DbError, QueueId, Role, SystemTx, TenantId, TenantTx, UserId};

/// A member of a tenant, as `trunkline user list` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The tenant's slug.
    pub tenant: String,
    /// E-mail address.
    pub email: String,
    /// Name.
    pub name: String,
    /// Role within the tenant.
    pub role: String,
    /// Whether the user may not sign in.
    pub disabled: bool,
    /// Whether the user runs the platform.
    pub superadmin: bool,
}

pub(super) async fn create_tenant(tx: &mut SystemTx, slug: &str, name: &str) -> Result<TenantId, DbError> {
    if let Some(tenant) = find_tenant(tx, slug).await? {
        return Ok(tenant);
    }
    let id = sqlx::query_scalar!(
        "INSERT INTO tenants (id, slug, name) VALUES ($1, $2, $3)
         ON CONFLICT (slug) DO UPDATE SET slug = excluded.slug RETURNING id",
        TenantId::new().uuid(),
        slug,
        name,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(TenantId(id))
}

/// The demo tenant, made if it is missing; none when it was removed, or is being removed.
pub(super) async fn create_demo(tx: &mut SystemTx, slug: &str, name: &str) -> Result<Option<TenantId>, DbError> {
    // The row is locked, so that a removal that ends now is seen.
    let removed =
        sqlx::query_scalar!(r#"SELECT demo_removed_at IS NOT NULL AS "removed!" FROM installation FOR UPDATE"#)
            .fetch_one(tx.conn())
            .await?;
    let known = sqlx::query!(
        r#"SELECT id AS "id: TenantId", removal_started_at IS NOT NULL AS "removing!" FROM tenants WHERE demo"#
    )
    .fetch_optional(tx.conn())
    .await?;
    match known {
        Some(demo) => Ok((!demo.removing).then_some(demo.id)),
        None if removed => Ok(None),
        None => {
            let id = TenantId::new();
            sqlx::query!(
                "INSERT INTO tenants (id, slug, name, demo) VALUES ($1, $2, $3, true)",
                id.uuid(),
                slug,
                name,
            )
            .execute(tx.conn())
            .await?;
            Ok(Some(id))
        }
    }
}

pub(super) async fn find_tenant(tx: &mut SystemTx, slug: &str) -> Result<Option<TenantId>, DbError> {
    Ok(sqlx::query_scalar!("SELECT id FROM tenants WHERE slug = $1", slug)
        .fetch_optional(tx.conn())
        .await?
        .map(TenantId))
}

pub(super) async fn find_user(tx: &mut SystemTx, email: &str) -> Result<Option<UserId>, DbError> {
    Ok(sqlx::query_scalar!("SELECT id FROM users WHERE email = $1", email).fetch_optional(tx.conn()).await?.map(UserId))
}

pub(super) async fn create_user(tx: &mut SystemTx, email: &str, name: &str, hash: &str) -> Result<UserId, DbError> {
    let id = sqlx::query_scalar!(
        "INSERT INTO users (id, email, name, password_hash) VALUES ($1, $2, $3, $4)
         ON CONFLICT (email) DO UPDATE SET email = excluded.email RETURNING id",
        UserId::new().uuid(),
        email,
        name,
        hash,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(UserId(id))
}

pub(super) async fn set_password(tx: &mut SystemTx, email: &str, hash: &str) -> Result<Option<UserId>, DbError> {
    let changed = sqlx::query_scalar!("UPDATE users SET password_hash = $2 WHERE email = $1 RETURNING id", email, hash);
    let Some(user) = changed.fetch_optional(tx.conn()).await? else { return Ok(None) };
    sqlx::query!("UPDATE refresh_tokens SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL", user)
        .execute(tx.conn())
        .await?;
    Ok(Some(UserId(user)))
}

/// The user and whether that is new; none: no such user.
pub(super) async fn set_superadmin(
    tx: &mut SystemTx,
    email: &str,
    superadmin: bool,
) -> Result<Option<(UserId, bool)>, DbError> {
    let known = sqlx::query!("SELECT id, superadmin FROM users WHERE email = $1 FOR UPDATE", email);
    let Some(known) = known.fetch_optional(tx.conn()).await? else { return Ok(None) };
    if known.superadmin != superadmin {
        sqlx::query!("UPDATE users SET superadmin = $2 WHERE id = $1", known.id, superadmin).execute(tx.conn()).await?;
    }
    Ok(Some((UserId(known.id), known.superadmin != superadmin)))
}

pub(super) async fn list_members(tx: &mut SystemTx) -> Result<Vec<Member>, DbError> {
    let rows = sqlx::query_as!(
        Member,
        r#"SELECT t.slug AS tenant, u.email, u.name, m.role, u.disabled_at IS NOT NULL AS "disabled!", u.superadmin
             FROM memberships m JOIN users u ON u.id = m.user_id JOIN tenants t ON t.id = m.tenant_id
            ORDER BY t.slug, u.email"#
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

pub(super) async fn add_membership(tx: &mut TenantTx<'_>, user: UserId, role: Role) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "INSERT INTO memberships (tenant_id, user_id, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        tx.tenant().uuid(),
        user.uuid(),
        role.as_str(),
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn add_agent(tx: &mut TenantTx<'_>, agent: AgentId, name: &str, email: &str) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO agents (tenant_id, id, name, email) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        tx.tenant().uuid(),
        agent.uuid(),
        name,
        email,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn create_queue(
    tx: &mut TenantTx<'_>,
    slug: &str,
    name: &str,
    extension: &str,
) -> Result<QueueId, DbError> {
    let found = sqlx::query_scalar!("SELECT id FROM queues WHERE slug = $1", slug).fetch_optional(tx.conn()).await?;
    if let Some(id) = found {
        return Ok(QueueId(id));
    }
    let id = QueueId::new();
    sqlx::query!(
        "INSERT INTO queues (tenant_id, id, slug, name, extension) VALUES ($1, $2, $3, $4, $5)",
        tx.tenant().uuid(),
        id.uuid(),
        slug,
        name,
        extension,
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn add_number(tx: &mut TenantTx<'_>, number: &str, queue: QueueId) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO numbers (tenant_id, number, queue_id) VALUES ($1, $2, $3) ON CONFLICT (tenant_id, number) DO NOTHING",
        tx.tenant().uuid(),
        number,
        queue.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn add_queue_member(tx: &mut TenantTx<'_>, queue: QueueId, agent: AgentId) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO queue_members (tenant_id, queue_id, agent_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        tx.tenant().uuid(),
        queue.uuid(),
        agent.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn find_member(tx: &mut SystemTx, tenant: TenantId, email: &str) -> Result<Option<UserId>, DbError> {
    let id = sqlx::query_scalar!(
        "SELECT u.id FROM users u JOIN memberships m ON m.user_id = u.id WHERE m.tenant_id = $1 AND u.email = $2",
        tenant.uuid(),
        email,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(id.map(UserId))
}

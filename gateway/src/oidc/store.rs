//! SQL of identity providers and of who somebody is to them.

use chrono::{DateTime, Utc};
use trunkline_db::{DbError, Role, SystemTx, TenantId, TenantTx, UserId};

use super::model::SignInProvider;

/// A provider as stored.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) secret: Option<Vec<u8>>,
    pub(super) allowed_domains: Vec<String>,
    pub(super) auto_role: Option<Role>,
    pub(super) updated_at: DateTime<Utc>,
}

/// The tenant's provider, locked.
pub(super) async fn lock(tx: &mut TenantTx<'_>) -> Result<Option<Row>, DbError> {
    let row = sqlx::query!(
        "SELECT name, issuer, client_id, client_secret_sealed, allowed_domains, auto_role, updated_at FROM identity_providers FOR UPDATE"
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Row {
        name: row.name,
        issuer: row.issuer,
        client_id: row.client_id,
        secret: row.client_secret_sealed,
        allowed_domains: row.allowed_domains,
        auto_role: row.auto_role.and_then(|role| role.parse().ok()),
        updated_at: row.updated_at,
    }))
}

/// Sets the tenant's provider.
pub(super) async fn set(tx: &mut TenantTx<'_>, row: &Row) -> Result<DateTime<Utc>, DbError> {
    Ok(sqlx::query_scalar!(
        "INSERT INTO identity_providers (tenant_id, name, issuer, client_id, client_secret_sealed, allowed_domains, auto_role)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tenant_id) DO UPDATE
            SET name = excluded.name, issuer = excluded.issuer, client_id = excluded.client_id,
                client_secret_sealed = excluded.client_secret_sealed, allowed_domains = excluded.allowed_domains,
                auto_role = excluded.auto_role, updated_at = now()
         RETURNING updated_at",
        tx.tenant().uuid(),
        row.name,
        row.issuer,
        row.client_id,
        row.secret.as_deref(),
        &row.allowed_domains,
        row.auto_role.map(Role::as_str),
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Removes the tenant's provider. False: there was none.
pub(super) async fn remove(tx: &mut TenantTx<'_>) -> Result<bool, DbError> {
    Ok(sqlx::query!("DELETE FROM identity_providers").execute(tx.conn()).await?.rows_affected() == 1)
}

/// A tenant whose people sign in elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) tenant: TenantId,
    pub(super) slug: String,
    pub(super) row: Row,
}

/// The provider of the tenant with this slug.
pub(super) async fn of_slug(tx: &mut SystemTx, slug: &str) -> Result<Option<Found>, DbError> {
    let row = sqlx::query!(
        r#"SELECT t.id AS "tenant: TenantId", t.slug, p.name, p.issuer, p.client_id, p.client_secret_sealed, p.allowed_domains, p.auto_role,
                  p.updated_at
             FROM identity_providers p JOIN tenants t ON t.id = p.tenant_id
            WHERE t.slug = $1 AND t.removal_started_at IS NULL"#,
        slug,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Found {
        tenant: row.tenant,
        slug: row.slug,
        row: Row {
            name: row.name,
            issuer: row.issuer,
            client_id: row.client_id,
            secret: row.client_secret_sealed,
            allowed_domains: row.allowed_domains,
            auto_role: row.auto_role.and_then(|role| role.parse().ok()),
            updated_at: row.updated_at,
        },
    }))
}

/// The provider to offer: that of the tenant named, or the only one there is.
pub(super) async fn offered(tx: &mut SystemTx, slug: Option<&str>) -> Result<Option<SignInProvider>, DbError> {
    let rows = sqlx::query!(
        "SELECT p.name, t.slug FROM identity_providers p JOIN tenants t ON t.id = p.tenant_id
          WHERE t.removal_started_at IS NULL AND ($1::text IS NULL OR t.slug = $1) LIMIT 2",
        slug,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut rows = rows.into_iter();
    match (rows.next(), rows.next()) {
        (Some(only), None) => Ok(Some(SignInProvider { name: only.name, tenant: only.slug })),
        _ => Ok(None),
    }
}

/// Whom a tenant's provider means by a subject; a member, if only one who may not come in.
pub(super) async fn user_of(
    tx: &mut SystemTx,
    tenant: TenantId,
    issuer: &str,
    subject: &str,
) -> Result<Option<UserId>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT user_id AS "id: UserId" FROM identities WHERE tenant_id = $1 AND issuer = $2 AND subject = $3"#,
        tenant.uuid(),
        issuer,
        subject,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The account of an address, and whether it belongs to the tenant.
pub(super) async fn account(
    tx: &mut SystemTx,
    tenant: TenantId,
    email: &str,
) -> Result<Option<(UserId, bool)>, DbError> {
    let row = sqlx::query!(
        r#"SELECT u.id AS "id: UserId",
                  EXISTS (SELECT FROM memberships m WHERE m.tenant_id = $1 AND m.user_id = u.id) AS "member!"
             FROM users u WHERE u.email = $2"#,
        tenant.uuid(),
        email,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.id, row.member)))
}

/// Remembers whom the tenant's provider means by a subject.
pub(super) async fn link(tx: &mut TenantTx<'_>, issuer: &str, subject: &str, user: UserId) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO identities (tenant_id, issuer, subject, user_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        tx.tenant().uuid(),
        issuer,
        subject,
        user.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

//! SQL of sign-in; as the system role, since nobody is signed in yet. What a member changes is changed as the tenant's.

use chrono::{DateTime, Utc};
use trunkline_db::{DbError, Role, SystemTx, TenantId, TenantTx, UserId};
use uuid::Uuid;

use super::model::LanguageChoice;
use super::{TenantView, UserView};

/// A user as sign-in needs it.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: UserId,
    pub(super) password_hash: Option<String>,
}

/// A refresh token that was presented.
#[derive(Debug)]
pub(super) struct Presented {
    pub(super) id: Uuid,
    pub(super) user: UserId,
    pub(super) tenant: TenantId,
    pub(super) family: Uuid,
    pub(super) expired: bool,
    pub(super) replaced: bool,
    pub(super) revoked: bool,
}

/// The user with this address who may sign in.
pub(super) async fn account(tx: &mut SystemTx, email: &str) -> Result<Option<Account>, DbError> {
    let row = sqlx::query!("SELECT id, password_hash FROM users WHERE email = $1 AND disabled_at IS NULL", email)
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.map(|row| Account { id: UserId(row.id), password_hash: row.password_hash }))
}

/// The membership to sign in to: that of the tenant named, or the oldest.
pub(super) async fn membership(
    tx: &mut SystemTx,
    user: UserId,
    tenant_slug: Option<&str>,
) -> Result<Option<(UserView, TenantView)>, DbError> {
    let row = sqlx::query!(
        r#"SELECT u.id AS user_id, u.email, u.name AS user_name, m.role, u.language, u.must_change_password,
                u.email_verified_at IS NOT NULL AS "email_verified!",
                EXISTS (SELECT FROM account_totp a WHERE a.user_id = u.id AND a.confirmed_at IS NOT NULL) AS "second_step!",
                t.second_step_required,
                t.id AS tenant_id, t.slug, t.name AS tenant_name, t.time_zone, t.language AS tenant_language
           FROM users u
           JOIN memberships m ON m.user_id = u.id
           JOIN tenants t ON t.id = m.tenant_id
          WHERE u.id = $1 AND u.disabled_at IS NULL AND m.disabled_at IS NULL AND t.removal_started_at IS NULL AND t.suspended_at IS NULL
            AND ($2::text IS NULL OR t.slug = $2)
          ORDER BY m.created_at, t.id
          LIMIT 1"#,
        user.uuid(),
        tenant_slug,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.and_then(|row| {
        let user = UserView {
            id: UserId(row.user_id),
            email: row.email,
            name: row.user_name,
            role: role(&row.role)?,
            language: row.language,
            must_change_password: row.must_change_password,
            email_verified: row.email_verified,
            second_step: row.second_step,
            must_set_up_second_step: row.second_step_required && !row.second_step,
        };
        let tenant = TenantView {
            id: TenantId(row.tenant_id),
            slug: row.slug,
            name: row.tenant_name,
            time_zone: row.time_zone,
            language: row.tenant_language,
        };
        Some((user, tenant))
    }))
}

/// Why the tenant that somebody would sign in to is suspended, if that is what keeps them out.
pub(super) async fn suspension(
    tx: &mut SystemTx,
    user: UserId,
    tenant_slug: Option<&str>,
) -> Result<Option<String>, DbError> {
    let reason = sqlx::query_scalar!(
        r#"SELECT coalesce(t.suspended_reason, '') AS "reason!"
             FROM memberships m JOIN tenants t ON t.id = m.tenant_id
            WHERE m.user_id = $1 AND m.disabled_at IS NULL AND t.suspended_at IS NOT NULL AND ($2::text IS NULL OR t.slug = $2)
            ORDER BY m.created_at, t.id LIMIT 1"#,
        user.uuid(),
        tenant_slug,
    );
    Ok(reason.fetch_optional(tx.conn()).await?)
}

/// The user's membership of one tenant, as it is now, seen from a sign-in.
pub(super) async fn membership_of(
    tx: &mut SystemTx,
    user: UserId,
    tenant: TenantId,
    session: Uuid,
) -> Result<Option<(UserView, TenantView)>, DbError> {
    let row = sqlx::query!(
        r#"SELECT u.email, u.name AS user_name, m.role, u.language, u.must_change_password,
                u.email_verified_at IS NOT NULL AS "email_verified!",
                EXISTS (SELECT FROM account_totp a WHERE a.user_id = u.id AND a.confirmed_at IS NOT NULL) AS "second_step!",
                t.second_step_required,
                t.slug, t.name AS tenant_name, t.time_zone, t.language AS tenant_language,
                EXISTS (SELECT FROM sign_ins s WHERE s.id = $3 AND s.method = 'oidc') AS "elsewhere!"
           FROM users u
           JOIN memberships m ON m.user_id = u.id
           JOIN tenants t ON t.id = m.tenant_id
          WHERE u.id = $1 AND t.id = $2 AND u.disabled_at IS NULL AND m.disabled_at IS NULL AND t.removal_started_at IS NULL
            AND t.suspended_at IS NULL"#,
        user.uuid(),
        tenant.uuid(),
        session,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.and_then(|row| {
        let view = UserView {
            id: user,
            email: row.email,
            name: row.user_name,
            role: role(&row.role)?,
            language: row.language,
            must_change_password: row.must_change_password,
            email_verified: row.email_verified,
            second_step: row.second_step,
            must_set_up_second_step: row.second_step_required && !row.second_step && !row.elsewhere,
        };
        let tenant = TenantView {
            id: tenant,
            slug: row.slug,
            name: row.tenant_name,
            time_zone: row.time_zone,
            language: row.tenant_language,
        };
        Some((view, tenant))
    }))
}

/// Changes the user's name, when one is given, and language. False: no member of the tenant.
pub(super) async fn update_member(
    tx: &mut TenantTx<'_>,
    user: UserId,
    name: Option<&str>,
    language: &LanguageChoice,
) -> Result<bool, DbError> {
    let (set_language, language) = match language {
        LanguageChoice::Keep => (false, None),
        LanguageChoice::Tenants => (true, None),
        LanguageChoice::Own(language) => (true, Some(language.as_str())),
    };
    let updated = sqlx::query_scalar!(
        r#"SELECT member_update($1, $2, $3, $4) AS "updated!""#,
        user.uuid(),
        name,
        set_language,
        language,
    );
    Ok(updated.fetch_one(tx.conn()).await?)
}

/// The user's password hash.
pub(super) async fn password_hash(
    tx: &mut SystemTx,
    user: UserId,
) -> Result<Option<(String, String, Option<String>)>, DbError> {
    let row =
        sqlx::query!("SELECT email, name, password_hash FROM users WHERE id = $1 AND disabled_at IS NULL", user.uuid())
            .fetch_optional(tx.conn())
            .await?;
    Ok(row.map(|row| (row.email, row.name, row.password_hash)))
}

/// Replaces the password's hash if it is still `old`, and ends the user's other sign-ins; `None` when it is not.
pub(super) async fn set_own_password(
    tx: &mut TenantTx<'_>,
    user: UserId,
    old: &str,
    new: &str,
    keep: Uuid,
) -> Result<Option<Vec<Uuid>>, DbError> {
    let ended = sqlx::query_scalar!("SELECT member_set_password($1, $2, $3, $4)", user.uuid(), old, new, keep);
    Ok(ended.fetch_one(tx.conn()).await?)
}

fn role(text: &str) -> Option<Role> {
    text.parse().ok()
}

/// Stores the hash of a new refresh token.
pub(super) async fn insert_refresh_token(
    tx: &mut SystemTx,
    user: UserId,
    tenant: TenantId,
    family: Uuid,
    hash: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO refresh_tokens (id, user_id, tenant_id, family_id, token_hash, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        Uuid::now_v7(),
        user.uuid(),
        tenant.uuid(),
        family,
        hash,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Finds a presented token and locks it, so that of two uses at once one is the second.
pub(super) async fn lock_refresh_token(tx: &mut SystemTx, hash: &[u8]) -> Result<Option<Presented>, DbError> {
    let row = sqlx::query!(
        r#"SELECT id, user_id, tenant_id, family_id, expires_at < now() AS "expired!", replaced_at IS NOT NULL AS "replaced!",
                  revoked_at IS NOT NULL AS "revoked!"
             FROM refresh_tokens WHERE token_hash = $1 FOR UPDATE"#,
        hash,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Presented {
        id: row.id,
        user: UserId(row.user_id),
        tenant: TenantId(row.tenant_id),
        family: row.family_id,
        expired: row.expired,
        replaced: row.replaced,
        revoked: row.revoked,
    }))
}

/// Marks a token as replaced by a newer one.
pub(super) async fn replace_refresh_token(tx: &mut SystemTx, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("UPDATE refresh_tokens SET replaced_at = now() WHERE id = $1", id).execute(tx.conn()).await?;
    Ok(())
}

/// Ends a sign-in for good. False when it had ended before.
pub(super) async fn revoke_family(tx: &mut SystemTx, family: Uuid) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "UPDATE refresh_tokens SET revoked_at = now() WHERE family_id = $1 AND revoked_at IS NULL",
        family
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes tokens that ended more than a day ago. Those just ended are kept: a reuse of them still tells of a theft.
pub(super) async fn sweep_refresh_tokens(tx: &mut SystemTx) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "DELETE FROM refresh_tokens WHERE id IN (SELECT id FROM refresh_tokens WHERE expires_at < now() - interval '1 day' LIMIT 500)"
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

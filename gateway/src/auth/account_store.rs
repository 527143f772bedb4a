//! SQL of accounts: sign-ins that are listed and ended, links that work once, one-time codes. People stand above tenants, so this is the
//! system's.

use chrono::{DateTime, Utc};
use trunkline_db::{DbError, SystemTx, TenantId, UserId};
use uuid::Uuid;

use super::model::MySession;

/// A person as letters and judgements of passwords need them.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: UserId,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) language: String,
    pub(super) password_hash: Option<String>,
    pub(super) verified: bool,
}

/// The person with this id, who may sign in somewhere. `email` instead of the id finds by address.
pub(super) async fn person(
    tx: &mut SystemTx,
    id: Option<UserId>,
    email: Option<&str>,
) -> Result<Option<Person>, DbError> {
    let row = sqlx::query!(
        r#"SELECT u.id, u.email, u.name, u.password_hash, u.email_verified_at IS NOT NULL AS "verified!",
                  coalesce(u.language, (SELECT t.language FROM memberships m JOIN tenants t ON t.id = m.tenant_id
                                         WHERE m.user_id = u.id ORDER BY m.created_at LIMIT 1), 'en') AS "language!"
             FROM users u
            WHERE (u.id = $1 OR u.email = $2) AND u.disabled_at IS NULL
              AND EXISTS (SELECT FROM memberships m WHERE m.user_id = u.id AND m.disabled_at IS NULL)"#,
        id.map(UserId::uuid),
        email,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Person {
        id: UserId(row.id),
        email: row.email,
        name: row.name,
        language: row.language,
        password_hash: row.password_hash,
        verified: row.verified,
    }))
}

/// The tenants of a person, for the audit log.
pub(crate) async fn tenants_of(tx: &mut SystemTx, user: UserId) -> Result<Vec<TenantId>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT tenant_id AS "id: TenantId" FROM memberships WHERE user_id = $1 ORDER BY 1"#,
        user.uuid()
    )
    .fetch_all(tx.conn())
    .await?)
}

/// A sign-in, and from where it is used.
#[derive(Debug)]
pub(super) struct SignIn<'a> {
    pub(super) id: Uuid,
    pub(super) tenant: TenantId,
    pub(super) user: UserId,
    pub(super) method: &'a str,
    pub(super) second_step: bool,
    pub(super) address: Option<&'a str>,
    pub(super) user_agent: Option<&'a str>,
}

/// Notes that a sign-in began, or was used again.
pub(super) async fn note_sign_in(tx: &mut SystemTx, noted: &SignIn<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO sign_ins (id, tenant_id, user_id, method, second_step, address, user_agent) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE SET last_used_at = now(), address = excluded.address, user_agent = excluded.user_agent",
        noted.id,
        noted.tenant.uuid(),
        noted.user.uuid(),
        noted.method,
        noted.second_step,
        noted.address,
        noted.user_agent,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How a sign-in began.
pub(super) async fn method_of(tx: &mut SystemTx, session: Uuid) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar!("SELECT method FROM sign_ins WHERE id = $1", session).fetch_optional(tx.conn()).await?)
}

/// The sign-ins that hold, the one used last first: all of a person's, or those to one tenant.
pub(super) async fn sessions(
    tx: &mut SystemTx,
    user: UserId,
    tenant: Option<TenantId>,
    present: Uuid,
) -> Result<Vec<MySession>, DbError> {
    let rows = sqlx::query!(
        "SELECT s.id, s.method, s.second_step, s.created_at, s.last_used_at, s.address, s.user_agent, t.slug, t.name
           FROM sign_ins s JOIN tenants t ON t.id = s.tenant_id
          WHERE s.user_id = $1 AND ($2::uuid IS NULL OR s.tenant_id = $2)
            AND EXISTS (SELECT FROM refresh_tokens r WHERE r.family_id = s.id AND r.revoked_at IS NULL AND r.replaced_at IS NULL
                                                       AND r.expires_at > now())
          ORDER BY s.last_used_at DESC, s.id LIMIT 200",
        user.uuid(),
        tenant.map(TenantId::uuid),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| MySession {
            id: row.id,
            present: row.id == present,
            method: row.method,
            second_step: row.second_step,
            tenant: row.slug,
            tenant_name: row.name,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            address: row.address,
            user_agent: row.user_agent,
        })
        .collect())
}

/// Ends sign-ins of a person for good: to one tenant or all, one or all, but never `keep`. Gives those that it ended.
pub(crate) async fn end_sessions(
    tx: &mut SystemTx,
    user: UserId,
    tenant: Option<TenantId>,
    only: Option<Uuid>,
    keep: Option<Uuid>,
) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"WITH ended AS (
               UPDATE refresh_tokens SET revoked_at = now()
                WHERE user_id = $1 AND ($2::uuid IS NULL OR tenant_id = $2) AND ($3::uuid IS NULL OR family_id = $3)
                  AND ($4::uuid IS NULL OR family_id <> $4) AND revoked_at IS NULL RETURNING family_id
           ) SELECT DISTINCT family_id AS "id!" FROM ended"#,
        user.uuid(),
        tenant.map(TenantId::uuid),
        only,
        keep,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Keeps the hash of a link's token; earlier ones of the same purpose end.
pub(super) async fn insert_link(
    tx: &mut SystemTx,
    hash: &[u8],
    user: UserId,
    purpose: &str,
    email: &str,
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM account_links WHERE user_id = $1 AND purpose = $2", user.uuid(), purpose)
        .execute(tx.conn())
        .await?;
    sqlx::query!(
        "INSERT INTO account_links (token_hash, user_id, purpose, email, expires_at) VALUES ($1, $2, $3, $4, $5)",
        hash,
        user.uuid(),
        purpose,
        email,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whose link this is, if it still works.
pub(super) async fn link(tx: &mut SystemTx, hash: &[u8], purpose: &str) -> Result<Option<UserId>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT l.user_id AS "id: UserId" FROM account_links l JOIN users u ON u.id = l.user_id AND u.email = l.email
            WHERE l.token_hash = $1 AND l.purpose = $2 AND l.used_at IS NULL AND l.expires_at > now()"#,
        hash,
        purpose,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Uses a link up. False: somebody was quicker.
pub(super) async fn use_link(tx: &mut SystemTx, hash: &[u8]) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "UPDATE account_links SET used_at = now() WHERE token_hash = $1 AND used_at IS NULL AND expires_at > now()",
        hash
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The person reads what is sent to the address.
pub(super) async fn verify_email(tx: &mut SystemTx, user: UserId) -> Result<(), DbError> {
    sqlx::query!("UPDATE users SET email_verified_at = coalesce(email_verified_at, now()) WHERE id = $1", user.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// A new password, chosen by the person; proves the address, to which the link went.
pub(super) async fn reset_password(tx: &mut SystemTx, user: UserId, hash: &str) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE users SET password_hash = $2, must_change_password = false, email_verified_at = coalesce(email_verified_at, now())
          WHERE id = $1",
        user.uuid(),
        hash,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!("DELETE FROM account_links WHERE user_id = $1 AND purpose = 'reset' AND used_at IS NULL", user.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// One-time codes of a person.
#[derive(Debug)]
pub(super) struct Totp {
    pub(super) sealed: Vec<u8>,
    pub(super) confirmed_at: Option<DateTime<Utc>>,
    pub(super) last_step: i64,
}

/// A person's one-time codes, locked: of two uses of one code at once, one is the second.
pub(super) async fn lock_totp(tx: &mut SystemTx, user: UserId) -> Result<Option<Totp>, DbError> {
    let row = sqlx::query!(
        "SELECT secret_sealed, confirmed_at, last_step FROM account_totp WHERE user_id = $1 FOR UPDATE",
        user.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Totp { sealed: row.secret_sealed, confirmed_at: row.confirmed_at, last_step: row.last_step }))
}

/// Begins to set codes up. False: they are in use already.
pub(super) async fn begin_totp(tx: &mut SystemTx, user: UserId, sealed: &[u8]) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "INSERT INTO account_totp AS t (user_id, secret_sealed) VALUES ($1, $2)
         ON CONFLICT (user_id) DO UPDATE SET secret_sealed = excluded.secret_sealed, created_at = now(), last_step = 0
          WHERE t.confirmed_at IS NULL",
        user.uuid(),
        sealed,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes the step of a code that was taken; the first one puts the codes to use.
pub(super) async fn took_code(tx: &mut SystemTx, user: UserId, step: i64) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE account_totp SET last_step = $2, confirmed_at = coalesce(confirmed_at, now()) WHERE user_id = $1",
        user.uuid(),
        step,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends one-time codes. False: there were none.
pub(super) async fn remove_totp(tx: &mut SystemTx, user: UserId) -> Result<bool, DbError> {
    sqlx::query!("DELETE FROM account_recovery_codes WHERE user_id = $1", user.uuid()).execute(tx.conn()).await?;
    let done = sqlx::query!("DELETE FROM account_totp WHERE user_id = $1", user.uuid()).execute(tx.conn()).await?;
    Ok(done.rows_affected() == 1)
}

/// Puts new recovery codes in the place of the old ones.
pub(super) async fn set_recovery_codes(tx: &mut SystemTx, user: UserId, hashes: &[Vec<u8>]) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM account_recovery_codes WHERE user_id = $1", user.uuid()).execute(tx.conn()).await?;
    sqlx::query!(
        "INSERT INTO account_recovery_codes (user_id, code_hash) SELECT $1, hash FROM unnest($2::bytea[]) AS fresh (hash)",
        user.uuid(),
        hashes,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Uses a recovery code up. False: it is none, or was used.
pub(super) async fn use_recovery_code(tx: &mut SystemTx, user: UserId, hash: &[u8]) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "UPDATE account_recovery_codes SET used_at = now() WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL",
        user.uuid(),
        hash,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Since when one-time codes are in use, and how many recovery codes are left.
pub(super) async fn second_step(tx: &mut SystemTx, user: UserId) -> Result<(Option<DateTime<Utc>>, i64), DbError> {
    let row = sqlx::query!(
        r#"SELECT (SELECT confirmed_at FROM account_totp WHERE user_id = $1) AS since,
                  (SELECT count(*) FROM account_recovery_codes WHERE user_id = $1 AND used_at IS NULL) AS "left!""#,
        user.uuid(),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((row.since, row.left))
}

/// Removes links and sign-ins that ended more than a day ago.
pub(super) async fn sweep(tx: &mut SystemTx) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM account_links WHERE expires_at < now() - interval '1 day'").execute(tx.conn()).await?;
    sqlx::query!(
        "DELETE FROM sign_ins s WHERE s.last_used_at < now() - interval '1 day'
            AND NOT EXISTS (SELECT FROM refresh_tokens r WHERE r.family_id = s.id)"
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

//! SQL of settings. What is stored may be of another version: what cannot be read does not count, and the registry judges the rest.

use serde_json::Value as Json;
use trunkline_db::{DbError, SystemTx, TenantId, TenantTx, UserId};
use uuid::Uuid;

use super::cascade::{Lock, Said};
use super::registry::{Level, SettingValue};

/// What was said of which setting.
pub(super) type Row = (String, Said);

fn row(key: String, level: Level, value: Json, lock: &str) -> Option<Row> {
    let value: SettingValue = serde_json::from_value(value).ok()?;
    Some((key, Said { level, value, lock: Lock::parse(lock) }))
}

fn json(value: &SettingValue) -> Json {
    match value {
        SettingValue::Switch(on) => (*on).into(),
        SettingValue::Number(number) => (*number).into(),
        SettingValue::Text(text) => text.as_str().into(),
    }
}

/// What the platform and the tenant say and, with a member, the member and that sign-in.
pub(super) async fn read(tx: &mut TenantTx<'_>, member: Option<(UserId, Uuid)>) -> Result<Vec<Row>, DbError> {
    let (user, session) = (member.map(|(user, _)| user.uuid()), member.map(|(_, session)| session));
    let rows = sqlx::query!(
        r#"SELECT 'platform' AS "level!", key AS "key!", value AS "value!", lock AS "lock!" FROM platform_settings_now()
           UNION ALL
           SELECT 'tenant', key, value, lock FROM tenant_settings
           UNION ALL
           SELECT CASE WHEN session_id = '00000000-0000-0000-0000-000000000000' THEN 'user' ELSE 'session' END, key, value, lock
             FROM member_settings
            WHERE user_id = $1 AND session_id IN ('00000000-0000-0000-0000-000000000000', $2)
           UNION ALL
           SELECT 'user', 'looks.language', to_jsonb(chosen.language), 'none' FROM member_language($1) AS chosen (language)
            WHERE chosen.language IS NOT NULL"#,
        user,
        session,
    )
    .fetch_all(tx.conn())
    .await?;
    let level = |word: &str| Level::ALL.into_iter().find(|level| level.as_str() == word);
    Ok(rows.into_iter().filter_map(|read| row(read.key, level(&read.level)?, read.value, &read.lock)).collect())
}

/// What the platform says.
pub(super) async fn read_platform(tx: &mut SystemTx) -> Result<Vec<Row>, DbError> {
    let rows = sqlx::query!("SELECT key, value, lock FROM platform_settings").fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().filter_map(|read| row(read.key, Level::Platform, read.value, &read.lock)).collect())
}

pub(super) async fn set_platform(
    tx: &mut SystemTx,
    key: &str,
    value: &SettingValue,
    lock: Lock,
    by: UserId,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO platform_settings (key, value, lock, changed_by) VALUES ($1, $2, $3, $4)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, lock = excluded.lock, changed_by = excluded.changed_by, changed_at = now()",
        key,
        json(value),
        lock.as_str(),
        by.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn clear_platform(tx: &mut SystemTx, key: &str) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM platform_settings WHERE key = $1", key).execute(tx.conn()).await?;
    Ok(())
}

pub(super) async fn set_tenant(
    tx: &mut TenantTx<'_>,
    key: &str,
    value: &SettingValue,
    lock: Lock,
    by: UserId,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO tenant_settings (tenant_id, key, value, lock, changed_by) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, key)
         DO UPDATE SET value = excluded.value, lock = excluded.lock, changed_by = excluded.changed_by, changed_at = now()",
        tx.tenant().uuid(),
        key,
        json(value),
        lock.as_str(),
        by.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn clear_tenant(tx: &mut TenantTx<'_>, key: &str) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM tenant_settings WHERE key = $1", key).execute(tx.conn()).await?;
    Ok(())
}

/// The member's language, which is one in all tenants; `None`: as the tenant has it.
pub(super) async fn set_language(tx: &mut TenantTx<'_>, user: UserId, language: Option<&str>) -> Result<(), DbError> {
    sqlx::query_scalar!(r#"SELECT member_update($1, NULL, true, $2) AS "updated!""#, user.uuid(), language)
        .fetch_one(tx.conn())
        .await?;
    Ok(())
}

/// Of the member (`session` nil) or of one sign-in.
pub(super) async fn set_member(
    tx: &mut TenantTx<'_>,
    user: UserId,
    session: Uuid,
    key: &str,
    value: &SettingValue,
    lock: Lock,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO member_settings (tenant_id, user_id, session_id, key, value, lock) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant_id, user_id, session_id, key)
         DO UPDATE SET value = excluded.value, lock = excluded.lock, changed_at = now()",
        tx.tenant().uuid(),
        user.uuid(),
        session,
        key,
        json(value),
        lock.as_str(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn clear_member(tx: &mut TenantTx<'_>, user: UserId, session: Uuid, key: &str) -> Result<(), DbError> {
    sqlx::query!(
        "DELETE FROM member_settings WHERE user_id = $1 AND session_id = $2 AND key = $3",
        user.uuid(),
        session,
        key,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What the platform, and each tenant, says of some settings.
pub(super) async fn read_all(tx: &mut SystemTx, keys: &[String]) -> Result<(Vec<Row>, Vec<(TenantId, Row)>), DbError> {
    let platform = read_platform(tx).await?.into_iter().filter(|(key, _)| keys.contains(key)).collect();
    let rows = sqlx::query!("SELECT tenant_id, key, value, lock FROM tenant_settings WHERE key = ANY($1)", keys)
        .fetch_all(tx.conn())
        .await?;
    let tenants = rows
        .into_iter()
        .filter_map(|read| Some((TenantId(read.tenant_id), row(read.key, Level::Tenant, read.value, &read.lock)?)));
    Ok((platform, tenants.collect()))
}

/// Removes some of the settings of sign-ins that are over; returns how many.
pub(super) async fn sweep(tx: &mut SystemTx) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "DELETE FROM member_settings m
          WHERE (m.tenant_id, m.user_id, m.session_id, m.key) IN (
                SELECT s.tenant_id, s.user_id, s.session_id, s.key FROM member_settings s
                 WHERE s.session_id <> '00000000-0000-0000-0000-000000000000' AND s.changed_at < now() - interval '1 hour'
                   AND NOT EXISTS (SELECT FROM refresh_tokens r WHERE r.family_id = s.session_id
                                      AND r.revoked_at IS NULL AND r.replaced_at IS NULL AND r.expires_at > now())
                 LIMIT 500)"
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

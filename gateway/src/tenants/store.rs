//! SQL of the platform's tenants.

use chrono::{DateTime, NaiveDate, Utc};
use trunkline_db::{DbError, SystemTx, TenantId, TenantTx, UserId};
use uuid::Uuid;

use super::model::{Limits, OwnTenant, PlatformTenant, TenantState};
use super::usage::Resource;
use crate::http::AppError;

struct Row {
    id: Uuid,
    slug: String,
    name: String,
    time_zone: String,
    language: String,
    suspended_at: Option<DateTime<Utc>>,
    suspended_reason: Option<String>,
    delete_at: Option<DateTime<Utc>>,
    removing: bool,
    members: i64,
    agents: Option<i32>,
    messages: Option<i64>,
    minutes: Option<i64>,
    storage_bytes: Option<i64>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Row> for PlatformTenant {
    fn from(row: Row) -> Self {
        let state = match (row.removing, row.delete_at, row.suspended_at) {
            (true, ..) => TenantState::Removing,
            (_, Some(_), _) => TenantState::ToBeDeleted,
            (.., Some(_)) => TenantState::Suspended,
            _ => TenantState::Active,
        };
        let Row { agents, messages, minutes, storage_bytes, .. } = row;
        Self {
            id: TenantId(row.id),
            slug: row.slug,
            name: row.name,
            time_zone: row.time_zone,
            language: row.language,
            state,
            suspended_at: row.suspended_at,
            suspended_reason: row.suspended_reason,
            delete_at: row.delete_at,
            members: row.members,
            limits: Limits { agents, messages, minutes, storage_bytes },
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Tenants by slug behind `after`, or the one with this id.
pub(super) async fn list(
    tx: &mut SystemTx,
    one: Option<TenantId>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<PlatformTenant>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT t.id, t.slug, t.name, t.time_zone, t.language, t.suspended_at, t.suspended_reason, t.delete_at,
                  t.removal_started_at IS NOT NULL AS "removing!",
                  (SELECT count(*) FROM memberships m WHERE m.tenant_id = t.id) AS "members!",
                  l.agents AS "agents?", l.messages AS "messages?", l.minutes AS "minutes?", l.storage_bytes AS "storage_bytes?",
                  t.created_at, t.updated_at
             FROM tenants t LEFT JOIN tenant_limits l ON l.tenant_id = t.id
            WHERE ($1::uuid IS NULL OR t.id = $1) AND ($2::text IS NULL OR t.slug > $2)
            ORDER BY t.slug LIMIT $3"#,
        one.map(TenantId::uuid),
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Locks a tenant that is not being removed, and reads it.
pub(super) async fn lock(tx: &mut SystemTx, id: TenantId) -> Result<Option<PlatformTenant>, DbError> {
    let locked = sqlx::query_scalar!(
        "SELECT id FROM tenants WHERE id = $1 AND removal_started_at IS NULL FOR UPDATE",
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    if locked.is_none() {
        return Ok(None);
    }
    Ok(list(tx, Some(id), None, 1).await?.pop())
}

/// Writes what may be changed. The violated constraint of a slug that is taken, or was, is `tenants_slug_key`.
pub(super) async fn update(tx: &mut SystemTx, tenant: &PlatformTenant) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE tenants SET slug = $2, name = $3, suspended_at = $4, suspended_reason = $5, delete_at = $6, updated_at = now() WHERE id = $1",
        tenant.id.uuid(),
        tenant.slug,
        tenant.name,
        tenant.suspended_at,
        tenant.suspended_reason,
        tenant.delete_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_limits(tx: &mut SystemTx, tenant: TenantId, limits: Limits) -> Result<(), DbError> {
    let Limits { agents, messages, minutes, storage_bytes } = limits;
    sqlx::query!(
        "SELECT tenant_set_limits($1, $2, $3, $4, $5)",
        tenant.uuid(),
        agents,
        messages,
        minutes,
        storage_bytes
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What was counted: month, agents, messages, milliseconds of calls, bytes.
pub(super) async fn counted(tx: &mut SystemTx, tenant: TenantId) -> Result<(NaiveDate, i64, i64, i64, i64), DbError> {
    let row = sqlx::query!(
        r#"SELECT now.month AS "month!", (SELECT count(*) FROM agents a WHERE a.tenant_id = $1) AS "agents!",
                  coalesce(u.messages, 0) AS "messages!", coalesce(u.call_ms, 0) AS "call_ms!", coalesce(s.bytes, 0) AS "bytes!"
             FROM (SELECT tenant_month($1, now()) AS month) now
             LEFT JOIN tenant_usage u ON u.tenant_id = $1 AND u.month = now.month
             LEFT JOIN tenant_storage s ON s.tenant_id = $1"#,
        tenant.uuid(),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((row.month, row.agents, row.messages, row.call_ms, row.bytes))
}

/// Sign-ins of a tenant that are open.
pub(super) async fn sessions(tx: &mut SystemTx, tenant: TenantId) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "SELECT DISTINCT family_id FROM refresh_tokens WHERE tenant_id = $1 AND revoked_at IS NULL AND replaced_at IS NULL",
        tenant.uuid(),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Begins the removal of tenants whose grace is over. One with a call that runs, or a recording that is still written, waits for it.
pub(super) async fn begin_due(tx: &mut SystemTx) -> Result<Vec<TenantId>, DbError> {
    let begun = sqlx::query_scalar!(
        r#"UPDATE tenants t SET removal_started_at = now()
            WHERE t.delete_at <= now() AND t.removal_started_at IS NULL
              AND NOT EXISTS (SELECT FROM calls c WHERE c.tenant_id = t.id AND c.state <> 'ended')
              AND NOT EXISTS (SELECT FROM recordings r WHERE r.tenant_id = t.id AND r.state = 'recording')
            RETURNING t.id AS "id: TenantId""#
    );
    Ok(begun.fetch_all(tx.conn()).await?)
}

/// Tenants whose grace was over, and of which something is left.
pub(super) async fn removing(tx: &mut SystemTx) -> Result<Vec<TenantId>, DbError> {
    let removing = sqlx::query_scalar!(
        r#"SELECT id AS "id: TenantId" FROM tenants WHERE removal_started_at IS NOT NULL AND delete_at IS NOT NULL"#
    );
    Ok(removing.fetch_all(tx.conn()).await?)
}

/// Tenants with limits, which are at work.
pub(super) async fn limited(tx: &mut SystemTx) -> Result<Vec<TenantId>, DbError> {
    let limited = sqlx::query_scalar!(
        r#"SELECT t.id AS "id: TenantId" FROM tenants t JOIN tenant_limits l ON l.tenant_id = t.id
            WHERE t.removal_started_at IS NULL AND coalesce(l.agents, l.messages, l.minutes, l.storage_bytes) IS NOT NULL"#
    );
    Ok(limited.fetch_all(tx.conn()).await?)
}

/// Notes that a warning is given; false when it was before. `month` none: not counted by the month.
pub(super) async fn note_warning(
    tx: &mut TenantTx<'_>,
    resource: Resource,
    month: Option<NaiveDate>,
    percent: i16,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "INSERT INTO tenant_limit_warnings (tenant_id, resource, month, percent) VALUES ($1, $2, coalesce($3::date, 'infinity'::date), $4)
         ON CONFLICT DO NOTHING",
        tx.tenant().uuid(),
        resource.as_str(),
        month,
        percent,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// There is room again above `percent`: those warnings may be given once more.
pub(super) async fn forget_warnings(
    tx: &mut TenantTx<'_>,
    resource: Resource,
    month: Option<NaiveDate>,
    percent: i16,
) -> Result<(), DbError> {
    sqlx::query!(
        "DELETE FROM tenant_limit_warnings WHERE resource = $1 AND month = coalesce($2::date, 'infinity'::date) AND percent > $3",
        resource.as_str(),
        month,
        percent,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A person by e-mail address, and their name.
pub(super) async fn person(tx: &mut SystemTx, email: &str) -> Result<Option<(UserId, String)>, DbError> {
    let row = sqlx::query!("SELECT id, name FROM users WHERE email = $1", email).fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| (UserId(row.id), row.name)))
}

/// The tenants that somebody belongs to, by name; those to which nobody comes in are left out.
pub(super) async fn of_user(tx: &mut SystemTx, user: UserId) -> Result<Vec<OwnTenant>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT t.id AS "id: TenantId", t.slug, t.name, m.role, r.name AS "role_name?"
             FROM memberships m
             JOIN tenants t ON t.id = m.tenant_id
             LEFT JOIN roles r ON r.tenant_id = m.tenant_id AND r.id = m.custom_role_id
            WHERE m.user_id = $1 AND m.disabled_at IS NULL AND t.removal_started_at IS NULL AND t.suspended_at IS NULL
            ORDER BY t.name, t.id LIMIT 1000"#,
        user.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    let own = rows.into_iter().filter_map(|row| {
        let role = row.role.parse().ok()?;
        Some(OwnTenant { id: row.id, slug: row.slug, name: row.name, role, role_name: row.role_name, current: false })
    });
    Ok(own.collect())
}

/// 409 when the tenant has used up its minutes: for what a tenant begins by itself. Whoever calls in is taken all the same.
pub(crate) async fn require_minutes(tx: &mut TenantTx<'_>) -> Result<(), AppError> {
    let spent = sqlx::query_scalar!(
        r#"SELECT coalesce(u.call_ms, 0) >= l.minutes * 60000 AS "spent!"
             FROM tenant_limits l
             LEFT JOIN tenant_usage u ON u.tenant_id = l.tenant_id AND u.month = tenant_month(l.tenant_id, now())
            WHERE l.minutes IS NOT NULL"#
    )
    .fetch_optional(tx.conn())
    .await
    .map_err(DbError::from)?;
    if spent == Some(true) {
        return Err(AppError::conflict(
            "limit-reached",
            "the company has used up its minutes of this month; whoever calls in is taken all the same",
        ));
    }
    Ok(())
}

//! Suspending, limiting and deleting tenants.

use chrono::{TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{DbError, SystemTx, TenantId};
use trunkline_journal::Ref;

use super::model::{Delete, Limits, OwnTenant, PlatformTenant, UpdateTenant, Usage, Used};
use super::usage::{Resource, standing};
use super::{slug, store};
use crate::audit;
use crate::auth::Principal;
use crate::http::AppError;
use crate::roles::Asking;
use crate::roster;
use crate::state::AppState;

const MS_PER_MINUTE: i64 = 60_000;

async fn locked(tx: &mut SystemTx, id: TenantId) -> Result<PlatformTenant, AppError> {
    store::lock(tx, id).await?.ok_or_else(|| AppError::not_found("tenant"))
}

pub(super) fn state_of(tenant: &PlatformTenant) -> serde_json::Value {
    json!({
        "slug": tenant.slug, "name": tenant.name, "state": tenant.state,
        "reason": tenant.suspended_reason, "delete_at": tenant.delete_at, "limits": tenant.limits,
    })
}

/// Into the platform's chain and the tenant's: both are asked who did it.
async fn told(
    tx: &mut SystemTx,
    asking: &Asking,
    action: &'static str,
    before: &PlatformTenant,
    after: &PlatformTenant,
) -> Result<(), DbError> {
    let subject = Ref::new("tenant", after.id);
    let entry = asking.entry(action, subject, Some(state_of(before)), Some(state_of(after)));
    audit::append_system(tx, Some(after.id), entry.clone()).await?;
    audit::append_system(tx, None, entry).await
}

pub(super) fn taken(error: DbError) -> AppError {
    match error.constraint() {
        Some("tenants_slug_key") => AppError::invalid_field("slug", "belongs to another tenant, or did"),
        Some("numbers_number_key") => AppError::invalid_field("number", "belongs to another tenant"),
        Some("users_email_key" | "users_email_check") => {
            AppError::invalid_field("admin.email", "was taken in this moment, or is no address")
        }
        _ => error.into(),
    }
}

/// Changes names and limits.
pub(super) async fn update(
    state: &AppState,
    asking: &Asking,
    id: TenantId,
    wanted: UpdateTenant,
) -> Result<PlatformTenant, AppError> {
    let mut tx = state.db.system().await?;
    let before = locked(&mut tx, id).await?;
    let mut after = before.clone();
    if let Some(slug) = wanted.slug.filter(|slug| *slug != before.slug) {
        slug::check(&slug).map_err(|wrong| AppError::invalid_field("slug", wrong))?;
        after.slug = slug;
    }
    if let Some(name) = wanted.name {
        let name = name.trim().to_owned();
        if name.is_empty() || name.chars().count() > 100 {
            return Err(AppError::invalid_field("name", "must have from 1 to 100 characters"));
        }
        after.name = name;
    }
    after.limits = Limits {
        agents: wanted.agents.over(before.limits.agents),
        messages: wanted.messages.over(before.limits.messages),
        minutes: wanted.minutes.over(before.limits.minutes),
        storage_bytes: wanted.storage_bytes.over(before.limits.storage_bytes),
    };
    after.limits.check("")?;
    if after == before {
        return Ok(before);
    }
    store::update(&mut tx, &after).await.map_err(taken)?;
    store::set_limits(&mut tx, id, after.limits).await?;
    told(&mut tx, asking, "tenant.updated", &before, &after).await?;
    let after = locked(&mut tx, id).await?;
    tx.commit().await?;
    Ok(after)
}

/// Lets nobody in from now on. Calls that run go on; whoever calls is refused.
pub(super) async fn suspend(
    state: &AppState,
    asking: &Asking,
    id: TenantId,
    reason: &str,
) -> Result<PlatformTenant, AppError> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 300 {
        return Err(AppError::invalid_field("reason", "must have from 1 to 300 characters"));
    }
    not_ones_own(asking, id)?;
    let mut tx = state.db.system().await?;
    let before = locked(&mut tx, id).await?;
    let mut after = before.clone();
    after.suspended_at = after.suspended_at.or(Some(Utc::now()));
    after.suspended_reason = Some(reason.to_owned());
    write(state, asking, tx, "tenant.suspended", before, after).await
}

/// Lets people in again, and calls a deletion off.
pub(super) async fn resume(state: &AppState, asking: &Asking, id: TenantId) -> Result<PlatformTenant, AppError> {
    let mut tx = state.db.system().await?;
    let before = locked(&mut tx, id).await?;
    let mut after = before.clone();
    (after.suspended_at, after.suspended_reason, after.delete_at) = (None, None, None);
    write(state, asking, tx, "tenant.resumed", before, after).await
}

/// Suspends a tenant and has it removed some days later.
pub(super) async fn delete(
    state: &AppState,
    asking: &Asking,
    id: TenantId,
    wanted: &Delete,
) -> Result<PlatformTenant, AppError> {
    not_ones_own(asking, id)?;
    if !(1..=365).contains(&wanted.days) {
        return Err(AppError::invalid_field("days", "must be from 1 to 365"));
    }
    let mut tx = state.db.system().await?;
    let before = locked(&mut tx, id).await?;
    if wanted.slug != before.slug {
        return Err(AppError::invalid_field("slug", "is not the tenant's"));
    }
    let mut after = before.clone();
    after.suspended_at = after.suspended_at.or(Some(Utc::now()));
    after.suspended_reason = after.suspended_reason.or_else(|| Some("it is going to be deleted".to_owned()));
    after.delete_at = Some(Utc::now() + TimeDelta::days(wanted.days.into()));
    write(state, asking, tx, "tenant.deletion_scheduled", before, after).await
}

/// Calls a deletion off. The tenant stays suspended until it is resumed.
pub(super) async fn keep(state: &AppState, asking: &Asking, id: TenantId) -> Result<PlatformTenant, AppError> {
    let mut tx = state.db.system().await?;
    let before = locked(&mut tx, id).await?;
    let after = PlatformTenant { delete_at: None, ..before.clone() };
    write(state, asking, tx, "tenant.deletion_called_off", before, after).await
}

fn not_ones_own(asking: &Asking, id: TenantId) -> Result<(), AppError> {
    if asking.by.tenant == id {
        return Err(AppError::conflict("own-tenant", "you are signed in to this tenant: you would lock yourself out"));
    }
    Ok(())
}

async fn write(
    state: &AppState,
    asking: &Asking,
    mut tx: SystemTx,
    action: &'static str,
    before: PlatformTenant,
    after: PlatformTenant,
) -> Result<PlatformTenant, AppError> {
    let id = after.id;
    if after == before {
        return Ok(before);
    }
    store::update(&mut tx, &after).await?;
    told(&mut tx, asking, action, &before, &after).await?;
    let sessions = if after.suspended_at.is_some() { store::sessions(&mut tx, id).await? } else { Vec::new() };
    let after = locked(&mut tx, id).await?;
    tx.commit().await?;
    // Tokens and keys are refused by the roster, and sockets look at it when it changes. Other nodes are told by PostgreSQL.
    roster::refresh(state, Some(id)).await?;
    if !sessions.is_empty() {
        state.sessions.wake_all();
    }
    Ok(after)
}

/// What a tenant has used, beside what it may use.
pub(super) async fn usage(tx: &mut SystemTx, id: TenantId) -> Result<Usage, AppError> {
    let limits = store::list(tx, Some(id), None, 1).await?.pop().ok_or_else(|| AppError::not_found("tenant"))?.limits;
    let (month, agents, messages, call_ms, bytes) = store::counted(tx, id).await?;
    let minutes = call_ms.max(0).saturating_add(MS_PER_MINUTE - 1) / MS_PER_MINUTE;
    let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
    let used = |resource, used, limit: Option<i64>| {
        let (used, limit) = (unsigned(used), limit.map(unsigned));
        Used { resource, used, limit, standing: standing(used, limit) }
    };
    let items = vec![
        used(Resource::Agents, agents, limits.agents.map(i64::from)),
        used(Resource::Messages, messages, limits.messages),
        used(Resource::Minutes, minutes, limits.minutes),
        used(Resource::Storage, bytes, limits.storage_bytes),
    ];
    Ok(Usage { month, items })
}

/// The tenants that somebody belongs to.
pub(super) async fn own(state: &AppState, by: &Principal) -> Result<Vec<OwnTenant>, AppError> {
    let mut tx = state.db.system().await?;
    let mut own = store::of_user(&mut tx, by.user).await?;
    tx.commit().await?;
    for tenant in &mut own {
        tenant.current = tenant.id == by.tenant;
    }
    Ok(own)
}

impl Limits {
    /// 422 for one that is negative; `within` stands before the fields' names.
    pub(super) fn check(&self, within: &str) -> Result<(), AppError> {
        let named = [
            ("agents", self.agents.map(i64::from)),
            ("messages", self.messages),
            ("minutes", self.minutes),
            ("storage_bytes", self.storage_bytes),
        ];
        match named.iter().find(|(_, limit)| limit.is_some_and(|limit| limit < 0)) {
            Some((field, _)) => Err(AppError::invalid_field(format!("{within}{field}"), "must not be negative")),
            None => Ok(()),
        }
    }
}

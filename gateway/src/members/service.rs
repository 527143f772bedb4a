//! What admins do with members.

use serde_json::json;
use trunkline_db::{AgentId, Role, TenantId, TenantTx, UserId};
use trunkline_journal::{Fault, Kind, NewEvent, Outcome, Ref};

use super::model::{Deactivated, SignInRules, UpdateMember};
use super::store;
use crate::audit;
use crate::auth::{account_store, end_here, forget_second_step};
use crate::calls::{AgentState, By};
use crate::http::AppError;
use crate::roles::{self, Asking, Assignment};
use crate::roster;
use crate::state::AppState;

const DEACTIVATED: Kind = Kind::from_static("user.deactivated");
const REACTIVATED: Kind = Kind::from_static("user.reactivated");
const STATE_CHANGED: Kind = Kind::from_static("agent.state_changed");

/// Gives a member another role.
pub(super) async fn change_role(
    state: &AppState,
    asking: Asking,
    user: UserId,
    wanted: &UpdateMember,
) -> Result<(), AppError> {
    let assignment = match (wanted.role, wanted.role_id) {
        (Some(role), None) => Assignment::BuiltIn(role),
        (None, Some(id)) => Assignment::Custom(id),
        _ => return Err(AppError::invalid_field("role", "give either role or role_id")),
    };
    let tenant = asking.by.tenant;
    state
        .journal
        .command(tenant, move |tx| {
            let asking = asking.clone();
            Box::pin(async move { Ok(Outcome::new(()).event(roles::assign(tx, &asking, user, assignment).await?)) })
        })
        .await?;
    Ok(roster::refresh(state, Some(tenant)).await?)
}

fn refuse_oneself(asking: &Asking, user: UserId) -> Result<(), AppError> {
    if asking.by.user == user {
        return Err(AppError::conflict("oneself", "ask another admin: nobody does this to themselves"));
    }
    Ok(())
}

/// A member whom `asking` may act upon, locked: nobody acts upon somebody who may do more. The built-in role, and whether they are out.
async fn within_reach(tx: &mut TenantTx<'_>, asking: &Asking, user: UserId) -> Result<(Role, bool), Fault<AppError>> {
    let (role, custom, disabled) =
        store::lock(tx, user).await?.ok_or_else(|| Fault::Rejected(AppError::not_found("member")))?;
    asking.by.require_to_give(roles::rights_of(tx, role, custom).await?)?;
    Ok((role, disabled))
}

/// The member comes in no more: sign-ins, streams and keys end at once, phones are removed, what rings for them rings for the next.
/// Everything that they did stays.
pub(super) async fn deactivate(state: &AppState, asking: Asking, user: UserId) -> Result<Deactivated, AppError> {
    refuse_oneself(&asking, user)?;
    let (tenant, by) = (asking.by.tenant, asking.clone());
    let committed = state
        .journal
        .command(tenant, move |tx| {
            let asking = asking.clone();
            Box::pin(async move {
                let (role, disabled) = within_reach(tx, &asking, user).await?;
                if disabled {
                    return Ok(Outcome::new((None, Vec::new())));
                }
                if role == Role::Admin && store::other_admins(tx, user).await? == 0 {
                    return Err(Fault::Rejected(AppError::conflict(
                        "last-admin",
                        "this is the tenant's last admin; make somebody else one first",
                    )));
                }
                store::set_disabled(tx, user, true).await?;
                let was = store::send_home(tx, user).await?;
                let devices = store::remove_devices(tx, user).await?;
                let subject = Ref::new("user", user);
                let actor = Ref::new("user", asking.by.user);
                let after = json!({ "disabled": true, "devices_removed": devices.len() });
                let before = Some(json!({ "disabled": false }));
                audit::append(tx, asking.entry("user.deactivated", subject.clone(), before, Some(after))).await?;
                let mut events = vec![NewEvent::new(DEACTIVATED, subject, json!({})).actor(actor.clone())];
                if let Some(previous) = &was {
                    let data = json!({ "state": "offline", "reason": null, "previous": previous });
                    events.push(NewEvent::new(STATE_CHANGED, Ref::agent(AgentId::from(user)), data).actor(actor));
                }
                let outcome = Outcome::new((was, devices));
                Ok(events.into_iter().fold(outcome, Outcome::event))
            })
        })
        .await?;
    let (was, devices) = committed.value;
    roster::refresh(state, Some(tenant)).await?;
    let mut tx = state.db.system().await?;
    let ended = account_store::end_sessions(&mut tx, user, Some(tenant), None, None).await?;
    tx.commit().await?;
    let done = Deactivated { sessions: ended.len(), devices: devices.len(), was_working: was.is_some() };
    end_here(state, ended);
    state.calls.agent_state_changed(tenant, AgentId::from(user), AgentState::Offline, None, By::Manager);
    for username in &devices {
        state.calls.remove_device(username).await;
    }
    tracing::info!(%tenant, %user, by = %by.by.user, "a member was deactivated");
    Ok(done)
}

/// The member may come in again. Phones have to be made anew.
pub(super) async fn reactivate(state: &AppState, asking: Asking, user: UserId) -> Result<(), AppError> {
    let tenant = asking.by.tenant;
    state
        .journal
        .command(tenant, move |tx| {
            let asking = asking.clone();
            Box::pin(async move {
                let (_, disabled) = within_reach(tx, &asking, user).await?;
                if !disabled {
                    return Ok(Outcome::new(()));
                }
                store::set_disabled(tx, user, false).await?;
                let subject = Ref::new("user", user);
                let (before, after) = (json!({ "disabled": true }), json!({ "disabled": false }));
                audit::append(tx, asking.entry("user.reactivated", subject.clone(), Some(before), Some(after))).await?;
                let event = NewEvent::new(REACTIVATED, subject, json!({})).actor(Ref::new("user", asking.by.user));
                Ok(Outcome::new(()).event(event))
            })
        })
        .await?;
    Ok(roster::refresh(state, Some(tenant)).await?)
}

/// Ends a member's sign-ins to this tenant.
pub(super) async fn end_sessions(state: &AppState, asking: &Asking, user: UserId) -> Result<(), AppError> {
    let tenant = asking.by.tenant;
    let mut tx = state.db.tenant(tenant).await?;
    within_reach(&mut tx, asking, user).await?;
    audit::append(&mut tx, asking.entry("user.signed_out", Ref::new("user", user), None, None)).await?;
    let mut tx = tx.into_system().await?;
    let ended = account_store::end_sessions(&mut tx, user, Some(tenant), None, None).await?;
    tx.commit().await?;
    end_here(state, ended);
    Ok(())
}

/// Takes one-time codes from a member who lost both phone and recovery codes. Of somebody who belongs elsewhere too, no admin weakens the
/// sign-in: it is not this tenant's alone.
pub(super) async fn reset_second_step(state: &AppState, asking: &Asking, user: UserId) -> Result<(), AppError> {
    refuse_oneself(asking, user)?;
    let mut tx = state.db.tenant(asking.by.tenant).await?;
    within_reach(&mut tx, asking, user).await?;
    audit::append(&mut tx, asking.entry("user.second_step_reset", Ref::new("user", user), None, None)).await?;
    let mut tx = tx.into_system().await?;
    if account_store::tenants_of(&mut tx, user).await?.len() > 1 {
        return Err(AppError::conflict("member-elsewhere", "the person belongs to other companies too"));
    }
    if !forget_second_step(state, &mut tx, user, &asking.origin).await? {
        return Err(AppError::conflict("second-step-off", "one-time codes are not in use"));
    }
    Ok(tx.commit().await?)
}

pub(super) async fn sign_in_rules(state: &AppState, tenant: TenantId) -> Result<SignInRules, AppError> {
    let mut tx = state.db.system().await?;
    Ok(store::lock_sign_in_rules(&mut tx, tenant).await?)
}

/// What is asked of those who sign in counts when their access tokens are next renewed.
pub(super) async fn set_sign_in_rules(state: &AppState, asking: &Asking, rules: SignInRules) -> Result<(), AppError> {
    let tenant = asking.by.tenant;
    let mut tx = state.db.system().await?;
    let before = store::lock_sign_in_rules(&mut tx, tenant).await?;
    if before == rules {
        return Ok(());
    }
    store::set_sign_in_rules(&mut tx, tenant, rules).await?;
    let mut tx = tx.into_tenant(tenant).await?;
    let subject = Ref::new("tenant", tenant.uuid());
    audit::append(&mut tx, asking.entry("sign_in.rules_set", subject, Some(json!(before)), Some(json!(rules)))).await?;
    Ok(tx.commit().await?)
}

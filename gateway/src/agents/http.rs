//! `/api/v1/agents`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{SubsecRound as _, Utc};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde_json::json;
use trunkline_db::{AgentId, DeviceId};
use trunkline_journal::{Fault, Kind, NewEvent, Outcome, Ref};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Agent, CreateDevice, Device, NewDevice, SetSkills, SetState};
use super::{device_store, devices, store};
use crate::audit::{self, Actor, Origin};
use crate::auth::Principal;
use crate::calls::By;
use crate::http::idempotency::{Answer, IdempotentJson};
use crate::http::{AppError, Json, Page, PageQuery, Path, Permission, Problem, Query};
use crate::state::AppState;

const STATE_CHANGED: Kind = Kind::from_static("agent.state_changed");
const SKILLS_CHANGED: Kind = Kind::from_static("agent.skills_changed");
const MAX_REASON_CHARS: usize = 200;
const MAX_NAME_CHARS: usize = 100;
const MAX_SKILLS: usize = 100;

/// Routes of agents and their devices.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_agents))
        .routes(routes!(set_my_state))
        .routes(routes!(set_agent_state))
        .routes(routes!(set_agent_skills))
        .routes(routes!(list_devices, create_device))
        .routes(routes!(remove_device))
        .merge(super::extension_http::router())
        .merge(super::chat_capacity_http::router())
}

/// List agents
///
/// By name. `reachable` tells whether a phone is registered.
#[utoipa::path(
    get, path = "/agents", tag = "agents", operation_id = "listAgents", params(PageQuery),
    responses((status = 200, description = "Agents", body = Page<Agent>)),
    extensions(("x-permission" = json!("agents:read")))
)]
async fn list_agents(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<Agent>>, AppError> {
    principal.require(Permission::AgentsRead)?;
    let (limit, after) = (page.limit()?, page.position::<(String, AgentId)>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let rows = store::list(&mut tx, after.as_ref(), i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    let agents = rows
        .into_iter()
        .map(|row| {
            let reachable = state.calls.reachable(principal.tenant, row.id);
            row.view(reachable)
        })
        .collect();
    Ok(axum::Json(Page::new(agents, limit, as_of_seq, |agent: &Agent| (agent.name.clone(), agent.id))))
}

/// Set my state
///
/// Taken without a registered phone too: then `reachable` is false and no calls are offered.
#[utoipa::path(
    put, path = "/agents/me/state", tag = "agents", operation_id = "setMyState", request_body = SetState,
    responses(
        (status = 200, description = "The agent as it is now", body = Agent),
        (status = 404, description = "The user is no agent", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("agents:self")))
)]
async fn set_my_state(
    State(state): State<AppState>,
    principal: Principal,
    Json(wanted): Json<SetState>,
) -> Result<axum::Json<Agent>, AppError> {
    principal.require(Permission::AgentsSelf)?;
    change_state(&state, principal, None, AgentId::from(principal.user), wanted).await
}

/// Set an agent's state
///
/// What a manager says counts at once: an agent who is made available is done with wrap-up, too. What rings goes to the next; a
/// conversation goes on.
#[utoipa::path(
    put, path = "/agents/{id}/state", tag = "agents", operation_id = "setAgentState", request_body = SetState,
    params(("id" = uuid::Uuid, Path, description = "The agent")),
    responses(
        (status = 200, description = "The agent as it is now", body = Agent),
        (status = 404, description = "No such agent", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("agents:manage")))
)]
async fn set_agent_state(
    State(state): State<AppState>,
    principal: Principal,
    origin: Origin,
    Path(id): Path<AgentId>,
    Json(wanted): Json<SetState>,
) -> Result<axum::Json<Agent>, AppError> {
    principal.require(Permission::AgentsManage)?;
    change_state(&state, principal, Some(origin), id, wanted).await
}

/// Sets a state: one's own, or, audited, somebody else's.
async fn change_state(
    state: &AppState,
    principal: Principal,
    by_manager: Option<Origin>,
    id: AgentId,
    wanted: SetState,
) -> Result<axum::Json<Agent>, AppError> {
    let reason = wanted.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()).map(str::to_owned);
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > MAX_REASON_CHARS) {
        return Err(AppError::invalid_field("reason", format!("must have at most {MAX_REASON_CHARS} characters")));
    }
    let by = if by_manager.is_some() { By::Manager } else { By::Agent };
    let why = reason.clone();
    // To the millisecond, as the journal keeps it: what is answered here is what is read back.
    let now = Utc::now().trunc_subsecs(3);
    let committed = state
        .journal
        .command(principal.tenant, move |tx| {
            let (reason, by_manager) = (reason.clone(), by_manager.clone());
            Box::pin(async move {
                let Some(mut agent) = store::lock(tx, id).await? else {
                    let what = if by_manager.is_some() { "agent" } else { "agent: the user takes no work" };
                    return Err(Fault::Rejected(AppError::not_found(what)));
                };
                if agent.state == wanted.state && agent.reason == reason {
                    return Ok(Outcome::new(agent));
                }
                let mut data = json!({
                    "state": wanted.state,
                    "reason": reason,
                    "previous": agent.state,
                });
                let mut actor = Ref::agent(id);
                if let Some(origin) = by_manager {
                    data["by"] = json!("manager");
                    actor = Ref::new("user", principal.user);
                    let before = json!({ "state": agent.state, "reason": agent.reason });
                    let entry = audit::Entry {
                        actor: Actor::of(&principal),
                        action: "agent.state_set",
                        subject: Ref::agent(id),
                        before: Some(before),
                        after: Some(json!({ "state": wanted.state, "reason": reason })),
                        origin,
                    };
                    audit::append(tx, entry).await?;
                }
                store::set_state(tx, id, wanted.state, reason.as_deref(), now).await?;
                agent.state = wanted.state;
                agent.reason = reason;
                agent.state_since = now;
                let event = NewEvent::new(STATE_CHANGED, Ref::agent(id), data).at(now).actor(actor);
                Ok(Outcome::new(agent).event(event))
            })
        })
        .await?;
    state.calls.agent_state_changed(principal.tenant, id, wanted.state, why, by);
    let reachable = state.calls.reachable(principal.tenant, id);
    Ok(axum::Json(committed.value.view(reachable)))
}

/// Say what an agent can do
#[utoipa::path(
    put, path = "/agents/{id}/skills", tag = "agents", operation_id = "setAgentSkills", request_body = SetSkills,
    params(("id" = uuid::Uuid, Path, description = "The agent")),
    responses(
        (status = 200, description = "The agent as it is now", body = Agent),
        (status = 404, description = "No such agent", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit, or a skill does not exist", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("agents:manage")))
)]
async fn set_agent_skills(
    State(state): State<AppState>,
    principal: Principal,
    origin: Origin,
    Path(id): Path<AgentId>,
    Json(wanted): Json<SetSkills>,
) -> Result<axum::Json<Agent>, AppError> {
    principal.require(Permission::AgentsManage)?;
    let distinct: std::collections::BTreeSet<_> = wanted.skills.iter().map(|skill| skill.skill_id).collect();
    if wanted.skills.len() > MAX_SKILLS || distinct.len() < wanted.skills.len() {
        return Err(AppError::invalid_field("skills", format!("must have at most {MAX_SKILLS}, each once")));
    }
    if wanted.skills.iter().any(|skill| !(1..=100).contains(&skill.level)) {
        return Err(AppError::invalid_field("skills", "levels must be from 1 to 100"));
    }
    let mut skills = wanted.skills;
    skills.sort_unstable_by_key(|skill| skill.skill_id);
    let committed = state
        .journal
        .command(principal.tenant, move |tx| {
            let (skills, origin) = (skills.clone(), origin.clone());
            Box::pin(async move {
                let Some(mut agent) = store::lock(tx, id).await? else {
                    return Err(Fault::Rejected(AppError::not_found("agent")));
                };
                if agent.skills == skills {
                    return Ok(Outcome::new(agent));
                }
                match store::set_skills(tx, id, &skills).await {
                    Err(error) if error.constraint() == Some("agent_skills_tenant_id_skill_id_fkey") => {
                        let unknown = AppError::invalid_field("skills", "names a skill that does not exist");
                        return Err(Fault::Rejected(unknown));
                    }
                    set => set?,
                }
                let entry = audit::Entry {
                    actor: Actor::of(&principal),
                    action: "agent.skills_set",
                    subject: Ref::agent(id),
                    before: Some(json!({ "skills": agent.skills })),
                    after: Some(json!({ "skills": skills })),
                    origin,
                };
                audit::append(tx, entry).await?;
                let data = json!({ "skills": skills, "previous": agent.skills });
                agent.skills = skills;
                let event = NewEvent::new(SKILLS_CHANGED, Ref::agent(id), data)
                    .at(Utc::now().trunc_subsecs(3))
                    .actor(Ref::new("user", principal.user));
                Ok(Outcome::new(agent).event(event))
            })
        })
        .await?;
    let agent = committed.value;
    let known = |skills: &std::collections::BTreeMap<_, _>| {
        skills.len() == agent.skills.len() && agent.skills.iter().all(|it| skills.get(&it.skill_id) == Some(&it.level))
    };
    let there = |directory: &crate::calls::directory::Directory| {
        directory.agents.get(&(principal.tenant, id)).is_none_or(|agent| known(&agent.skills))
    };
    state.calls.goes_by(there).await;
    let reachable = state.calls.reachable(principal.tenant, id);
    Ok(axum::Json(agent.view(reachable)))
}

/// An agent acts on its own devices, an admin on anybody's.
fn may_touch_devices(principal: &Principal, agent: AgentId) -> Result<(), AppError> {
    if AgentId::from(principal.user) == agent {
        return principal.require(Permission::DevicesSelf);
    }
    principal.require(Permission::DevicesAny)
}

/// List an agent's devices
#[utoipa::path(
    get, path = "/agents/{id}/devices", tag = "agents", operation_id = "listDevices",
    params(("id" = uuid::Uuid, Path, description = "The agent"), PageQuery),
    responses(
        (status = 200, description = "Devices, oldest first", body = Page<Device>),
        (status = 403, description = "Another agent's devices are for admins", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such agent", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("devices:self")))
)]
async fn list_devices(
    State(state): State<AppState>,
    principal: Principal,
    Path(agent): Path<AgentId>,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<Device>>, AppError> {
    may_touch_devices(&principal, agent)?;
    let (limit, after) = (page.limit()?, page.position::<DeviceId>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    if !store::exists(&mut tx, agent).await? {
        return Err(AppError::not_found("agent"));
    }
    let rows = device_store::list(&mut tx, agent, after, i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(rows, limit, as_of_seq, |device: &Device| device.id)))
}

/// Make a device
///
/// SIP credentials for any desk phone, usable at once. The password is in this answer and nowhere else; all devices of an agent
/// ring together.
#[utoipa::path(
    post, path = "/agents/{id}/devices", tag = "agents", operation_id = "createDevice", request_body = CreateDevice,
    params(
        ("id" = uuid::Uuid, Path, description = "The agent"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 201, description = "The credentials", body = NewDevice),
        (status = 403, description = "Another agent's devices are for admins", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such agent", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Too many devices, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("devices:self")))
)]
async fn create_device(
    State(state): State<AppState>,
    Path(agent): Path<AgentId>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<CreateDevice>,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    may_touch_devices(&principal, agent)?;
    let name = wanted.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(AppError::invalid_field("name", format!("must have from 1 to {MAX_NAME_CHARS} characters")));
    }
    let mut system = state.db.system().await?;
    let slug =
        device_store::tenant_slug(&mut system, principal.tenant).await?.ok_or_else(|| AppError::not_found("agent"))?;
    system.commit().await?;

    let (config, vault) = (state.config.clone(), state.vault.clone());
    let answer = idempotency
        .transaction(&state, |tx| {
            Box::pin(async move {
                let effect = devices::create(tx, &config, &vault, &slug, agent, &name).await?;
                let entry = audit::Entry {
                    actor: Actor::of(&principal),
                    action: "device.created",
                    subject: Ref::new("device", effect.body.id),
                    before: None,
                    after: Some(
                        json!({ "name": effect.body.name, "username": effect.body.username, "agent_id": agent }),
                    ),
                    origin,
                };
                audit::append(tx, entry).await?;
                Ok(effect)
            })
        })
        .await?;
    let mut response = match answer {
        Answer::First(response, device) => {
            // After the commit: from here on the directory has it too, so that a push that fails now is made up for later.
            if !state.calls.push_device(device).await {
                tracing::info!(%agent, "asterisk is away; the new phone is pushed when it is back");
            }
            response
        }
        Answer::Repeated(response) => response,
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Remove a device
///
/// The phone can neither ring nor call from then on; a running call goes on.
#[utoipa::path(
    delete, path = "/agents/{id}/devices/{device_id}", tag = "agents", operation_id = "removeDevice",
    params(("id" = uuid::Uuid, Path, description = "The agent"), ("device_id" = uuid::Uuid, Path, description = "The device")),
    responses(
        (status = 204, description = "Removed"),
        (status = 403, description = "Another agent's devices are for admins", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such device", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("devices:self")))
)]
async fn remove_device(
    State(state): State<AppState>,
    principal: Principal,
    origin: Origin,
    Path((agent, device)): Path<(AgentId, DeviceId)>,
) -> Result<Response, AppError> {
    may_touch_devices(&principal, agent)?;
    let mut tx = state.db.tenant(principal.tenant).await?;
    let Some((username, name)) = device_store::remove(&mut tx, agent, device).await? else {
        return Err(AppError::not_found("device"));
    };
    let entry = audit::Entry {
        actor: Actor::of(&principal),
        action: "device.removed",
        subject: Ref::new("device", device),
        before: Some(json!({ "name": name, "username": username, "agent_id": agent })),
        after: None,
        origin,
    };
    audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    state.calls.remove_device(&username).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}

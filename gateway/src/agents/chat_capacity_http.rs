//! `PUT /api/v1/agents/{id}/chat-capacity`: how many chats an agent has at once.

use axum::extract::State;
use serde_json::json;
use trunkline_db::AgentId;
use trunkline_journal::{Fault, Kind, NewEvent, Outcome, Ref};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Agent, SetChatCapacity};
use super::store;
use crate::audit::{self, Origin};
use crate::auth::Principal;
use crate::http::{AppError, Json, Path, Permission, Problem};
use crate::roles::Asking;
use crate::state::AppState;

const CHAT_CAPACITY_CHANGED: Kind = Kind::from_static("agent.chat_capacity_changed");
/// As the table has it.
const MOST: u8 = 50;

/// Routes of how many chats an agent has.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(set_agent_chat_capacity))
}

/// Say how many chats an agent has at once
///
/// The router gives an agent no more than that, beside a call; what is assigned by hand counts and is not limited. At 0 chats are only
/// assigned by hand. A new agent has 4.
#[utoipa::path(
    put, path = "/agents/{id}/chat-capacity", tag = "agents", operation_id = "setAgentChatCapacity", request_body = SetChatCapacity,
    params(("id" = uuid::Uuid, Path, description = "The agent")),
    responses(
        (status = 200, description = "The agent as it is now", body = Agent),
        (status = 404, description = "No such agent", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("agents:manage")))
)]
async fn set_agent_chat_capacity(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<AgentId>,
    Json(SetChatCapacity { chat_capacity }): Json<SetChatCapacity>,
) -> Result<axum::Json<Agent>, AppError> {
    by.require(Permission::AgentsManage)?;
    if chat_capacity > MOST {
        return Err(AppError::invalid_field("chat_capacity", format!("must be from 0 to {MOST}")));
    }
    let asking = Asking { by, origin };
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let asking = asking.clone();
            Box::pin(async move {
                let Some(mut agent) = store::lock(tx, id).await? else {
                    return Err(Fault::Rejected(AppError::not_found("agent")));
                };
                if agent.chat_capacity == chat_capacity {
                    return Ok(Outcome::new(agent));
                }
                store::set_chat_capacity(tx, id, chat_capacity).await?;
                let (before, after) =
                    (json!({ "chat_capacity": agent.chat_capacity }), json!({ "chat_capacity": chat_capacity }));
                let entry = asking.entry("agent.chat_capacity_set", Ref::agent(id), Some(before), Some(after));
                audit::append(tx, entry).await?;
                let data = json!({ "chat_capacity": chat_capacity, "previous": agent.chat_capacity });
                let actor = Ref::new("user", asking.by.user);
                let event = NewEvent::new(CHAT_CAPACITY_CHANGED, Ref::agent(id), data).actor(actor);
                agent.chat_capacity = chat_capacity;
                Ok(Outcome::new(agent).event(event))
            })
        })
        .await?;
    let there = |directory: &crate::calls::directory::Directory| {
        directory.agents.get(&(by.tenant, id)).is_none_or(|agent| agent.chats == chat_capacity)
    };
    state.calls.goes_by(there).await;
    let reachable = state.calls.reachable(by.tenant, id);
    Ok(axum::Json(committed.value.view(reachable)))
}

//! `PUT /api/v1/agents/{id}/extension`: what colleagues dial to reach an agent.

use axum::extract::State;
use serde_json::json;
use trunkline_db::AgentId;
use trunkline_journal::{Fault, Kind, NewEvent, Outcome, Ref};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Agent, SetExtension};
use super::store;
use crate::audit::{self, Origin};
use crate::auth::Principal;
use crate::http::{AppError, Json, Path, Permission, Problem};
use crate::roles::Asking;
use crate::state::AppState;

const EXTENSION_CHANGED: Kind = Kind::from_static("agent.extension_changed");
/// The echo test's, in every tenant.
const ECHO_TEST: &str = "600";

/// Routes of extensions.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(set_agent_extension))
}

/// Whether a text can be an extension.
fn is_extension(text: &str) -> bool {
    (2..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) && text != ECHO_TEST
}

/// Give an agent an extension
///
/// What colleagues dial to reach them, on a desk phone or in the panel. A new agent has the next free one from 2001 on.
#[utoipa::path(
    put, path = "/agents/{id}/extension", tag = "agents", operation_id = "setAgentExtension", request_body = SetExtension,
    params(("id" = uuid::Uuid, Path, description = "The agent")),
    responses(
        (status = 200, description = "The agent as it is now", body = Agent),
        (status = 404, description = "No such agent", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "An agent or a queue has it already (`extension-taken`)", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("agents:manage")))
)]
async fn set_agent_extension(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<AgentId>,
    Json(wanted): Json<SetExtension>,
) -> Result<axum::Json<Agent>, AppError> {
    by.require(Permission::AgentsManage)?;
    if wanted.extension.as_deref().is_some_and(|extension| !is_extension(extension)) {
        return Err(AppError::invalid_field("extension", "must have 2 to 6 digits, and not be 600"));
    }
    let asking = Asking { by, origin };
    let extension = wanted.extension.clone();
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, extension) = (asking.clone(), extension.clone());
            Box::pin(async move {
                let Some(mut agent) = store::lock(tx, id).await? else {
                    return Err(Fault::Rejected(AppError::not_found("agent")));
                };
                if agent.extension == extension {
                    return Ok(Outcome::new(agent));
                }
                store::set_extension(tx, id, extension.as_deref()).await.map_err(|error| {
                    if error.constraint() == Some("agents_extension_key") {
                        Fault::Rejected(AppError::conflict(
                            "extension-taken",
                            "an agent or a queue has this extension already",
                        ))
                    } else {
                        error.into()
                    }
                })?;
                let (before, after) = (json!({ "extension": agent.extension }), json!({ "extension": extension }));
                let entry = asking.entry("agent.extension_set", Ref::agent(id), Some(before), Some(after));
                audit::append(tx, entry).await?;
                let data = json!({ "extension": extension, "previous": agent.extension });
                let actor = Ref::new("user", asking.by.user);
                let event = NewEvent::new(EXTENSION_CHANGED, Ref::agent(id), data).actor(actor);
                agent.extension = extension;
                Ok(Outcome::new(agent).event(event))
            })
        })
        .await?;
    let there = |directory: &crate::calls::directory::Directory| {
        directory.agents.get(&(by.tenant, id)).is_none_or(|agent| agent.extension == wanted.extension)
    };
    state.calls.goes_by(there).await;
    let reachable = state.calls.reachable(by.tenant, id);
    Ok(axum::Json(committed.value.view(reachable)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::is_extension;

    proptest! {
        #[test]
        fn any_text_is_an_extension_or_refused(text in "[0-9]{0,8}|\\PC{0,8}") {
            let fits = text.parse::<u32>().is_ok_and(|number| number < 1_000_000) && (2..=6).contains(&text.len());
            prop_assert_eq!(is_extension(&text), fits && !text.starts_with('+') && text != "600");
        }
    }
}

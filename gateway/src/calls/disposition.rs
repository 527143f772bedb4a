//! What agents say a call came to.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, SubsecRound as _, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use trunkline_db::{AgentId, CallId, QueueId};
use trunkline_journal::{Fault, Kind, NewEvent, Ref, Scope};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::disposition_store as store;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, Path, Permission, Problem};
use crate::state::AppState;

const DISPOSED: Kind = Kind::from_static("call.disposed");
const MAX_NOTE_CHARS: usize = 2_000;

/// What an agent says a call came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CallDisposition {
    /// The agent who says so.
    #[schema(value_type = uuid::Uuid)]
    pub agent_id: AgentId,
    /// One of the queue's codes.
    pub code: String,
    /// What it read when it was chosen.
    pub label: String,
    /// The agent's own words.
    pub note: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Body of `POST /calls/{id}/disposition`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Dispose {
    /// One of the codes of the queue by which the call came.
    code: String,
    /// In one's own words; at most 2,000 characters.
    #[schema(required = false, max_length = 2000)]
    note: Option<String>,
}

/// Routes of dispositions.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(dispose_call))
}

/// Say what a call came to
///
/// For an agent who talked in it, while they talk or after. Said again, it takes the place of what was said before. Where the queue
/// requires it, wrap-up does not end without.
#[utoipa::path(
    post, path = "/calls/{id}/disposition", tag = "calls", operation_id = "disposeCall", request_body = Dispose,
    params(
        ("id" = uuid::Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "What was said", body = CallDisposition),
        (status = 404, description = "No such call that the user talked in", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit, or the queue has no such code", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn dispose_call(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    IdempotentJson(idempotency, wanted): IdempotentJson<Dispose>,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::CallsControl)?;
    let note = wanted.note.as_deref().map(str::trim).filter(|note| !note.is_empty()).map(str::to_owned);
    if note.as_ref().is_some_and(|note| note.chars().count() > MAX_NOTE_CHARS) {
        return Err(AppError::invalid_field("note", format!("must have at most {MAX_NOTE_CHARS} characters")));
    }
    let agent = AgentId::from(principal.user);
    let at = Utc::now().trunc_subsecs(3);
    let answer = idempotency
        .command(&state, move |tx| {
            let (code, note) = (wanted.code.clone(), note.clone());
            Box::pin(async move {
                let talked = store::queue_of(tx, id, agent).await?;
                let (queue, routing) = talked.ok_or_else(|| Fault::from(AppError::not_found("call")))?;
                let Some(known) = routing.dispositions.into_iter().find(|known| known.code == code) else {
                    return Err(AppError::invalid_field("code", "the queue has no such disposition").into());
                };
                let said = CallDisposition { agent_id: agent, code, label: known.label, note, at };
                store::put(tx, id, &said).await?;
                let data = json!({ "agent_id": agent, "queue_id": queue, "code": said.code, "label": said.label });
                let event = NewEvent::new(DISPOSED, Ref::call(id), data).at(at).actor(Ref::agent(agent));
                let event = NewEvent { scopes: scopes(agent, queue), ..event };
                Ok((Effect { status: StatusCode::OK, body: said, value: () }, vec![event]))
            })
        })
        .await?;
    state.calls.disposed(principal.tenant, agent, id);
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

fn scopes(agent: AgentId, queue: QueueId) -> Vec<Scope> {
    vec![Scope::Agent(agent), Scope::Queue(queue)]
}

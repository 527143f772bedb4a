//! `/api/v1/conversations/bulk` and `/macros/{id}/run`: the same done to many conversations, and taken back.

use axum::extract::State;
use axum::response::Response;
use chrono::Utc;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use trunkline_conversations::list;
use trunkline_db::{AgentId, ConversationId, TenantTx};
use trunkline_journal::{Fault, NewEvent};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::macros::Step;
use super::steps::{self, Before, NotDone};
use super::{bulk_store as store, macros_store};
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, Idempotency, Path, Permission, Problem};
use crate::roster::Sight;
use crate::state::AppState;

/// Most conversations at once: each may give several events, of which a transaction takes 500.
const MOST: usize = 100;

/// Body of `POST /conversations/bulk`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeMany {
    /// Which: at most 100.
    #[schema(min_items = 1, max_items = 100, value_type = Vec<Uuid>)]
    ids: Vec<ConversationId>,
    /// What is done to each.
    action: Step,
}

/// Body of `POST /macros/{id}/run`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct RunMacro {
    /// To which: at most 25.
    #[schema(min_items = 1, max_items = 25, value_type = Vec<Uuid>)]
    conversation_ids: Vec<ConversationId>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
struct ManyChanged {
    /// By this it is taken back.
    id: Uuid,
    /// Those that were changed.
    #[schema(value_type = Vec<Uuid>)]
    changed: Vec<ConversationId>,
    /// Those that were not: out of sight, so already, or changed by somebody else since.
    #[schema(value_type = Vec<Uuid>)]
    left: Vec<ConversationId>,
}

/// One conversation that was changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Changed {
    conversation_id: ConversationId,
    /// As it was left: whoever changed it since wants it so.
    version: i64,
    before: Before,
}

/// Routes of doing the same to many.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(change_many)).routes(routes!(take_back)).routes(routes!(run_macro))
}

fn refused(why: NotDone) -> Fault<AppError> {
    match why {
        NotDone::MayNotSay => {
            AppError::conflict("window-closed", "nothing may be said in one of these conversations now").into()
        }
        NotDone::NoSuch(what) => AppError::invalid_field("action", format!("there is no such {what}")).into(),
        NotDone::Db(error) => Fault::Db(error),
    }
}

fn checked(field: &'static str, ids: &[ConversationId], most: usize) -> Result<Vec<ConversationId>, AppError> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    if (1..=most).contains(&ids.len()) {
        Ok(ids)
    } else {
        Err(AppError::invalid_field(field, format!("must be 1 to {most} conversations")))
    }
}

/// Does the steps to each that is in sight, in one transaction.
async fn run(
    tx: &mut TenantTx<'_>,
    sight: &Sight,
    by: AgentId,
    ids: &[ConversationId],
    steps: &[Step],
) -> Result<(ManyChanged, Vec<NewEvent>), Fault<AppError>> {
    let now = Utc::now();
    let seen = list::visible(tx, sight, ids).await?;
    let (mut kept, mut events) = (Vec::new(), Vec::new());
    for conversation in list::view(tx, &seen).await? {
        let mut happened = Vec::new();
        for step in steps {
            happened.extend(steps::apply(tx, &conversation, step, by, now).await.map_err(refused)?);
        }
        if happened.is_empty() {
            continue;
        }
        let version = list::view_of(tx, conversation.id).await?.map_or(0, |after| after.version);
        kept.push(Changed { conversation_id: conversation.id, version, before: Before::of(&conversation) });
        events.extend(happened);
    }
    let id = Uuid::now_v7();
    store::keep(tx, id, by.uuid(), &json!(steps), &json!(kept)).await?;
    let changed: Vec<ConversationId> = kept.iter().map(|kept| kept.conversation_id).collect();
    let left = ids.iter().filter(|id| !changed.contains(id)).copied().collect();
    Ok((ManyChanged { id, changed, left }, events))
}

/// Change many conversations
///
/// All of them, or none. What is out of one's sight, and what is so already, is left as it is. It can be taken back (`POST /conversations/bulk/{id}/undo`).
#[utoipa::path(
    post, path = "/conversations/bulk", tag = "conversations", operation_id = "changeManyConversations", request_body = ChangeMany,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 200, description = "What was changed", body = ManyChanged),
        (status = 409, description = "Nothing may be said in one of them now, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn change_many(
    State(state): State<AppState>,
    IdempotentJson(idempotency, mut wanted): IdempotentJson<ChangeMany>,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::ConversationsWrite)?;
    let ids = checked("ids", &wanted.ids, MOST)?;
    wanted.action.check("action")?;
    carry_out(&state, idempotency, ids, vec![wanted.action]).await
}

async fn carry_out(
    state: &AppState,
    idempotency: Idempotency,
    ids: Vec<ConversationId>,
    steps: Vec<Step>,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    let (by, sight) = (AgentId::from(principal.user), state.roster.sight(&principal));
    let answer = idempotency
        .command(state, move |tx| {
            let (ids, steps, sight) = (ids.clone(), steps.clone(), sight.clone());
            Box::pin(async move {
                let (body, events) = run(tx, &sight, by, &ids, &steps).await?;
                Ok((Effect { status: StatusCode::OK, body, value: () }, events))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Run a macro
///
/// On each of these conversations: all steps on all of them, or nothing.
#[utoipa::path(
    post, path = "/macros/{id}/run", tag = "conversations", operation_id = "runMacro", request_body = RunMacro,
    params(
        ("id" = Uuid, Path, description = "The macro"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "What was changed", body = ManyChanged),
        (status = 404, description = "No such macro", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nothing may be said in one of them now, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn run_macro(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    IdempotentJson(idempotency, wanted): IdempotentJson<RunMacro>,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::ConversationsWrite)?;
    // With the most steps of a macro, still within the events of one transaction.
    let ids = checked("conversation_ids", &wanted.conversation_ids, 25)?;
    let mut tx = state.db.tenant(principal.tenant).await?;
    let found = macros_store::find(&mut tx, id).await?.ok_or_else(|| AppError::not_found("macro"))?;
    tx.commit().await?;
    carry_out(&state, idempotency, ids, found.steps).await
}

/// Take a change of many back
///
/// One's own, within a day. A conversation that somebody changed since is left as it is; what was written to a customer is not taken back.
#[utoipa::path(
    post, path = "/conversations/bulk/{id}/undo", tag = "conversations", operation_id = "undoBulkChange",
    params(
        ("id" = Uuid, Path, description = "The change"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "What was changed back", body = ManyChanged),
        (status = 404, description = "No such change of one's own, or it was taken back", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn take_back(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    let principal: Principal = idempotency.principal();
    principal.require(Permission::ConversationsWrite)?;
    let (by, sight) = (AgentId::from(principal.user), state.roster.sight(&principal));
    let answer = idempotency
        .command(&state, move |tx| {
            let sight = sight.clone();
            Box::pin(async move {
                let (body, events) = undo(tx, &sight, by, id).await?;
                Ok((Effect { status: StatusCode::OK, body, value: () }, events))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

async fn undo(
    tx: &mut TenantTx<'_>,
    sight: &Sight,
    by: AgentId,
    id: Uuid,
) -> Result<(ManyChanged, Vec<NewEvent>), Fault<AppError>> {
    let now = Utc::now();
    let kept = store::take(tx, id, by.uuid()).await?.ok_or_else(|| AppError::not_found("change"))?;
    let kept: Vec<Changed> = serde_json::from_value(kept).map_err(AppError::internal)?;
    let ids: Vec<ConversationId> = kept.iter().map(|kept| kept.conversation_id).collect();
    let seen = list::visible(tx, sight, &ids).await?;
    let (mut changed, mut left, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for one in kept {
        let id = one.conversation_id;
        let current = list::view_of(tx, id).await?.map(|current| current.version);
        if !seen.contains(&id) || current != Some(one.version) {
            left.push(id);
            continue;
        }
        events.extend(steps::restore(tx, id, &one.before, by, now).await.map_err(refused)?);
        changed.push(id);
    }
    Ok((ManyChanged { id, changed, left }, events))
}

//! What people write on a call: notes, and tags to find it by.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, SubsecRound as _, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use trunkline_db::{AgentId, CallId, TenantTx};
use trunkline_journal::{Fault, Kind, NewEvent, Ref, Scope};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{history_store as history, notes_store as store};
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, Idempotency, IdempotentJson};
use crate::http::{AppError, Page, Path, Permission, Problem};
use crate::roster::Sight;
use crate::state::AppState;

const NOTED: Kind = Kind::from_static("call.noted");
const NOTE_REMOVED: Kind = Kind::from_static("call.note_removed");
const TAGGED: Kind = Kind::from_static("call.tagged");

const MAX_NOTE_CHARS: usize = 2_000;
const MAX_NOTES: i64 = 100;
const MAX_TAGS: usize = 20;
const MAX_TAG_CHARS: usize = 40;

/// A note on a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CallNote {
    /// The note.
    pub id: Uuid,
    /// Who wrote it.
    pub user_id: Uuid,
    /// Their words.
    pub text: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A tag, and how many calls have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct CallTag {
    /// The tag.
    pub(super) tag: String,
    /// Calls with it.
    pub(super) calls: i64,
}

/// Body of `POST /calls/{id}/notes`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct WriteNote {
    /// At most 2,000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    text: String,
}

/// Body of `PUT /calls/{id}/tags`, and its answer.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct CallTags {
    /// At most 20, of at most 40 characters each. Blanks around them and a second of the same are dropped; they come back in order.
    #[schema(max_items = 20)]
    tags: Vec<String>,
}

/// Routes of notes and tags.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(write_note))
        .routes(routes!(remove_note))
        .routes(routes!(tag_call))
        .routes(routes!(list_tags))
}

/// The call must be in sight; the scopes of whom it concerns, and who writes.
async fn scopes(
    tx: &mut TenantTx<'_>,
    call: CallId,
    by: AgentId,
    sight: &Sight,
) -> Result<Vec<Scope>, Fault<AppError>> {
    history::find(tx, call, sight).await?.ok_or_else(|| AppError::not_found("call"))?;
    let concerned = store::concerned(tx, call).await?;
    let mut agents = concerned.agents;
    agents.push(by);
    agents.sort_unstable();
    agents.dedup();
    Ok(agents.into_iter().map(Scope::Agent).chain(concerned.queue.map(Scope::Queue)).collect())
}

/// Write a note on a call
///
/// While it goes on or after.
#[utoipa::path(
    post, path = "/calls/{id}/notes", tag = "calls", operation_id = "writeCallNote", request_body = WriteNote,
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 201, description = "The note", body = CallNote),
        (status = 404, description = "No such call in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The call has 100 notes already, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn write_note(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    IdempotentJson(idempotency, wanted): IdempotentJson<WriteNote>,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::CallsControl)?;
    let text = wanted.text.trim().to_owned();
    if text.is_empty() || text.chars().count() > MAX_NOTE_CHARS {
        return Err(AppError::invalid_field("text", format!("must have 1 to {MAX_NOTE_CHARS} characters")));
    }
    let note = CallNote { id: Uuid::now_v7(), user_id: principal.user.uuid(), text, at: Utc::now().trunc_subsecs(3) };
    let (by, sight) = (AgentId::from(principal.user), state.roster.sight(&principal));
    let answer = idempotency
        .command(&state, move |tx| {
            let (note, sight) = (note.clone(), sight.clone());
            Box::pin(async move {
                let scopes = scopes(tx, id, by, &sight).await?;
                if store::count(tx, id).await? >= MAX_NOTES {
                    return Err(AppError::conflict("too-many-notes", "the call has 100 notes already").into());
                }
                store::add(tx, id, &note).await?;
                // Without the words: what is removed is to be gone, and a journal forgets nothing.
                let data = json!({ "note_id": note.id, "user_id": note.user_id });
                let event = NewEvent::new(NOTED, Ref::call(id), data).at(note.at).actor(Ref::agent(by));
                let event = NewEvent { scopes, ..event };
                Ok((Effect { status: StatusCode::CREATED, body: note, value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Remove a note
///
/// One's own; who sees all may remove anybody's.
#[utoipa::path(
    delete, path = "/calls/{id}/notes/{note_id}", tag = "calls", operation_id = "removeCallNote",
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("note_id" = Uuid, Path, description = "The note"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "No such note of one's own on a call in sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn remove_note(
    State(state): State<AppState>,
    Path((id, note)): Path<(CallId, Uuid)>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::CallsControl)?;
    let (by, sight) = (AgentId::from(principal.user), state.roster.sight(&principal));
    let answer = idempotency
        .command(&state, move |tx| {
            let sight = sight.clone();
            Box::pin(async move {
                let scopes = scopes(tx, id, by, &sight).await?;
                let author = store::author(tx, id, note).await?;
                author.filter(|author| sight.all || *author == by.uuid()).ok_or_else(|| AppError::not_found("note"))?;
                store::remove(tx, note).await?;
                let data = json!({ "note_id": note });
                let event = NewEvent::new(NOTE_REMOVED, Ref::call(id), data).actor(Ref::agent(by));
                let event = NewEvent { scopes, ..event };
                Ok((Effect { status: StatusCode::NO_CONTENT, body: (), value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Tag a call
///
/// It has these tags from now on, and no others.
#[utoipa::path(
    put, path = "/calls/{id}/tags", tag = "calls", operation_id = "tagCall", request_body = CallTags,
    params(
        ("id" = Uuid, Path, description = "The call"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "Its tags", body = CallTags),
        (status = 404, description = "No such call in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:control")))
)]
async fn tag_call(
    State(state): State<AppState>,
    Path(id): Path<CallId>,
    IdempotentJson(idempotency, wanted): IdempotentJson<CallTags>,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::CallsControl)?;
    let tags = clean(&wanted.tags)?;
    let (by, sight) = (AgentId::from(principal.user), state.roster.sight(&principal));
    let answer = idempotency
        .command(&state, move |tx| {
            let (tags, sight) = (tags.clone(), sight.clone());
            Box::pin(async move {
                let scopes = scopes(tx, id, by, &sight).await?;
                let changed = store::put_tags(tx, id, &tags).await?;
                let event = NewEvent::new(TAGGED, Ref::call(id), json!({ "tags": tags })).actor(Ref::agent(by));
                let events = if changed { vec![NewEvent { scopes, ..event }] } else { Vec::new() };
                Ok((Effect { status: StatusCode::OK, body: CallTags { tags }, value: () }, events))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

fn clean(tags: &[String]) -> Result<Vec<String>, AppError> {
    let mut tags: Vec<String> = tags.iter().map(|tag| tag.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    if tags.iter().any(|tag| tag.is_empty() || tag.chars().count() > MAX_TAG_CHARS) {
        return Err(AppError::invalid_field("tags", format!("each must have 1 to {MAX_TAG_CHARS} characters")));
    }
    tags.sort_unstable();
    tags.dedup();
    if tags.len() > MAX_TAGS {
        return Err(AppError::invalid_field("tags", format!("must be at most {MAX_TAGS}")));
    }
    Ok(tags)
}

/// List tags
///
/// Those in use, the most frequent first: at most 200.
#[utoipa::path(
    get, path = "/call-tags", tag = "calls", operation_id = "listCallTags",
    responses((status = 200, description = "The tags", body = Page<CallTag>)),
    extensions(("x-permission" = json!("calls:read")))
)]
async fn list_tags(State(state): State<AppState>, principal: Principal) -> Result<axum::Json<Page<CallTag>>, AppError> {
    principal.require(Permission::CallsRead)?;
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let items = store::used(&mut tx).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page { items, next_cursor: None, as_of_seq }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_trimmed_sorted_and_each_once() {
        let tags = ["  refund ", "VIP", "call  back", "refund"].map(str::to_owned).to_vec();
        assert_eq!(clean(&tags).unwrap(), ["VIP", "call back", "refund"]);
        assert!(clean(&[" ".to_owned()]).is_err());
        assert!(clean(&["x".repeat(MAX_TAG_CHARS + 1)]).is_err());
        assert!(clean(&(0..=MAX_TAGS).map(|n| n.to_string()).collect::<Vec<_>>()).is_err());
    }
}

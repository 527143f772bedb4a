//! `/api/v1/contacts/{id}/merge`, `/contact-merges` and `/merge-suggestions`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use trunkline_db::ContactId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::model::{MergeContacts, MergeSuggestion, Merged, Unmerged};
use super::service;
use super::store::{self, Asked};
use crate::audit::Origin;
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, Idempotency, IdempotentJson};
use crate::http::{AppError, Page, PageQuery, Path, Problem, Query};
use crate::roles::Asking;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(merge_contacts))
        .routes(routes!(undo_merge))
        .routes(routes!(list_merge_suggestions))
        .routes(routes!(accept_merge_suggestion))
        .routes(routes!(dismiss_merge_suggestion))
}

/// Merge two contacts
///
/// Both are one person from now on: one name, one list of what they are known by, one timeline. Nothing is moved, so it can be undone.
#[utoipa::path(
    post, path = "/contacts/{id}/merge", tag = "contacts", operation_id = "mergeContacts", request_body = MergeContacts,
    params(
        ("id" = Uuid, Path, description = "The contact whose name both have from now on"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 201, description = "The merge, and the person that both are", body = Merged),
        (status = 404, description = "No such contact", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Both are one already (`already-so`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("contacts:manage")))
)]
async fn merge_contacts(
    State(state): State<AppState>,
    origin: Origin,
    Path(id): Path<ContactId>,
    IdempotentJson(idempotency, wanted): IdempotentJson<MergeContacts>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let answer = idempotency
        .command(&state, move |tx| {
            let (asking, wanted) = (asking.clone(), wanted.clone());
            Box::pin(async move {
                let (merged, events) = service::merge(tx, &asking, id, &wanted).await?;
                Ok((Effect { status: StatusCode::CREATED, body: merged, value: () }, events))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Undo a merge
///
/// In any order: what was merged before and after it stays as it is.
#[utoipa::path(
    post, path = "/contact-merges/{id}/undo", tag = "contacts", operation_id = "undoContactMerge",
    params(
        ("id" = Uuid, Path, description = "The merge"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The two people", body = Unmerged),
        (status = 404, description = "No such merge", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was undone before (`already-so`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("contacts:manage")))
)]
async fn undo_merge(
    State(state): State<AppState>,
    origin: Origin,
    Path(id): Path<Uuid>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let answer = idempotency
        .command(&state, move |tx| {
            let asking = asking.clone();
            Box::pin(async move {
                let (unmerged, events) = service::undo(tx, &asking, id).await?;
                Ok((Effect { status: StatusCode::OK, body: unmerged, value: () }, events))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Which suggestions to list.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct SuggestionQuery {
    /// Rows on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List merge suggestions
///
/// Who may be one person, and why; the newest first, as long as nobody has decided.
#[utoipa::path(
    get, path = "/merge-suggestions", tag = "contacts", operation_id = "listMergeSuggestions", params(SuggestionQuery),
    responses((status = 200, description = "Open suggestions", body = Page<MergeSuggestion>)),
    extensions(("x-permission" = json!("contacts:read")))
)]
async fn list_merge_suggestions(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<SuggestionQuery>,
) -> Result<axum::Json<Page<MergeSuggestion>>, AppError> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let (limit, before) = (page.limit()?, page.position::<Uuid>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let asked = Asked { before, ..Asked::open(i64::from(limit) + 1) };
    let suggestions = store::suggestions(&mut tx, &asked).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(suggestions, limit, as_of_seq, |suggestion: &MergeSuggestion| suggestion.id)))
}

/// Accept a merge suggestion
///
/// Both are one person from now on, under the name that somebody of ours gave, or else a provider.
#[utoipa::path(
    post, path = "/merge-suggestions/{id}/accept", tag = "contacts", operation_id = "acceptMergeSuggestion",
    params(
        ("id" = Uuid, Path, description = "The suggestion"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 201, description = "The merge, and the person that both are", body = Merged),
        (status = 404, description = "No such suggestion", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was decided before (`decided`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("contacts:manage")))
)]
async fn accept_merge_suggestion(
    State(state): State<AppState>,
    origin: Origin,
    Path(id): Path<Uuid>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let answer = idempotency
        .command(&state, move |tx| {
            let asking = asking.clone();
            Box::pin(async move {
                let (merged, events) = service::accept(tx, &asking, id).await?;
                Ok((Effect { status: StatusCode::CREATED, body: merged, value: () }, events))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Dismiss a merge suggestion
///
/// They are two. It is not suggested again.
#[utoipa::path(
    post, path = "/merge-suggestions/{id}/dismiss", tag = "contacts", operation_id = "dismissMergeSuggestion",
    params(
        ("id" = Uuid, Path, description = "The suggestion"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The suggestion", body = MergeSuggestion),
        (status = 404, description = "No such suggestion", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was decided before (`decided`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("contacts:manage")))
)]
async fn dismiss_merge_suggestion(
    State(state): State<AppState>,
    origin: Origin,
    Path(id): Path<Uuid>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let answer = idempotency
        .command(&state, move |tx| {
            let asking = asking.clone();
            Box::pin(async move {
                let suggestion = service::dismiss(tx, &asking, id).await?;
                Ok((Effect { status: StatusCode::OK, body: suggestion, value: () }, Vec::new()))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

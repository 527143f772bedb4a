//! `/api/v1/contacts`: changing, blocking, identities.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use trunkline_db::ContactId;
use trunkline_journal::Outcome;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::model::{AddIdentity, Contact, UpdateContact};
use super::service;
use crate::audit::Origin;
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, Idempotency, IdempotentJson};
use crate::http::{AppError, IfMatch, Json, Path, Problem, tagged};
use crate::roles::Asking;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(update_contact))
        .routes(routes!(block_contact))
        .routes(routes!(unblock_contact))
        .routes(routes!(add_contact_identity))
        .routes(routes!(remove_contact_identity))
}

/// Change a contact
///
/// A name that is given here stays: what providers call them does not replace it.
#[utoipa::path(
    patch, path = "/contacts/{id}", tag = "contacts", operation_id = "updateContact", request_body = UpdateContact,
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
    ),
    responses(
        (status = 200, description = "The person as it is now", body = Contact),
        (status = 404, description = "No such contact", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("contacts:manage")))
)]
async fn update_contact(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<ContactId>,
    seen: IfMatch,
    Json(wanted): Json<UpdateContact>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, wanted, seen) = (asking.clone(), wanted.clone(), seen.clone());
            Box::pin(async move {
                let (contact, events) = service::update(tx, &asking, id, &seen, &wanted).await?;
                Ok(Outcome::new(contact).events(events))
            })
        })
        .await?;
    Ok(tagged(committed.value.updated_at, &committed.value))
}

/// Block a contact
///
/// What they write is kept and shown to nobody by itself. Who may mark callers has the calls of their numbers turned away as well.
#[utoipa::path(
    post, path = "/contacts/{id}/block", tag = "contacts", operation_id = "blockContact",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The person, blocked", body = Contact),
        (status = 404, description = "No such contact", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("contacts:manage")))
)]
async fn block_contact(
    State(state): State<AppState>,
    origin: Origin,
    Path(id): Path<ContactId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    set_blocked(&state, origin, id, idempotency, true).await
}

/// Unblock a contact
#[utoipa::path(
    post, path = "/contacts/{id}/unblock", tag = "contacts", operation_id = "unblockContact",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The person, heard again", body = Contact),
        (status = 404, description = "No such contact", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("contacts:manage")))
)]
async fn unblock_contact(
    State(state): State<AppState>,
    origin: Origin,
    Path(id): Path<ContactId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    set_blocked(&state, origin, id, idempotency, false).await
}

async fn set_blocked(
    state: &AppState,
    origin: Origin,
    id: ContactId,
    idempotency: Idempotency,
    blocked: bool,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let answer = idempotency
        .command(state, move |tx| {
            let asking = asking.clone();
            Box::pin(async move {
                let (contact, events) = service::set_blocked(tx, &asking, id, blocked).await?;
                Ok((Effect { status: StatusCode::OK, body: contact, value: () }, events))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Give a contact an identity
///
/// A number, an address or an id that somebody of ours knows to be theirs. One that is somebody else's is refused, and it is suggested that both
/// are one person.
#[utoipa::path(
    post, path = "/contacts/{id}/identities", tag = "contacts", operation_id = "addContactIdentity", request_body = AddIdentity,
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 201, description = "The person as it is now", body = Contact),
        (status = 404, description = "No such contact", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is somebody else's (`identity-taken`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("contacts:manage")))
)]
async fn add_contact_identity(
    State(state): State<AppState>,
    origin: Origin,
    Path(id): Path<ContactId>,
    IdempotentJson(idempotency, wanted): IdempotentJson<AddIdentity>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let tenant = asking.by.tenant;
    let again = (asking.clone(), wanted.clone());
    let answer = idempotency
        .command(&state, move |tx| {
            let (asking, wanted) = (asking.clone(), wanted.clone());
            Box::pin(async move {
                let (contact, events) = service::add_identity(tx, &asking, id, &wanted).await?;
                Ok((Effect { status: StatusCode::CREATED, body: contact, value: () }, events))
            })
        })
        .await;
    if answer.as_ref().is_err_and(|error| error.code() == Some(service::IDENTITY_TAKEN)) {
        // What was refused was undone as well: the suggestion is kept on its own.
        let (asking, wanted) = again;
        state
            .journal
            .command(tenant, move |tx| {
                let (asking, wanted) = (asking.clone(), wanted.clone());
                Box::pin(async move {
                    let events = service::suggest_holder(tx, &asking, id, &wanted).await?;
                    Ok::<_, trunkline_journal::Fault<AppError>>(Outcome::new(()).events(events))
                })
            })
            .await?;
    }
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer?;
    Ok(response)
}

/// Take an identity from a contact
///
/// It is kept as evidence; nobody is recognised by it. What their provider tells again is theirs again.
#[utoipa::path(
    delete, path = "/contacts/{id}/identities/{identity_id}", tag = "contacts", operation_id = "removeContactIdentity",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("identity_id" = Uuid, Path, description = "The identity"),
    ),
    responses(
        (status = 204, description = "Theirs no more"),
        (status = 404, description = "No such contact, or no such identity of theirs", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("contacts:manage")))
)]
async fn remove_contact_identity(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path((id, identity)): Path<(ContactId, Uuid)>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    state
        .journal
        .command(by.tenant, move |tx| {
            let asking = asking.clone();
            Box::pin(async move {
                let event = service::end_identity(tx, &asking, id, identity).await?;
                Ok::<_, trunkline_journal::Fault<AppError>>(Outcome::new(()).event(event))
            })
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

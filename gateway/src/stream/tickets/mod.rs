//! Tickets: how a browser, which can set no header on a WebSocket, signs in to the stream.

mod sealed;
mod store;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, Idempotency};
use crate::http::{AppError, Permission, Problem, principal_of};
use crate::state::AppState;

pub(crate) use store::sweep;

/// Life of a ticket, in seconds.
const TICKET_SECONDS: i64 = 30;

/// Opens the stream once, within half a minute.
#[allow(clippy::struct_field_names)] // The name is the API's.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Ticket {
    /// For `?ticket=`.
    ticket: String,
    /// When it ends.
    expires_at: DateTime<Utc>,
    /// Seconds until then.
    expires_in: i64,
}

/// Routes of tickets.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create_ticket))
}

/// Make a stream ticket
///
/// Opens `GET /api/v1/stream?ticket=` or `GET /api/v1/events?ticket=` (server-sent events) once, within 30 s. The stream ends with
/// the access token that the ticket was made with, unless `auth` renews it.
#[utoipa::path(
    post, path = "/stream/tickets", tag = "events", operation_id = "createStreamTicket",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses((status = 201, description = "The ticket", body = Ticket), (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json")),
    extensions(("x-permission" = json!("events:read")))
)]
async fn create_ticket(State(state): State<AppState>, idempotency: Idempotency) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::EventsRead)?;
    let expires_at = Utc::now() + TimeDelta::seconds(TICKET_SECONDS);
    let ticket = sealed::seal(&state.keys, principal.identity(), expires_at);
    let mut tx = state.db.system().await?;
    store::insert(&mut tx, &state.keys.hash_opaque(&ticket), principal.tenant, principal.user, expires_at).await?;
    let tx = tx.into_tenant(principal.tenant).await?;
    let body = Ticket { ticket, expires_at, expires_in: TICKET_SECONDS };
    let effect = Effect { status: StatusCode::CREATED, body, value: () };
    // A repeated request rolls its new ticket back and gets the first one.
    let answer = idempotency.transaction_in(&state, tx, |_| Box::pin(async { Ok(effect) })).await?;
    let (Answer::First(mut response, ()) | Answer::Repeated(mut response)) = answer;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Uses a ticket up.
pub(super) async fn redeem(state: &AppState, ticket: &str) -> Result<Principal, AppError> {
    let refused = || AppError::unauthorized("the ticket is not valid: it can be used once, within 30 s");
    let identity = sealed::open(&state.keys, ticket, Utc::now()).ok_or_else(refused)?;
    if !store::take(&state.db, &state.keys.hash_opaque(ticket)).await? {
        return Err(refused());
    }
    principal_of(state, &identity)
}

//! `GET /api/v1/stream`: the WebSocket `trunkline.v1`.

mod close;
mod codec;
mod connection;
mod handshake;
mod outbox;
mod wire;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::connection::{Connection, Refused};
pub(crate) use self::handshake::Handshake;
use super::events::filter_for;
use super::tickets;
use crate::http::{AppError, ClientAddress, Permission, Problem, authenticate, bearer};
use crate::state::AppState;

/// The subprotocol that is spoken here.
const PROTOCOL: &str = "trunkline.v1";

/// Routes of the WebSocket.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(open_stream))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct StreamQuery {
    /// From `POST /stream/tickets`, in place of the header.
    ticket: Option<String>,
}

/// Open the stream
///
/// A WebSocket with the subprotocol `trunkline.v1`; its messages are described in `/dev/asyncapi.json`.
#[utoipa::path(
    get, path = "/stream", tag = "events", operation_id = "openStream", params(StreamQuery),
    responses(
        (status = 101, description = "The stream"),
        (status = 400, description = "Not a WebSocket handshake of trunkline.v1", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid token or ticket", body = Problem, content_type = "application/problem+json"),
        (status = 426, description = "Only WebSocket here", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("events:read")), ("x-rate-limit" = json!("stream")), ("x-credential" = json!("ticket")))
)]
async fn open_stream(State(state): State<AppState>, request: Request) -> Result<Response, AppError> {
    let (mut parts, _) = request.into_parts();
    let handshake = Handshake::check(&mut parts, PROTOCOL)?;
    let ClientAddress(address) = ClientAddress::of(&state, &parts.extensions, &parts.headers)?;
    let query = StreamQuery::parse(parts.uri.query().unwrap_or_default());
    let principal = match (bearer(&parts.headers), &query.ticket) {
        (Some(token), _) => authenticate(&state, token, address)?,
        (None, Some(ticket)) => tickets::redeem(&state, ticket).await?,
        (None, None) => {
            return Err(AppError::unauthorized(
                "send `Authorization: Bearer <access token>`, or ?ticket= from /stream/tickets",
            ));
        }
    };
    principal.require(Permission::EventsRead)?;
    // Everything that may fail fails before the upgrade, as an answer that can be read. What only the stream's own codes can say
    // to a browser is said right after it.
    let entered = match filter_for(&state, &principal, Vec::new()).await {
        Ok((grants, filter)) => state
            .streams
            .enter(principal.tenant, principal.user, grants)
            .map(|entered| (entered, filter))
            .ok_or(Refused::TooMany),
        Err(error) if error.status() == http::StatusCode::FORBIDDEN => Err(Refused::NotAllowed),
        Err(error) => return Err(error),
    };
    let entered = match entered {
        Ok((entered, filter)) => Ok((entered, filter, state.journal.hub().join(principal.tenant).await?)),
        Err(refused) => Err(refused),
    };
    let (response, upgrade) = handshake.accept();
    tokio::spawn(async move {
        let Some((socket, early)) = upgrade.socket().await else { return };
        match entered {
            Ok((entered, filter, seat)) => {
                Connection::new(state, (principal, address), socket, entered, filter, seat).run(early).await;
            }
            Err(refused) => connection::refuse(&state, socket, refused).await,
        }
    });
    Ok(response)
}

impl StreamQuery {
    fn parse(query: &str) -> Self {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        Self { ticket: pairs.find(|(name, _)| name == "ticket").map(|(_, value)| value.into_owned()) }
    }
}

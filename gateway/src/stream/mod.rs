//! The journal for clients: pages, server-sent events and the WebSocket `trunkline.v1`.

mod client;
mod events;
mod grants;
mod registry;
mod sse;
mod tickets;
mod websocket;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

pub(crate) use events::{Event, call_story};
pub use grants::watch_grants;
pub use registry::{Streams, Timing};
pub(crate) use tickets::sweep;
pub(crate) use websocket::Handshake;

/// Routes of the stream.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::from(Router::new()).merge(events::router()).merge(tickets::router()).merge(websocket::router())
}

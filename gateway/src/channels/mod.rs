//! Channel accounts, and what their providers tell: stored before it is answered, and applied afterwards.
//!
//! | file | what |
//! | --- | --- |
//! | `model`, `settings`, `store`, `service`, `http` | accounts and what administrators see of them |
//! | [`registry`] | the accounts in memory, with their adapters |
//! | `webhooks`, `ingest` | providers' requests: checked, stored, answered |
//! | `apply`, `inbound_http` | what was stored becomes conversations; what was stored, shown and replayed |
//! | `connect`, [`health`] | providers are told where we are; what is wrong with an account |
//! | `poll` | bots whose provider cannot reach us are asked for what is new |
//! | `moved` | a group that has another id goes on as the same chat |
//! | `press` | a pressed button is answered |
//! | `templates` | WhatsApp's message templates |
//! | `staff`, `staff_http` | groups of the staff's |

mod apply;
mod apply_store;
mod connect;
pub mod health;
mod http;
mod inbound_http;
mod ingest;
mod ingest_store;
pub(crate) mod jobs;
mod metrics;
mod model;
mod moved;
mod poll;
mod poll_store;
mod press;
pub mod registry;
mod service;
mod settings;
pub(crate) mod staff;
mod staff_http;
mod staff_store;
mod store;
mod sweep;
mod templates;
mod templates_store;
mod webhooks;

use utoipa_axum::router::OpenApiRouter;

pub use metrics::ChannelMetrics;
pub use model::Kind;
pub(crate) use moved::follow;
pub use poll::watch as poll;
pub use registry::{Channels, Connected, watch};
pub use settings::Provider;
pub(crate) use sweep::sweep;
pub(crate) use webhooks::webhook_router;

use crate::state::AppState;

/// Routes of channels.
pub fn router() -> OpenApiRouter<AppState> {
    http::router().merge(inbound_http::router()).merge(templates::router()).merge(staff_http::router())
}

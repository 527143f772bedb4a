//! Channel accounts, and what their providers tell: stored before it is answered, and applied afterwards.
//!
//! | file | what |
//! | --- | --- |
//! | `model`, `settings`, `store`, `service`, `http` | accounts and what administrators see of them |
//! | [`registry`] | the accounts in memory, with their adapters |
//! | `webhooks`, `ingest` | providers' requests: checked, stored, answered |
//! | [`health`] | what is wrong with an account |

pub mod health;
mod ingest;
mod ingest_store;
mod metrics;
mod model;
pub mod registry;
mod settings;
mod store;
mod webhooks;

pub use metrics::ChannelMetrics;
pub use model::Kind;
pub use registry::{Channels, Connected, watch};
pub use settings::Provider;
pub(crate) use webhooks::webhook_router;

//! Outbound calls: what a tenant allows, whom it does not call, and which callers it marked. What decides is `trunkline-dialing`.

mod http;
mod import;
mod lists_http;
mod model;
pub(crate) mod policies_store;
mod service;
mod store;

pub use self::http::router;
pub(crate) use self::service::{block_callers, home};

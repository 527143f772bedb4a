//! Settings: platform, tenant, member, sign-in; each says a value and may bind those below it.
//!
//! [`registry`] is the one list of what there is, [`cascade`] says what comes of what the levels say (pure). Features read
//! [`of_all_tenants`] or [`of_member`] and ask the answer for a setting of the registry by name.

pub mod cascade;
mod http;
mod model;
pub mod registry;
mod service;
mod store;

pub use self::http::router;
pub use service::{EachTenant, Settings, of_all_tenants, of_member};
pub(crate) use service::{choose, require_open, sweep};

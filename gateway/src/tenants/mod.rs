//! The tenants of the platform, for those who run it: made, suspended, limited, deleted with grace; and what each has used.
//!
//! Suspension is one column. Whoever decides who may come in reads it: the roster (requests, keys, sockets), sign-in, call control's
//! directory. Nothing else of the tenant changes, so that resuming is one column too.

mod create;
mod due;
mod http;
mod model;
mod service;
pub mod slug;
mod store;
pub mod usage;

pub use self::http::router;
pub(crate) use due::{REMOVE, WARN};
pub use due::{remove, warn};
pub(crate) use store::require_minutes;

//! Roles of a tenant's own, what there is to be permitted, and giving roles to members.

mod http;
mod model;
mod service;
mod store;

pub use self::http::router;
pub use model::Assignment;
pub use service::{Asking, assign};
pub(crate) use service::{name as checked_name, permissions as checked_permissions, require_to_give, rights_of};

//! Who belongs to a tenant: its members, those who are invited, and those who may come in no more.

mod http;
mod invitations;
mod model;
mod service;
pub(crate) mod store;

pub use self::http::router;

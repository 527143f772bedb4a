//! Teams: people who work together, and who leads them. Whoever leads a team sees the work of its members.

mod http;
mod model;
mod service;
pub(crate) mod store;

pub use self::http::router;

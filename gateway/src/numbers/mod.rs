//! Numbers of the public network: whose they are, and where they lead.

pub(crate) mod directory_store;
mod http;
mod model;
mod service;
mod store;

pub use self::http::router;

//! The people who call and write: who they are and by what evidence, merges that can be undone, and what was said with them.
//! What decides is `trunkline-people`.

mod changes_http;
mod http;
mod merges_http;
mod model;
mod service;
mod store;
mod timeline_store;
mod words;

pub use self::http::router;

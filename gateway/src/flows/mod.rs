//! Flows at the edge: drawn, tried, published, rolled back, and read into the directory that call control keeps in memory. What a flow does is
//! `trunkline_calls::flow`'s.
//!
//! [`runner`] does for a running flow what the pure core cannot: it asks programs elsewhere, and the database who calls.

pub(crate) mod directory_store;
mod http;
mod known_store;
mod model;
pub(crate) mod runner;
mod service;
mod simulate;
mod store;
mod trace;
mod trace_store;

pub use http::router;

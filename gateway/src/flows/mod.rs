//! Flows and opening hours at the edge: drawn, tried, published, rolled back, and read into the directory that call control keeps in memory. What a
//! flow does is `trunkline_calls::flow`'s.
//!
//! [`runner`] does for a running flow what the pure core cannot: it asks programs elsewhere, and the database who calls.

pub(crate) mod directory_store;
pub(crate) mod runner;

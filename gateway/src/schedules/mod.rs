//! Opening hours with a name: what numbers, queues and flows go by. What they mean is `trunkline_calls::schedule`'s.

mod http;
mod model;
mod service;
mod store;

pub use http::router;

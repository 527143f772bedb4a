//! What agents can be good at. How good an agent is stands with the agent, how good one has to be with the queue.

mod http;
mod store;

pub use http::router;

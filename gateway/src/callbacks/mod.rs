//! The worklist of who is to be called back: those who asked for it, gave up waiting, were not served, or left a message.
//!
//! It fills and empties itself: a consumer of the journal reads how calls ended, and puts their numbers on the list or takes them off. What it writes is
//! a projection of calls; each call counts once (`callback_calls`), whoever tells of it and how often. People take, put back and close.

mod consumer;
mod http;
mod keep;
mod metrics;
mod store;
mod sweep;

pub use consumer::{Step, step, watch};
pub use http::{Callback, router};
pub(crate) use keep::link;
pub use metrics::WorklistMetrics;
pub(crate) use store::{Entry, Why, enter};
pub(crate) use sweep::sweep;

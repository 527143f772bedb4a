//! Queues: what they are, how they work, and what goes on in them.

mod http;
mod live;
mod live_store;
mod routing;
pub(crate) mod store;

pub use self::http::{Queue, router};
pub use live::QueueLive;

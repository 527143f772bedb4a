//! Queues, as far as they are read: what they are, and what goes on in them.

mod http;
mod live;
mod live_store;
pub(crate) mod store;

pub use self::http::{Queue, router};
pub use live::QueueLive;

//! Queues, as far as they are read.

mod http;
pub(crate) mod store;

pub use self::http::{Queue, router};

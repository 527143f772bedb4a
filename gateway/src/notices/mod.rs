//! Notices: what a supervisor tells everybody at work, or those of a queue. The journal keeps them; the panel shows them until they are dismissed.

mod http;

pub use http::router;

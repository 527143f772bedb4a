//! Recordings: what is known of them, and their audio.

mod file;
mod http;
mod link;
mod model;
pub(crate) mod range;
mod retention;
mod store;
mod waveform;

pub use self::http::router;
pub use model::Recording;
pub use retention::sweep;

//! Agents: who takes work, in which state, and the phones they take it on.

mod chat_capacity_http;
mod device_store;
mod devices;
mod extension_http;
mod http;
mod model;
mod store;

pub(crate) use self::devices::{digest_password, digest_place, random_text};
pub use self::http::router;
pub use model::{Agent, Device, NewDevice};
pub(crate) use store::state_of;

/// The realm of SIP digest authentication (RFC 7616); part of every stored HA1.
pub const SIP_REALM: &str = "trunkline";

//! End-to-end tests: real phones call through a real Asterisk into the gateway, and what comes back through the API and
//! the stream is held against what the phones heard.
//!
//! A [`Scene`] is one tenant with its own numbers, agents and phones on a [`Stack`](trunkline_stack::Stack); scenes share a
//! stack where they don't break it.

mod api;
mod callee;
mod chance;
mod echo_phone;
mod hearing;
pub mod inbox;
mod proxy;
mod scene;
mod sip_socket;
mod stream;

pub use api::{Api, eventually};
pub use callee::{Callee, Invitation};
pub use chance::Chance;
pub use echo_phone::{EchoPhone, Keys};
pub use hearing::{MOSTLY, hears_now};
pub use proxy::Proxy;
pub use scene::{Agent, Scene, left_in_asterisk, nothing_left_in_asterisk, outage_stack, run, shared_stack};
pub use sip_socket::{Dialog, Sip, SipSocket, digest, open_sip, unique};
pub use stream::{EventStream, Seen};

/// The tone that customers send, in Hz: far from any other, and from their multiples.
pub const CUSTOMER_HZ: u32 = 440;
/// The tone that agents' phones send, in Hz.
pub const AGENT_HZ: u32 = 1_000;

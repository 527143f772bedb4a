//! Channel adapters: what a messaging provider posts to us becomes [`model::Told`], and what an operator writes becomes the provider's request.
//!
//! Each adapter is pure: it has no socket, no clock and no database. [`Adapter::parse`] reads a stored webhook, [`Adapter::render`] writes the
//! requests for one message, [`Adapter::understand`] reads the provider's answer. The thin [`client`] sends what an adapter rendered.
//!
//! **Nothing told is dropped**: a webhook that can be read gives one [`model::Told`] for each thing in it; what is not known comes out as
//! [`model::What::Unsupported`] with its raw JSON, to be kept and shown as such. A webhook that cannot be read is [`Malformed`], and its raw body
//! stays where it was stored.

pub mod adapter;
pub mod client;
mod json;
pub mod model;
pub mod telegram;
pub mod twilio;
pub mod whatsapp;

pub use adapter::{Adapter, Malformed, Refused, Webhook};

//! Test calls: a simulated customer who calls a queue, is heard and hears, and hangs up after two minutes.
//!
//! The customer lives in Asterisk alone: one half of a Local channel plays the customer, the other half comes in as any call
//! from a trunk does. Call control sees a customer like every other; nothing of it knows of tests.

mod customer;
mod http;
mod store;

pub use self::http::router;

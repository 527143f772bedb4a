//! The edge against a real PostgreSQL: the router in this process, bound to a loopback port, without Asterisk.

mod commands;
mod devices;
mod events;
mod faults;
mod idempotency;
mod recordings;
mod sign_in;
mod stream;
mod support;
mod tenants;

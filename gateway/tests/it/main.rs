//! The edge against a real PostgreSQL: the router in this process, bound to a loopback port, without Asterisk.

mod acme;
mod audit;
mod browsers;
mod caddy;
mod call_plans;
mod calls;
mod commands;
mod devices;
mod events;
mod faults;
mod idempotency;
mod invariants;
mod jobs;
mod mail;
mod me;
mod passwords;
mod recordings;
mod secrets;
mod setup;
mod sign_in;
mod stream;
mod support;
mod tenants;
mod test_calls;
mod tls;

//! Trunkline's gateway: the binary that wires configuration, the HTTP and WebSocket edge, sign-in, call control and recordings.
//!
//! `http` holds what every route shares (errors, extractors, pagination, idempotency); each feature is a folder of its own with
//! `model`, `store` (SQL), `service` and `http` (routes). Nothing outside a `store` file speaks SQL, and nothing outside
//! [`auth::Principal`] decides which tenant a request belongs to.

pub mod agents;
pub mod api_keys;
pub mod audit;
pub mod auth;
pub mod calls;
pub mod channels;
pub mod cli;
pub mod config;
pub mod contacts;
pub mod conversations;
pub mod dialing;
mod fetch;
pub mod figures;
pub mod files;
mod flows;
pub mod health;
pub mod hooks;
pub mod http;
pub mod inbox_tools;
pub mod jobs;
pub mod limits;
pub mod logging;
pub mod mail;
pub mod members;
pub mod metrics;
pub mod notices;
pub mod numbers;
pub mod oidc;
mod panel;
pub mod provision;
pub mod push;
pub mod queues;
pub mod recordings;
pub mod roles;
pub mod roster;
pub mod secrets;
pub mod server;
pub mod settings;
pub mod setup;
pub mod sites;
pub mod skills;
pub mod softphone;
pub mod state;
pub mod stream;
pub mod teams;
pub mod telephony;
pub mod tenants;
pub mod test_calls;
pub mod tls;
mod voicemails;

//! Trunkline's gateway: the binary that wires configuration, the HTTP and WebSocket edge, sign-in, call control and recordings.
//!
//! `http` holds what every route shares (errors, extractors, pagination, idempotency); each feature is a folder of its own with
//! `model`, `store` (SQL), `service` and `http` (routes). Nothing outside a `store` file speaks SQL, and nothing outside
//! [`http::Principal`] decides which tenant a request belongs to.

pub mod config;

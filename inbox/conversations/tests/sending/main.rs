//! What we say, and how it is found again: against a real PostgreSQL.

mod attempts;
mod lists;
#[path = "../receiving/support.rs"]
#[allow(dead_code, unreachable_pub, reason = "each of the two programs uses its part of it")]
mod support;

//! The audit log: who did what to which record, from where, before and after.
//!
//! [`append`] adds an entry in the transaction of the change, at any place of it: entries are numbered and chained while the transaction
//! commits (`0012_secrets_audit.sql` says how, and why nobody waits for long). The chain is one of hashes over salted digests, so values
//! can be erased while it still holds: [`chain`] is the pure half that checks it.

mod anchors;
pub mod chain;
mod export;
mod http;
mod late;
mod model;
mod once;
mod origin;
mod query;
mod store;
mod verify;

pub use anchors::keep as keep_anchors;
pub(crate) use chain::hex;
pub use http::router;
pub use late::Late;
pub use model::{Actor, Entry, changed};
pub use once::Once;
pub use origin::Origin;
pub use store::{append, append_system, erase_person};
pub use verify::{Finding, verify};

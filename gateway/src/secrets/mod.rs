//! Secrets at rest: sealed in envelopes under a master key, which can be changed while the gateway runs.
//!
//! A [`Vault`] seals for one place (tenant, table, column, row), and only there does an envelope open: whoever copies it into another
//! row gets nothing. What is in memory is a [`Secret`], which shows itself to nobody.
//!
//! **Sealed directly.** An envelope is made with a key derived from the master key, not with a key of its own that the master key
//! wraps. XChaCha20's nonces of 192 random bits let one key seal more than any installation will ever store, and wrapping pays only
//! where it saves encrypting the content anew at a rotation: ours are shorter than a wrapped key.

mod convert;
mod envelope;
mod keys;
mod reseal;
mod source;
mod store;
mod vault;

pub use convert::seal_what_is_plain;
pub use envelope::{OpenError, Place, Sealed};
pub use keys::{KeyId, Ring, RingError};
pub use reseal::{SEALED, SealedColumn, reseal_all, under_old_keys};
pub(crate) use reseal::{SecretMetrics, keep_current};
pub use source::{KeySource, SourceError};
pub use trunkline_db::Secret;
pub use vault::Vault;

//! Who is this: what people are known by, which contacts are one person, and why.
//!
//! - [`resolve`] finds or makes the contact of somebody who was met. It merges nobody by itself: where what was told belongs to several people it
//!   suggests that they are one, with the proof.
//! - [`moved`] takes a provider's word that two are one; [`merge`] and [`undo`] a person's. Contacts hang below each other, nothing of theirs is
//!   moved: any merge can be undone, in any order.
//! - [`Known`] is an identity in its one normal form, [`phone`] the forms that one number goes by.
//!
//! Every function gives events, which the caller appends in the same transaction.

mod events;
mod identity;
mod manage;
mod merge;
mod names;
pub mod phone;
mod resolve;
mod seen;
mod store;
mod suggest;

pub use events::ContactLine;
pub use identity::{IdentityType, Known};
pub use manage::{Added, add_identity, end_identity, rename, set_blocked, set_language, suggest_holder};
pub use merge::{By, MergeError, Merged, merge, moved, opt_out, undo};
pub use names::{are_alike, name};
pub use resolve::{Decision, Holder, decide, resolve};
pub use seen::{Evidence, Resolved, Seen};
pub use suggest::{shared_card, suggest};
pub use trunkline_channels::model::Identity;

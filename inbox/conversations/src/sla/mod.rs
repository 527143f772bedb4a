//! Service levels: how soon we answer and resolve, counted in business hours.
//!
//! [`review`] is pure: what a conversation is, and what it owed before, give what it owes now. It is called whenever a conversation changes;
//! that a due time goes by unmet is found by a look at the clock ([`breaches`]), every few seconds.

mod clock;
mod goals;
mod shell;
mod sla_store;

pub use clock::BusinessClock;
pub use goals::{Facts, Goal, GoalKind, Policy, PolicyApplies, choose, review};
pub use shell::{Breach, breaches, overdue, review_conversation};

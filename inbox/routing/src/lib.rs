//! Who gets the next waiting piece of work: a pure decision, with no clock, no socket and no database.
//!
//! The caller tells a [`Router`] what changed (an agent became available, a call joined a queue, an offer ran out)
//! and then asks for [`Router::next_offers`] until it answers with nothing. Time is milliseconds on any clock that
//! never runs backwards.
//!
//! The rules:
//! - the oldest waiting work is served first;
//! - it is offered to the agent who has been idle longest, among those who are available, reachable, free and a
//!   member of its queue;
//! - who let an offer pass is asked again only after everybody else was, and never sooner than
//!   [`RETRY_AFTER_MS`] after the round ended;
//! - no work is offered to two agents at once, and no agent gets two offers at once.

mod router;

pub use router::{AgentProfile, Offer, RETRY_AFTER_MS, Router};

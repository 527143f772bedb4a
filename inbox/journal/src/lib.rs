//! The journal: everything that happens to a tenant, as one append-only, gapless sequence of events.
//!
//! - [`Journal::command`] runs a closure on a [`TenantTx`](trunkline_db::TenantTx); the rows that it writes and the events that it
//!   returns commit together. [`Journal::append`] is the short way for events alone. Both go through writer lanes, which
//!   put what is waiting into one transaction.
//! - [`Journal::read`] reads the log by pages, [`Journal::call_story`] what it says of a call.
//! - [`Journal::hub`] shows it live: a [`Subscription`] is a position in the log, and gets each event exactly once, in order, over
//!   any number of disconnects. An event is encoded once ([`Frame`]) for all who read it.
//! - A [`Signal`] is sent live and never kept.
//!
//! Invariants: `seq` has no gap and follows the order of the commits; nothing is shown before it is committed; a slow
//! reader costs the others neither memory nor time.

mod command;
mod epoch;
mod event;
mod filter;
mod frame;
mod hub;
mod journal;
mod lane;
mod log;
mod peers;
mod store;

pub use command::{CommandError, Committed, Fault, Outcome, SeqRange, Unavailable};
pub use event::{
    InvalidEvent, Kind, MAX_DATA_BYTES, MAX_EVENTS, MAX_SCOPES, NewEvent, ParseScopeError, Ref, Scope, Seq,
};
pub use filter::{Filter, KindFilter, ParseKindFilterError, Viewer};
pub use frame::{Frame, Signal, Text};
pub use hub::{Batch, Hub, HubStats, Item, Items, ReadError, Reset, Seat, Standing, Start, Subscription};
pub use journal::{Journal, JournalConfig, JournalStats};
pub use log::{About, Page};

//! Who gets the next waiting piece of work, call or chat: a pure decision, with no clock, no socket and no database.
//!
//! A [`Router`] holds the queues, the agents and the waiting work of one tenant. It is told what happened
//! ([`Router::handle`] with an [`Input`]) and answers with everything that has to be done about it ([`Output`]);
//! [`Router::next_deadline`] says when it wants an [`Input::Tick`] although nothing happened. Time is milliseconds on
//! any clock; one that runs backwards is taken to stand still. The same inputs at the same times give the same outputs,
//! so a day can be replayed from its inputs.
//!
//! # The one invariant
//! After `handle` returns, **no free agent could be offered any work that waits unoffered**, and everything the router
//! did about it is in the outputs. What follows rests on it: an event can only match what it just set free.
//!
//! # Who is served first
//! Work stands in one order: priority (the queue's, the work's own and what its relaxation steps raised, added up), then
//! since when it waits, then arrival. Work taken over by another queue, or taken up after a restart, keeps its place.
//! *The oldest waiting work of the highest priority is served first* means: whenever agents are free, the first work in
//! that order **which any of them may take now** is offered, over all queues and both media, then the next. So earlier
//! work is passed over only by what no free agent may take: their queues, their room for its medium, its required skills
//! as relaxed by then, the agent it still waits for, and whom it excludes. It is never passed over for the strategy's sake.
//!
//! # Who is asked
//! Of the agents who may take it: the one who served this contact last, unless they let this work pass; else who let it
//! pass least often; among equals the queue's [`Strategy`] decides, and at last the id. Ring all asks all of them, and
//! whoever becomes free while it rings and has not let it pass in this round joins in (after work that is offered to
//! nobody). Who lets an offer pass rests for [`Settings::rest_ms`], or a phone that refuses at once would be rung in a tight loop.
//!
//! # How a wait ends
//! Always: [`Queue::max_wait_ms`] and [`Queue::last_resort`] are not optional. Before that a queue may hand its work to
//! another queue or out of the router: when it is closed, too long, waited too long, attended by nobody, or everybody is
//! silent ([`Unattended`]: first an announcement, then the way out). Work never goes back to a queue that handed it on;
//! what would, leaves by the last resort. A limit that falls due while phones ring waits for the end of that ring.
//!
//! # After a restart
//! [`Router::snapshot`] gives inputs that rebuild it; a shell that has its own records feeds those by
//! [`Router::handle_all`], which decides only once everything is in. Offers are not part of it: phones that an earlier
//! life rang are to be silenced, and the work is offered anew.
//!
//! # Cost
//! Waiting work that the same agents may take stands in one *line*. An event costs the number of lines an agent serves
//! times a logarithm, whatever the number of waiting pieces of work and of agents; `examples/scale.rs` measures it.
//!

mod config;
mod io;
mod model;
mod router;

pub use config::{Closed, Destination, Overflow, Queue, RelaxStep, Settings, Strategy, TooLong, Unattended};
pub use io::{AnnounceWhy, By, CancelWhy, Input, LeaveWhy, Output, PassWhy};
pub use model::{
    AgentHistory, AgentProfile, AgentState, Capacity, Domain, Levels, Medium, Pause, Presence, Stay, WorkItem,
};
pub use router::{AgentView, HoldView, QueueView, Router, WorkView};

//! Figures of a call centre, from the journal: what was offered, answered, abandoned, how long people waited and talked, and what
//! agents did with their time. What each figure means, with its formula, stands in `docs/metrics.md`.
//!
//! A [`Ledger`] takes events in the order of their `seq` and adds to [`Cells`]: sums per quarter hour (UTC), queue and agent. It
//! keeps what it has to remember of each running call and each agent, which can be stored between two events. There is no clock here, no
//! socket and no database.
//!
//! Three rules say where something is counted:
//! - what becomes of a call in a queue: in the quarter hour in which it came into that queue;
//! - what an agent does with a call: in the quarter hour in which they answered it;
//! - what an agent's state lasts: in the quarter hours that it lasts.
//!
//! So a cell's outcomes belong to its own calls, and in every cell each offered call is answered, abandoned, overflowed, unserved or still
//! waits: one of them, once.
//!
//! Invariants: the same events give the same cells, in however many pieces they come; nothing panics and nothing is negative, whatever
//! the clock or an event's details say.

mod agent;
mod calendar;
mod call;
mod event;
mod figures;
mod ledger;
mod quarter;

pub use agent::{Activity, AgentMemory};
pub use calendar::{Bucket, Interval, buckets, day_end, day_start};
pub use call::CallMemory;
pub use event::Event;
pub use figures::{Cells, Derived, FIGURES, Figures, Key, Meaning};
pub use ledger::{Changes, Ledger, agents_of, subjects};
pub use quarter::{QUARTER_MS, Quarter};

//! The journal against a real PostgreSQL.

mod appending;
mod commands;
mod commit;
mod faults;
mod live;
mod nodes;
mod reading;
mod resuming;
mod support;

//! Setting up a tenant of one's own, and removing the demo.
//!
//! `plan` turns what was asked for into what will be made, with every name, number, zone and hour checked (pure); `service` makes it
//! in one transaction; `removal` takes a whole tenant away, in small steps that may be repeated.

mod hours;
mod http;
pub(crate) mod make;
mod model;
mod plan;
mod removal;
mod service;
mod store;

pub use self::http::router;
pub(crate) use removal::{delete_files, remove, resume};
pub(crate) use service::removal_entry;

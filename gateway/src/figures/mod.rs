//! Figures: what `trunkline-figures` counts, kept in PostgreSQL and shown as reports.
//!
//! One loop takes the journals' events, adds to the stored cells, and moves the tenant's cursor in the same transaction: each event is
//! counted once, whatever is killed and when. A report is read in one snapshot with that cursor, which is its `as_of_seq`.

mod consumer;
mod http;
mod memory_store;
mod metrics;
mod model;
mod rebuild;
mod report;
mod report_store;
mod sheet;
mod store;

pub use consumer::{Step, Timing, step, watch};
pub use http::router;
pub use metrics::FigureMetrics;
pub use model::{By, Report, ReportRow, Who};
pub use rebuild::{Rebuilt, rebuild, tenant_of};

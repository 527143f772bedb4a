//! Between the receiving threads and the disk.
//!
//! A receiving thread hands frames to a [`Lane`], one per recording: a bounded buffer behind a mutex that is never held
//! across anything that can block. [`Writers`] are a few threads that take lanes with something to write from one
//! common queue, so a lane whose file is frozen holds up one thread, not the lanes that happen to share it; and when
//! all are held up, more are started, up to a limit.

mod lane;
mod pool;

pub(crate) use lane::{Ending, Gauges, Lane, OpenFile, Opened, Summary, Taken};
pub(crate) use pool::Writers;

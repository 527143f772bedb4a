//! What Trunkline is measured against.

pub(crate) mod app_queue;
pub(crate) mod nchan;
pub(crate) mod pgbench;
pub(crate) mod send_loop;

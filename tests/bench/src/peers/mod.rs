//! What Trunkline is measured against.

pub(crate) mod nchan;
pub(crate) mod pgbench;
pub(crate) mod send_loop;

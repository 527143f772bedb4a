//! The crate as its users see it: real sockets, real files, and disks that misbehave on command.

mod crash;
mod disk;
mod loopback;
mod support;

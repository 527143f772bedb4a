//! The core against a simulated Asterisk: rules as sentences, and random histories of calls, cuts and crashes.

mod floor;
mod histories;
mod outbound;
mod rules;
mod talk;
mod transfer;
mod world;

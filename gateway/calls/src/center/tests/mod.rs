//! The core against a simulated Asterisk: rules as sentences, and random histories of calls, cuts and crashes.

mod call_back;
mod chats;
mod controls;
mod floor;
mod histories;
mod inbound;
mod internal;
mod ivr;
mod lines;
mod outbound;
mod outside;
mod refer;
mod rules;
mod servers;
mod supervise;
mod talk;
mod transfer;
mod waiting;
mod world;

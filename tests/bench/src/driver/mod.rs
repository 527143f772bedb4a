//! The load driver: many WebSocket connections and a few publishing ones, all on one thread, the same for every server.
//!
//! It reads no more of a message than its number, and checks that every connection gets every message of its channel, in order.

mod connections;
mod fanout;
mod message;
mod publisher;

use std::net::SocketAddr;

pub(crate) use self::connections::Connections;
pub(crate) use self::fanout::{Load, Measured, Pace, measure};
pub(crate) use self::message::MessageContent;

/// A running server as the driver sees it.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// The server's process; with its descendants it is what is measured.
    pub(crate) pid: u32,
    /// A process beside it that works for it (PostgreSQL), measured apart.
    pub(crate) beside: Option<u32>,
    /// Where WebSockets are opened.
    pub(crate) stream: SocketAddr,
    /// The opening request of each channel's listeners.
    pub(crate) upgrades: Vec<Vec<u8>>,
    /// What a listener must do after the handshake.
    pub(crate) entry: Entry,
    /// How messages are published.
    pub(crate) publish: Publish,
}

/// How a listener gets to its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// By the address that it opens.
    Address,
    /// By `subscribe`, answered with `caught_up`.
    Subscribe,
}

/// How messages get to the server.
#[derive(Debug, Clone)]
pub(crate) enum Publish {
    /// Through one connection, each with its channel and length in front (see [`crate::pipe`]).
    Pipe { address: SocketAddr, content: MessageContent },
    /// By pipelined `POST`s; the channel's number is put behind the path.
    Http { address: SocketAddr, path: String },
}

//! Receiving RTP (RFC 3550), without a socket or a clock.
//!
//! [`Packet::parse`] reads one datagram. A [`Receiver`] takes the datagrams of one source in the order in which they
//! came and gives [`Block`]s in the order in which they were sent: it waits a moment for what comes out of order, drops
//! what comes twice, counts what never comes, and begins anew when the stream does (another SSRC, a jump of the
//! sequence numbers). Time is handed in as the [`Duration`](std::time::Duration) since a zero of the caller's choice.

mod jitter;
mod packet;
mod receiver;
mod report;

pub use packet::{Codec, Packet, ParseError};
pub use receiver::{Block, Receiver};
pub use report::StreamReport;

/// Samples, and RTP timestamp units, per second of both G.711 payload types (RFC 3551, 4.5.14).
pub const CLOCK_RATE: u32 = 8_000;

//! Packets of sources that nobody listens to, yet.
//!
//! A tap's first packets may come before the recording is started, since whoever starts it has to ask for the tap's
//! address first. They are kept for a moment.

use std::collections::HashMap;
use std::net::SocketAddr;

/// How long they are kept, in µs.
const KEPT: i64 = 1_000_000;
/// How many sources are remembered, and packets of each (1.28 s of 20 ms packets).
const SOURCES: usize = 256;
const PACKETS: usize = 64;
/// Longer datagrams are no audio.
const LONGEST: usize = 1_500;
/// A recording's source is not listened to any more for so long after its last packet, in µs. What it still sends must
/// not get into the recording of another call that is given the same port next.
const MUTED: i64 = 2_000_000;

/// A packet that was kept: when it came, in µs on the receiving thread's clock, and its octets.
pub(super) type KeptPacket = (i64, Box<[u8]>);

/// The packets kept, by source.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    kept: HashMap<SocketAddr, Vec<KeptPacket>>,
    muted: HashMap<SocketAddr, i64>,
}

impl Backlog {
    /// Keeps a packet, if there is room.
    pub(super) fn keep(&mut self, now: i64, source: SocketAddr, datagram: &[u8]) {
        if let Some(until) = self.muted.get_mut(&source).filter(|until| **until > now) {
            *until = now + MUTED;
            return;
        }
        if datagram.len() > LONGEST || (self.kept.len() >= SOURCES && !self.kept.contains_key(&source)) {
            return;
        }
        let packets = self.kept.entry(source).or_default();
        if packets.len() >= PACKETS {
            packets.remove(0);
        }
        packets.push((now, datagram.into()));
    }

    /// What came from a source within the last second: somebody listens now.
    pub(super) fn claim(&mut self, now: i64, source: SocketAddr) -> Vec<KeptPacket> {
        self.muted.remove(&source);
        let mut packets = self.kept.remove(&source).unwrap_or_default();
        packets.retain(|(at, _)| now - at <= KEPT);
        packets
    }

    /// Nobody listens any more.
    pub(super) fn mute(&mut self, now: i64, source: SocketAddr) {
        self.muted.insert(source, now + MUTED);
    }

    /// Forgets what is too old.
    pub(super) fn expire(&mut self, now: i64) {
        self.kept.retain(|_, packets| packets.last().is_some_and(|(at, _)| now - at <= KEPT));
        self.muted.retain(|_, until| *until > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn the_last_second_is_kept() {
        let mut backlog = Backlog::default();
        for n in 0..100 {
            backlog.keep(n * 20_000, source(1), &[n as u8]);
        }
        let claimed = backlog.claim(2_000_000, source(1));
        assert_eq!(claimed.first().map(|(at, octets)| (*at, octets[0])), Some((1_000_000, 50)));
        assert_eq!(claimed.len(), 50);
        assert!(backlog.claim(2_000_000, source(1)).is_empty());
    }

    #[test]
    fn it_is_bounded_in_every_direction() {
        let mut backlog = Backlog::default();
        for port in 1..1_000 {
            for n in 0..100 {
                backlog.keep(n, source(port), &[0; 20]);
            }
            backlog.keep(0, source(port), &[0; 4_000]);
        }
        assert_eq!(backlog.kept.len(), SOURCES);
        assert!(backlog.kept.values().all(|packets| packets.len() == PACKETS));
        backlog.expire(KEPT + 1_000);
        assert!(backlog.kept.is_empty());
    }

    #[test]
    fn what_a_finished_recordings_source_still_sends_is_not_kept_for_the_next() {
        let mut backlog = Backlog::default();
        backlog.mute(0, source(1));
        for n in 0..200 {
            backlog.keep(n * 20_000, source(1), &[1]);
        }
        // Still sending after 4 s, and still muted.
        backlog.expire(4_000_000);
        assert!(backlog.claim(4_000_000, source(1)).is_empty());
        // Claimed by a new recording it may be kept again.
        backlog.keep(4_010_000, source(1), &[2]);
        assert_eq!(backlog.claim(4_020_000, source(1)).len(), 1);
    }
}

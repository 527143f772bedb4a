//! The reorder window of one source.

use std::time::Duration;

use super::jitter::Jitter;
use super::{Codec, Packet, ParseError, StreamReport};

/// Packets that may wait for one that is missing: 1.28 s of 20 ms packets.
const WINDOW: u64 = 64;
/// How long the first packet of a stream waits for ones that it overtook.
const FIRST_WAIT: Duration = Duration::from_millis(60);
/// How far behind the expected number a packet is still a late or repeated one of this run; how many numbers may be
/// missing at once (MAX_MISORDER and MAX_DROPOUT of RFC 3550, A.1).
const MAX_MISORDER: i64 = 100;
const MAX_DROPOUT: i64 = 3_000;
/// So many packets end the wait for the ones that the first may have overtaken.
const FIRST_FEW: usize = 16;
/// Two packets of an unexpected SSRC or number at most so far apart make a new run.
const CONFIRMING_DISTANCE: u16 = 16;
/// Unwrapped numbers begin here, so that there is room below the first packet for those that it overtook.
const FIRST_NUMBER: u64 = 1 << 32;

/// A packet's payload in its turn, borrowed for the length of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    /// Counts the runs of a source: it grows by one with each new SSRC and each jump of the sequence numbers.
    /// Timestamps of different epochs have nothing to do with each other.
    pub epoch: u32,
    /// Names the stream.
    pub ssrc: u32,
    /// Of the first sample, in samples, unwrapped: within an epoch it does not jump at 2³².
    pub timestamp: i64,
    /// When the packet came.
    pub arrival: Duration,
    /// How the payload is coded; `None` for a payload type that is not recorded.
    pub codec: Option<Codec>,
    /// The packet's payload.
    pub payload: &'a [u8],
}

/// Puts the packets of one source in order.
///
/// Blocks are handed to a closure while a method runs; a packet that comes in its turn is passed through without being
/// copied. Call [`poll`](Self::poll) now and then (every 100 ms, say), so that what waits for a lost packet does not
/// wait for ever.
#[derive(Debug)]
pub struct Receiver {
    /// How long to wait for a missing packet.
    patience: Duration,
    run: Option<Run>,
    /// A packet that does not fit the run; the next one that fits *it* begins a new run.
    candidate: Option<Waiting>,
    epoch: u32,
    jitter: Jitter,
    report: StreamReport,
}

/// A stretch of consecutive numbers of one SSRC.
#[derive(Debug)]
struct Run {
    ssrc: u32,
    /// Unwrapped number of the packet to hand on next.
    next: u64,
    /// Unwrapped number after the highest received.
    beyond: u64,
    /// Bit n: number `next - 1 - n` was received.
    received: u128,
    /// Until then nothing is handed on: the first packet may have overtaken others.
    gathering_until: Option<Duration>,
    /// Ring, indexed by number modulo [`WINDOW`]. Buffers are kept, so that nothing is allocated once it is warm.
    slots: Vec<Slot>,
    waiting: usize,
    /// Timestamp last handed on, unwrapped.
    last_timestamp: Option<i64>,
}

#[derive(Debug, Default)]
struct Slot {
    taken: bool,
    content: Waiting,
}

/// A copied packet.
#[derive(Debug, Default)]
struct Waiting {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    arrival: Duration,
    payload_type: u8,
    marker: bool,
    payload: Vec<u8>,
}

impl Waiting {
    fn set(&mut self, arrival: Duration, packet: &Packet<'_>) {
        self.ssrc = packet.ssrc;
        self.sequence = packet.sequence;
        self.timestamp = packet.timestamp;
        self.arrival = arrival;
        self.payload_type = packet.payload_type;
        self.marker = packet.marker;
        self.payload.clear();
        self.payload.extend_from_slice(packet.payload);
    }

    fn as_packet(&self) -> Packet<'_> {
        Packet {
            payload_type: self.payload_type,
            marker: self.marker,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
            payload: &self.payload,
        }
    }
}

/// What a number says about a packet.
enum Place {
    /// In the window, or beyond it by no more than a drop-out.
    Ahead(u64),
    /// Its place has been passed; how many places ago.
    Behind(u32),
    /// Not of this run.
    Elsewhere,
}

impl Receiver {
    /// A receiver that waits up to `patience` for a missing packet.
    pub fn new(patience: Duration) -> Self {
        Self {
            patience,
            run: None,
            candidate: None,
            epoch: 0,
            jitter: Jitter::default(),
            report: StreamReport::default(),
        }
    }

    /// Counters until now.
    pub fn report(&self) -> StreamReport {
        StreamReport { jitter_us: self.jitter.micros(), ..self.report }
    }

    /// Takes a datagram in; `out` gets the blocks whose turn has come.
    pub fn receive(&mut self, arrival: Duration, datagram: &[u8], mut out: impl FnMut(Block<'_>)) {
        let packet = match Packet::parse(datagram) {
            Ok(packet) => packet,
            // RTCP is sound, and says nothing that a recording needs.
            Err(ParseError::Rtcp(_)) => return,
            Err(_) => {
                self.report.malformed += 1;
                return;
            }
        };
        self.report.packets += 1;
        if packet.codec().is_none() {
            self.report.other_payload += 1;
        }
        let Some(run) = &mut self.run else {
            let number = self.begin_run(&packet, arrival);
            return self.insert(arrival, &packet, number, &mut out);
        };
        match run.place(&packet) {
            Place::Ahead(number) => {
                self.drop_candidate();
                self.insert(arrival, &packet, number, &mut out);
            }
            Place::Behind(places) => {
                // MAX_MISORDER is less than the 128 places that are remembered.
                let bit = 1_u128 << (places - 1).min(127);
                if run.received & bit == 0 {
                    run.received |= bit;
                    self.report.late += 1;
                } else {
                    self.report.duplicate += 1;
                }
            }
            Place::Elsewhere => self.consider_new_run(arrival, &packet, &mut out),
        }
    }

    /// Gives up what has been waited for too long.
    pub fn poll(&mut self, now: Duration, mut out: impl FnMut(Block<'_>)) {
        let Some(run) = &mut self.run else { return };
        if run.waiting == 0 {
            return;
        }
        if let Some(until) = run.gathering_until {
            if now < until {
                return;
            }
            run.gathering_until = None;
        }
        run.hand_on(self.epoch, &mut out);
        while let Some(number) = run.first_waiting() {
            let arrival = run.slot(number).content.arrival;
            if now.saturating_sub(arrival) < self.patience {
                break;
            }
            self.report.lost += run.skip_to(number);
            run.hand_on(self.epoch, &mut out);
        }
    }

    /// Hands on all that waits: the end of the stream.
    pub fn flush(&mut self, mut out: impl FnMut(Block<'_>)) {
        self.drop_candidate();
        if let Some(run) = &mut self.run {
            run.gathering_until = None;
            run.hand_on(self.epoch, &mut out);
            while let Some(number) = run.first_waiting() {
                self.report.lost += run.skip_to(number);
                run.hand_on(self.epoch, &mut out);
            }
        }
    }

    /// What comes next is another stream, whatever its SSRC and numbers say: its sender was replaced.
    pub fn restart(&mut self, out: impl FnMut(Block<'_>)) {
        self.flush(out);
        if self.run.take().is_some() {
            self.epoch += 1;
            self.report.restarts += 1;
        }
    }

    fn begin_run(&mut self, first: &Packet<'_>, arrival: Duration) -> u64 {
        let slots = match self.run.take() {
            Some(run) => run.slots,
            None => std::iter::repeat_with(Slot::default).take(WINDOW as usize).collect(),
        };
        let number = FIRST_NUMBER + u64::from(first.sequence);
        self.run = Some(Run {
            ssrc: first.ssrc,
            next: number,
            beyond: number,
            received: 0,
            gathering_until: Some(arrival + FIRST_WAIT),
            slots,
            waiting: 0,
            last_timestamp: None,
        });
        self.jitter.restart();
        number
    }

    fn insert(&mut self, arrival: Duration, packet: &Packet<'_>, number: u64, out: &mut impl FnMut(Block<'_>)) {
        let Some(run) = &mut self.run else { return };
        if packet.codec().is_some() {
            self.jitter.observe(arrival, packet.timestamp);
        }
        if run.gathering_until.is_some_and(|until| arrival >= until || run.waiting >= FIRST_FEW) {
            run.gathering_until = None;
            run.hand_on(self.epoch, out);
        }
        // A long gap: what lies before the window is given up, to make room for this packet.
        let lowest = (number + 1).saturating_sub(WINDOW);
        while run.next < lowest {
            let target = run.first_waiting().map_or(lowest, |waiting| waiting.min(lowest));
            self.report.lost += run.skip_to(target);
            run.hand_on(self.epoch, out);
        }
        // Asked only if anything waits: a slot is memory that packets in order need not touch.
        if run.waiting > 0 && run.slot(number).taken {
            self.report.duplicate += 1;
            return;
        }
        if number < run.beyond {
            self.report.reordered += 1;
        }
        run.beyond = run.beyond.max(number + 1);
        if run.gathering_until.is_none() && number == run.next {
            run.advance(self.epoch, Fresh { arrival, packet }, out);
            run.hand_on(self.epoch, out);
        } else {
            let slot = run.slot(number);
            slot.taken = true;
            slot.content.set(arrival, packet);
            run.waiting += 1;
        }
    }

    fn consider_new_run(&mut self, arrival: Duration, packet: &Packet<'_>, out: &mut impl FnMut(Block<'_>)) {
        let confirmed = self.candidate.take_if(|candidate| {
            let distance = packet.sequence.wrapping_sub(candidate.sequence);
            candidate.ssrc == packet.ssrc && distance.min(distance.wrapping_neg()) <= CONFIRMING_DISTANCE
        });
        let Some(first) = confirmed else {
            self.drop_candidate();
            let mut candidate = Waiting::default();
            candidate.set(arrival, packet);
            self.candidate = Some(candidate);
            return;
        };
        if first.sequence == packet.sequence {
            self.report.duplicate += 1;
            self.candidate = Some(first);
            return;
        }
        self.flush(&mut *out);
        self.epoch += 1;
        self.report.restarts += 1;
        let first_packet = first.as_packet();
        let number = self.begin_run(&first_packet, first.arrival);
        self.insert(first.arrival, &first_packet, number, out);
        if let Some(Place::Ahead(number)) = self.run.as_mut().map(|run| run.place(packet)) {
            self.insert(arrival, packet, number, out);
        }
    }

    fn drop_candidate(&mut self) {
        if self.candidate.take().is_some() {
            self.report.stray += 1;
        }
    }
}

impl Run {
    fn place(&mut self, packet: &Packet<'_>) -> Place {
        if packet.ssrc != self.ssrc {
            return Place::Elsewhere;
        }
        let distance = i64::from(packet.sequence.wrapping_sub(self.next as u16) as i16);
        match distance {
            0..=MAX_DROPOUT => Place::Ahead(self.next + distance as u64),
            _ if !(-MAX_MISORDER..0).contains(&distance) => Place::Elsewhere,
            _ => {
                let places = distance.unsigned_abs();
                let number = self.next - places;
                if self.gathering_until.is_some() && self.beyond - number <= WINDOW {
                    self.next = number;
                    Place::Ahead(number)
                } else {
                    Place::Behind(places as u32)
                }
            }
        }
    }

    fn slot(&mut self, number: u64) -> &mut Slot {
        &mut self.slots[(number % WINDOW) as usize]
    }

    fn first_waiting(&self) -> Option<u64> {
        if self.waiting == 0 {
            return None;
        }
        (self.next..self.next + WINDOW).find(|number| self.slots[(number % WINDOW) as usize].taken)
    }

    /// Passes over the numbers before `number`, none of which waits; says how many.
    fn skip_to(&mut self, number: u64) -> u64 {
        let missing = number - self.next;
        self.received = u32::try_from(missing).ok().and_then(|places| self.received.checked_shl(places)).unwrap_or(0);
        self.next = number;
        missing
    }

    /// Hands on what waits in an unbroken row.
    fn hand_on(&mut self, epoch: u32, out: &mut impl FnMut(Block<'_>)) {
        while self.waiting > 0 && self.slot(self.next).taken {
            let slot = self.slot(self.next);
            slot.taken = false;
            // Out of the ring for the call, and back with its buffer.
            let content = std::mem::take(&mut slot.content);
            let number = self.next;
            self.waiting -= 1;
            self.advance(epoch, Fresh { arrival: content.arrival, packet: &content.as_packet() }, out);
            self.slot(number).content = content;
        }
    }

    fn advance(&mut self, epoch: u32, fresh: Fresh<'_>, out: &mut impl FnMut(Block<'_>)) {
        let Fresh { arrival, packet } = fresh;
        let timestamp = match self.last_timestamp {
            Some(last) => last + i64::from(packet.timestamp.wrapping_sub(last as u32) as i32),
            None => i64::from(packet.timestamp),
        };
        self.last_timestamp = Some(timestamp);
        self.received = self.received << 1 | 1;
        self.next += 1;
        out(Block { epoch, ssrc: packet.ssrc, timestamp, arrival, codec: packet.codec(), payload: packet.payload });
    }
}

/// A packet whose turn has come.
#[derive(Clone, Copy)]
struct Fresh<'a> {
    arrival: Duration,
    packet: &'a Packet<'a>,
}

#[cfg(test)]
mod tests;

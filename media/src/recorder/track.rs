//! One side of a recording: packets in, a row of samples out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::offset::{Offset, Verdict};
use super::{CONCEALED, HOLD, PATIENCE, SAMPLE_RATE, conceal, position};
use crate::g711::Law;
use crate::rtp::{Block, Receiver, StreamReport};

/// A hole of so few samples comes from following a drifting clock; the last sample is repeated.
const SLIPPED: u64 = 8;
/// A packet is never placed further ahead of what has left (20 s): a caller that did not advance for so long would
/// otherwise make the row of samples grow without bound.
const FURTHEST_AHEAD: u64 = 160_000;
/// Silence of one side is listed from this length on.
const LISTED_SILENCE: u64 = SAMPLE_RATE as u64;
/// What has left is cut off when there is so much of it (a fifth of a second beyond what is kept). Little, so that
/// thousands of rows fit into the processor's cache.
const COMPACT_AT: usize = conceal::KEPT + 1_600;

/// A point that ties a stream to the timeline: the packet with this timestamp began at this position. Kept in the
/// sidecar, it lets a later process place the same stream exactly where this one would have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The stream; another SSRC has nothing to do with it.
    pub ssrc: u32,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Frame of the recording, from 0.
    pub position: u64,
}

impl Anchor {
    /// The offset of the stream whose unwrapped `timestamp` is near this one's (within 74 hours).
    fn offset(self, timestamp: i64) -> i64 {
        let distance = i64::from(self.timestamp.wrapping_sub(timestamp as u32) as i32);
        self.position as i64 - (timestamp + distance)
    }
}

/// One side.
#[derive(Debug)]
pub(super) struct Track {
    receiver: Receiver,
    row: Row,
}

/// Places blocks on the timeline.
#[derive(Debug)]
struct Row {
    /// Samples; those before `head` have left and are kept for concealment.
    samples: Vec<i16>,
    head: usize,
    /// Position of `samples[head]`.
    left: u64,
    /// How many of the last samples are concealed or silent because nothing came.
    made_up: usize,
    /// Position after the last sample that was received.
    heard_until: u64,
    /// Stretches of [`LISTED_SILENCE`] and longer, not yet collected.
    silences: Vec<(u64, u64)>,

    epoch: Option<u32>,
    offset: Option<Offset>,
    /// Packets held until it is clear where they belong.
    held: Vec<Held>,
    /// The least `arrival - timestamp` of those, in samples.
    estimate: i64,
    /// From an earlier process.
    expected: Option<Anchor>,
    latest: Option<Anchor>,
    moved: bool,
}

#[derive(Debug)]
struct Held {
    ssrc: u32,
    timestamp: i64,
    arrival: Duration,
    law: Law,
    payload: Vec<u8>,
}

impl Track {
    /// A side whose row begins at `from`; `expected` says where its stream lay in an earlier process.
    pub(super) fn new(from: u64, heard_until: u64, expected: Option<Anchor>) -> Self {
        Self {
            receiver: Receiver::new(PATIENCE),
            row: Row {
                samples: Vec::new(),
                head: 0,
                left: from,
                made_up: CONCEALED,
                heard_until,
                silences: Vec::new(),
                epoch: None,
                offset: None,
                held: Vec::new(),
                estimate: i64::MAX,
                expected,
                latest: expected,
                moved: false,
            },
        }
    }

    pub(super) fn receive(&mut self, arrival: Duration, datagram: &[u8]) {
        let row = &mut self.row;
        self.receiver.receive(arrival, datagram, |block| row.accept(&block));
    }

    pub(super) fn poll(&mut self, now: Duration) {
        let row = &mut self.row;
        self.receiver.poll(now, |block| row.accept(&block));
        if row.held.first().is_some_and(|first| now.saturating_sub(first.arrival) >= HOLD) {
            row.settle();
        }
    }

    pub(super) fn restart(&mut self) {
        let row = &mut self.row;
        self.receiver.restart(|block| row.accept(&block));
    }

    pub(super) fn flush(&mut self) {
        let row = &mut self.row;
        self.receiver.flush(|block| row.accept(&block));
        row.settle();
    }

    pub(super) fn report(&self) -> StreamReport {
        self.receiver.report()
    }

    /// Position after the last sample that there is.
    pub(super) fn filled(&self) -> u64 {
        self.row.filled()
    }

    /// Position after the last sample that was received.
    pub(super) fn heard_until(&self) -> u64 {
        self.row.heard_until
    }

    /// Where the stream lies, for the sidecar.
    pub(super) fn anchor(&self) -> Option<Anchor> {
        self.row.latest
    }

    /// Whether the stream has been tied anew since this was asked last.
    pub(super) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.row.moved)
    }

    pub(super) fn drain_silences(&mut self) -> std::vec::Drain<'_, (u64, u64)> {
        self.row.silences.drain(..)
    }

    /// Makes up what is missing before `end`.
    pub(super) fn pad_to(&mut self, end: u64) {
        let missing = end.saturating_sub(self.row.filled());
        if missing > 0 {
            self.row.make_up(missing as usize);
        }
    }

    /// The next `count` samples, which must be there.
    pub(super) fn next(&self, count: usize) -> &[i16] {
        &self.row.samples[self.row.head..self.row.head + count]
    }

    /// The next `count` samples leave.
    pub(super) fn leave(&mut self, count: usize) {
        let row = &mut self.row;
        row.head += count;
        row.left += count as u64;
        if row.head >= COMPACT_AT {
            row.samples.drain(..row.head - conceal::KEPT);
            row.head = conceal::KEPT;
        }
    }

    /// Goes on at `to`, past all samples that there are.
    pub(super) fn skip_to(&mut self, to: u64) {
        let row = &mut self.row;
        row.samples.clear();
        row.head = 0;
        row.left = to;
        row.made_up = CONCEALED;
    }
}

impl Row {
    fn filled(&self) -> u64 {
        self.left + (self.samples.len() - self.head) as u64
    }

    fn accept(&mut self, block: &Block<'_>) {
        let Some(codec) = block.codec else { return };
        if self.epoch != Some(block.epoch) {
            self.settle();
            self.epoch = Some(block.epoch);
            self.offset = None;
        }
        let arrival = position(block.arrival);
        if self.held.is_empty()
            && let Some(offset) = &mut self.offset
            && let Verdict::Place(position) = offset.judge(block.timestamp, arrival)
        {
            self.put(position, block.ssrc, block.timestamp, codec.law(), block.payload);
            return;
        }
        self.held.push(Held {
            ssrc: block.ssrc,
            timestamp: block.timestamp,
            arrival: block.arrival,
            law: codec.law(),
            payload: block.payload.to_vec(),
        });
        self.estimate = self.estimate.min(arrival - block.timestamp);
        let first = self.held.first().map_or(block.arrival, |held| held.arrival);
        let confirmed = self.offset.is_some_and(|offset| offset.agrees_with(self.estimate));
        if confirmed || block.arrival.saturating_sub(first) >= HOLD {
            self.settle();
        }
    }

    /// Decides where the held packets belong, and puts them there.
    fn settle(&mut self) {
        let held = std::mem::take(&mut self.held);
        let (Some(first), Some(last)) = (held.first(), held.last()) else {
            return;
        };
        let estimate = std::mem::replace(&mut self.estimate, i64::MAX);
        let offset = match self.offset {
            Some(offset) if offset.agrees_with(estimate) => offset,
            _ => {
                self.moved = true;
                let now = position(last.arrival);
                self.expected
                    .take()
                    .filter(|anchor| anchor.ssrc == first.ssrc)
                    .map(|anchor| Offset::new(anchor.offset(first.timestamp), now))
                    .filter(|offset| offset.agrees_with(estimate))
                    .unwrap_or_else(|| Offset::new(estimate, now))
            }
        };
        self.offset = Some(offset);
        for packet in &held {
            let position = packet.timestamp + offset.value();
            self.put(position, packet.ssrc, packet.timestamp, packet.law, &packet.payload);
        }
    }

    fn put(&mut self, position: i64, ssrc: u32, timestamp: i64, law: Law, payload: &[u8]) {
        let filled = self.filled();
        let over = usize::try_from(filled as i64 - position).unwrap_or(0);
        let Some(fresh) = payload.get(over..).filter(|fresh| !fresh.is_empty()) else {
            return;
        };
        let begin = (position + over as i64).max(0) as u64;
        if begin - self.left > FURTHEST_AHEAD {
            return;
        }
        let missing = begin - filled;
        if missing > 0 && missing <= SLIPPED && self.made_up == 0 {
            let last = self.samples.last().copied().unwrap_or(0);
            self.samples.resize(self.samples.len() + missing as usize, last);
        } else if missing > 0 {
            self.make_up(missing as usize);
        }
        if begin - self.heard_until.min(begin) >= LISTED_SILENCE {
            self.silences.push((self.heard_until, begin));
        }
        let joint = self.samples.len();
        law.decode_into(fresh, &mut self.samples);
        if self.made_up > 0 {
            conceal::blend(&mut self.samples, joint, self.made_up);
            self.made_up = 0;
        }
        self.heard_until = self.filled();
        if let Ok(position) = u64::try_from(position) {
            self.latest = Some(Anchor { ssrc, timestamp: timestamp as u32, position });
        }
    }

    fn make_up(&mut self, missing: usize) {
        conceal::fill(&mut self.samples, self.made_up, missing);
        self.made_up = (self.made_up + missing).min(CONCEALED);
    }
}

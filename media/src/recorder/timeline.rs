//! Two sides on one timeline.

use std::time::Duration;

use super::track::{Anchor, Track};
use super::{LATENCY, millis, position};
use crate::file::{Gap, GapReason};
use crate::rtp::StreamReport;

/// Frames given in one go at most.
const SLICE: usize = 4_000;
/// Silence of both sides from this length on (1 s) is given as a number, not as samples.
const LONG_SILENCE: u64 = 8_000;
/// More gaps than this are not listed one by one: the last one grows.
const LISTED_GAPS: usize = 1_000;

/// Which party a stream comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The left channel.
    Agent,
    /// The right channel.
    Customer,
}

/// Takes what a [`Timeline`] gives.
pub trait StereoSink {
    /// The next frames: left, right.
    fn audio(&mut self, frames: &[[i16; 2]]);
    /// The next `frames` frames are silent.
    fn silence(&mut self, frames: u64);
}

/// Where the streams lie; see [`Anchor`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Anchors {
    /// The agent's.
    pub agent: Option<Anchor>,
    /// The customer's.
    pub customer: Option<Anchor>,
}

/// What an earlier process left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resume {
    /// Frames that are in the file.
    pub frames: u64,
    /// Where the streams lay then.
    pub anchors: Anchors,
    /// Gaps listed until then.
    pub gaps: Vec<Gap>,
    /// The frame since which it was paused, if it was.
    pub paused_since: Option<u64>,
}

/// The timeline of one recording. Times are counted from its first frame. See the [module](super).
#[derive(Debug)]
pub struct Timeline {
    agent: Track,
    customer: Track,
    /// Frames that have left.
    left: u64,
    frames: Vec<[i16; 2]>,
    pauses: Vec<Pause>,
    gaps: Vec<Gap>,
    changed: bool,
}

#[derive(Debug, Clone, Copy)]
struct Pause {
    from: u64,
    /// `u64::MAX` while it lasts.
    to: u64,
}

impl Timeline {
    /// A new recording that begins at time zero.
    pub fn new() -> Self {
        Self {
            agent: Track::new(0, 0, None),
            customer: Track::new(0, 0, None),
            left: 0,
            frames: Vec::with_capacity(SLICE),
            pauses: Vec::new(),
            gaps: Vec::new(),
            changed: true,
        }
    }

    /// Goes on at time `now` with a recording of which `resume.frames` frames are in the file: all that lies between
    /// becomes silence, listed as [`GapReason::Outage`].
    pub fn resume(resume: Resume, now: Duration) -> Self {
        let Resume { frames, anchors, gaps, paused_since } = resume;
        let now = (position(now) as u64).max(frames);
        let mut timeline = Self {
            agent: Track::new(frames, now, anchors.agent),
            customer: Track::new(frames, now, anchors.customer),
            left: frames,
            frames: Vec::with_capacity(SLICE),
            pauses: paused_since.map(|from| Pause { from, to: u64::MAX }).into_iter().collect(),
            gaps,
            changed: true,
        };
        if now > frames {
            timeline.note_gap(frames, now, GapReason::Outage);
        }
        timeline
    }

    /// Takes in a datagram that came at `arrival`.
    pub fn receive(&mut self, side: Side, arrival: Duration, datagram: &[u8]) {
        self.track(side).receive(arrival, datagram);
    }

    /// A side's stream is another one from now on: its sender was replaced.
    pub fn restart(&mut self, side: Side) {
        self.track(side).restart();
    }

    /// Gives all frames up to [`LATENCY`] before `now`. Datagrams that came before `now` must have been taken in.
    pub fn advance(&mut self, now: Duration, sink: &mut impl StereoSink) {
        self.agent.poll(now);
        self.customer.poll(now);
        self.emit_to(position(now.saturating_sub(LATENCY)) as u64, sink);
        self.collect();
    }

    /// Gives the rest: the recording ends at `now`.
    pub fn finish(&mut self, now: Duration, sink: &mut impl StereoSink) {
        self.flush(now, sink);
        let end = self.left;
        for (heard_until, reason) in [
            (self.agent.heard_until(), GapReason::NoAgentAudio),
            (self.customer.heard_until(), GapReason::NoCustomerAudio),
        ] {
            if end.saturating_sub(heard_until) >= LONG_SILENCE {
                self.note_gap(heard_until, end, reason);
            }
        }
        self.end_pause(end);
        self.gaps.sort_by_key(|gap| (gap.from_ms, gap.to_ms));
    }

    /// Gives all that has come until `now`, to be continued by another process: gaps and pauses stay open.
    pub fn park(&mut self, now: Duration, sink: &mut impl StereoSink) {
        self.flush(now, sink);
    }

    /// From `now` on frames are silent.
    pub fn pause(&mut self, now: Duration) {
        if !self.is_paused() {
            // What has left cannot be taken back; a pause asked for now lies LATENCY ahead of it.
            self.pauses.push(Pause { from: (position(now) as u64).max(self.left), to: u64::MAX });
            self.changed = true;
        }
    }

    /// From `now` on frames hold what is spoken again.
    pub fn end_pause_at(&mut self, now: Duration) {
        self.end_pause(position(now) as u64);
    }

    /// Whether frames of now are made silent.
    pub fn is_paused(&self) -> bool {
        self.paused_since().is_some()
    }

    /// The frame since which frames are made silent, if they are.
    pub fn paused_since(&self) -> Option<u64> {
        self.pauses.last().filter(|pause| pause.to == u64::MAX).map(|pause| pause.from)
    }

    /// Frames that have left.
    pub fn frames(&self) -> u64 {
        self.left
    }

    /// Gaps known until now.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Where the streams lie now.
    pub fn anchors(&self) -> Anchors {
        Anchors { agent: self.agent.anchor(), customer: self.customer.anchor() }
    }

    /// How a side's stream arrived.
    pub fn report(&self, side: Side) -> StreamReport {
        match side {
            Side::Agent => self.agent.report(),
            Side::Customer => self.customer.report(),
        }
    }

    /// Whether gaps, pauses or a stream's place have changed since this was asked last: time for a new sidecar.
    pub fn take_changed(&mut self) -> bool {
        let moved = self.agent.take_moved() | self.customer.take_moved();
        std::mem::take(&mut self.changed) | moved
    }

    /// Lists a gap that somebody else knows of, in frames.
    pub fn note_gap(&mut self, from: u64, to: u64, reason: GapReason) {
        self.changed = true;
        let (from_ms, to_ms) = (millis(from), millis(to));
        let full = self.gaps.len() >= LISTED_GAPS;
        if let Some(last) = self.gaps.last_mut()
            && (full || (last.reason == reason && last.to_ms >= from_ms))
        {
            last.to_ms = last.to_ms.max(to_ms);
            return;
        }
        self.gaps.push(Gap { from_ms, to_ms, reason });
    }

    fn track(&mut self, side: Side) -> &mut Track {
        match side {
            Side::Agent => &mut self.agent,
            Side::Customer => &mut self.customer,
        }
    }

    fn flush(&mut self, now: Duration, sink: &mut impl StereoSink) {
        self.agent.flush();
        self.customer.flush();
        let now = position(now) as u64;
        // The last packet may have begun just before `now`; it is kept whole.
        let whole = self.agent.filled().max(self.customer.filled()).min(now + 160);
        self.emit_to(now.max(whole), sink);
        self.collect();
    }

    fn collect(&mut self) {
        for (side, reason) in [(Side::Agent, GapReason::NoAgentAudio), (Side::Customer, GapReason::NoCustomerAudio)] {
            let silences: Vec<_> = self.track(side).drain_silences().collect();
            for (from, to) in silences {
                self.note_gap(from, to, reason);
            }
        }
        let left = self.left;
        self.pauses.retain(|pause| pause.to > left);
    }

    fn end_pause(&mut self, end: u64) {
        if let Some(pause) = self.pauses.last_mut().filter(|pause| pause.to == u64::MAX) {
            pause.to = end.max(pause.from);
            let Pause { from, to } = *pause;
            if to > from {
                self.note_gap(from, to, GapReason::Paused);
            }
        }
    }

    fn emit_to(&mut self, end: u64, sink: &mut impl StereoSink) {
        if end <= self.left {
            return;
        }
        let there = self.agent.filled().max(self.customer.filled()).clamp(self.left, end);
        if end - there < LONG_SILENCE {
            self.emit_audio(end, sink);
        } else {
            self.emit_audio(there, sink);
            sink.silence(end - there);
            self.left = end;
            self.agent.skip_to(end);
            self.customer.skip_to(end);
        }
    }

    fn emit_audio(&mut self, end: u64, sink: &mut impl StereoSink) {
        self.agent.pad_to(end);
        self.customer.pad_to(end);
        while self.left < end {
            let count = usize::try_from(end - self.left).unwrap_or(SLICE).min(SLICE);
            let (left, right) = (self.agent.next(count), self.customer.next(count));
            self.frames.clear();
            self.frames.extend(left.iter().zip(right).map(|(&left, &right)| [left, right]));
            for pause in &self.pauses {
                let from = pause.from.saturating_sub(self.left).min(count as u64) as usize;
                let to = pause.to.saturating_sub(self.left).min(count as u64) as usize;
                self.frames[from..to].fill([0, 0]);
            }
            self.agent.leave(count);
            self.customer.leave(count);
            self.left += count as u64;
            sink.audio(&self.frames);
        }
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;

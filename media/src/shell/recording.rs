//! One running recording, on its receiving thread.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::clock::Beginning;
use crate::file::{GapReason, Sidecar};
use crate::recorder::{Anchors, Resume, Side, StereoSink, Timeline, millis};
use crate::rtp::StreamReport;
use crate::writer::{Lane, Opened, Summary, Taken, Writers};

/// The sidecar is written anew at least so often, so that its anchors keep up with a drifting clock, in µs.
const SIDECAR_AGE: i64 = 60_000_000;

/// A recording: what comes in, where it goes, and since when.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) id: Uuid,
    pub(super) agent: SocketAddr,
    pub(super) customer: SocketAddr,
    pub(super) lane: Arc<Lane>,
    beginning: Beginning,
    /// The beginning on the receiving thread's clock, in µs; before its zero if another process began.
    origin: i64,
    timeline: Timeline,
    /// Writing has failed; nothing is done any more, until somebody asks how it ended.
    failed: bool,
    dropped_frames: u64,
    lost_before: u64,
    dropped_before: u64,
    sidecar_due: i64,
    counted: StreamReport,
    counted_dropped: u64,
}

impl Recording {
    /// Begins at `origin`, `ago` before now.
    pub(super) fn begin(
        id: Uuid,
        sources: (SocketAddr, SocketAddr),
        lane: Arc<Lane>,
        origin: i64,
        ago: Duration,
    ) -> Self {
        Self {
            id,
            agent: sources.0,
            customer: sources.1,
            lane,
            beginning: Beginning::before_now(ago),
            origin,
            timeline: Timeline::new(),
            failed: false,
            dropped_frames: 0,
            lost_before: 0,
            dropped_before: 0,
            sidecar_due: 0,
            counted: StreamReport::default(),
            counted_dropped: 0,
        }
    }

    /// Goes on at `from` with what an earlier process left behind.
    pub(super) fn go_on(
        id: Uuid,
        sources: (SocketAddr, SocketAddr),
        lane: Arc<Lane>,
        opened: Opened,
        now: i64,
        from: i64,
    ) -> Self {
        let Opened { frames, age, sidecar } = opened;
        let origin = now - age.as_micros() as i64;
        let mut recording = Self::begin(id, sources, lane, origin, age);
        let mut resume = Resume { frames, ..Resume::default() };
        if let Some(sidecar) = sidecar {
            resume.anchors = Anchors { agent: sidecar.agent, customer: sidecar.customer };
            resume.gaps = sidecar.gaps;
            resume.paused_since = sidecar.paused_since;
            recording.beginning = sidecar.beginning;
            recording.lost_before = sidecar.lost_packets;
            recording.dropped_before = sidecar.dropped_frames;
        }
        recording.timeline = Timeline::resume(resume, recording.time(from));
        recording
    }

    /// Whether nothing that is said is kept for now.
    pub(super) fn is_paused(&self) -> bool {
        self.timeline.is_paused()
    }

    /// When the first frame was.
    pub(super) fn beginning(&self) -> &Beginning {
        &self.beginning
    }

    /// Takes in a datagram.
    pub(super) fn receive(&mut self, now: i64, side: Side, datagram: &[u8]) {
        if !self.failed {
            let at = self.time(now);
            self.timeline.receive(side, at, datagram);
        }
    }

    /// Both sides' senders were replaced.
    pub(super) fn restart(&mut self) {
        self.timeline.restart(Side::Agent);
        self.timeline.restart(Side::Customer);
    }

    /// Hands on what is due; all that came before `now` must have been taken in.
    pub(super) fn advance(&mut self, now: i64, writers: &Writers) {
        self.with_sink(writers, |timeline, at, sink| timeline.advance(at, sink), now);
        if self.failed {
            return;
        }
        if self.timeline.take_changed() || now >= self.sidecar_due {
            self.sidecar_due = now + SIDECAR_AGE;
            if self.lane.sidecar(self.sidecar()) {
                writers.schedule(&self.lane);
            }
        }
    }

    /// Hands on the rest: it ends now.
    pub(super) fn finish(&mut self, now: i64, writers: &Writers) -> Summary {
        self.with_sink(writers, |timeline, at, sink| timeline.finish(at, sink), now);
        Summary {
            started_at: self.beginning.wall_time(),
            gaps: self.timeline.gaps().to_vec(),
            lost_packets: self.lost_packets(),
            dropped_ms: millis(self.dropped_before + self.dropped_frames),
            agent: self.timeline.report(Side::Agent),
            customer: self.timeline.report(Side::Customer),
        }
    }

    /// Hands on the rest, to be continued by another process.
    pub(super) fn park(&mut self, now: i64, writers: &Writers) {
        self.with_sink(writers, |timeline, at, sink| timeline.park(at, sink), now);
        if !self.failed && self.lane.sidecar(self.sidecar()) {
            writers.schedule(&self.lane);
        }
    }

    /// From now on silence.
    pub(super) fn pause(&mut self, now: i64) {
        let at = self.time(now);
        self.timeline.pause(at);
    }

    /// From now on sound.
    pub(super) fn end_pause(&mut self, now: i64) {
        let at = self.time(now);
        self.timeline.end_pause_at(at);
    }

    /// What has been counted since this was asked last: packets of both sides, and dropped frames.
    pub(super) fn take_counts(&mut self) -> (StreamReport, u64) {
        let sum = add(self.timeline.report(Side::Agent), self.timeline.report(Side::Customer));
        let before = std::mem::replace(&mut self.counted, sum);
        let dropped = self.dropped_frames - std::mem::replace(&mut self.counted_dropped, self.dropped_frames);
        let since = StreamReport {
            packets: sum.packets - before.packets,
            lost: sum.lost - before.lost,
            late: sum.late - before.late,
            duplicate: sum.duplicate - before.duplicate,
            reordered: sum.reordered - before.reordered,
            other_payload: sum.other_payload - before.other_payload,
            malformed: sum.malformed - before.malformed,
            stray: sum.stray - before.stray,
            restarts: sum.restarts - before.restarts,
            jitter_us: 0,
        };
        (since, dropped)
    }

    /// A time of the receiving thread's clock as one of the timeline.
    fn time(&self, now: i64) -> Duration {
        Duration::from_micros(u64::try_from(now - self.origin).unwrap_or(0))
    }

    fn lost_packets(&self) -> u64 {
        self.lost_before + self.timeline.report(Side::Agent).lost + self.timeline.report(Side::Customer).lost
    }

    fn sidecar(&self) -> Sidecar {
        let Anchors { agent, customer } = self.timeline.anchors();
        Sidecar {
            version: Sidecar::VERSION,
            id: self.id,
            beginning: self.beginning.clone(),
            agent,
            customer,
            gaps: self.timeline.gaps().to_vec(),
            paused_since: self.timeline.paused_since(),
            lost_packets: self.lost_packets(),
            dropped_frames: self.dropped_before + self.dropped_frames,
        }
    }

    fn with_sink(&mut self, writers: &Writers, run: impl FnOnce(&mut Timeline, Duration, &mut LaneSink<'_>), now: i64) {
        if self.failed {
            return;
        }
        let at = self.time(now);
        let mut sink =
            LaneSink { lane: &self.lane, writers, frame: self.timeline.frames(), dropped: Vec::new(), failed: false };
        run(&mut self.timeline, at, &mut sink);
        self.failed = sink.failed;
        for (from, to) in sink.dropped {
            self.dropped_frames += to - from;
            self.timeline.note_gap(from, to, GapReason::DiskTooSlow);
        }
    }
}

/// Brings frames from a timeline to its lane.
#[derive(Debug)]
struct LaneSink<'a> {
    lane: &'a Arc<Lane>,
    writers: &'a Writers,
    /// Number of the next frame.
    frame: u64,
    dropped: Vec<(u64, u64)>,
    failed: bool,
}

impl StereoSink for LaneSink<'_> {
    fn audio(&mut self, frames: &[[i16; 2]]) {
        let (taken, schedule) = self.lane.audio(frames);
        let next = self.frame + frames.len() as u64;
        match taken {
            Taken::Whole => {}
            Taken::AsSilence => self.dropped.push((self.frame, next)),
            Taken::Not => self.failed = true,
        }
        self.frame = next;
        if schedule {
            self.writers.schedule(self.lane);
        }
    }

    fn silence(&mut self, frames: u64) {
        self.frame += frames;
        if self.lane.silence(frames) {
            self.writers.schedule(self.lane);
        }
    }
}

fn add(a: StreamReport, b: StreamReport) -> StreamReport {
    StreamReport {
        packets: a.packets + b.packets,
        lost: a.lost + b.lost,
        late: a.late + b.late,
        duplicate: a.duplicate + b.duplicate,
        reordered: a.reordered + b.reordered,
        other_payload: a.other_payload + b.other_payload,
        malformed: a.malformed + b.malformed,
        stray: a.stray + b.stray,
        restarts: a.restarts + b.restarts,
        jitter_us: a.jitter_us.max(b.jitter_us),
    }
}

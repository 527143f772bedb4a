//! The taps that carry a call's audio to the recorder.
//!
//! Two snoop channels listen on the customer's leg, one to what comes in from the customer and one to what goes out
//! to them. Each is bridged with an external media channel that sends it to our media socket. Tapping the customer's
//! leg rather than the bridge means that the recording follows the customer through every transfer.

use std::net::SocketAddr;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::RecordingId;

use super::call::Call;
use super::io::{HangupWhy, Output, RecorderCommand, RecordingOutcome, Request};
use crate::model::{RecordingRow, RecordingState};
use crate::names::{Part, ResourceName, Side};

/// How long a set of taps may take to come about. Measured: a few milliseconds; a busy Asterisk takes longer.
const WIRING_TIME: TimeDelta = TimeDelta::seconds(5);
/// How many sets of taps a call may have had before its recording counts as broken.
const MOST_ATTEMPTS: u32 = 5;

#[derive(Debug, Clone, Copy, Default)]
struct Tap {
    snoop_entered: bool,
    media_entered: bool,
    source: Option<SocketAddr>,
    wired: bool,
}

/// The taps of one call.
#[derive(Debug)]
pub(super) struct Taps {
    generation: u32,
    attempts: u32,
    customer: Tap,
    agent: Tap,
    recorder_started: bool,
    /// The recorder goes on in a file that exists, rather than beginning one.
    resume: bool,
    until: Option<DateTime<Utc>>,
}

impl Taps {
    fn new(generation: u32, attempts: u32, resume: bool, until: Option<DateTime<Utc>>) -> Self {
        Self {
            generation,
            attempts,
            resume,
            customer: Tap::default(),
            agent: Tap::default(),
            recorder_started: false,
            until,
        }
    }

    fn tap_mut(&mut self, side: Side) -> &mut Tap {
        match side {
            Side::Customer => &mut self.customer,
            Side::Agent => &mut self.agent,
        }
    }

    fn tap(&self, side: Side) -> &Tap {
        match side {
            Side::Customer => &self.customer,
            Side::Agent => &self.agent,
        }
    }

    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    pub(super) fn is_wired(&self) -> bool {
        self.customer.wired && self.agent.wired && self.recorder_started
    }

    /// The clock was set: what is waited for is no nearer and no farther.
    pub(super) fn clock_set(&mut self, by: TimeDelta) {
        self.until = self.until.map(|until| until + by);
    }

    pub(super) fn deadline(&self) -> Option<DateTime<Utc>> {
        self.until
    }
}

/// Where a call's recording lies below the recordings folder: a folder per tenant and day, so that none gets too large.
fn recording_path(call: &Call, recording: RecordingId) -> String {
    format!("{}/{}/{}.wav", call.tenant, call.row.started_at.format("%Y/%m/%d"), recording)
}

/// Begins the call's recording.
pub(super) fn begin(call: &mut Call, now: DateTime<Utc>, out: &mut Vec<Output>) {
    let id = RecordingId::new();
    call.recording = Some(RecordingRow {
        id,
        call_id: call.id(),
        state: RecordingState::Recording,
        path: recording_path(call, id),
        started_at: now,
        ended_at: None,
        duration_ms: None,
        bytes: None,
        gaps: json!([]),
        lost_packets: 0,
        error: None,
    });
    call.row.recording_id = Some(id);
    call.recording_happened("recording.started", now, json!({ "call_id": call.id() }));
    request_taps(call, 0, 1, false, now, out);
}

/// Asks for a set of taps; an older one is removed.
fn request_taps(
    call: &mut Call,
    generation: u32,
    attempts: u32,
    resume: bool,
    now: DateTime<Utc>,
    out: &mut Vec<Output>,
) {
    call.taps = Some(Taps::new(generation, attempts, resume, Some(now + WIRING_TIME)));
    let name = |part| ResourceName::new(call.id(), part).to_string();
    for side in Side::BOTH {
        out.push(call.request(Request::CreateBridge { bridge: name(Part::TapBridge(generation, side)) }));
        out.push(call.request(Request::Snoop {
            channel: call.customer(),
            snoop: name(Part::Snoop(generation, side)),
            side,
        }));
        out.push(call.request(Request::SendMedia { channel: name(Part::Media(generation, side)) }));
    }
}

/// Removes the taps from Asterisk.
pub(super) fn remove(call: &mut Call, out: &mut Vec<Output>) {
    let Some(taps) = call.taps.take() else { return };
    let name = |part| ResourceName::new(call.id(), part).to_string();
    for side in Side::BOTH {
        for part in [Part::Snoop(taps.generation, side), Part::Media(taps.generation, side)] {
            out.push(call.request(Request::Hangup { channel: name(part), why: HangupWhy::Normal }));
        }
        out.push(call.request(Request::DestroyBridge { bridge: name(Part::TapBridge(taps.generation, side)) }));
    }
}

/// A snoop or media channel entered our application.
pub(super) fn entered(call: &mut Call, part: Part, out: &mut Vec<Output>) {
    let Some(taps) = &mut call.taps else { return };
    match part {
        Part::Snoop(generation, side) if generation == taps.generation => taps.tap_mut(side).snoop_entered = true,
        Part::Media(generation, side) if generation == taps.generation => taps.tap_mut(side).media_entered = true,
        _ => return,
    }
    advance(call, out);
}

/// It became known from which address one side's audio comes.
pub(super) fn source_known(call: &mut Call, part: Part, source: SocketAddr, out: &mut Vec<Output>) {
    let Some(taps) = &mut call.taps else { return };
    if let Part::Media(generation, side) = part
        && generation == taps.generation
    {
        taps.tap_mut(side).source = Some(source);
        advance(call, out);
    }
}

/// A tap's channel is gone, or could not be made, while the call goes on.
pub(super) fn broken(call: &mut Call, part: Part, why: &str, now: DateTime<Utc>, out: &mut Vec<Output>) {
    let (Part::Snoop(generation, _) | Part::Media(generation, _) | Part::TapBridge(generation, _)) = part else {
        return;
    };
    if call.taps.as_ref().is_some_and(|taps| taps.generation == generation) {
        again(call, why, now, out);
    }
}

/// The time to get wired is up.
pub(super) fn overdue(call: &mut Call, now: DateTime<Utc>, out: &mut Vec<Output>) {
    if call.taps.as_ref().and_then(Taps::deadline).is_some_and(|until| until <= now) {
        again(call, "the taps did not come about in time", now, out);
    }
}

fn again(call: &mut Call, why: &str, now: DateTime<Utc>, out: &mut Vec<Output>) {
    let Some(taps) = &call.taps else { return };
    let (generation, attempts) = (taps.generation + 1, taps.attempts + 1);
    let resume = taps.resume || taps.recorder_started;
    remove(call, out);
    if attempts > MOST_ATTEMPTS {
        tracing::error!(call = %call.id(), why, "giving up on the recording's taps");
        if call.recording_outcome.is_none() {
            call.recording_outcome = Some(RecordingOutcome::Failed(format!("the audio could not be tapped: {why}")));
        }
        return;
    }
    tracing::warn!(call = %call.id(), why, attempts, "tapping the call once more");
    request_taps(call, generation, attempts, resume, now, out);
}

/// Goes as far as what is known allows: the recorder first, then the audio.
fn advance(call: &mut Call, out: &mut Vec<Output>) {
    let Some(recording) = call.recording.clone() else {
        return;
    };
    let id = call.id();
    let Some(taps) = &mut call.taps else { return };
    let begins = !taps.recorder_started;
    if !taps.recorder_started
        && let (Some(customer), Some(agent)) = (taps.customer.source, taps.agent.source)
    {
        taps.recorder_started = true;
        out.push(Output::Recorder(RecorderCommand::Start {
            recording: recording.id,
            path: recording.path,
            agent,
            customer,
            resume: taps.resume,
        }));
    }
    if !taps.recorder_started {
        return;
    }
    if begins {
        call.keep_paused(out);
    }
    let Some(taps) = &mut call.taps else { return };
    for side in Side::BOTH {
        let tap = *taps.tap(side);
        if tap.snoop_entered && tap.media_entered && !tap.wired {
            taps.tap_mut(side).wired = true;
            let name = |part| ResourceName::new(id, part).to_string();
            out.push(Output::Request {
                server: call.row.server.clone(),
                call: Some(id),
                request: Request::AddChannels {
                    bridge: name(Part::TapBridge(taps.generation, side)),
                    channels: vec![name(Part::Snoop(taps.generation, side)), name(Part::Media(taps.generation, side))],
                },
            });
        }
    }
    if taps.is_wired() {
        taps.until = None;
    }
}

/// After a restart of the gateway: the taps of this generation are all there and wired, and go on sending to the same
/// port. Asks where from, so that the recorder can go on in the same file.
pub(super) fn adopt(call: &mut Call, generation: u32, out: &mut Vec<Output>) {
    let mut taps = Taps::new(generation, 1, true, None);
    for side in Side::BOTH {
        *taps.tap_mut(side) = Tap { snoop_entered: true, media_entered: true, source: None, wired: true };
    }
    call.taps = Some(taps);
    for side in Side::BOTH {
        let channel = ResourceName::new(call.id(), Part::Media(generation, side)).to_string();
        out.push(call.request(Request::MediaSource { channel }));
    }
}

/// After a restart of the gateway: nothing usable is left of the taps, so a new set goes on in the same file.
pub(super) fn renew(call: &mut Call, generation: u32, now: DateTime<Utc>, out: &mut Vec<Output>) {
    request_taps(call, generation, 1, true, now, out);
}

//! What an agent does with a call while they talk, by command: hold, mute, tones, and a pause of its recording.
//!
//! Who holds is taken out of the bridge. Where everybody belongs follows from who holds and who is asked meanwhile; after each step
//! [`settle`] brings Asterisk in line with it, so that no order of steps leaves anybody outside or a customer in silence.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, TenantId};
use trunkline_routing as routing;

use super::Center;
use super::call::Call;
use super::commands::Ask;
use super::io::{Output, RecorderCommand, Request};
use crate::model::{CallState, LegKind, RecordingState, Server, Subject};
use crate::names::Part;
use crate::queueing::Desk;
use crate::{CallCommandError, Sight};

/// How long after `*` the `1` may come that pauses a recording.
const KEY_TIME: TimeDelta = TimeDelta::seconds(3);
/// Most tones at once.
const MOST_DIGITS: usize = 32;

/// What was done by command, and lasts.
#[derive(Debug, Default)]
pub(super) struct Controls {
    /// Who lets the others wait: since when, and on which leg.
    held: BTreeMap<AgentId, (DateTime<Utc>, String)>,
    /// Legs that were taken out of the bridge for that, and are to go back.
    outside: BTreeSet<String>,
    /// The customer hears music because of that.
    music: bool,
    /// Legs that nobody hears.
    muted: BTreeSet<String>,
    /// Since when the recording pauses.
    paused_since: Option<DateTime<Utc>>,
    /// The leg on which `*` was pressed last, and when.
    star: Option<(String, DateTime<Utc>)>,
}

impl Controls {
    /// Whether an agent lets the others wait.
    pub(super) fn holds(&self, agent: AgentId) -> bool {
        self.held.contains_key(&agent)
    }

    /// Whether anybody does.
    pub(super) fn is_held(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether nothing is recorded for now.
    pub(super) fn is_paused(&self) -> bool {
        self.paused_since.is_some()
    }
}

impl Call {
    /// An agent is with the others again, or on their way somewhere else. Whoever takes them there says where.
    pub(super) fn let_go(&mut self, now: DateTime<Utc>, agent: AgentId) {
        let Some((since, _)) = self.controls.held.remove(&agent) else { return };
        let held_ms = (now - since).num_milliseconds();
        self.happened("call.resumed", now, Some(agent), json!({ "agent_id": agent, "held_ms": held_ms }));
        if self.controls.held.is_empty() && std::mem::take(&mut self.controls.music) {
            self.row.held_since = None;
        }
    }

    /// The same for one whom the caller takes into another bridge.
    pub(super) fn goes_elsewhere(&mut self, now: DateTime<Utc>, agent: AgentId) {
        self.let_go(now, agent);
        if let Some(leg) = self.leg_of(agent) {
            self.controls.outside.remove(&leg);
        }
    }

    /// A leg is gone for good: that nobody heard it is forgotten with it.
    pub(super) fn forget_mute(&mut self, now: DateTime<Utc>, leg: &str, agent: Option<AgentId>) {
        if self.controls.muted.remove(leg) {
            self.happened("call.unmuted", now, agent, json!({ "agent_id": agent }));
        }
    }

    /// Makes the recorder pause that was just begun, if it is to.
    pub(super) fn keep_paused(&self, out: &mut Vec<Output>) {
        if let Some(recording) = self.recording.as_ref().filter(|_| self.controls.is_paused()) {
            out.push(Output::Recorder(RecorderCommand::Pause { recording: recording.id }));
        }
    }
}

/// Brings everybody to where they belong. What is done already is done once.
pub(super) fn settle(call: &mut Call, now: DateTime<Utc>, out: &mut Vec<Output>) {
    if call.closing.is_some() || (call.controls.held.is_empty() && call.controls.outside.is_empty()) {
        return;
    }
    // Who talks on another leg by now, or not at all, holds nobody.
    let gone = |(agent, (_, leg)): (&AgentId, &(DateTime<Utc>, String))| {
        (call.leg_of(*agent).as_ref() != Some(leg)).then_some(*agent)
    };
    let gone: Vec<AgentId> = call.controls.held.iter().filter_map(gone).collect();
    let news = !gone.is_empty();
    for agent in gone {
        call.let_go(now, agent);
    }
    let held: BTreeSet<String> = call.controls.held.values().map(|(_, leg)| leg.clone()).collect();
    let back: Vec<String> = call.controls.outside.difference(&held).cloned().collect();
    for leg in back {
        call.controls.outside.remove(&leg);
        let agent = call.open_legs().find(|open| open.id == leg).and_then(|leg| leg.agent_id);
        if let Some(agent) = agent {
            out.push(call.request(Request::AddChannels { bridge: call.talks_in(agent), channels: vec![leg] }));
        }
    }
    let alone = !held.is_empty() && call.row.state == CallState::Active && call.consult.is_none();
    let alone = alone && call.customer_is_alone();
    if alone && !call.controls.music {
        call.controls.music = true;
        call.row.held_since.get_or_insert(now);
        call.house_music(out);
        out.push(call.record(None));
    } else if !alone && std::mem::take(&mut call.controls.music) {
        // Whoever took the customer elsewhere has seen to what they hear.
        if call.row.state == CallState::Active && !call.customer_is_alone() {
            call.row.held_since = None;
            call.music_ends(out);
        }
        out.push(call.record(None));
    } else if news {
        out.push(call.record(None));
    }
}

/// After a cut: nobody knows which of our requests were carried out. `joined` knows who was in which bridge.
pub(super) fn reconcile_hold(
    call: &mut Call,
    now: DateTime<Utc>,
    in_bridge: impl Fn(&str) -> bool,
    out: &mut Vec<Output>,
) {
    // A hold of which only the record is left: the leg is in no bridge.
    if call.controls.held.is_empty()
        && call.consult.is_none()
        && let Some(since) = call.row.held_since
        && let Some(leg) = call.talking_agent_leg().map(|leg| (leg.agent_id, leg.id.clone()))
        && let (Some(agent), leg) = leg
        && !in_bridge(&leg)
        && call.talkers() == [agent]
    {
        call.controls.outside.insert(leg.clone());
        call.controls.held.insert(agent, (since, leg));
        call.controls.music = true;
    }
    let held: Vec<String> = call.controls.held.values().map(|(_, leg)| leg.clone()).collect();
    for leg in held.into_iter().filter(|leg| in_bridge(leg)) {
        out.push(call.request(Request::RemoveChannels { bridge: call.bridge(), channels: vec![leg] }));
    }
    if call.controls.music {
        call.house_music(out);
    }
    settle(call, now, out);
}

impl Center {
    /// Somebody asks something of a running call.
    pub(super) fn asked(
        &mut self,
        now: DateTime<Utc>,
        of: (TenantId, CallId),
        sight: &Sight,
        ask: &Ask,
        out: &mut Vec<Output>,
    ) {
        let done = match ask {
            Ask::Supervise(mode, phone) => self.try_supervise(now, of, sight, (*mode, phone, false), out),
            Ask::TakeOver(phone) => self.try_take_over(now, of, sight, phone, out),
            Ask::EndSupervision => self.try_end_supervision(now, of, sight, out),
            Ask::Move(queue) => self.try_move(now, of, sight, *queue, out),
            control => self.talked_in(of, sight).and_then(|by| self.control(now, of.1, by, control, out)),
        };
        out.push(Output::CommandAnswered(done));
    }

    /// What an agent who talks asks.
    fn control(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        by: AgentId,
        ask: &Ask,
        out: &mut Vec<Output>,
    ) -> Result<(), CallCommandError> {
        let call = self.calls.get_mut(&id).ok_or(CallCommandError::NotFound)?;
        match ask {
            Ask::Hold => hold(call, now, by, out),
            Ask::Resume => resume(call, now, by, out),
            Ask::Mute => mute(call, now, by, out),
            Ask::Unmute => unmute(call, now, by, out),
            Ask::Dtmf(digits) => send_tones(call, digits, out),
            Ask::PauseRecording => pause(call, now, by, out),
            Ask::ResumeRecording => end_pause(call, now, by, out),
            Ask::Supervise(..) | Ask::EndSupervision | Ask::TakeOver(_) | Ask::Move(_) => Err(CallCommandError::NotNow),
        }
    }

    /// A recording was found paused: since when its events tell.
    pub(super) fn found_paused(&mut self, now: DateTime<Utc>, recording: trunkline_db::RecordingId) {
        if let Some(call) = self.calls.values_mut().find(|call| call.row.recording_id == Some(recording)) {
            call.controls.paused_since.get_or_insert(now);
        }
    }

    /// Somebody pressed a key. `*1` on an agent's phone pauses the recording, and ends the pause.
    pub(super) fn key_pressed(
        &mut self,
        now: DateTime<Utc>,
        server: &Server,
        channel: &str,
        digit: char,
        out: &mut Vec<Output>,
    ) {
        if let Some(id) = self.customers.get(server, channel) {
            // A key that leads out of a flow is not one for where it leads.
            if self.calls.get(&id).is_some_and(|call| call.ivr.is_some()) {
                self.flow_key(now, id, digit, out);
            } else {
                self.queue_key(now, id, digit, out);
            }
            return;
        }
        let name = self.part(server, channel);
        let name = name.filter(|name| matches!(name.part, Part::AgentLeg(_) | Part::SupervisorLeg(_)));
        let Some(id) = name.map(|name| name.call).or_else(|| self.callers.get(server, channel)) else { return };
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        let star = call.controls.star.take();
        match digit {
            '*' => call.controls.star = Some((channel.to_owned(), now)),
            '1' if star.is_some_and(|(leg, at)| leg == channel && now - at <= KEY_TIME) => {
                let talks = |leg: &&crate::model::Leg| {
                    leg.id == channel && leg.kind == LegKind::Agent && leg.answered_at.is_some()
                };
                let Some(by) = call.open_legs().find(talks).and_then(|leg| leg.agent_id) else { return };
                // That there is nothing to pause is told to nobody: a phone has no words.
                let _ =
                    if call.controls.is_paused() { end_pause(call, now, by, out) } else { pause(call, now, by, out) };
            }
            _ => {}
        }
    }

    /// A call that waits is to wait in another queue.
    fn try_move(
        &mut self,
        now: DateTime<Utc>,
        (tenant, id): (TenantId, CallId),
        sight: &Sight,
        to: trunkline_db::QueueId,
        out: &mut Vec<Output>,
    ) -> Result<(), CallCommandError> {
        let call = self.seen((tenant, id), sight)?;
        let waits = matches!(call.row.state, CallState::Queued | CallState::Ringing)
            && call.row.queue_id.is_some()
            && call.direct.is_none()
            && call.outside.is_none()
            && !call.is_unanswered_outbound()
            && call.speech.as_ref().is_none_or(|speech| !speech.is_the_last());
        if !waits {
            return Err(CallCommandError::NotNow);
        }
        let from = call.row.queue_id;
        let known = self.directory.queues.get(&to).filter(|queue| queue.tenant == tenant);
        known.ok_or(CallCommandError::NoSuchTarget)?;
        if from != Some(to) {
            self.route(now, tenant, [routing::Input::Move { work: id.into(), to: Desk::of_calls(to) }], out);
        }
        Ok(())
    }

    /// A running call of the tenant within somebody's sight.
    pub(super) fn seen(&self, (tenant, id): (TenantId, CallId), sight: &Sight) -> Result<&Call, CallCommandError> {
        self.calls
            .get(&id)
            .filter(|call| call.tenant == tenant && call.closing.is_none() && call.row.state != CallState::Ended)
            .filter(|call| self.is_seen(call, sight))
            .ok_or(CallCommandError::NotFound)
    }
}

fn hold(call: &mut Call, now: DateTime<Utc>, by: AgentId, out: &mut Vec<Output>) -> Result<(), CallCommandError> {
    let comes_back = call.reattach.is_some() && call.row.agent_id == Some(by);
    if call.row.state != CallState::Active || call.consult.is_some() || comes_back {
        return Err(CallCommandError::NotNow);
    }
    let by_phone = call.row.held_since.is_some() && !call.controls.is_held() && call.row.agent_id == Some(by);
    if call.controls.holds(by) || by_phone {
        return Ok(());
    }
    let leg = call.leg_of(by).ok_or(CallCommandError::NotNow)?;
    out.push(call.request(Request::RemoveChannels { bridge: call.bridge(), channels: vec![leg.clone()] }));
    call.controls.outside.insert(leg.clone());
    call.controls.held.insert(by, (now, leg));
    call.happened("call.held", now, Some(by), json!({ "agent_id": by }));
    settle(call, now, out);
    out.push(call.record(None));
    Ok(())
}

fn resume(call: &mut Call, now: DateTime<Utc>, by: AgentId, out: &mut Vec<Output>) -> Result<(), CallCommandError> {
    if !call.controls.holds(by) {
        let by_phone = call.row.held_since.is_some() && !call.controls.is_held() && call.consult.is_none();
        return if by_phone { Err(CallCommandError::NotNow) } else { Ok(()) };
    }
    let music = call.controls.music;
    call.let_go(now, by);
    if music && !call.customer_is_alone() {
        call.music_ends(out);
    }
    settle(call, now, out);
    out.push(call.record(None));
    Ok(())
}

fn mute(call: &mut Call, now: DateTime<Utc>, by: AgentId, out: &mut Vec<Output>) -> Result<(), CallCommandError> {
    let leg = call.leg_of(by).ok_or(CallCommandError::NotNow)?;
    if call.controls.muted.insert(leg.clone()) {
        out.push(call.request(Request::Mute { channel: leg }));
        call.happened("call.muted", now, Some(by), json!({ "agent_id": by }));
        out.push(call.record(None));
    }
    Ok(())
}

/// Always done, and told: an earlier life of the gateway may have muted the leg.
fn unmute(call: &mut Call, now: DateTime<Utc>, by: AgentId, out: &mut Vec<Output>) -> Result<(), CallCommandError> {
    let leg = call.leg_of(by).ok_or(CallCommandError::NotNow)?;
    call.controls.muted.remove(&leg);
    out.push(call.request(Request::Unmute { channel: leg }));
    call.happened("call.unmuted", now, Some(by), json!({ "agent_id": by }));
    out.push(call.record(None));
    Ok(())
}

fn send_tones(call: &Call, digits: &str, out: &mut Vec<Output>) -> Result<(), CallCommandError> {
    let is_key = |key: u8| key.is_ascii_digit() || b"ABCD*#".contains(&key);
    let fits = (1..=MOST_DIGITS).contains(&digits.len()) && digits.bytes().all(is_key);
    if call.row.state != CallState::Active || !fits {
        return Err(CallCommandError::NotNow);
    }
    out.push(call.request(Request::Dtmf { channel: call.customer(), digits: digits.to_owned() }));
    Ok(())
}

/// The recording, while it is written.
fn recording(call: &Call) -> Result<trunkline_db::RecordingId, CallCommandError> {
    let recording = call.recording.as_ref().filter(|recording| recording.state == RecordingState::Recording);
    recording.filter(|_| call.recording_outcome.is_none()).map(|it| it.id).ok_or(CallCommandError::NotNow)
}

fn pause(call: &mut Call, now: DateTime<Utc>, by: AgentId, out: &mut Vec<Output>) -> Result<(), CallCommandError> {
    let id = recording(call)?;
    if call.controls.is_paused() {
        return Ok(());
    }
    call.controls.paused_since = Some(now);
    out.push(Output::Recorder(RecorderCommand::Pause { recording: id }));
    let at_ms = call.recording.as_ref().map(|recording| (now - recording.started_at).num_milliseconds());
    let data = json!({ "call_id": call.id(), "agent_id": by, "at_ms": at_ms });
    call.note("recording.paused", now, Subject::Recording(id), Some(by), data);
    out.push(call.record(None));
    Ok(())
}

/// Always done, and told: an earlier life of the gateway may have paused it.
fn end_pause(call: &mut Call, now: DateTime<Utc>, by: AgentId, out: &mut Vec<Output>) -> Result<(), CallCommandError> {
    let id = recording(call)?;
    let paused_ms = call.controls.paused_since.take().map(|since| (now - since).num_milliseconds());
    out.push(Output::Recorder(RecorderCommand::Resume { recording: id }));
    let data = json!({ "call_id": call.id(), "agent_id": by, "paused_ms": paused_ms });
    call.note("recording.resumed", now, Subject::Recording(id), Some(by), data);
    out.push(call.record(None));
    Ok(())
}

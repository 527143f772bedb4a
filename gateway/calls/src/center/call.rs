//! One running call.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, DeviceId, EventId, QueueId, TenantId, TrunkId};

use super::consult::Consult;
use super::controls::Controls;
use super::direct::Direct;
use super::io::{Ending, Output, RecorderCommand, RecordingOutcome, Request};
use super::ivr::Ivr;
use super::music::Music;
use super::outbound::Outbound;
use super::outside::Outside;
use super::speech::Speech;
use super::supervise::Supervision;
use super::talk::Reattach;
use super::taps::Taps;
use crate::flow::walk::Step;
use crate::model::{
    CallGap, CallRow, CallState, CallbackRow, Direction, EndReason, Happening, Leg, LegKind, Record, RecordingRow,
    RecordingState, Subject, VoicemailRow,
};
use crate::names::{Part, ResourceName};

/// The phones of one agent that ring for a call, by channel.
pub(super) type Ringing = BTreeMap<String, DeviceId>;

/// The call is on its way out: legs and taps are being hung up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Closing {
    pub(super) reason: EndReason,
    pub(super) at: DateTime<Utc>,
    /// By then it is over, whatever Asterisk still has to say.
    pub(super) until: DateTime<Utc>,
}

/// One running call: its row, what Asterisk has of it, and what has yet to be written.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) tenant: TenantId,
    pub(super) row: CallRow,
    pub(super) legs: Vec<Leg>,
    pub(super) recording: Option<RecordingRow>,
    pub(super) taps: Option<Taps>,
    pub(super) recording_outcome: Option<RecordingOutcome>,
    /// Who is asked, and where it rings.
    pub(super) offers: BTreeMap<AgentId, Ringing>,
    /// The leg that was picked up, while the router decides whether it was in time.
    pub(super) picked_up: Option<String>,
    /// An agent who is rung by name.
    pub(super) direct: Option<Direct>,
    /// Somebody outside who is dialled and has not answered yet.
    pub(super) outside: Option<Outside>,
    /// Legs to the outside that count as running.
    pub(super) counted: BTreeSet<String>,
    /// First records of which the database has not said yet that it has them.
    pub(super) unwritten: u32,
    /// One agent asks another, while the customer waits.
    pub(super) consult: Option<Consult>,
    /// Who holds and who is muted by command, and whether the recording pauses.
    pub(super) controls: Controls,
    /// Who listens in, beside those who talk.
    pub(super) supervisors: Vec<Supervision>,
    /// The agents of whom the router knows that they are busy with this call.
    pub(super) engaged: BTreeSet<AgentId>,
    /// Who of the agents has talked with the customer: they wrap up, whatever they are rung for later.
    pub(super) served: BTreeSet<AgentId>,
    /// What is being said to the customer.
    pub(super) speech: Option<Speech>,
    /// The queue's own music, while they hear it.
    pub(super) music: Option<Music>,
    /// When they were last told something while they wait.
    pub(super) told_at: Option<DateTime<Utc>>,
    /// The flow that it goes through.
    pub(super) ivr: Option<Ivr>,
    pub(super) closing: Option<Closing>,
    pub(super) reattach: Option<Reattach>,
    /// An agent calls out, and nobody answered yet.
    pub(super) outbound: Option<Outbound>,
    /// The agent whose phone began the call, for calls from within the house.
    pub(super) calling_agent: Option<AgentId>,
    /// The tenant's trunk by which the customer's leg comes or goes.
    pub(super) line: Option<TrunkId>,
    /// The same of somebody outside to whom it was handed.
    pub(super) outside_line: Option<TrunkId>,
    pub(super) customer_ending: Ending,
    pub(super) ring_seconds: u32,
    next_playback: u32,
    next_leg: u32,
    happenings: Vec<Happening>,
    pub(super) steps: Vec<Step>,
    pub(super) left: Option<VoicemailRow>,
    pub(super) callback: Option<CallbackRow>,
    /// Its caller is owed a call by this queue, once it is over.
    pub(super) owed: Option<QueueId>,
    dirty_legs: Vec<String>,
}

impl Call {
    pub(super) fn new(tenant: TenantId, row: CallRow) -> Self {
        let customer = Leg {
            id: row.customer_channel.clone(),
            kind: LegKind::Customer,
            agent_id: None,
            device_id: None,
            started_at: row.started_at,
            answered_at: None,
            ended_at: None,
            cause: None,
            number: None,
        };
        Self {
            tenant,
            dirty_legs: vec![customer.id.clone()],
            legs: vec![customer],
            row,
            recording: None,
            taps: None,
            recording_outcome: None,
            offers: BTreeMap::new(),
            picked_up: None,
            direct: None,
            outside: None,
            counted: BTreeSet::new(),
            unwritten: 0,
            consult: None,
            controls: Controls::default(),
            supervisors: Vec::new(),
            engaged: BTreeSet::new(),
            served: BTreeSet::new(),
            speech: None,
            music: None,
            told_at: None,
            ivr: None,
            steps: Vec::new(),
            left: None,
            callback: None,
            owed: None,
            closing: None,
            reattach: None,
            outbound: None,
            calling_agent: None,
            line: None,
            outside_line: None,
            customer_ending: Ending::default(),
            ring_seconds: 15,
            next_playback: 0,
            next_leg: 0,
            happenings: Vec::new(),
        }
    }

    /// A call to the outside world, of which Asterisk has nothing yet.
    pub(super) fn outbound(tenant: TenantId, row: CallRow) -> Self {
        let mut call = Self::new(tenant, row);
        call.forget_legs();
        call
    }

    /// Asterisk has nothing of it yet.
    pub(super) fn forget_legs(&mut self) {
        self.legs.clear();
        self.dirty_legs.clear();
    }

    /// A call as the database remembers it from before this gateway started.
    pub(super) fn restored(tenant: TenantId, row: CallRow, legs: Vec<Leg>, recording: Option<RecordingRow>) -> Self {
        let next_leg = legs
            .iter()
            .filter_map(|leg| Some(leg.id.parse::<ResourceName>().ok()?.part.leg_number()? + 1))
            .max()
            .unwrap_or(0);
        let mut call = Self::new(tenant, row);
        call.dirty_legs.clear();
        call.next_leg = next_leg;
        call.calling_agent = match call.row.direction {
            Direction::Outbound => call.row.agent_id,
            _ => legs.iter().find(|leg| leg.kind == LegKind::Customer).and_then(|leg| leg.agent_id),
        };
        if !legs.is_empty() || call.row.direction == Direction::Outbound {
            call.legs = legs;
        }
        let counted = |leg: &&Leg| leg.kind == LegKind::Outside;
        call.counted = call.open_legs().filter(counted).map(|leg| leg.id.clone()).collect();
        call.recording = recording;
        call
    }

    pub(super) fn id(&self) -> CallId {
        self.row.id
    }

    pub(super) fn bridge(&self) -> String {
        self.row.bridge_id.clone()
    }

    pub(super) fn customer(&self) -> String {
        self.row.customer_channel.clone()
    }

    pub(super) fn request(&self, request: Request) -> Output {
        Output::Request { server: self.row.server.clone(), call: Some(self.id()), request }
    }

    /// Lets these legs to the customer.
    ///
    /// With the second agent's leg the parties move to a bridge that mixes. In the first one packets pass as they are, and what Asterisk copies of a
    /// channel's audio goes by their sequence numbers: those of another phone begin anywhere, and when it is below those before, the copy
    /// stays silent, and with it the recording, for as long as half a round of the numbers (11 minutes). Mixed audio has none. Not from the
    /// beginning: mixing costs time and, now and then, 20 ms of silence.
    pub(super) fn let_in(&mut self, legs: Vec<String>, out: &mut Vec<Output>) {
        let mix = ResourceName::new(self.id(), Part::Mix).to_string();
        let talked = |leg: &Leg| leg.kind == LegKind::Agent && leg.answered_at.is_some();
        if self.row.bridge_id != mix && self.legs.iter().any(|leg| talked(leg) && !legs.contains(&leg.id)) {
            let here: Vec<String> = self
                .talkers()
                .into_iter()
                .filter(|agent| self.talks_in(*agent) == self.row.bridge_id && !self.controls.holds(*agent))
                .filter_map(|agent| self.leg_of(agent))
                .chain(self.outside_with_customer())
                .chain([self.customer()])
                .filter(|leg| !legs.contains(leg))
                .collect();
            out.push(self.request(Request::CreateBridge { bridge: mix.clone() }));
            if !here.is_empty() {
                out.push(self.request(Request::AddChannels { bridge: mix.clone(), channels: here }));
            }
            let plain = std::mem::replace(&mut self.row.bridge_id, mix);
            out.push(self.request(Request::DestroyBridge { bridge: plain }));
        }
        out.push(self.request(Request::AddChannels { bridge: self.bridge(), channels: legs }));
    }

    /// A name for one more leg to an agent.
    pub(super) fn next_leg_name(&mut self) -> String {
        let number = self.next_leg_number();
        ResourceName::new(self.id(), Part::AgentLeg(number)).to_string()
    }

    /// A name that is there already, of which an earlier life of the gateway knew, is not given once more.
    pub(super) fn name_is_taken(&mut self, part: Part) {
        self.next_leg = self.next_leg.max(part.leg_number().map_or(0, |number| number + 1));
    }

    pub(super) fn next_leg_number(&mut self) -> u32 {
        self.next_leg += 1;
        self.next_leg - 1
    }

    /// A name for one more thing that is played.
    pub(super) fn next_playback_name(&mut self) -> String {
        let name = ResourceName::new(self.id(), Part::Playback(self.next_playback)).to_string();
        self.next_playback += 1;
        name
    }

    /// The agent at one of whose phones this leg rings.
    pub(super) fn asked_on(&self, channel: &str) -> Option<AgentId> {
        self.offers.iter().find(|(_, ringing)| ringing.contains_key(channel)).map(|(agent, _)| *agent)
    }

    pub(super) fn add_leg(&mut self, leg: Leg) {
        self.dirty_legs.push(leg.id.clone());
        self.legs.push(leg);
    }

    /// Changes a leg, if the call has it.
    pub(super) fn leg_mut(&mut self, id: &str) -> Option<&mut Leg> {
        let leg = self.legs.iter_mut().find(|leg| leg.id == id)?;
        if !self.dirty_legs.iter().any(|dirty| dirty == id) {
            self.dirty_legs.push(id.to_owned());
        }
        Some(leg)
    }

    /// Marks a leg as over; an end already known stays.
    pub(super) fn leg_ended(&mut self, id: &str, at: DateTime<Utc>, cause: Option<i16>) {
        let news = |leg: &Leg| leg.id == id && (leg.ended_at.is_none() || (leg.cause.is_none() && cause.is_some()));
        if self.legs.iter().any(news)
            && let Some(leg) = self.leg_mut(id)
        {
            leg.ended_at.get_or_insert(at);
            leg.cause = cause;
        }
    }

    /// The legs that Asterisk still has, as far as we know.
    pub(super) fn open_legs(&self) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(|leg| leg.ended_at.is_none())
    }

    /// The leg of the agent who talks; of several, of the one who is responsible.
    pub(super) fn talking_agent_leg(&self) -> Option<&Leg> {
        let talks = |leg: &&Leg| leg.kind == LegKind::Agent && leg.answered_at.is_some();
        let responsible = self.open_legs().filter(talks).find(|leg| leg.agent_id == self.row.agent_id);
        responsible.or_else(|| self.open_legs().find(talks))
    }

    /// An agent calls out, and nobody has answered yet: later the call is one as any other, wherever it is handed on.
    pub(super) fn is_unanswered_outbound(&self) -> bool {
        self.row.direction == Direction::Outbound && self.row.answered_at.is_none()
    }

    /// The agents who may see what happens: who is asked and who talks.
    fn concerned(&self) -> Vec<AgentId> {
        let mut agents: Vec<_> = self.calling_agent.into_iter().collect();
        agents.extend(self.row.agent_id);
        agents.extend(self.offers.keys());
        agents.extend(self.direct.as_ref().map(|direct| direct.agent));
        agents.extend(&self.engaged);
        agents.sort_unstable();
        agents.dedup();
        agents
    }

    /// Notes that something happened to the call.
    pub(super) fn happened(&mut self, kind: &str, at: DateTime<Utc>, actor: Option<AgentId>, data: serde_json::Value) {
        self.note(kind, at, Subject::Call(self.row.id), actor, data);
    }

    /// Notes that it waits for an agent. One whose customer is yet to be called back is told apart: nobody hears it.
    pub(super) fn begins_to_wait(&mut self, at: DateTime<Utc>, mut data: serde_json::Value) {
        if self.is_unanswered_outbound() {
            data["callback"] = json!(true);
        }
        self.happened("call.queued", at, None, data);
    }

    /// Notes that an agent let the call pass.
    pub(super) fn missed_offer(&mut self, at: DateTime<Utc>, agent: AgentId, why: &str) {
        let details = json!({ "agent_id": agent, "queue_id": self.offering_queue(), "why": why });
        self.happened("call.missed_offer", at, None, details);
    }

    /// Notes that something happened to the call's recording.
    pub(super) fn recording_happened(&mut self, kind: &str, at: DateTime<Utc>, data: serde_json::Value) {
        if let Some(recording) = &self.recording {
            let subject = Subject::Recording(recording.id);
            self.note(kind, at, subject, None, data);
        }
    }

    pub(super) fn note(
        &mut self,
        kind: &str,
        at: DateTime<Utc>,
        subject: Subject,
        actor: Option<AgentId>,
        data: serde_json::Value,
    ) {
        let agents = self.concerned();
        let queue = self.row.queue_id;
        self.note_for(kind, at, subject, actor, (agents, queue), data);
    }

    /// The same, for these agents alone, and the queue's members where there is one.
    pub(super) fn note_for(
        &mut self,
        kind: &str,
        at: DateTime<Utc>,
        subject: Subject,
        actor: Option<AgentId>,
        (agents, queue): (Vec<AgentId>, Option<QueueId>),
        data: serde_json::Value,
    ) {
        self.happenings.push(Happening {
            id: EventId::new(),
            kind: kind.to_owned(),
            at,
            subject,
            actor,
            queue,
            agents,
            data,
        });
    }

    /// Notes a stretch in which Asterisk told us nothing.
    pub(super) fn gap(&mut self, gap: CallGap) {
        self.row.gaps.push(gap);
    }

    /// The step is complete: what has to be remembered of it.
    pub(super) fn record(&mut self, last_contact: Option<(AgentId, DateTime<Utc>)>) -> Output {
        Output::Record(Box::new(self.step(last_contact)))
    }

    /// A step after which somebody outside is dialled: the database has to have it before.
    pub(super) fn record_first(&mut self) -> Output {
        self.unwritten += 1;
        Output::RecordFirst(self.row.id, Box::new(self.step(None)))
    }

    fn step(&mut self, last_contact: Option<(AgentId, DateTime<Utc>)>) -> Record {
        let dirty = std::mem::take(&mut self.dirty_legs);
        let legs =
            self.legs.iter().filter(|leg| dirty.contains(&leg.id)).map(|leg| (self.row.id, leg.clone())).collect();
        Record {
            happenings: std::mem::take(&mut self.happenings),
            call: Some(self.row.clone()),
            legs,
            recording: self.recording.clone(),
            last_contact,
            steps: std::mem::take(&mut self.steps),
            voicemail: self.left.take(),
            callback: self.callback.take(),
            ..Record::of(self.tenant)
        }
    }

    /// Whether nothing of the call is left in Asterisk, as far as we know.
    pub(super) fn all_legs_ended(&self) -> bool {
        self.open_legs().next().is_none()
    }

    /// The command that closes the recording, if there is one to close.
    pub(super) fn finish_recording(&self) -> Option<Output> {
        let recording = self.recording.as_ref().filter(|recording| recording.state == RecordingState::Recording)?;
        Some(Output::Recorder(RecorderCommand::Finish { recording: recording.id, path: recording.path.clone() }))
    }

    /// Writes what became of the recording into its row, and says so.
    pub(super) fn apply_recording_outcome(&mut self, outcome: RecordingOutcome, now: DateTime<Utc>) {
        let call_id = self.row.id;
        let Some(recording) = &mut self.recording else {
            return;
        };
        recording.ended_at = Some(now);
        let (kind, data) = match outcome {
            RecordingOutcome::Ready { duration_ms, bytes, gaps, lost_packets } => {
                recording.state = RecordingState::Ready;
                recording.duration_ms = Some(duration_ms);
                recording.bytes = Some(bytes);
                recording.lost_packets = lost_packets;
                let data = json!({ "call_id": call_id, "duration_ms": duration_ms, "bytes": bytes, "gaps": gaps });
                recording.gaps = gaps;
                ("recording.ready", data)
            }
            RecordingOutcome::Failed(error) => {
                recording.state = RecordingState::Failed;
                let data = json!({ "call_id": call_id, "error": error });
                recording.error = Some(error);
                ("recording.failed", data)
            }
        };
        self.recording_happened(kind, now, data);
    }

    /// The other party is no longer held, if it was.
    pub(super) fn resumed(&mut self, now: DateTime<Utc>) {
        if let Some(agent) = self.row.agent_id {
            self.let_go(now, agent);
        }
        if self.controls.is_held() {
            // Somebody else lets them wait.
            return;
        }
        if let Some(since) = self.row.held_since.take() {
            let agent = self.row.agent_id;
            let held_ms = (now - since).num_milliseconds();
            self.happened("call.resumed", now, agent, json!({ "agent_id": agent, "held_ms": held_ms }));
        }
    }

    /// Moves the call to another state.
    pub(super) fn set_state(&mut self, state: CallState) {
        self.row.state = state;
    }
}

//! The core of call control: pure, so that a production call can be replayed and every rule tested without waiting.
//!
//! One invariant holds the loop together: after [`Center::handle`] returns, everything that has to be done is in the
//! outputs it returned, and [`Center::deadline`] says when it wants to be asked again although nothing happened.
//!
//! What the parts decide: `fleet` where phones ring, `floor` who is at work and what waits for whom (by the router), `offers` who is rung and what an answer
//! means, `refer` how a phone does so by itself, `speech` what a waiting customer is told, `outbound` how agents call out, `call_back` how customers are called back, `outside` how calls are handed to somebody outside, `internal` how colleagues call each other, `guard` when that is an alarm, `ways` by which trunk, `endings` how a call is taken
//! down, `inbound` where a call from outside goes, `ivr` its way through a flow, `voicemail` what is left by those whom nobody serves, `talk` what a phone may do in a running call, `chats` who writes, `controls` what an agent may do with one, `supervise` who listens in, `answers` what a refused
//! request means, `taps` how its audio reaches the recorder, `reconcile` what became of it while nobody could tell us,
//! `missed` what is known of one that came and went meanwhile, `strangers` who called a number that nobody has.

mod answers;
mod call;
mod call_back;
mod chats;
mod commands;
mod consult;
mod controls;
mod direct;
mod endings;
mod fleet;
mod floor;
mod guard;
mod inbound;
mod internal;
mod io;
mod ivr;
mod missed;
mod music;
mod offers;
mod outbound;
mod outside;
mod reconcile;
mod refer;
mod request;
mod speech;
mod strangers;
mod supervise;
mod talk;
mod taps;
mod transfer;
mod voicemail;
mod waiting;
mod ways;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, QueueId, RecordingId, TenantId, TrunkId};
use trunkline_dialing::{Ledger, Mark};
use trunkline_routing as routing;

use self::call::Call;
pub use self::chats::{ChatRecord, ChatStands};
pub use self::commands::{Ask, OnPhone, SuperviseMode, TransferKind, TransferStep, TransferTo};
use self::fleet::Fleet;
use self::floor::Floor;
pub use self::io::{
    Answers, AsteriskSnapshot, BridgeView, ChannelView, DialProgress, DialWish, Ending, FinishedCall, HangupWhy, Input,
    Output, RecorderCommand, RecordingOutcome, Refusal, Reply, Report, Request,
};
pub use self::missed::MissedCall;
use crate::CallCommandError;
use crate::Sight;
use crate::directory::{Directory, DirectoryQueue, e164};
use crate::lines::Arrival;
use crate::model::{CallRow, CallState, Direction, EndReason, Leg, LegKind, OpenCall, Server};
use crate::names::{Part, ResourceName};
use crate::queueing::House;
use crate::{DialRefusal, DirectoryDevice};

/// The dialplan context of the echo test.
const ECHO_CONTEXT: &str = "trunkline-echo";
/// The echo test's extension, in every tenant.
const ECHO_EXTENSION: &str = "600";

/// How much longer Asterisk itself lets a phone ring than our own timer: only a gateway that died is later than that.
const NET_SECONDS: u32 = 10;
/// Q.850: there is no such number.
const CAUSE_UNALLOCATED: i16 = 1;
/// Q.850: the called party is in another call.
const CAUSE_BUSY: i16 = 17;
/// Q.850: no phone of the called party is there.
const CAUSE_ABSENT: i16 = 20;
/// Q.850: call rejected.
const CAUSE_REJECTED: i16 = 21;
/// Q.850: switching equipment congestion, which is what the phone is told by [`HangupWhy::Congestion`].
const CAUSE_NO_RESOURCE: i16 = 42;

/// What a caller dialled, and who they are if they are ours.
#[derive(Debug)]
struct Dialled {
    direction: Direction,
    to: String,
    calling_agent: Option<AgentId>,
}

/// Which calls channels belong to that carry no name of ours: their ids are one server's.
#[derive(Debug, Default)]
struct Owners(HashMap<Server, HashMap<String, CallId>>);

impl Owners {
    fn get(&self, server: &Server, channel: &str) -> Option<CallId> {
        self.0.get(server)?.get(channel).copied()
    }

    fn insert(&mut self, server: &Server, channel: String, call: CallId) {
        self.0.entry(server.clone()).or_default().insert(channel, call);
    }

    fn remove(&mut self, server: &Server, channel: &str) {
        if let Some(owners) = self.0.get_mut(server) {
            owners.remove(channel);
        }
    }

    fn forget(&mut self, call: CallId) {
        for owners in self.0.values_mut() {
            owners.retain(|_, owner| *owner != call);
        }
    }
}

/// Every running call, and who could take it.
#[derive(Debug, Default)]
pub struct Center {
    /// The names of our ARI application, which may be another on each server.
    apps: BTreeMap<Server, String>,
    directory: Arc<Directory>,
    floors: BTreeMap<TenantId, Floor>,
    /// The router's time, in milliseconds: what went by, whatever the clock was set to.
    steady: u64,
    /// The clock when we were last called.
    seen_at: Option<DateTime<Utc>>,
    /// Who was just released from which call, and by whose rules they wrap up.
    released: Vec<(AgentId, CallId, QueueId)>,
    /// What the routers are yet to be told, while several things are taken in at once.
    held_back: Option<Vec<(TenantId, routing::Input<House>)>>,
    fleet: Fleet,
    calls: BTreeMap<CallId, Call>,
    /// Which call a channel of the outside world belongs to; channels of our own say it in their name.
    customers: Owners,
    /// Which call a phone of the house began that dialled out by itself.
    callers: Owners,
    /// Channels that carry one call's name and belong to another, into which they were taken.
    taken_in: Owners,
    /// What each tenant called out lately: what caps go by.
    ledgers: HashMap<TenantId, Ledger>,
    guards: HashMap<TenantId, guard::Guard>,
    /// Recordings that are being closed, their calls over.
    closing_recordings: HashMap<RecordingId, CallId>,
    /// Who called a number that is not known, and waits for the directory to be read again.
    strangers: Vec<strangers::Stranger>,
    /// How often it was asked for.
    readings: u64,
}

impl Center {
    /// A call centre with no calls, for these servers and the names of our ARI application there.
    pub fn new(apps: impl IntoIterator<Item = (Server, String)>) -> Self {
        Self { apps: apps.into_iter().collect(), ..Self::default() }
    }

    /// These servers pass calls on to phones for each other.
    pub fn link(&mut self, servers: impl IntoIterator<Item = Server>) {
        self.fleet.link(servers);
    }

    /// The server on which a running call is.
    pub fn server_of(&self, call: CallId) -> Option<&Server> {
        self.calls.get(&call).map(|call| &call.row.server)
    }

    /// Whose a running call is.
    pub fn tenant_of(&self, call: CallId) -> Option<TenantId> {
        self.calls.get(&call).map(|call| call.tenant)
    }

    /// Takes up the calls that the database says were running. What became of them is told by the next snapshot;
    /// the recordings of those that were over already are closed now.
    pub fn restore(&mut self, open: Vec<OpenCall>) -> Vec<Output> {
        let mut out = Vec::new();
        for OpenCall { tenant, row, legs, recording } in open {
            let (id, ended) = (row.id, row.state == CallState::Ended);
            if !ended {
                // One that was taken into another call is no customer of this one.
                if legs.iter().any(|leg| leg.id == row.customer_channel && leg.ended_at.is_none()) {
                    self.customers.insert(&row.server, row.customer_channel.clone(), id);
                }
                let foreign = |leg: &&Leg| leg.kind == LegKind::Agent && leg.id.parse::<ResourceName>().is_err();
                for leg in legs.iter().filter(foreign) {
                    self.callers.insert(&row.server, leg.id.clone(), id);
                }
                self.remember_taken_in(&row.server, id, &legs);
            }
            let call = Call::restored(tenant, row, legs, recording);
            if ended {
                let Some(finish) = call.finish_recording() else {
                    continue;
                };
                out.push(finish);
                if let Some(recording) = &call.recording {
                    self.closing_recordings.insert(recording.id, id);
                }
            }
            self.calls.insert(id, call);
        }
        out
    }

    /// Takes in one thing that happened and says what has to be done.
    pub fn handle(&mut self, now: DateTime<Utc>, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        if let Input::ClockSet { by } = input {
            self.clock_set(by);
        }
        // It begins at the clock's own time, so that what was before it keeps its order.
        let elapsed = self.seen_at.map_or_else(|| now.timestamp_millis(), |seen| (now - seen).num_milliseconds());
        self.steady += u64::try_from(elapsed).unwrap_or(0);
        self.seen_at = Some(now);
        match input {
            Input::Report(server, report) => self.report(now, &server, report, &mut out),
            Input::Away(server) => self.server_away(now, &server, &mut out),
            Input::Gap { server, from, reason } => self.gap(now, &server, from, reason, &mut out),
            Input::Snapshot(snapshot) => self.reconcile(now, &snapshot, &mut out),
            Input::Answered { call, request, result } => self.answered(now, call, &request, result, &mut out),
            Input::Missed(missed) => self.missed(now, &missed, &mut out),
            Input::Directory(directory) => {
                self.directory = Arc::clone(&directory);
                self.directory_changed(now, &directory, &mut out);
            }
            Input::DirectoryRead { reading } => self.directory_read(now, reading, &mut out),
            Input::AgentState { tenant, agent, state, reason, by } => {
                self.agent_state(now, (tenant, agent), (state, reason), by, &mut out);
            }
            Input::Disposed { tenant, agent, call } => {
                self.route(now, tenant, [routing::Input::Disposed { work: call.into(), agent }], &mut out);
            }
            Input::Hangup { tenant, call, sight } => self.hangup(now, tenant, call, &sight, &mut out),
            Input::Transfer { tenant, call, sight, kind, to } => {
                self.transfer(now, (tenant, call), &sight, kind, to, &mut out);
            }
            Input::TransferStep { tenant, call, sight, step } => {
                self.transfer_step(now, (tenant, call), &sight, step, &mut out);
            }
            Input::Conference { tenant, call, sight, agent } => {
                self.conference(now, (tenant, call), &sight, agent, &mut out);
            }
            Input::Ask { tenant, call, sight, ask } => self.asked(now, (tenant, call), &sight, &ask, &mut out),
            Input::Reattach { tenant, call, by, username } => {
                self.reattach(now, (tenant, call), by, &username, &mut out);
            }
            Input::Dial(wish) => self.dial(now, &wish, &mut out),
            Input::Committed { call } => self.committed(now, call, &mut out),
            Input::CallbackSettled { tenant, number } => self.callback_settled(now, tenant, &number, &mut out),
            Input::Chat(record) => self.chat_told(now, record, &mut out),
            Input::Chats { tenant, all } => self.chats_read(now, tenant, all, &mut out),
            Input::ChatSettled(record) => self.chat_settled(now, record, &mut out),
            Input::FoundPaused { recording } => self.found_paused(now, recording),
            Input::Recorded { recording, outcome } => self.recorded(now, recording, outcome, &mut out),
            Input::CallerKnown { call, facts } => self.caller_known(now, call, facts, &mut out),
            Input::Fetched { call, answer } => self.flow_fetched(now, call, answer, &mut out),
            Input::Tick | Input::ClockSet { .. } => {}
        }
        self.timers(now, &mut out);
        out
    }

    /// What waits for a moment of the clock waits as long as it would have.
    fn clock_set(&mut self, by: TimeDelta) {
        self.seen_at = self.seen_at.map(|seen| seen + by);
        for call in self.calls.values_mut() {
            let closing = call.closing.as_mut().map(|closing| &mut closing.until);
            let reattach = call.reattach.as_mut().map(|reattach| &mut reattach.until);
            let speech = call.speech.as_mut().map(|speech| &mut speech.until);
            let direct = call.direct.as_mut().map(|direct| &mut direct.until);
            let outside = call.outside.as_mut().map(|outside| &mut outside.until);
            let outbound = call.outbound.as_mut().map(|outbound| &mut outbound.until);
            for until in [closing, reattach, speech, direct, outside, outbound].into_iter().flatten() {
                *until += by;
            }
            call.told_at = call.told_at.map(|told| told + by);
            if let Some(music) = &mut call.music {
                music.clock_set(by);
            }
            if let Some(taps) = &mut call.taps {
                taps.clock_set(by);
            }
            call.supervisors.iter_mut().for_each(|one| one.clock_set(by));
            if let Some(ivr) = &mut call.ivr {
                ivr.clock_set(by);
            }
        }
        self.strangers.iter_mut().for_each(|stranger| stranger.until += by);
        self.doors_unknown();
    }

    /// When something is due although nothing happened.
    pub fn deadline(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let supervisors = self.calls.values().flat_map(|call| &call.supervisors).map(supervise::Supervision::deadline);
        let calls = self.calls.values().flat_map(|call| {
            [
                call.speech.as_ref().map(|speech| speech.until),
                call.ivr.as_ref().and_then(ivr::Ivr::deadline),
                call.message_deadline(),
                self.word_due(call),
                call.direct.as_ref().map(|direct| direct.until),
                call.outside.as_ref().map(|outside| outside.until),
                call.closing.as_ref().map(|closing| closing.until),
                call.reattach.as_ref().map(|reattach| reattach.until),
                call.outbound.as_ref().filter(|_| call.closing.is_none()).map(outbound::Outbound::deadline),
                call.taps.as_ref().and_then(taps::Taps::deadline),
            ]
        });
        let strangers = self.strangers.iter().map(|stranger| Some(stranger.until));
        calls.chain(supervisors).chain(strangers).chain([self.floor_deadline(now)]).flatten().min()
    }

    /// The agents of whom one phone can ring.
    pub fn reachable_agents(&self) -> impl Iterator<Item = (TenantId, AgentId)> {
        let online = self.fleet.online().filter_map(|username| self.directory.devices.get(username));
        online.map(|device| (device.tenant, device.agent))
    }

    /// Whether one of the agent's phones takes part in a call.
    pub fn is_on_a_call(&self, tenant: TenantId, agent: AgentId) -> bool {
        let listens = |call: &Call| call.supervisors.iter().any(|one| one.by == agent);
        self.calls.values().filter(|call| call.tenant == tenant).any(|call| {
            let is_theirs = |leg: &Leg| leg.kind != LegKind::Outside && leg.agent_id == Some(agent);
            call.open_legs().any(is_theirs) || listens(call)
        })
    }

    /// Whether there is no call at all, but those that nobody hears wait: they wait on in the database.
    pub fn is_quiet(&self) -> bool {
        self.calls.values().all(Call::is_waiting_callback) && self.strangers.is_empty()
    }

    /// How many calls are in each state.
    pub fn calls_by_state(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::from([("queued", 0), ("ringing", 0), ("active", 0), ("ending", 0)]);
        for call in self.calls.values() {
            let state = match call.row.state {
                _ if call.closing.is_some() => "ending",
                CallState::New | CallState::Queued => "queued",
                CallState::Ringing => "ringing",
                CallState::Active => "active",
                CallState::Ended => "ending",
            };
            *counts.entry(state).or_default() += 1;
        }
        counts
    }

    fn report(&mut self, now: DateTime<Utc>, server: &Server, report: Report, out: &mut Vec<Output>) {
        match report {
            Report::Entered { channel, args } => self.entered(now, &channel, &args, out),
            Report::HangupRequested { channel, ending } => self.hangup_requested(now, server, &channel, ending, out),
            // A channel that left us on purpose was handed on; one that did not is destroyed within the same moment.
            Report::Left { .. } => {}
            Report::Destroyed { channel, ending } => self.destroyed(now, server, &channel, ending, out),
            Report::Hold { channel, held } => self.hold_changed(now, &channel, held, out),
            Report::Dialling { channel, progress } => self.dialling(now, server, &channel, progress, out),
            Report::Endpoint { username, online } => {
                if self.fleet.set(server, &username, online)
                    && let Some(device) = self.directory.devices.get(&username)
                {
                    let (tenant, agent) = (device.tenant, device.agent);
                    self.phone_changed(now, tenant, agent, out);
                }
            }
            Report::Dtmf { channel, digit } => self.key_pressed(now, server, &channel, digit, out),
            Report::Refer { channel, to, second } => {
                self.phone_refers(now, server, &channel, (&to, second.as_deref()), out);
            }
            Report::Played { playback } => self.played(now, &playback, out),
            Report::MessageTaken { name } => self.message_taken(now, &name, out),
        }
    }

    /// A channel entered our application: a new call, or a part of one that we asked for.
    fn entered(&mut self, now: DateTime<Utc>, channel: &ChannelView, args: &[String], out: &mut Vec<Output>) {
        if let Ok(name) = channel.id.parse::<ResourceName>() {
            match self.calls.get_mut(&name.call) {
                Some(call) if call.closing.is_none() && call.row.state != CallState::Ended => match name.part {
                    Part::AgentLeg(_) => self.agent_answered(now, name.call, &channel.id, out),
                    Part::SupervisorLeg(_) => self.supervisor_entered(now, name.call, &channel.id, out),
                    Part::Ear(_) | Part::Bell(_) => supervise::entered(call, &channel.id, out),
                    Part::TrunkLeg => self.trunk_leg_entered(now, name.call, channel, out),
                    Part::OutsideLeg(_) => self.outside_entered(now, name.call, &channel.id, channel.is_up(), out),
                    part => taps::entered(call, part, out),
                },
                _ => refuse(channel, HangupWhy::Normal, out),
            }
            return;
        }
        let is_known = |owners: &Owners| owners.get(&channel.server, &channel.id).is_some();
        if is_known(&self.customers) || is_known(&self.callers) {
            return;
        }
        let arg = |index: usize| args.get(index).map_or("", String::as_str);
        match arg(0) {
            "inbound" => self.customer_called(now, channel, Arrival::of(&args[1..]), out),
            "phone" => self.phone_called(now, channel, arg(1), arg(2), out),
            other => {
                tracing::warn!(channel = %channel.id, entry = other, "a channel came in by an entry that is not known");
                refuse(channel, HangupWhy::Unallocated, out);
            }
        }
    }

    /// A phone of the house dialled: a colleague; or, while there are minutes, a queue of its own tenant or a number outside that its tenant may call.
    fn phone_called(
        &mut self,
        now: DateTime<Utc>,
        channel: &ChannelView,
        username: &str,
        called: &str,
        out: &mut Vec<Output>,
    ) {
        let directory = Arc::clone(&self.directory);
        let Some(device) = directory.devices.get(username) else {
            tracing::warn!(channel = %channel.id, username, "a phone that is not in the directory dialled");
            refuse(channel, HangupWhy::Unallocated, out);
            return;
        };
        if self.is_emergency(device.tenant, called) {
            if let Err(refusal) = self.phone_dials_out(now, channel, device, called, out) {
                Self::refuse_phone(now, channel, device, called, &refusal, out);
            }
            return;
        }
        if called == ECHO_EXTENSION {
            out.push(Output::Request {
                server: channel.server.clone(),
                call: None,
                request: Request::Continue {
                    channel: channel.id.clone(),
                    context: ECHO_CONTEXT,
                    extension: ECHO_EXTENSION.to_owned(),
                },
            });
            return;
        }
        if let Some(colleague) = directory.agent_of_extension(device.tenant, called) {
            self.phone_calls_colleague(now, channel, device, colleague, out);
            return;
        }
        if directory.spent.contains(&device.tenant) {
            Self::refuse_phone(now, channel, device, called, &DialRefusal::Spent, out);
            return;
        }
        if let Some(queue) = directory.queue_of_extension(device.tenant, called) {
            let calling_agent = Some(device.agent);
            let dialled = Dialled { direction: Direction::Internal, to: called.to_owned(), calling_agent };
            self.queue_call(now, channel, dialled, queue, None, out);
        } else if let Err(refusal) = self.phone_dials_out(now, channel, device, called, out) {
            Self::refuse_phone(now, channel, device, called, &refusal, out);
        }
    }

    /// A phone's call that is not begun: it leaves its record, and the phone is told why as far as a phone can be told.
    fn refuse_phone(
        now: DateTime<Utc>,
        channel: &ChannelView,
        device: &DirectoryDevice,
        called: &str,
        refusal: &DialRefusal,
        out: &mut Vec<Output>,
    ) {
        let (direction, reason, cause, why) = if outbound::is_no_number(refusal) {
            (Direction::Internal, EndReason::InvalidNumber, CAUSE_UNALLOCATED, HangupWhy::Unallocated)
        } else if *refusal == DialRefusal::Spent {
            (Direction::Internal, EndReason::Blocked, CAUSE_NO_RESOURCE, HangupWhy::Congestion)
        } else {
            (Direction::Outbound, EndReason::Blocked, CAUSE_REJECTED, HangupWhy::Rejected)
        };
        let tried = Dialled { direction, to: called.to_owned(), calling_agent: Some(device.agent) };
        Self::record_refused_call(now, device.tenant, channel, tried, (reason, cause), out);
        refuse(channel, why, out);
    }

    fn new_row(now: DateTime<Utc>, channel: &ChannelView, direction: Direction, to: String) -> CallRow {
        let id = CallId::new();
        CallRow {
            from_number: e164(&channel.caller_number),
            to_number: to,
            ..CallRow::begun((id, direction), (channel.server.clone(), channel.id.clone()), now)
        }
    }

    fn queue_call(
        &mut self,
        now: DateTime<Utc>,
        channel: &ChannelView,
        dialled: Dialled,
        queue: &DirectoryQueue,
        line: Option<TrunkId>,
        out: &mut Vec<Output>,
    ) {
        let Dialled { direction, to, calling_agent } = dialled;
        let mut row = Self::new_row(now, channel, direction, to);
        row.queue_id = Some(queue.id);
        row.queued_at = Some(now);
        let mut call = Call::new(queue.tenant, row);
        call.ring_seconds = queue.ring_seconds;
        call.calling_agent = calling_agent;
        call.line = line;
        call.set_state(CallState::Queued);
        let mut details = json!({
            "direction": direction,
            "from": call.row.from_number,
            "to": call.row.to_number,
            "queue_id": queue.id,
        });
        if let Some(line) = line {
            details["trunk_id"] = json!(line);
        }
        call.happened("call.started", now, calling_agent, details);
        let vip = self.mark(queue.tenant, &call.row.from_number) == Some(Mark::Vip);
        call.begins_to_wait(now, queued(queue, vip));
        if let Some(leg) = call.leg_mut(&channel.id) {
            leg.answered_at = Some(now);
            leg.agent_id = calling_agent;
        }
        out.push(call.request(Request::CreateBridge { bridge: call.bridge() }));
        out.push(call.request(Request::Answer { channel: channel.id.clone() }));
        call.wait_music(now, Some(&queue.routing.while_waiting), out);
        out.push(call.record(None));
        let id = call.id();
        self.customers.insert(&channel.server, channel.id.clone(), id);
        self.calls.insert(id, call);
        self.joins_line(now, id, false, out);
    }

    /// A call that is here already waits for an agent of a queue.
    fn wait_in(&mut self, now: DateTime<Utc>, id: CallId, queue: &DirectoryQueue, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get(&id) else { return };
        let vip = self.mark(queue.tenant, &call.row.from_number) == Some(Mark::Vip);
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.row.queue_id = Some(queue.id);
        call.row.queued_at = Some(now);
        call.ring_seconds = queue.ring_seconds;
        call.set_state(CallState::Queued);
        call.begins_to_wait(now, queued(queue, vip));
        call.wait_music(now, Some(&queue.routing.while_waiting), out);
        out.push(call.record(None));
        self.joins_line(now, id, false, out);
    }

    /// A call that was refused at once still leaves its record: somebody tried.
    fn record_refused_call(
        now: DateTime<Utc>,
        tenant: TenantId,
        channel: &ChannelView,
        Dialled { direction, to, calling_agent }: Dialled,
        (reason, cause): (EndReason, i16),
        out: &mut Vec<Output>,
    ) {
        let mut row = Self::new_row(now, channel, direction, to);
        row.state = CallState::Ended;
        row.ended_at = Some(now);
        row.end_reason = Some(reason);
        row.agent_id = calling_agent.filter(|_| direction == Direction::Outbound);
        let mut call = Call::new(tenant, row);
        call.calling_agent = calling_agent;
        call.leg_ended(&channel.id, now, Some(cause));
        let details = json!({ "direction": direction, "from": call.row.from_number, "to": call.row.to_number });
        call.happened("call.started", now, calling_agent, details);
        call.happened("call.ended", now, None, json!({ "end_reason": reason }));
        out.push(call.record(None));
    }

    fn hangup(&mut self, now: DateTime<Utc>, tenant: TenantId, id: CallId, sight: &Sight, out: &mut Vec<Output>) {
        let running = self.calls.get(&id).filter(|call| call.tenant == tenant && call.row.state != CallState::Ended);
        let visible = running.filter(|call| self.is_seen(call, sight));
        let state = |call: &Call| {
            let (answered, outside) = (call.row.answered_at.is_some(), call.is_left_to_outside());
            (answered, outside, call.is_between_colleagues(), call.row.direction)
        };
        let Some((was_answered, left_to_outside, is_between, direction)) = visible.map(state) else {
            out.push(Output::CommandAnswered(Err(CallCommandError::NotFound)));
            return;
        };
        tracing::info!(call = %id, by = %sight.user, "hanging up by command");
        let reason = match direction {
            _ if self.calls.get(&id).is_some_and(Call::is_waiting_callback) => EndReason::Withdrawn,
            _ if left_to_outside => EndReason::Transferred,
            _ if was_answered => EndReason::CompletedAgent,
            Direction::Outbound => EndReason::NoAnswer,
            _ if is_between => EndReason::NoAnswer,
            _ => EndReason::Rejected,
        };
        self.begin_end(now, id, reason, false, out);
        out.push(Output::CommandAnswered(Ok(())));
    }

    /// An agent sees the calls of their queues, and those that they, or the members of a team they lead, are asked to take or take
    /// part in.
    fn is_seen(&self, call: &Call, sight: &Sight) -> bool {
        let agent = AgentId::from(sight.user);
        let of_queue = call.row.queue_id.and_then(|queue| self.directory.queues.get(&queue));
        let has_part = |agent: AgentId| {
            call.calling_agent == Some(agent) || call.legs.iter().any(|leg| leg.agent_id == Some(agent))
        };
        sight.all
            || of_queue.is_some_and(|queue| queue.members.contains(&agent))
            || has_part(agent)
            || sight.led.iter().copied().any(has_part)
    }

    fn timers(&mut self, now: DateTime<Utc>, out: &mut Vec<Output>) {
        let ids: Vec<CallId> = self.calls.keys().copied().collect();
        for id in ids {
            self.speech_timer(now, id, out);
            self.flow_timer(now, id, out);
            self.voicemail_timer(now, id, out);
            self.waiting_timer(now, id, out);
            self.direct_timer(now, id, out);
            self.outside_timer(now, id, out);
            self.reattach_timer(now, id, out);
            self.outbound_timer(now, id, out);
            self.supervision_timer(now, id, out);
            self.closing_timer(now, id, out);
            if let Some(call) = self.calls.get_mut(&id) {
                taps::overdue(call, now, out);
            }
        }
        self.strangers_timer(now, out);
        self.floor_timers(now, out);
        self.callbacks_outrun(now, out);
        // Whatever happened, and whatever followed from it.
        let ids: Vec<CallId> = self.calls.keys().copied().collect();
        for id in ids {
            self.settle(now, id, out);
            self.close_usage(now, id);
        }
    }
}

/// What is told of a call that waits.
fn queued(queue: &DirectoryQueue, vip: bool) -> serde_json::Value {
    json!({
        "queue_id": queue.id,
        "queue": queue.name,
        "vip": vip,
        "service_level_s": queue.routing.service_level_seconds,
        "short_abandon_s": queue.routing.short_abandon_seconds,
    })
}

/// Turns a channel away that belongs to no call.
fn refuse(channel: &ChannelView, why: HangupWhy, out: &mut Vec<Output>) {
    let request = Request::Hangup { channel: channel.id.clone(), why };
    out.push(Output::Request { server: channel.server.clone(), call: None, request });
}

#[cfg(test)]
mod tests;

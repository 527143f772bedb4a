//! A small Asterisk with customers and phones around it, in virtual time, and a database that remembers records.

mod chats;
mod ears;
mod flows;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use trunkline_db::{AgentId, CallId, DeviceId, QueueId, RecordingId, TenantId, TrunkId};
use trunkline_dialing::{Policy, Rule, Rules};

use self::chats::Chats;
use self::flows::Flows;
pub(super) use self::flows::says;
use crate::center::{
    Ask, AsteriskSnapshot, BridgeView, Center, ChannelView, DialProgress, DialWish, Ending, FinishedCall, Input,
    MissedCall, OnPhone, Output, RecorderCommand, RecordingOutcome, Refusal, Reply, Report, Request, SuperviseMode,
    TransferKind, TransferStep, TransferTo,
};
use crate::directory::{Directory, DirectoryAgent, DirectoryQueue, Number, Target};
use crate::flow::walk::Step;
use crate::model::Server;
use crate::model::{
    AgentActivity, AgentRow, CallRow, CallState, CallbackRow, Happening, Leg, LegKind, OpenCall, Record, RecordingRow,
    RecordingState, VoicemailRow, WrapUpRow,
};
use crate::queueing::QueueRouting;
use crate::{AgentState, By, CallCommandError, DeviceKind, DialRefusal, DirectoryDevice, Sight};

pub(super) const NUMBER: &str = "+15550100";
/// A number of the outside world that may be called.
pub(super) const OUTSIDE: &str = "06 44121234";
/// The number and the extension of a queue of another tenant.
pub(super) const FOREIGN_NUMBER: &str = "+15550199";
pub(super) const FOREIGN_EXTENSION: &str = "799";

#[derive(Debug, Clone)]
struct SimChannel {
    name: String,
    up: bool,
    in_app: bool,
    /// Hears music.
    music: bool,
    /// Hears that it rings somewhere.
    rings: bool,
    app_data: String,
    /// A snoop dies with the channel it listens to.
    spies_on: Option<String>,
    /// Whether a snoop hears that channel, and is heard on it.
    hears: bool,
    speaks: bool,
    muted: bool,
    port: u16,
}

impl SimChannel {
    fn new(up: bool, in_app: bool, app_data: String) -> Self {
        let (hears, speaks, muted) = (false, false, false);
        let name = String::new();
        Self { name, up, in_app, music: false, rings: false, app_data, spies_on: None, hears, speaks, muted, port: 0 }
    }
}

/// What the database would have.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    pub(super) calls: BTreeMap<CallId, (TenantId, CallRow)>,
    pub(super) legs: BTreeMap<(CallId, String), Leg>,
    pub(super) recordings: BTreeMap<RecordingId, RecordingRow>,
    pub(super) happenings: Vec<Happening>,
    pub(super) agents: BTreeMap<AgentId, AgentRow>,
    pub(super) wrap_ups: BTreeMap<(AgentId, CallId), WrapUpRow>,
    pub(super) steps: Vec<Step>,
    pub(super) voicemails: BTreeMap<CallId, VoicemailRow>,
    pub(super) callbacks: BTreeMap<CallId, CallbackRow>,
}

pub(super) struct World {
    pub(super) now: DateTime<Utc>,
    pub(super) tenant: TenantId,
    pub(super) queue: QueueId,
    pub(super) agents: Vec<AgentId>,
    pub(super) center: Center,
    pub(super) database: Remembered,
    pub(super) finished: Vec<FinishedCall>,
    pub(super) requests: Vec<Request>,
    pub(super) directory: Arc<Directory>,
    channels: BTreeMap<String, SimChannel>,
    bridges: BTreeMap<String, BTreeSet<String>>,
    reports: VecDeque<Report>,
    /// Answers to requests and to the recorder's commands, on their way to the core.
    answers: VecDeque<Input>,
    recording: BTreeSet<RecordingId>,
    /// Recordings that hold silence for now; the recorder remembers it across its own death.
    pub(super) paused: BTreeSet<RecordingId>,
    connected_since_loss: Option<DateTime<Utc>>,
    /// Records are kept, but nobody says so.
    pub(super) database_is_silent: bool,
    /// The readings of the directory that were asked for.
    pub(super) readings: Vec<u64>,
    /// What became of wishes to call.
    pub(super) dialled: Vec<Result<(), DialRefusal>>,
    pub(super) denied: Vec<Rule>,
    /// Trunks that had as many calls as they may when one more came.
    pub(super) full: Vec<TrunkId>,
    /// Trunks of which Asterisk makes no channel.
    pub(super) unusable: Vec<String>,
    /// What callers say who they are.
    pub(super) caller: String,
    /// What the dialplan noted of callers whom nobody took.
    notes: Vec<MissedCall>,
    answered: Option<Result<(), CallCommandError>>,
    /// How supervisors asked to take part.
    modes: BTreeMap<(CallId, AgentId), SuperviseMode>,
    /// What is being played to whom.
    pub(super) playing: BTreeMap<String, String>,
    pub(super) chats: Chats,
    pub(super) flows: Flows,
    numbered: u32,
}

impl World {
    /// One tenant, one queue, and this many agents with a phone each, all available.
    pub(super) fn with_agents(count: usize) -> Self {
        let now = DateTime::from_timestamp_millis(1_800_000_000_000).expect("a valid time");
        let (tenant, queue) = (TenantId::new(), QueueId::new());
        let agents: Vec<AgentId> = (0..count).map(|_| AgentId::new()).collect();
        let mut directory = Directory::default();
        directory.tenants.insert(tenant, "demo".to_owned());
        directory.numbers.insert(NUMBER.to_owned(), Number::leading_to(tenant, Target::Queue(queue)));
        directory.queues.insert(
            queue,
            DirectoryQueue {
                id: queue,
                tenant,
                name: "Sales".to_owned(),
                extension: Some("700".to_owned()),
                ring_seconds: 15,
                members: agents.iter().copied().collect(),
                routing: QueueRouting::default(),
            },
        );
        for (index, agent) in agents.iter().enumerate() {
            directory.agents.insert(
                (tenant, *agent),
                DirectoryAgent {
                    id: *agent,
                    tenant,
                    name: format!("Agent {index}"),
                    extension: Some(Self::extension(index)),
                    state: AgentState::Available,
                    reason: None,
                    activity: AgentActivity::Available,
                    skills: BTreeMap::new(),
                    chats: 4,
                    wrap_ups: Vec::new(),
                    idle_since: now - TimeDelta::minutes(10 - i64::try_from(index).expect("few agents")),
                },
            );
            let username = Self::phone(index);
            directory.devices.insert(
                username.clone(),
                DirectoryDevice {
                    id: DeviceId::new(),
                    tenant,
                    agent: *agent,
                    username,
                    ha1: trunkline_db::Secret::new(""),
                    kind: DeviceKind::Desk,
                },
            );
        }
        let policy = Policy { rules: Some(Rules::of_country("IT".parse().expect("Italy"))), ..Policy::default() };
        directory.dialing.insert(tenant, Arc::new(policy));
        directory.trunks.insert(tenant, BTreeMap::from([(Server::default(), "PJSIP/{number}@demo-trunk".to_owned())]));
        let (neighbour, next_door) = (TenantId::new(), QueueId::new());
        directory.tenants.insert(neighbour, "neighbour".to_owned());
        directory.numbers.insert(FOREIGN_NUMBER.to_owned(), Number::leading_to(neighbour, Target::Queue(next_door)));
        directory.queues.insert(
            next_door,
            DirectoryQueue {
                id: next_door,
                tenant: neighbour,
                name: "Next door".to_owned(),
                extension: Some(FOREIGN_EXTENSION.to_owned()),
                ring_seconds: 15,
                members: BTreeSet::new(),
                routing: QueueRouting::default(),
            },
        );
        let mut world = Self {
            now,
            tenant,
            queue,
            agents,
            center: Center::new([(Server::default(), "trunkline".to_owned())]),
            database: Remembered::default(),
            finished: Vec::new(),
            requests: Vec::new(),
            directory: Arc::new(directory),
            channels: BTreeMap::new(),
            bridges: BTreeMap::new(),
            reports: VecDeque::new(),
            answers: VecDeque::new(),
            recording: BTreeSet::new(),
            paused: BTreeSet::new(),
            connected_since_loss: Some(now),
            database_is_silent: false,
            readings: Vec::new(),
            dialled: Vec::new(),
            denied: Vec::new(),
            full: Vec::new(),
            unusable: Vec::new(),
            caller: "+15550999".to_owned(),
            notes: Vec::new(),
            answered: None,
            modes: BTreeMap::new(),
            playing: BTreeMap::new(),
            chats: Chats::default(),
            flows: Flows::default(),
            numbered: 0,
        };
        world.tell_what_is_configured();
        world
    }

    /// Somebody changed the configuration.
    pub(super) fn change_directory(&mut self, change: impl FnOnce(&mut Directory)) {
        change(Arc::make_mut(&mut self.directory));
        self.feed(Input::Directory(Arc::clone(&self.directory)));
    }

    pub(super) fn phone(index: usize) -> String {
        format!("demo-phone{index}")
    }

    pub(super) fn extension(index: usize) -> String {
        format!("200{}", index + 1)
    }

    fn tell_what_is_configured(&mut self) {
        let directory = Arc::clone(&self.directory);
        self.feed(Input::Directory(directory));
        for index in 0..self.agents.len() {
            self.feed(Input::Report(
                Server::default(),
                Report::Endpoint { username: Self::phone(index), online: true },
            ));
        }
    }

    // What people do.

    /// A customer calls; gives the channel's id.
    pub(super) fn customer_calls(&mut self) -> String {
        self.enters(&format!("inbound,demo-trunk,{NUMBER}"))
    }

    /// The number leads elsewhere from now on.
    pub(super) fn number_leads_to(&mut self, target: Target) {
        let tenant = self.tenant;
        self.change_directory(|directory| {
            directory.numbers.insert(NUMBER.to_owned(), Number::leading_to(tenant, target));
        });
    }

    /// A customer calls by a way of their own: trunk, number, and what else the dialplan tells.
    pub(super) fn customer_comes(&mut self, args: &str) -> String {
        self.enters(&format!("inbound,{args}"))
    }

    /// A phone of the house dials.
    pub(super) fn phone_dials(&mut self, index: usize, extension: &str) -> String {
        self.enters(&format!("phone,{},{extension}", Self::phone(index)))
    }

    /// An agent clicks a number; gives the call.
    pub(super) fn clicks(&mut self, index: usize, to: &str) -> CallId {
        let (call, tenant, agent) = (CallId::new(), self.tenant, self.agents[index]);
        let to = to.to_owned();
        self.feed(Input::Dial(DialWish {
            call,
            tenant,
            agent,
            to,
            colleague: None,
            queue: None,
            phone: None,
            auto_answer: true,
        }));
        call
    }

    /// Somebody changed whom the tenant may call.
    pub(super) fn change_policy(&mut self, change: impl FnOnce(&mut Policy)) {
        let tenant = self.tenant;
        self.change_directory(|directory| {
            change(Arc::make_mut(directory.dialing.get_mut(&tenant).expect("a policy")));
        });
    }

    /// It gets on where we dial.
    pub(super) fn gets_on(&mut self, leg: &str, progress: DialProgress) {
        if progress == DialProgress::Answered
            && let Some(channel) = self.channels.get_mut(leg)
        {
            channel.up = true;
        }
        self.report(Report::Dialling { channel: leg.to_owned(), progress });
        self.run();
    }

    /// Legs to the outside world that nobody answered yet.
    pub(super) fn dialled_legs(&self) -> Vec<String> {
        let outside = |id: &str| id.ends_with("-out") || id.contains("-ext");
        let open = self.channels.iter().filter(|(id, channel)| outside(id) && !channel.up);
        open.map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn the_call(&self) -> &CallRow {
        &self.database.calls.values().next_back().expect("a call").1
    }

    fn enters(&mut self, args: &str) -> String {
        self.numbered += 1;
        let id = format!("lab-{}", self.numbered);
        let app_data = format!("trunkline,{args}");
        // With nobody connected the dialplan keeps the caller; only a gateway that comes back sees them.
        let in_app = self.is_connected();
        let mut channel = SimChannel::new(false, in_app, app_data);
        channel.name = format!("PJSIP/{}-{:08x}", args.split(',').nth(1).unwrap_or_default(), self.numbered);
        self.channels.insert(id.clone(), channel);
        if in_app {
            self.report_entered(&id);
            self.run();
        }
        id
    }

    /// Picks up a ringing phone.
    pub(super) fn answer(&mut self, leg: &str) {
        let connected = self.is_connected();
        if let Some(channel) = self.channels.get_mut(leg) {
            if connected {
                channel.up = true;
                channel.in_app = true;
                self.report_entered(leg);
            } else {
                // `Stasis()` fails while nobody is there, and the leg is hung up.
                self.remove_channel(leg, 16);
            }
            self.run();
        }
    }

    /// Several phones are picked up before anybody hears of the first.
    pub(super) fn answer_all(&mut self, legs: &[String]) {
        for leg in legs {
            if let Some(channel) = self.channels.get_mut(leg) {
                (channel.up, channel.in_app) = (true, true);
                self.report_entered(leg);
            }
        }
        self.run();
    }

    /// A party hangs up, or a phone refuses.
    pub(super) fn hang_up(&mut self, channel: &str, cause: i16) {
        if let Some(there) = self.channels.get(channel) {
            if channel.starts_with("lab-") && !there.in_app && !there.up {
                let words: Vec<&str> = there.app_data.split(',').collect();
                self.notes.push(MissedCall {
                    server: Server::default(),
                    id: CallId::new(),
                    channel: channel.to_owned(),
                    kind: words[1].to_owned(),
                    endpoint: words[2].to_owned(),
                    called: words[3].to_owned(),
                    caller: "+15550999".to_owned(),
                    since: self.now,
                    until: self.now,
                    cause: Some(cause),
                });
            }
            self.report(Report::HangupRequested {
                channel: channel.to_owned(),
                ending: Ending { cause: Some(cause), sip_code: None },
            });
            self.remove_channel(channel, cause);
            self.run();
        }
    }

    pub(super) fn ringing_legs(&self) -> Vec<String> {
        self.channels
            .iter()
            .filter(|(id, channel)| (id.contains("-leg") || id.contains("-sup")) && !channel.up)
            .map(|(id, _)| id.clone())
            .collect()
    }

    pub(super) fn parties(&self) -> Vec<String> {
        self.channels
            .keys()
            .filter(|id| {
                let parts = ["-leg", "-sup", "-out", "-ext"];
                id.starts_with("lab-") || parts.iter().any(|part| id.contains(part))
            })
            .cloned()
            .collect()
    }

    pub(super) fn talking(&self) -> Vec<BTreeSet<String>> {
        self.bridges
            .iter()
            .filter(|(id, _)| id.ends_with("-b") || id.ends_with("-mix"))
            .map(|(_, members)| members.clone())
            .collect()
    }

    /// Callers who wait in silence, and those who hear music while they talk: there may be none of either.
    pub(super) fn wrongly_entertained(&self) -> Vec<&str> {
        let rooms = self.talking();
        let is_up = |id: &str| self.channels.get(id).is_some_and(|channel| channel.up);
        // Who is only dialled does not talk yet.
        let in_room = |id: &str, least: usize| {
            let talk = |room: &BTreeSet<String>| room.iter().filter(|mate| *mate == id || is_up(mate)).count() >= least;
            rooms.iter().any(|room| room.contains(id) && talk(room))
        };
        self.channels
            .iter()
            .filter(|(id, channel)| id.starts_with("lab-") && channel.in_app)
            // A phone that called out is the agent's side of its call.
            .filter(|(_, channel)| !channel.app_data.ends_with(OUTSIDE))
            .filter(|(id, channel)| match (channel.music, channel.rings) {
                (true, true) => true,
                (false, false) => !in_room(id, 1),
                _ => in_room(id, 2),
            })
            .filter(|(id, _)| !self.playing.values().any(|hears| hears == *id))
            .map(|(id, _)| id.as_str())
            .collect()
    }

    pub(super) fn nothing_is_left(&self) -> bool {
        self.channels.is_empty() && self.bridges.is_empty()
    }

    pub(super) fn left_overs(&self) -> String {
        format!("{:?} {:?}", self.channels.keys(), self.bridges)
    }

    pub(super) fn time_passes(&mut self, by: TimeDelta) {
        let until = self.now + by;
        while let Some(due) = self.center.deadline(self.now).filter(|due| *due <= until) {
            self.now = due.max(self.now);
            self.feed(Input::Tick);
        }
        self.now = until;
        self.feed(Input::Tick);
    }

    // What breaks.

    pub(super) fn is_connected(&self) -> bool {
        self.connected_since_loss.is_some()
    }

    pub(super) fn connection_is_cut(&mut self) {
        self.connected_since_loss = None;
        self.reports.clear();
    }

    pub(super) fn connection_comes_back(&mut self, from: DateTime<Utc>, reason: &'static str) {
        self.connected_since_loss = Some(self.now);
        self.feed(Input::Gap { server: Server::default(), from, reason });
        // Callers whom the dialplan kept come in again.
        let waiting: Vec<String> = self
            .channels
            .iter()
            .filter(|(id, channel)| id.starts_with("lab-") && !channel.in_app)
            .map(|(id, _)| id.clone())
            .collect();
        let snapshot = self.snapshot();
        self.feed(Input::Snapshot(snapshot));
        for id in waiting {
            if let Some(channel) = self.channels.get_mut(&id) {
                channel.in_app = true;
                self.report_entered(&id);
            }
        }
        self.run();
        for missed in std::mem::take(&mut self.notes) {
            self.feed(Input::Missed(missed));
        }
    }

    /// `kill -9` and a new process: only the database and Asterisk know.
    pub(super) fn gateway_is_killed(&mut self) {
        self.connection_is_cut();
        self.answers.clear();
        self.recording.clear();
        self.center = Center::new([(Server::default(), "trunkline".to_owned())]);
        let open = self
            .database
            .calls
            .values()
            .filter_map(|(tenant, row)| {
                let recording = row.recording_id.and_then(|id| self.database.recordings.get(&id)).cloned();
                let unfinished = recording.as_ref().is_some_and(|it| it.state == RecordingState::Recording);
                (row.state != CallState::Ended || unfinished).then(|| OpenCall {
                    tenant: *tenant,
                    row: row.clone(),
                    legs: self
                        .database
                        .legs
                        .iter()
                        .filter(|((call, _), _)| *call == row.id)
                        .map(|(_, leg)| leg.clone())
                        .collect(),
                    recording,
                })
            })
            .collect();
        for ((_, id), agent) in &mut Arc::make_mut(&mut self.directory).agents {
            if let Some(row) = self.database.agents.get(id) {
                agent.activity = row.activity;
                if let Some(reason) = &row.paused {
                    (agent.state, agent.reason) = (AgentState::Paused, Some(reason.clone()));
                }
            }
            let left = self.database.wrap_ups.values().filter(|row| row.agent_id == *id && row.ended_at.is_none());
            agent.wrap_ups = left.cloned().collect();
        }
        let out = self.center.restore(open);
        self.carry_out(out);
        self.run();
        self.tell_what_is_configured();
        self.chats.gateway_is_killed();
        self.tell_chats();
    }

    pub(super) fn asterisk_restarts(&mut self) {
        self.channels.clear();
        self.bridges.clear();
        self.reports.clear();
        // Its global variables die with it.
        self.notes.clear();
    }

    // The machinery.

    fn snapshot(&self) -> AsteriskSnapshot {
        AsteriskSnapshot {
            server: Server::default(),
            channels: self
                .channels
                .iter()
                .map(|(id, channel)| ChannelView {
                    server: Server::default(),
                    id: id.clone(),
                    name: channel.name.clone(),
                    state: if channel.up { "Up" } else { "Ring" }.to_owned(),
                    caller_number: self.caller.clone(),
                    app_name: if channel.in_app { "Stasis" } else { "Wait" }.to_owned(),
                    app_data: channel.app_data.clone(),
                })
                .collect(),
            bridges: self
                .bridges
                .iter()
                .map(|(id, channels)| BridgeView { id: id.clone(), channels: channels.iter().cloned().collect() })
                .collect(),
        }
    }

    fn report(&mut self, report: Report) {
        if self.is_connected() {
            self.reports.push_back(report);
        }
    }

    fn report_entered(&mut self, id: &str) {
        let channel = &self.channels[id];
        let view = ChannelView {
            server: Server::default(),
            id: id.to_owned(),
            name: channel.name.clone(),
            state: if channel.up { "Up" } else { "Ring" }.to_owned(),
            caller_number: self.caller.clone(),
            app_name: "Stasis".to_owned(),
            app_data: channel.app_data.clone(),
        };
        let args = channel.app_data.split(',').skip(1).map(str::to_owned).collect();
        self.report(Report::Entered { channel: view, args });
    }

    fn remove_channel(&mut self, id: &str, cause: i16) {
        if self.channels.remove(id).is_none() {
            return;
        }
        for members in self.bridges.values_mut() {
            members.remove(id);
        }
        self.playing.retain(|_, hears| hears != id);
        self.report(Report::Destroyed {
            channel: id.to_owned(),
            ending: Ending { cause: Some(cause), sip_code: None },
        });
        let spies: Vec<String> = self
            .channels
            .iter()
            .filter(|(_, channel)| channel.spies_on.as_deref() == Some(id))
            .map(|(spy, _)| spy.clone())
            .collect();
        for spy in spies {
            self.remove_channel(&spy, 16);
        }
    }

    /// Feeds one input and everything that follows from it.
    pub(super) fn feed(&mut self, input: Input) {
        let out = self.center.handle(self.now, input);
        self.carry_out(out);
        self.run();
    }

    fn run(&mut self) {
        while let Some(input) = self
            .reports
            .pop_front()
            .map(|report| Input::Report(Server::default(), report))
            .or_else(|| self.answers.pop_front())
        {
            let out = self.center.handle(self.now, input);
            self.carry_out(out);
        }
    }

    fn carry_out(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Request { call, request, .. } => {
                    self.requests.push(request.clone());
                    let result = if self.is_connected() {
                        self.asterisk_does(&request)
                    } else {
                        Err(Refusal::Unknown("disconnected".to_owned()))
                    };
                    if let Some(call) = call {
                        self.answers.push_back(Input::Answered { call, request, result });
                    }
                }
                Output::RecordFirst(call, record) => {
                    self.remember(*record);
                    if !self.database_is_silent {
                        self.answers.push_back(Input::Committed { call });
                    }
                }
                Output::WhoCalls { call, number, .. } => {
                    if let Some(facts) = self.flows.callers.get(&number).cloned() {
                        self.answers.push_back(Input::CallerKnown { call, facts });
                    }
                }
                Output::Fetch { call, fetch } => self.flows.fetches.push((call, fetch)),
                Output::DialAnswered { result, .. } => self.dialled.push(result),
                Output::Denied(rule) => self.denied.push(rule),
                Output::LineFull(line) => self.full.push(line),
                Output::Alarm(_) => {}
                Output::Record(record) => self.remember(*record),
                Output::ReadDirectory { reading } => {
                    self.readings.push(reading);
                    if !self.database_is_silent {
                        self.answers.push_back(Input::DirectoryRead { reading });
                    }
                }
                Output::Recorder(RecorderCommand::Start { recording, resume, .. }) => {
                    if self.recording.insert(recording) && resume && self.paused.contains(&recording) {
                        self.answers.push_back(Input::FoundPaused { recording });
                    }
                }
                Output::Recorder(RecorderCommand::Pause { recording }) => {
                    self.paused.insert(recording);
                }
                Output::Recorder(RecorderCommand::Resume { recording }) => {
                    self.paused.remove(&recording);
                }
                Output::Recorder(RecorderCommand::Finish { recording, .. }) => {
                    self.recording.remove(&recording);
                    let outcome = RecordingOutcome::Ready {
                        duration_ms: 1_000,
                        bytes: 32_044,
                        gaps: serde_json::json!([]),
                        lost_packets: 0,
                    };
                    self.answers.push_back(Input::Recorded { recording, outcome });
                }
                Output::AssignChat { chat, agent, queue, .. } => self.chat_is_assigned(chat, agent, queue),
                Output::MoveChat { chat, from, to, .. } => self.chat_is_moved(chat, from, to),
                Output::ChatLeft { chat, .. } => self.chats.left.push(chat),
                Output::Finished(finished) => self.finished.push(finished),
                Output::CommandAnswered(answer) => self.answered = Some(answer),
            }
        }
    }

    fn remember(&mut self, record: Record) {
        if let Some(row) = record.call {
            self.database.calls.insert(row.id, (record.tenant, row));
        }
        for (call, leg) in record.legs {
            self.database.legs.insert((call, leg.id.clone()), leg);
        }
        if let Some(recording) = record.recording {
            self.database.recordings.insert(recording.id, recording);
        }
        self.database.happenings.extend(record.happenings);
        self.database.steps.extend(record.steps);
        self.database.voicemails.extend(record.voicemail.map(|row| (row.call_id, row)));
        self.database.callbacks.extend(record.callback.map(|row| (row.call_id, row)));
        if let Some(agent) = record.agent {
            self.database.agents.insert(agent.id, agent);
        }
        for row in record.wrap_ups {
            self.database.wrap_ups.insert((row.agent_id, row.call_id), row);
        }
    }

    fn asterisk_does(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let exists = |world: &Self, id: &str| {
            if world.channels.contains_key(id) { Ok(()) } else { Err(Refusal::Gone) }
        };
        match request {
            Request::CreateBridge { bridge } => {
                self.bridges.entry(bridge.clone()).or_default();
            }
            Request::DestroyBridge { bridge } => {
                self.bridges.remove(bridge).ok_or(Refusal::Gone)?;
            }
            Request::Answer { channel } => {
                self.channels.get_mut(channel).ok_or(Refusal::Gone)?.up = true;
            }
            Request::StartMusic { channel } => self.channels.get_mut(channel).ok_or(Refusal::Gone)?.music = true,
            Request::Play { channel, playback, .. } => {
                self.channels.get_mut(channel).ok_or(Refusal::Gone)?;
                self.playing.insert(playback.clone(), channel.clone());
            }
            Request::TakeMessage { channel, name, .. } => {
                self.channels.get_mut(channel).ok_or(Refusal::Gone)?;
                self.flows.taking.insert(name.clone(), channel.clone());
            }
            Request::StopPlayback { playback } => {
                self.playing.remove(playback).ok_or(Refusal::Gone)?;
                self.report(Report::Played { playback: playback.clone() });
            }
            Request::StopMusic { channel } => self.channels.get_mut(channel).ok_or(Refusal::Gone)?.music = false,
            Request::AddChannels { bridge, channels } => {
                if !self.bridges.contains_key(bridge) {
                    return Err(Refusal::Gone);
                }
                for channel in channels {
                    if !self.channels.get(channel).ok_or(Refusal::Gone)?.in_app {
                        return Err(Refusal::Refused("Channel not in Stasis application".to_owned()));
                    }
                }
                for channel in channels {
                    for members in self.bridges.values_mut() {
                        members.remove(channel);
                    }
                    self.bridges.entry(bridge.clone()).or_default().insert(channel.clone());
                }
            }
            Request::RemoveChannels { bridge, channels } => {
                let members = self.bridges.get_mut(bridge).ok_or(Refusal::Gone)?;
                for channel in channels {
                    if !members.remove(channel) {
                        return Err(Refusal::Gone);
                    }
                }
            }
            Request::Mute { channel } => self.channels.get_mut(channel).ok_or(Refusal::Gone)?.muted = true,
            Request::Unmute { channel } => self.channels.get_mut(channel).ok_or(Refusal::Gone)?.muted = false,
            Request::Dtmf { channel, .. } | Request::Dial { channel, .. } | Request::Referred { channel, .. } => {
                exists(self, channel)?;
            }
            Request::Spy { channel, snoop, hears, speaks } => {
                exists(self, channel)?;
                self.make_tap_channel(snoop, Some(channel.clone()));
                if let Some(spy) = self.channels.get_mut(snoop) {
                    (spy.hears, spy.speaks) = (*hears, *speaks);
                }
            }
            Request::Originate { channel, .. } => {
                assert!(!self.channels.contains_key(channel), "a name was given twice: {channel}");
                let app_data = "trunkline,agent".to_owned();
                let leg = SimChannel::new(false, false, app_data);
                self.channels.insert(channel.clone(), leg);
            }
            Request::CreateTrunkLeg { channel, endpoint, .. } => {
                let by = endpoint.rsplit('@').next().unwrap_or_default();
                if self.unusable.iter().any(|trunk| trunk == by) {
                    return Err(Refusal::Refused("no channel".to_owned()));
                }
                let app_data = "trunkline,out".to_owned();
                let mut leg = SimChannel::new(false, true, app_data);
                leg.name = format!("PJSIP/{by}-00000001");
                self.channels.insert(channel.clone(), leg);
                self.report_entered(channel);
            }
            Request::Ring { channel } => self.channels.get_mut(channel).ok_or(Refusal::Gone)?.rings = true,
            Request::StopRing { channel } => self.channels.get_mut(channel).ok_or(Refusal::Gone)?.rings = false,
            Request::Hangup { channel, .. } => {
                exists(self, channel)?;
                self.remove_channel(channel, 16);
            }
            Request::Snoop { channel, snoop, .. } => {
                exists(self, channel)?;
                self.make_tap_channel(snoop, Some(channel.clone()));
            }
            Request::SendMedia { channel } => {
                self.make_tap_channel(channel, None);
                return Ok(Reply::Source(self.source(channel)));
            }
            Request::MediaSource { channel } => {
                exists(self, channel)?;
                return Ok(Reply::Source(self.source(channel)));
            }
            Request::Continue { channel, .. } => {
                self.channels.get_mut(channel).ok_or(Refusal::Gone)?.in_app = false;
            }
        }
        Ok(Reply::Done)
    }

    fn make_tap_channel(&mut self, id: &str, spies_on: Option<String>) {
        self.numbered += 1;
        let port = u16::try_from(10_000 + self.numbered).expect("few channels");
        let app_data = "trunkline,tap".to_owned();
        let tap = SimChannel { spies_on, port, ..SimChannel::new(true, true, app_data) };
        self.channels.insert(id.to_owned(), tap);
        self.report_entered(id);
    }

    fn source(&self, id: &str) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.channels[id].port))
    }

    /// What happened to calls and recordings.
    pub(super) fn kinds(&self) -> Vec<&str> {
        let kinds = self.database.happenings.iter().map(|happening| happening.kind.as_str());
        kinds.filter(|kind| !kind.starts_with("agent.")).collect()
    }

    /// What is being said is over; what is said then is not.
    pub(super) fn speeches_end_once(&mut self) {
        for playback in std::mem::take(&mut self.playing).into_keys() {
            self.feed(Input::Report(Server::default(), Report::Played { playback }));
        }
    }

    /// Everything that is being said has been said.
    pub(super) fn speeches_end(&mut self) {
        for playback in std::mem::take(&mut self.playing).into_keys() {
            self.report(Report::Played { playback });
        }
        self.run();
    }

    /// Changes how the queue works.
    pub(super) fn queue_works(&mut self, change: impl FnOnce(&mut QueueRouting)) {
        let queue = self.queue;
        self.change_directory(|directory| change(&mut directory.queues.get_mut(&queue).expect("the queue").routing));
    }

    /// One more queue of the tenant, which the same agents serve.
    pub(super) fn second_queue(&mut self) -> QueueId {
        let second = QueueId::new();
        let first = self.queue;
        self.change_directory(|directory| {
            let queue = directory.queues[&first].clone();
            let queue =
                DirectoryQueue { id: second, name: "Support".to_owned(), extension: Some("701".to_owned()), ..queue };
            directory.queues.insert(second, queue);
        });
        second
    }

    /// The activity that the records have of an agent.
    pub(super) fn activity(&self, index: usize) -> Option<AgentActivity> {
        self.database.agents.get(&self.agents[index]).map(|row| row.activity)
    }

    /// What was noted of one kind, oldest first.
    pub(super) fn notes_of(&self, kind: &str) -> Vec<&serde_json::Value> {
        self.database.happenings.iter().filter(|it| it.kind == kind).map(|it| &it.data).collect()
    }

    /// The agent hands their only call on.
    pub(super) fn hands_on(
        &mut self,
        index: usize,
        kind: TransferKind,
        to: TransferTo,
    ) -> Result<(), CallCommandError> {
        let (tenant, sight) = (self.tenant, self.sight(index));
        let call = self.call_of(index).ok_or(CallCommandError::NotFound)?;
        self.command(Input::Transfer { tenant, call, sight, kind, to })
    }

    /// A phone wants to hand the call on that it has on this channel, maybe after asking on another of its own.
    pub(super) fn refers(&mut self, channel: &str, to: &str, second: Option<&str>) {
        let (channel, to, second) = (channel.to_owned(), to.to_owned(), second.map(str::to_owned));
        self.feed(Input::Report(Server::default(), Report::Refer { channel, to, second }));
    }

    /// The agent goes on with their attended transfer.
    pub(super) fn step(&mut self, index: usize, step: TransferStep) -> Result<(), CallCommandError> {
        let (tenant, sight) = (self.tenant, self.sight(index));
        let call = self.call_of(index).ok_or(CallCommandError::NotFound)?;
        self.command(Input::TransferStep { tenant, call, sight, step })
    }

    /// The agent asks another into their call.
    pub(super) fn asks_in(&mut self, index: usize, agent: AgentId) -> Result<(), CallCommandError> {
        let (tenant, sight) = (self.tenant, self.sight(index));
        let call = self.call_of(index).ok_or(CallCommandError::NotFound)?;
        self.command(Input::Conference { tenant, call, sight, agent })
    }

    /// An agent asks something of a call; none: of the one they talk in.
    pub(super) fn asks(&mut self, index: usize, call: Option<CallId>, ask: Ask) -> Result<(), CallCommandError> {
        let call = call.or_else(|| self.call_of(index)).ok_or(CallCommandError::NotFound)?;
        let (tenant, sight) = (self.tenant, self.sight(index));
        self.command(Input::Ask { tenant, call, sight, ask })
    }

    /// An agent, as a supervisor, wants to hear a call.
    pub(super) fn supervises(
        &mut self,
        index: usize,
        call: CallId,
        mode: SuperviseMode,
    ) -> Result<(), CallCommandError> {
        let done = self.asks(index, Some(call), Ask::Supervise(mode, OnPhone::Any));
        if done.is_ok() {
            self.modes.insert((call, self.agents[index]), mode);
        }
        done
    }

    fn sight(&self, index: usize) -> Sight {
        Sight { all: false, user: self.agents[index].into(), led: Vec::new() }
    }

    /// The running call in which an agent talks.
    fn call_of(&self, index: usize) -> Option<CallId> {
        let agent = Some(self.agents[index]);
        let talks = |leg: &&Leg| leg.agent_id == agent && leg.answered_at.is_some() && leg.ended_at.is_none();
        let leg = self.database.legs.iter().find(|(_, leg)| talks(leg))?;
        Some(leg.0.0)
    }

    fn command(&mut self, input: Input) -> Result<(), CallCommandError> {
        self.answered = None;
        self.feed(input);
        self.answered.take().expect("every command is answered")
    }

    /// The legs on which an agent talks, in the order in which they began.
    pub(super) fn legs_of(&self, index: usize) -> Vec<String> {
        let agent = Some(self.agents[index]);
        let talks = |leg: &&Leg| leg.agent_id == agent && leg.answered_at.is_some() && leg.ended_at.is_none();
        let mut legs: Vec<&Leg> = self.database.legs.values().filter(talks).collect();
        legs.sort_by_key(|leg| leg.started_at);
        legs.into_iter().map(|leg| leg.id.clone()).collect()
    }

    /// The leg that rings or talks at an agent's phone.
    pub(super) fn leg_at(&self, index: usize) -> Option<String> {
        let agent = Some(self.agents[index]);
        let open = self.database.legs.values().filter(|leg| leg.kind != LegKind::Outside && leg.ended_at.is_none());
        let legs = open.filter(|leg| leg.agent_id == agent);
        legs.map(|leg| leg.id.clone()).find(|id| self.channels.contains_key(id))
    }

    /// Who hears whom: the members of every bridge between people, the customer's first.
    pub(super) fn rooms(&self) -> Vec<BTreeSet<String>> {
        let with_customer = |name: &&String| name.ends_with("-b") || name.ends_with("-mix");
        let consult = |name: &&String| name.contains("-consult");
        let names = self.bridges.keys().filter(with_customer).chain(self.bridges.keys().filter(consult));
        names.map(|name| self.bridges[name].clone()).filter(|members| !members.is_empty()).collect()
    }

    /// Whether a channel hears that it rings somewhere.
    pub(super) fn hears_ringing(&self, channel: &str) -> bool {
        self.channels.get(channel).is_some_and(|channel| channel.rings)
    }

    /// Whether a channel hears music.
    pub(super) fn hears_music(&self, channel: &str) -> bool {
        self.channels.get(channel).is_some_and(|channel| channel.music)
    }

    /// An agent chooses a state.
    pub(super) fn agent_chooses(&mut self, index: usize, state: AgentState) {
        let (tenant, agent) = (self.tenant, self.agents[index]);
        self.feed(Input::AgentState { tenant, agent, state, reason: None, by: By::Agent });
    }
}

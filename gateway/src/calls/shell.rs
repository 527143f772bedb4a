//! The shell around the core: it reads Asterisk's updates, feeds the core, and does what the core says.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use chrono::{SubsecRound as _, TimeDelta};
use futures_util::StreamExt as _;
use futures_util::stream::SelectAll;
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trunkline_ari::Update;
use trunkline_db::{CallId, Db, DbError};
use trunkline_journal::{Hub, Journal, Kind, Scope};
use trunkline_media::{BindError, Media, MediaConfig};
use uuid::Uuid;

use super::chats::Chats;
use super::clock::{Clock, SignOfLife};
use super::config::CallConfig;
use super::handle::{Command, Handle, Shown};
use super::links::{self, Link, NamedUpdates};
use super::metrics::CallMetrics;
use super::recorder::{News, Recorded, Recorder};
use super::writer::{self, Writer, WriterFigures};
use super::{CallCommandError, store};
use crate::dialing::policies_store;
use crate::flows::runner::Runner;
use crate::softphone::Softphones;
use crate::sounds::Voices;
use crate::telephony::endpoints::EndpointQuestion;
use crate::telephony::missed::Note;
use crate::telephony::peers::Peers;
use crate::telephony::phones::PhoneNews;
use crate::telephony::requests::Answered;
use crate::telephony::trunks::TrunkNews;
use crate::telephony::{directory_store as directory, message_light, translate};
use crate::trunks::board::Board;
use trunkline_calls::DialRefusal;
use trunkline_calls::center::{Center, Input, Output, RecordingOutcome, Report};
use trunkline_calls::directory::Directory;
use trunkline_calls::lines::trunk_of_endpoint;
use trunkline_calls::model::Server;

/// How often figures are shown and the sign of life is written.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Call control could not be started.
#[derive(Debug, thiserror::Error)]
pub enum CallStartError {
    /// A folder of ours cannot be used.
    #[error("cannot use {}: {error}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The spool cannot be opened.
    #[error(transparent)]
    Writer(#[from] writer::StartError),
    /// The database cannot be read.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The port for RTP cannot be had.
    #[error("rtp_listen: {0}")]
    Media(#[from] BindError),
    /// The address of a server is none.
    #[error("ari_url of {server}: {error}")]
    Ari {
        /// The server.
        server: Server,
        /// What is wrong.
        error: trunkline_ari::ConfigError,
    },
}

/// Running call control.
#[derive(Debug)]
pub struct CallControl {
    handle: Handle,
    task: JoinHandle<()>,
    media: Media,
}

impl CallControl {
    /// Starts call control: writes what an earlier life left in the spool, takes up its calls, connects to Asterisk.
    pub async fn start(
        config: CallConfig,
        db: Db,
        journal: Journal,
        metrics: CallMetrics,
        cancel: CancellationToken,
    ) -> Result<Self, CallStartError> {
        let media = Media::bind(MediaConfig::new(config.rtp_listen))?;
        let node = node_id(&config.state)?;
        let hub = journal.hub().clone();
        let conversations = journal.clone();
        let (writer, caught_up) = Writer::start(config.state.clone(), node, &db, journal).await?;
        // The writer tells, or it died and there is nothing to wait for.
        let _ = caught_up.await;
        let trunks =
            config.servers.iter().filter_map(|server| Some((server.name.clone(), server.outbound_trunk.clone()?)));
        let mut source = directory::Reader::new(db.clone(), config.vault.clone(), trunks.collect());
        let first_directory = Arc::new(source.load().await?);
        let usage = policies_store::recent_usage(&db, &first_directory.dialing).await?;
        let open = store::open_calls(&db).await?;
        if !open.is_empty() {
            tracing::info!(calls = open.len(), "taking up the calls of an earlier life");
        }
        let sign_of_life = SignOfLife::new(&config.state);

        let (command_sender, commands) = mpsc::unbounded_channel();
        let (answer_sender, answers) = mpsc::unbounded_channel();
        let (recorded_sender, recorded) = mpsc::unbounded_channel();
        let (online_sender, online) = mpsc::unbounded_channel();
        let (note_sender, missed) = mpsc::unbounded_channel();
        let (committed_sender, committed) = mpsc::unbounded_channel();
        let (chat_sender, chats) = mpsc::unbounded_channel();
        let (flow_sender, flows) = mpsc::unbounded_channel();
        let (directory_sender, directory) = watch::channel(Arc::clone(&first_directory));
        let softphones = Arc::new(Softphones::kept_in(config.state.join("softphones.json"), config.vault.clone()));
        let board = Board::start(&conversations, metrics.trunks().clone(), cancel.clone());
        let recorder = Recorder::new(media.clone(), config.recordings, recorded_sender);
        let common = links::Common {
            media: recorder.media_address(),
            answers: answer_sender,
            online: online_sender,
            notes: note_sender,
            voices: Voices::new(config.sounds.clone(), directory.clone()),
            peers: Peers::of(&config.servers),
            board: board.clone(),
            messages: message_light::count(&db, &conversations, cancel.clone()),
            state: config.state,
            away_since: sign_of_life.last(),
            cancel: cancel.clone(),
        };
        let mut updates = SelectAll::new();
        let mut links = BTreeMap::new();
        let mut known = Vec::new();
        let mut linked = Vec::new();
        let mut apps = BTreeMap::new();
        for server in config.servers {
            let name = server.name.clone();
            linked.extend(server.peer_address.is_some().then(|| name.clone()));
            apps.insert(name.clone(), server.ari.app.first().cloned().unwrap_or_default());
            let (link, own_updates, reachable) = Link::open(server, &common)?;
            updates.push(links::named(name.clone(), own_updates));
            known.push(reachable);
            links.insert(name, link);
        }
        let shown = Arc::new(Shown::default());
        let handle = Handle::new(command_sender, known, Arc::clone(&shown))
            .with(directory.clone(), Arc::clone(&softphones), config.sounds)
            .with_trunks(board.clone());
        let softphones_changed = softphones.watch();
        let wishes = Chats::start(&db, &conversations, directory.clone(), &chat_sender, &cancel);

        let (reading_sender, asked) = mpsc::unbounded_channel();
        let (read_sender, read) = mpsc::unbounded_channel();
        tokio::spawn(source.follow(directory_sender, asked, read_sender, cancel.clone()));

        let mut shell = Shell {
            center: Center::new(apps),
            links,
            recorder,
            figures: writer.figures(),
            writer,
            shown,
            metrics,
            media: media.clone(),
            softphones,
            board,
            hub,
            clock: Clock::new(),
            sign_of_life,
            committed: committed_sender,
            readings: reading_sender,
            chats: wishes,
            runner: Runner::new(db.clone(), config.private_flow_requests, flow_sender),
            dialling: HashMap::new(),
        };
        shell.center.link(linked);
        shell.center.remember_usage(usage);
        let restored = shell.center.restore(open);
        shell.carry_out(restored);
        shell.feed(Input::Directory(Arc::new(shell.softphones.added_to(&first_directory))));
        let inputs = Inputs {
            updates,
            commands,
            answers,
            recorded,
            online,
            missed,
            committed,
            chats,
            flows,
            directory,
            read,
            softphones: softphones_changed,
        };
        let task = tokio::spawn(shell.run(inputs, cancel));
        Ok(Self { handle, task, media })
    }

    /// A handle for the rest of the gateway.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Waits for the end, after the token was cancelled. Calls go on in Asterisk; recordings are left to be continued.
    pub async fn stopped(self) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "call control ended in a panic");
        }
        self.media.close().await;
    }
}

struct Inputs {
    updates: SelectAll<NamedUpdates>,
    commands: mpsc::UnboundedReceiver<Command>,
    answers: mpsc::UnboundedReceiver<Answered>,
    recorded: mpsc::UnboundedReceiver<Recorded>,
    online: mpsc::UnboundedReceiver<(Server, Report)>,
    missed: mpsc::UnboundedReceiver<Note>,
    committed: mpsc::UnboundedReceiver<CallId>,
    /// What the records say of chats.
    chats: mpsc::UnboundedReceiver<Input>,
    /// What flows asked for.
    flows: mpsc::UnboundedReceiver<Input>,
    directory: watch::Receiver<Arc<Directory>>,
    /// Which readings of it that were asked for are done.
    read: mpsc::UnboundedReceiver<u64>,
    softphones: watch::Receiver<()>,
}

/// One of an agent's phones signed in, or the last one is gone.
const AGENT_REACHABLE: Kind = Kind::from_static("agent.reachable");

struct Shell {
    hub: Hub,
    center: Center,
    links: BTreeMap<Server, Link>,
    recorder: Recorder,
    writer: Writer,
    figures: Arc<WriterFigures>,
    shown: Arc<Shown>,
    metrics: CallMetrics,
    media: Media,
    softphones: Arc<Softphones>,
    /// How trunks do.
    board: Board,
    clock: Clock,
    sign_of_life: SignOfLife,
    /// Gets the calls whose first record is in the database.
    committed: mpsc::UnboundedSender<CallId>,
    /// Has the directory read again.
    readings: mpsc::UnboundedSender<u64>,
    /// Writes whose chats become.
    chats: Chats,
    /// Asks what flows want to know.
    runner: Runner,
    /// Who asked for calls out that have not begun yet.
    dialling: HashMap<CallId, oneshot::Sender<Result<(), DialRefusal>>>,
}

impl Shell {
    async fn run(mut self, mut inputs: Inputs, cancel: CancellationToken) {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let first = Arc::clone(&inputs.directory.borrow());
        self.tell_phones(&Arc::new(self.softphones.added_to(&first)));
        loop {
            let due = self.until_due();
            tokio::select! {
                // What Asterisk says comes first: a command is decided on what is known.
                biased;
                () = cancel.cancelled() => return,
                update = inputs.updates.next() => match update {
                    Some((server, update)) => self.update(&server, update),
                    None => return,
                },
                Some(answered) = inputs.answers.recv() => {
                    self.feed(Input::Answered {
                        call: answered.call,
                        request: answered.request,
                        result: answered.result,
                    });
                }
                Some((recording, news)) = inputs.recorded.recv() => match news {
                    News::FoundPaused => self.feed(Input::FoundPaused { recording }),
                    News::Ended(outcome) => {
                        self.metrics.recorded(matches!(outcome, RecordingOutcome::Ready { .. }));
                        self.feed(Input::Recorded { recording, outcome });
                    }
                },
                Some((server, report)) = inputs.online.recv() => {
                    self.note_trunk(&server, &report);
                    self.feed(Input::Report(server, report));
                    self.show_reachable();
                }
                Some((missed, handed_over)) = inputs.missed.recv() => {
                    self.feed(Input::Missed(missed));
                    // Who reads the notes may have ended.
                    let _ = handed_over.send(());
                }
                Some(call) = inputs.committed.recv() => self.feed(Input::Committed { call }),
                Some(command) = inputs.commands.recv() => self.command(command),
                changed = inputs.directory.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let directory = Arc::clone(&inputs.directory.borrow_and_update());
                    self.directory_changed(&directory);
                }
                Some(input) = inputs.flows.recv() => self.feed(input),
                Some(input) = inputs.chats.recv() => self.feed(input),
                // Behind the change that it may have brought.
                Some(reading) = inputs.read.recv() => self.feed(Input::DirectoryRead { reading }),
                // The softphones live as long as the shell.
                _ = inputs.softphones.changed() => {
                    let directory = Arc::clone(&inputs.directory.borrow());
                    self.directory_changed(&directory);
                }
                () = tokio::time::sleep(due) => self.feed(Input::Tick),
                _ = heartbeat.tick() => self.heartbeat(),
            }
        }
    }

    /// The database's directory changed, or the softphones that are added to it.
    fn directory_changed(&mut self, directory: &Directory) {
        let whole = Arc::new(self.softphones.added_to(directory));
        self.tell_phones(&whole);
        self.feed(Input::Directory(whole));
        self.show_reachable();
    }

    fn until_due(&self) -> Duration {
        let now = self.clock.now();
        self.center
            .deadline(now)
            .and_then(|due| (due - now).max(TimeDelta::zero()).to_std().ok())
            .map_or(Duration::from_hours(1), |wait| wait.min(Duration::from_hours(1)))
    }

    fn update(&mut self, server: &Server, update: Update) {
        let Some(link) = self.links.get_mut(server) else { return };
        match update {
            Update::Event(event) => {
                if let Some((trunk, answers, rtt_ms)) = translate::carrier(&event) {
                    self.board.contact(server, trunk, answers, rtt_ms);
                }
                if let Some(endpoint) = translate::endpoint(&event) {
                    link.ask_endpoint(EndpointQuestion::One(endpoint.to_owned()));
                } else if let Some(report) = translate::report(server, &event) {
                    self.feed(Input::Report(server.clone(), report));
                }
            }
            Update::Gap(gap) => {
                self.metrics.gap(server);
                let from = gap.from.trunc_subsecs(3);
                self.feed(Input::Gap { server: server.clone(), from, reason: "connection_lost" });
            }
            Update::Snapshot(snapshot) => {
                let gone_since = link.connected(&snapshot);
                if let Some(from) = gone_since {
                    self.metrics.gap(server);
                    self.feed(Input::Gap { server: server.clone(), from, reason: "gateway_restart" });
                }
                self.feed(Input::Snapshot(translate::snapshot(server, &snapshot)));
                self.show_reachable();
            }
            Update::State(state) => {
                if let Some(word) = link.show(server, &state) {
                    self.metrics.ari_state(server, word);
                    if matches!(word, "backoff" | "replaced") {
                        self.feed(Input::Away(server.clone()));
                        self.board.away(server);
                        self.show_reachable();
                    }
                }
            }
            // The core compares the snapshot with what it knows itself.
            _ => {}
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Ask { input, answer } => {
                let outputs = self.center.handle(self.clock.now(), *input);
                let result = self.carry_out(outputs).unwrap_or(Err(CallCommandError::Unavailable));
                // Who asked may have gone.
                let _ = answer.send(result);
            }
            Command::Dial { wish, answer } => {
                self.dialling.insert(wish.call, answer);
                self.feed(Input::Dial(wish));
            }
            Command::Tell(input) => self.feed(*input),
        }
    }

    fn feed(&mut self, input: Input) {
        let outputs = self.center.handle(self.clock.now(), input);
        self.carry_out(outputs);
    }

    /// Does what the core said; gives back the answer to a command, if there was one.
    fn carry_out(&mut self, outputs: Vec<Output>) -> Option<Result<(), CallCommandError>> {
        let mut answer = None;
        let mut finished = Vec::new();
        for output in outputs {
            match output {
                Output::Request { server, call, request } => {
                    let tenant = call.and_then(|call| self.center.tenant_of(call));
                    if let Some(link) = self.links.get_mut(&server) {
                        link.requests.send(call, tenant, request);
                    } else {
                        tracing::error!(%server, ?request, "the configuration has no such server (any more)");
                    }
                }
                Output::ReadDirectory { reading } => {
                    // While the database is away nobody answers, and call control goes by what it knows.
                    let _ = self.readings.send(reading);
                }
                Output::Record(record) => self.writer.write(*record),
                Output::RecordFirst(call, record) => {
                    self.writer.write_first(call, *record, self.committed.clone());
                }
                Output::DialAnswered { call, result } => {
                    if let Some(answer) = self.dialling.remove(&call) {
                        let _ = answer.send(result);
                    }
                }
                Output::Denied(rule) => self.metrics.denied(rule),
                Output::LineFull(_) => self.board.refused_full(),
                Output::Alarm(rule) => self.metrics.alarm(rule),
                Output::Recorder(command) => self.recorder.send(command),
                Output::AssignChat { .. } | Output::MoveChat { .. } | Output::ChatLeft { .. } => {
                    self.chats.carry_out(&output);
                }
                Output::WhoCalls { call, tenant, number } => self.runner.who_calls(call, tenant, number),
                Output::Fetch { call, fetch } => self.runner.fetch(call, fetch),
                Output::CommandAnswered(result) => answer = Some(result),
                Output::Finished(call) => {
                    self.metrics.finished(&call);
                    finished.push(call.call);
                }
            }
        }
        for call in finished {
            self.links.values_mut().for_each(|link| link.requests.close(call));
        }
        answer
    }

    /// Who can be rung now, for those who ask, and as a signal for those who look on: a phone that comes and goes is nothing to keep.
    fn show_reachable(&self) {
        let reachable: HashSet<_> = self.center.reachable_agents().collect();
        let before = std::mem::replace(
            &mut *self.shown.reachable.write().unwrap_or_else(PoisonError::into_inner),
            reachable.clone(),
        );
        for changed in reachable.symmetric_difference(&before) {
            let (tenant, agent) = *changed;
            let data = json!({ "agent_id": agent, "reachable": reachable.contains(changed) });
            self.hub.signal(tenant, &[Scope::Tenant], AGENT_REACHABLE, &data);
        }
    }

    fn heartbeat(&mut self) {
        // Only between calls: no call's length may come out wrong because the clock was set.
        if self.center.is_quiet()
            && let Some(by) = self.clock.adopt_wall_time()
        {
            tracing::info!(%by, "the clock was set");
            self.feed(Input::ClockSet { by });
        }
        self.softphones.sweep(self.clock.now(), |tenant, agent| self.center.is_on_a_call(tenant, agent));
        self.metrics.calls(&self.center.calls_by_state());
        self.board.channels(&self.center.channels_by_line());
        self.metrics.figures(&self.figures, &self.media.stats());
        for (server, link) in &self.links {
            self.metrics.ari(server, &link.client.counters());
        }
        // Of those that are away the gaps are told when they are back.
        if self.links.values().any(Link::is_live) {
            self.sign_of_life.write(self.clock.now());
        }
    }

    fn tell_phones(&self, directory: &Arc<Directory>) {
        for link in self.links.values() {
            link.tell_phones(PhoneNews::Directory(Arc::clone(directory)));
            link.tell_trunks(TrunkNews::Directory(Arc::clone(directory)));
        }
    }

    /// What was asked when a connection came about. A carrier that does not answer is told by an event: one that was not asked yet looks the same here.
    fn note_trunk(&self, server: &Server, report: &Report) {
        if let Report::Endpoint { username, online: true } = report
            && let Some(trunk) = trunk_of_endpoint(username)
        {
            self.board.contact(server, trunk, true, None);
        }
    }
}

/// This gateway's name in the database's cursors: made once, kept beside the spool that it counts.
fn node_id(folder: &Path) -> Result<String, CallStartError> {
    let path = folder.join("node");
    let failed = |error| CallStartError::Folder { path: path.clone(), error };
    std::fs::create_dir_all(folder).map_err(failed)?;
    match std::fs::read_to_string(&path) {
        Ok(text) if Uuid::parse_str(text.trim()).is_ok() => Ok(text.trim().to_owned()),
        Ok(_) => {
            tracing::warn!(path = %path.display(), "the node's name cannot be read; taking a new one");
            new_node_id(&path).map_err(failed)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => new_node_id(&path).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

fn new_node_id(path: &Path) -> std::io::Result<String> {
    let id = Uuid::now_v7().to_string();
    std::fs::write(path, &id)?;
    Ok(id)
}

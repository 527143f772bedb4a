//! The shell around the core: it reads Asterisk's updates, feeds the core, and does what the core says.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trunkline_ari::{Client, State, Update, Updates};
use trunkline_db::{CallId, Db, DbError};
use trunkline_journal::{Hub, Journal, Kind, Scope};
use trunkline_media::{BindError, Media, MediaConfig};
use uuid::Uuid;

use super::handle::{Command, Handle, Shown};
use super::metrics::CallMetrics;
use super::recorder::{News, Recorded, Recorder};
use super::writer::{self, Writer, WriterFigures};
use super::{CallCommandError, store};
use crate::dialing::policies_store;
use crate::secrets::Vault;
use crate::softphone::Softphones;
use crate::telephony::barring::{self, ManagerConfig};
use crate::telephony::missed::{self, Note};
use crate::telephony::phones::{self, PhoneNews};
use crate::telephony::requests::{Answered, Requests};
use crate::telephony::{directory_store as directory, translate};
use trunkline_calls::DialRefusal;
use trunkline_calls::center::{Center, Input, Output, RecordingOutcome, Report};
use trunkline_calls::directory::Directory;

/// How often figures are shown and the sign of life is written.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// What call control needs to start.
#[derive(Debug)]
pub struct CallConfig {
    /// How to reach Asterisk. Its first application is ours.
    pub ari: trunkline_ari::Config,
    /// Where RTP of recordings arrives.
    pub rtp_listen: SocketAddr,
    /// Where recordings go.
    pub recordings: PathBuf,
    /// Where the spool and the sign of life are.
    pub state: PathBuf,
    /// Opens the phones' digests.
    pub vault: Vault,
    /// Address that Asterisk names to phones for its audio, where it is not one of its own.
    pub media_address: Option<IpAddr>,
    /// How Asterisk reaches the outside world: a dial string with `{number}`, and `{slug}` for the tenant's.
    pub outbound_trunk: Option<String>,
}

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
    /// The address of Asterisk is none.
    #[error("ari: {0}")]
    Ari(#[from] trunkline_ari::ConfigError),
}

/// Running call control.
#[derive(Debug)]
pub struct CallControl {
    handle: Handle,
    task: JoinHandle<()>,
    media: Media,
    client: Client,
    state: PathBuf,
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
        let app = config.ari.app.first().cloned().unwrap_or_default();
        let media = Media::bind(MediaConfig::new(config.rtp_listen))?;
        let node = node_id(&config.state)?;
        let hub = journal.hub().clone();
        let (writer, caught_up) = Writer::start(config.state.clone(), node, &db, journal).await?;
        // The writer tells, or it died and there is nothing to wait for.
        let _ = caught_up.await;
        let mut source = directory::Reader::new(db.clone(), config.vault.clone(), config.outbound_trunk);
        let first_directory = Arc::new(source.load().await?);
        let usage = policies_store::recent_usage(&db, &first_directory.dialing).await?;
        let open = store::open_calls(&db).await?;
        if !open.is_empty() {
            tracing::info!(calls = open.len(), "taking up the calls of an earlier life");
        }
        let sign_of_life = SignOfLife::new(&config.state);
        let away_since = sign_of_life.last();
        let (client, updates) = trunkline_ari::connect(config.ari)?;

        let (command_sender, commands) = mpsc::unbounded_channel();
        let (phone_sender, phone_news) = mpsc::unbounded_channel();
        let (answer_sender, answers) = mpsc::unbounded_channel();
        let (recorded_sender, recorded) = mpsc::unbounded_channel();
        let (endpoint_sender, endpoint_names) = mpsc::unbounded_channel();
        let (online_sender, online) = mpsc::unbounded_channel();
        let (connected_sender, connected) = mpsc::unbounded_channel();
        let (note_sender, missed) = mpsc::unbounded_channel();
        let (committed_sender, committed) = mpsc::unbounded_channel();
        let (directory_sender, directory) = watch::channel(Arc::clone(&first_directory));
        let shown = Arc::new(Shown::new());
        let softphones = Arc::new(Softphones::kept_in(config.state.join("softphones.json"), config.vault.clone()));
        let handle = Handle::new(command_sender, phone_sender.clone(), Arc::clone(&shown)).with(
            client.clone(),
            directory.clone(),
            Arc::clone(&softphones),
        );
        let softphones_changed = softphones.watch();

        let ask_again = endpoint_sender.clone();
        tokio::spawn(phones::keep(client.clone(), config.media_address, phone_news, move || {
            // The task that asks lives as long as the shell.
            let _ = ask_again.send(EndpointQuestion::All);
        }));
        tokio::spawn(ask_endpoints(client.clone(), app.clone(), endpoint_names, online_sender));
        tokio::spawn(missed::collect(client.clone(), connected, note_sender));
        tokio::spawn(source.follow(directory_sender, cancel.clone()));

        let recorder = Recorder::new(media.clone(), config.recordings, recorded_sender);
        let requests = Requests::new(client.clone(), app.clone(), recorder.media_address(), answer_sender);
        let mut shell = Shell {
            center: Center::new(app),
            requests,
            recorder,
            figures: writer.figures(),
            writer,
            phones: phone_sender,
            endpoints: endpoint_sender,
            connected: connected_sender,
            shown,
            metrics,
            client: client.clone(),
            media: media.clone(),
            softphones,
            hub,
            clock: Clock::new(),
            sign_of_life,
            away_since,
            committed: committed_sender,
            dialling: HashMap::new(),
        };
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
            directory,
            softphones: softphones_changed,
        };
        let task = tokio::spawn(shell.run(inputs, cancel));
        Ok(Self { handle, task, media, client, state: config.state })
    }

    /// A handle for the rest of the gateway.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// From now on bars addresses that keep failing to sign in, as Asterisk's manager interface tells.
    pub fn bar_failed_sign_ins(&self, manager: ManagerConfig, cancel: CancellationToken) {
        tokio::spawn(barring::keep(self.client.clone(), manager, self.state.clone(), cancel));
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
    updates: Updates,
    commands: mpsc::UnboundedReceiver<Command>,
    answers: mpsc::UnboundedReceiver<Answered>,
    recorded: mpsc::UnboundedReceiver<Recorded>,
    online: mpsc::UnboundedReceiver<Report>,
    missed: mpsc::UnboundedReceiver<Note>,
    committed: mpsc::UnboundedReceiver<CallId>,
    directory: watch::Receiver<Arc<Directory>>,
    softphones: watch::Receiver<()>,
}

/// One of an agent's phones signed in, or the last one is gone.
const AGENT_REACHABLE: Kind = Kind::from_static("agent.reachable");

struct Shell {
    hub: Hub,
    center: Center,
    requests: Requests,
    recorder: Recorder,
    writer: Writer,
    figures: Arc<WriterFigures>,
    phones: mpsc::UnboundedSender<PhoneNews>,
    endpoints: mpsc::UnboundedSender<EndpointQuestion>,
    connected: mpsc::UnboundedSender<()>,
    shown: Arc<Shown>,
    metrics: CallMetrics,
    client: Client,
    media: Media,
    softphones: Arc<Softphones>,
    clock: Clock,
    sign_of_life: SignOfLife,
    /// Until the first connection: since when nobody watched.
    away_since: Option<DateTime<Utc>>,
    /// Gets the calls whose first record is in the database.
    committed: mpsc::UnboundedSender<CallId>,
    /// Who asked for calls out that have not begun yet.
    dialling: HashMap<CallId, oneshot::Sender<Result<(), DialRefusal>>>,
}

impl Shell {
    async fn run(mut self, mut inputs: Inputs, cancel: CancellationToken) {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let first = Arc::clone(&inputs.directory.borrow());
        self.tell_phones(PhoneNews::Directory(Arc::new(self.softphones.added_to(&first))));
        loop {
            let due = self.until_due();
            tokio::select! {
                // What Asterisk says comes first: a command is decided on what is known.
                biased;
                () = cancel.cancelled() => return,
                update = inputs.updates.next() => match update {
                    Some(update) => self.update(update),
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
                Some(report) = inputs.online.recv() => {
                    self.feed(Input::Report(report));
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
        self.tell_phones(PhoneNews::Directory(Arc::clone(&whole)));
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

    fn update(&mut self, update: Update) {
        match update {
            Update::Event(event) => {
                if let Some(endpoint) = translate::endpoint(&event) {
                    self.ask_endpoint(EndpointQuestion::One(endpoint.to_owned()));
                } else if let Some(report) = translate::report(&event) {
                    self.feed(Input::Report(report));
                }
            }
            Update::Gap(gap) => {
                self.metrics.gap();
                self.feed(Input::Gap { from: gap.from.trunc_subsecs(3), reason: "connection_lost" });
            }
            Update::Snapshot(snapshot) => {
                self.set_version(snapshot.info.system.as_ref().map(|system| system.version.clone()));
                if let Some(from) = self.away_since.take() {
                    self.metrics.gap();
                    self.feed(Input::Gap { from, reason: "gateway_restart" });
                }
                self.tell_phones(PhoneNews::Connected);
                self.ask_endpoint(EndpointQuestion::All);
                self.feed(Input::Snapshot(translate::snapshot(&snapshot)));
                if self.connected.send(()).is_err() {
                    tracing::error!("the task that reads who was missed has ended");
                }
            }
            Update::State(state) => self.show_state(&state),
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
                Output::Request { call, request } => self.requests.send(call, request),
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
                Output::Alarm(rule) => self.metrics.alarm(rule),
                Output::Recorder(command) => self.recorder.send(command),
                Output::CommandAnswered(result) => answer = Some(result),
                Output::Finished(call) => {
                    self.metrics.finished(&call);
                    finished.push(call.call);
                }
            }
        }
        for call in finished {
            self.requests.close(call);
        }
        answer
    }

    fn show_state(&self, state: &State) {
        let (word, detail) = match state {
            State::Connecting => ("connecting", None),
            State::Syncing => ("syncing", None),
            State::Live => ("live", None),
            State::Backoff { failure, .. } => ("backoff", Some(failure.to_string())),
            State::Replaced { application } => {
                ("replaced", Some(format!("another gateway took over the application {application:?}")))
            }
            _ => return,
        };
        self.metrics.ari_state(word);
        let mut status = self.shown.status.write().unwrap_or_else(PoisonError::into_inner);
        match (word, &detail) {
            ("live", _) if status.state != "live" => {
                tracing::info!(version = status.version.as_deref(), "connected to Asterisk");
            }
            // Once for each reason, not for each attempt.
            (_, Some(why)) if status.detail != detail => tracing::warn!(state = word, why, "not connected to Asterisk"),
            _ => {}
        }
        if status.state != word {
            status.state = word;
            status.since = Utc::now().trunc_subsecs(3);
        }
        if word == "live" || detail.is_some() {
            status.detail = detail;
        }
    }

    fn set_version(&self, version: Option<String>) {
        self.shown.status.write().unwrap_or_else(PoisonError::into_inner).version = version;
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
        self.metrics.figures(&self.figures, &self.client.counters(), &self.media.stats());
        let live = self.shown.status.read().unwrap_or_else(PoisonError::into_inner).state == "live";
        if live {
            self.sign_of_life.write(self.clock.now());
        }
    }

    fn tell_phones(&self, news: PhoneNews) {
        if self.phones.send(news).is_err() {
            tracing::error!("the task that keeps phones has ended");
        }
    }

    fn ask_endpoint(&self, question: EndpointQuestion) {
        if self.endpoints.send(question).is_err() {
            tracing::error!("the task that asks for phones' registrations has ended");
        }
    }
}

/// Which phones' registrations to ask for.
#[derive(Debug)]
enum EndpointQuestion {
    /// All: a connection came about. Also asks to be told of changes.
    All,
    /// One: something changed.
    One(String),
}

/// Asks Asterisk which phones can ring; one question at a time, so that the newest answer is the last.
async fn ask_endpoints(
    client: Client,
    app: String,
    mut questions: mpsc::UnboundedReceiver<EndpointQuestion>,
    online: mpsc::UnboundedSender<Report>,
) {
    let mut known: HashMap<String, bool> = HashMap::new();
    while let Some(question) = questions.recv().await {
        match question {
            EndpointQuestion::All => {
                if let Err(error) = client.applications().subscribe(&app, &["endpoint:PJSIP"]).await {
                    tracing::warn!(%error, "Asterisk would not tell of phones that register");
                }
                match client.endpoints().list_by_tech("PJSIP").await {
                    Ok(endpoints) => {
                        let now: HashMap<String, bool> =
                            endpoints.into_iter().map(|it| (it.resource.clone(), is_online(&it))).collect();
                        let gone: Vec<String> = known.keys().filter(|name| !now.contains_key(*name)).cloned().collect();
                        for username in gone {
                            let _ = online.send(Report::Endpoint { username, online: false });
                        }
                        for (username, is) in &now {
                            let _ = online.send(Report::Endpoint { username: username.clone(), online: *is });
                        }
                        known = now;
                    }
                    Err(error) => tracing::warn!(%error, "Asterisk would not tell which phones are registered"),
                }
            }
            EndpointQuestion::One(username) => {
                let is = match client.endpoints().get("PJSIP", &username).await {
                    Ok(endpoint) => is_online(&endpoint),
                    Err(trunkline_ari::Error::NotFound { .. }) => false,
                    // The next connection asks for all.
                    Err(_) => continue,
                };
                known.insert(username.clone(), is);
                if online.send(Report::Endpoint { username, online: is }).is_err() {
                    return;
                }
            }
        }
    }
}

fn is_online(endpoint: &trunkline_ari::model::Endpoint) -> bool {
    endpoint.state.as_ref().is_some_and(|state| state.as_str() == "online")
}

/// How far the machine's clock may be from ours before we follow it.
const DRIFT: TimeDelta = TimeDelta::seconds(1);

/// Wall time that never runs backwards: a time at which the machine's clock was believed, and how long ago that was.
#[derive(Debug)]
struct Clock {
    wall: DateTime<Utc>,
    started: Instant,
}

impl Clock {
    fn new() -> Self {
        Self { wall: Utc::now(), started: Instant::now() }
    }

    /// Believes the machine's clock again, if it says something else by now; by how much.
    fn adopt_wall_time(&mut self) -> Option<TimeDelta> {
        let by = Utc::now() - self.now();
        (by.abs() > DRIFT).then(|| {
            self.wall += by;
            by
        })
    }

    fn now(&self) -> DateTime<Utc> {
        // Milliseconds everywhere: in the journal, in the rows and in the API.
        (self.wall + TimeDelta::from_std(self.started.elapsed()).unwrap_or(TimeDelta::zero())).trunc_subsecs(3)
    }
}

/// A file that says when a gateway last watched Asterisk: how the next one knows how long nobody did.
#[derive(Debug)]
struct SignOfLife {
    path: PathBuf,
}

impl SignOfLife {
    fn new(folder: &Path) -> Self {
        Self { path: folder.join("alive") }
    }

    fn last(&self) -> Option<DateTime<Utc>> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        Some(DateTime::parse_from_rfc3339(text.trim()).ok()?.to_utc().min(Utc::now()))
    }

    /// Off the event loop: the disk may take its time. That it fails costs a longer gap, nothing else.
    fn write(&self, now: DateTime<Utc>) {
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || {
            let fresh = path.with_extension("new");
            let written = std::fs::write(&fresh, now.to_rfc3339()).and_then(|()| std::fs::rename(&fresh, &path));
            if let Err(error) = written {
                tracing::debug!(%error, path = %path.display(), "the sign of life could not be written");
            }
        });
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

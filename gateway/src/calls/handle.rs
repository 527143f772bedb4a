//! What the rest of the gateway may ask of the running calls.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};
use trunkline_ari::Client;
use trunkline_db::{AgentId, CallId, DeviceId, TenantId};
use url::Url;

use super::stored::StoredFiles;
use crate::roster::Sight;
use crate::softphone::Softphones;
use crate::sounds::Sounds;
use crate::telephony::phones::PhoneNews;
use crate::trunks::board::Board;
use trunkline_calls::center::{DialWish, Input};
use trunkline_calls::directory::Directory;
use trunkline_calls::model::Server;
use trunkline_calls::{AgentState, By, CallCommandError, DialRefusal, DirectoryDevice};

/// How long a phone's push may take before the answer is `not yet`.
const PUSH_TIME: Duration = Duration::from_secs(2);

/// Where the gateway stands with an Asterisk server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AsteriskStatus {
    /// The server.
    pub name: Server,
    /// `connecting`, `syncing`, `live`, `backoff` or `replaced`.
    pub state: &'static str,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Asterisk's version, once it told it.
    pub version: Option<String>,
    /// Why the last attempt failed, in words.
    pub detail: Option<String>,
}

/// Something for the call centre to take in.
#[derive(Debug)]
pub(super) enum Command {
    /// It answers with [`trunkline_calls::center::Output::CommandAnswered`].
    Ask { input: Box<Input>, answer: oneshot::Sender<Result<(), CallCommandError>> },
    /// It answers with [`trunkline_calls::center::Output::DialAnswered`].
    Dial { wish: DialWish, answer: oneshot::Sender<Result<(), DialRefusal>> },
    /// It has no answer.
    Tell(Box<Input>),
}

/// What the call centre lets others see without asking it. The locks are held for a look or a copy.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) reachable: RwLock<HashSet<(TenantId, AgentId)>>,
}

/// A server as the rest of the gateway uses it.
#[derive(Debug, Clone)]
pub(crate) struct Reachable {
    pub(crate) client: Client,
    /// What it has recorded.
    pub(crate) stored: StoredFiles,
    /// Our application there.
    pub(crate) app: String,
    /// Where softphones' SIP goes.
    pub(crate) websocket: Url,
    pub(super) phones: mpsc::UnboundedSender<PhoneNews>,
    pub(super) status: Arc<RwLock<AsteriskStatus>>,
}

impl Reachable {
    fn is_live(&self) -> bool {
        self.status.read().unwrap_or_else(PoisonError::into_inner).state == "live"
    }
}

/// A cheap handle to the running call centre.
#[derive(Debug, Clone)]
pub struct Handle {
    commands: mpsc::UnboundedSender<Command>,
    servers: Arc<[Reachable]>,
    shown: Arc<Shown>,
    directory: Option<watch::Receiver<Arc<Directory>>>,
    softphones: Arc<Softphones>,
    trunks: Board,
    sounds: Option<Sounds>,
}

impl Handle {
    pub(super) fn new(commands: mpsc::UnboundedSender<Command>, servers: Vec<Reachable>, shown: Arc<Shown>) -> Self {
        let softphones = Arc::new(Softphones::none());
        let trunks = Board::default();
        Self { commands, servers: servers.into(), shown, directory: None, softphones, trunks, sounds: None }
    }

    /// Adds the directory that calls go by, the softphones that are added to it, and what callers hear.
    #[must_use]
    pub(super) fn with(
        mut self,
        directory: watch::Receiver<Arc<Directory>>,
        softphones: Arc<Softphones>,
        sounds: Sounds,
    ) -> Self {
        (self.directory, self.softphones, self.sounds) = (Some(directory), softphones, Some(sounds));
        self
    }

    /// Adds the board that says how trunks do.
    #[must_use]
    pub(super) fn with_trunks(mut self, trunks: Board) -> Self {
        self.trunks = trunks;
        self
    }

    /// How trunks do.
    pub(crate) fn trunks(&self) -> &Board {
        &self.trunks
    }

    /// What callers hear; none without telephony.
    pub(crate) fn sounds(&self) -> Option<&Sounds> {
        self.sounds.as_ref()
    }

    /// The softphones of this gateway.
    pub(crate) fn softphones(&self) -> &Arc<Softphones> {
        &self.softphones
    }

    /// The directory that calls go by, as it is now. Needs no database.
    pub(crate) fn directory(&self) -> Option<Arc<Directory>> {
        self.directory.as_ref().map(|directory| Arc::clone(&directory.borrow()))
    }

    /// The slug of an agent's tenant; none when the user is no agent, as far as the directory knows. Needs no database.
    pub fn slug_for_agent(&self, tenant: TenantId, agent: AgentId) -> Result<Option<String>, CallCommandError> {
        let directory = self.directory.as_ref().ok_or(CallCommandError::Unavailable)?;
        let directory = directory.borrow();
        let slug = directory.tenants.get(&tenant).filter(|_| directory.agents.contains_key(&(tenant, agent)));
        Ok(slug.cloned())
    }

    /// A server that answers, for what is no part of a call that runs; the first one when none does.
    pub(crate) fn asterisk(&self) -> Option<&Reachable> {
        self.servers.iter().find(|server| server.is_live()).or_else(|| self.servers.first())
    }

    /// The server with this name, whether it answers or not.
    pub(crate) fn server(&self, server: &str) -> Option<&Reachable> {
        let named = |reachable: &&Reachable| {
            reachable.status.read().unwrap_or_else(PoisonError::into_inner).name.as_str() == server
        };
        self.servers.iter().find(named)
    }

    /// The servers in the order in which a softphone tries them: those that answer first, and among them each phone begins with another.
    pub(crate) fn servers_for(&self, username: &str) -> Vec<&Reachable> {
        let mut servers: Vec<&Reachable> = self.servers.iter().collect();
        if !servers.is_empty() {
            let sum = username.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
            let first = sum % servers.len();
            servers.rotate_left(first);
            servers.sort_by_key(|server| !server.is_live());
        }
        servers
    }

    /// Waits until calls no longer go by a directory with this tenant: from then on no number and no phone of it leads anywhere.
    pub async fn forgets_tenant(&self, tenant: TenantId) {
        if let Some(mut directory) = self.directory.clone() {
            // A closed channel means that call control has ended, and takes no calls at all.
            let _ = directory.wait_for(|directory| !directory.tenants.contains_key(&tenant)).await;
        }
    }

    /// Waits until calls go by what was just committed, so that who asked for it sees it at work; not longer than they would wait.
    pub async fn goes_by(&self, committed: impl FnMut(&Directory) -> bool) {
        if let Some(mut directory) = self.directory.clone() {
            let mut committed = committed;
            let there = directory.wait_for(|directory| committed(directory));
            // Late is as good as done: the directory is read again and again.
            let _ = tokio::time::timeout(PUSH_TIME, there).await;
        }
    }

    /// Waits until calls of a tenant are recorded, or are not.
    pub async fn records(&self, tenant: TenantId, recorded: bool) {
        if let Some(mut directory) = self.directory.clone() {
            let _ = directory.wait_for(|directory| directory.unrecorded.contains(&tenant) != recorded).await;
        }
    }

    /// A handle to no call centre: for a gateway that serves the API alone. Every command is `Unavailable`.
    pub fn without_telephony() -> Self {
        Self::new(mpsc::unbounded_channel().0, Vec::new(), Arc::default())
    }

    /// Has the call centre carry out a command, and waits for its answer.
    pub async fn ask(&self, input: Input) -> Result<(), CallCommandError> {
        let (answer, answered) = oneshot::channel();
        self.commands
            .send(Command::Ask { input: Box::new(input), answer })
            .map_err(|_| CallCommandError::Unavailable)?;
        answered.await.unwrap_or(Err(CallCommandError::Unavailable))
    }

    /// Hangs up both parties of a call. Only of a call within the sight of who wants it.
    pub async fn hangup(&self, tenant: TenantId, call: CallId, sight: Sight) -> Result<(), CallCommandError> {
        self.ask(Input::Hangup { tenant, call, sight }).await
    }

    /// Rings an agent's phone for the call that they talk in; the new leg takes the place of the old one.
    pub async fn reattach(
        &self,
        tenant: TenantId,
        call: CallId,
        by: AgentId,
        username: String,
    ) -> Result<(), CallCommandError> {
        self.ask(Input::Reattach { tenant, call, by, username }).await
    }

    /// Tells the call centre something that was committed. Without a call centre there is nobody to route to.
    fn tell(&self, input: Input) {
        let _ = self.commands.send(Command::Tell(Box::new(input)));
    }

    /// Calls somebody outside for an agent. Comes back when the call's record is in the database and the agent's phone is rung, or with why it is not.
    pub async fn dial(&self, wish: DialWish) -> Result<(), DialRefusal> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(Command::Dial { wish, answer }).map_err(|_| DialRefusal::Unavailable)?;
        answered.await.unwrap_or(Err(DialRefusal::Unavailable))
    }

    /// The user name of an agent's device, as far as the directory knows it.
    pub fn username_of_device(&self, tenant: TenantId, agent: AgentId, device: DeviceId) -> Option<String> {
        let directory = self.directory.as_ref()?.borrow();
        let mut devices = directory.devices.values();
        let found = devices.find(|it| (it.tenant, it.agent, it.id) == (tenant, agent, device))?;
        Some(found.username.clone())
    }

    /// Tells the router that an agent's state was changed (after the change was committed).
    pub fn agent_state_changed(
        &self,
        tenant: TenantId,
        agent: AgentId,
        state: AgentState,
        reason: Option<String>,
        by: By,
    ) {
        self.tell(Input::AgentState { tenant, agent, state, reason, by });
    }

    /// Tells the router that an agent said what a call came to (after that was committed).
    pub fn disposed(&self, tenant: TenantId, agent: AgentId, call: CallId) {
        self.tell(Input::Disposed { tenant, agent, call });
    }

    /// Somebody took who is to be called back, or decided that nobody does it (after that was committed): the router does not.
    pub(crate) fn callback_settled(&self, tenant: TenantId, number: String) {
        self.tell(Input::CallbackSettled { tenant, number });
    }

    /// Whether one of the agent's devices is registered with Asterisk.
    pub fn reachable(&self, tenant: TenantId, agent: AgentId) -> bool {
        self.shown.reachable.read().unwrap_or_else(PoisonError::into_inner).contains(&(tenant, agent))
    }

    /// Makes a phone known to every server. Waits until those that answer took it, for at most 2 s: past that, or while one is away, it is
    /// pushed as soon as it is there. Returns whether one has it.
    pub async fn push_device(&self, device: DirectoryDevice) -> bool {
        let asked = self.servers.iter().map(async |server| {
            let (answer, answered) = oneshot::channel();
            let sent = server.phones.send(PhoneNews::Push(device.clone(), answer)).is_ok();
            // One that is away is not waited for where another is there.
            sent && answered.await.unwrap_or(false)
        });
        let mut asked: FuturesUnordered<_> = asked.collect();
        let live = self.servers.iter().filter(|server| server.is_live()).count().max(1);
        let taken = async {
            let mut taken = 0;
            while let Some(took) = asked.next().await {
                taken += usize::from(took);
                if taken >= live {
                    break;
                }
            }
            taken > 0
        };
        tokio::time::timeout(PUSH_TIME, taken).await.unwrap_or(false)
    }

    /// Takes a phone from every server.
    pub async fn remove_device(&self, username: &str) {
        let asked = self.servers.iter().map(async |server| {
            let (answer, answered) = oneshot::channel();
            if server.phones.send(PhoneNews::Remove(username.to_owned(), answer)).is_ok() {
                let _ = answered.await;
            }
        });
        // Late is as good as done: what is left is removed when the directory is next compared.
        let _ = tokio::time::timeout(PUSH_TIME, futures_util::future::join_all(asked)).await;
    }

    /// Where the gateway stands with each server.
    pub fn asterisk_status(&self) -> Vec<AsteriskStatus> {
        let status = |server: &Reachable| server.status.read().unwrap_or_else(PoisonError::into_inner).clone();
        self.servers.iter().map(status).collect()
    }
}

impl AsteriskStatus {
    pub(super) fn connecting(name: Server) -> Self {
        Self { name, state: "connecting", since: Utc::now(), version: None, detail: None }
    }
}

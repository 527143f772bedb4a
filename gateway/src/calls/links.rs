//! The connections to the Asterisk servers, as call control uses them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, SubsecRound as _, Utc};
use futures_util::Stream;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use trunkline_ari::{Client, Snapshot, State, Update, Updates};

use super::config::ServerConfig;
use super::handle::{AsteriskStatus, Reachable};
use super::shell::CallStartError;
use super::stored::StoredFiles;
use crate::calls::center::Report;
use crate::calls::model::Server;
use crate::sounds::Voices;
use crate::telephony::barring;
use crate::telephony::endpoints::{EndpointQuestion, ask_endpoints, endpoints_app};
use crate::telephony::message_light::{self, Waiting};
use crate::telephony::missed::{self, Note};
use crate::telephony::peers::Peers;
use crate::telephony::phones::{self, PhoneNews};
use crate::telephony::registrations;
use crate::telephony::requests::{Answered, Requests};
use crate::telephony::trunks::{self, TrunkNews};
use crate::trunks::board::Board;

/// A server's updates, with its name.
pub(super) type NamedUpdates = Pin<Box<dyn Stream<Item = (Server, Update)> + Send>>;

pub(super) fn named(server: Server, updates: Updates) -> NamedUpdates {
    Box::pin(futures_util::stream::unfold((server, updates), async |(server, mut updates)| {
        let update = updates.next().await?;
        Some(((server.clone(), update), (server, updates)))
    }))
}

/// What all connections share.
pub(super) struct Common {
    /// Where the audio of recordings goes.
    pub(super) media: SocketAddr,
    pub(super) answers: mpsc::UnboundedSender<Answered>,
    pub(super) online: mpsc::UnboundedSender<(Server, Report)>,
    pub(super) notes: mpsc::UnboundedSender<Note>,
    pub(super) voices: Voices,
    pub(super) peers: Peers,
    pub(super) board: Board,
    /// What each phone is told of messages.
    pub(super) messages: watch::Receiver<Waiting>,
    /// The folder of what outlives the process.
    pub(super) state: PathBuf,
    /// Until when an earlier life of the gateway watched.
    pub(super) away_since: Option<DateTime<Utc>>,
    pub(super) cancel: CancellationToken,
}

/// One connection, and the tasks that go with it.
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) requests: Requests,
    phones: mpsc::UnboundedSender<PhoneNews>,
    trunks: mpsc::UnboundedSender<TrunkNews>,
    endpoints: mpsc::UnboundedSender<EndpointQuestion>,
    connected: mpsc::UnboundedSender<()>,
    status: Arc<RwLock<AsteriskStatus>>,
    /// Until the first connection: since when nobody watched.
    away_since: Option<DateTime<Utc>>,
}

impl Link {
    pub(super) fn open(config: ServerConfig, common: &Common) -> Result<(Self, Updates, Reachable), CallStartError> {
        let name = config.name;
        let app = config.ari.app.first().cloned().unwrap_or_default();
        let stored = StoredFiles::new(&config.ari);
        let (client, updates) =
            trunkline_ari::connect(config.ari).map_err(|error| CallStartError::Ari { server: name.clone(), error })?;
        let (phones, phone_news) = mpsc::unbounded_channel();
        let (endpoints, endpoint_names) = mpsc::unbounded_channel();
        let (connected, connections) = mpsc::unbounded_channel();

        let ask_again = endpoints.clone();
        let peers = common.peers.seen_from(&name);
        tokio::spawn(phones::keep(client.clone(), config.phones, peers, phone_news, move || {
            // The task that asks lives as long as the shell.
            let _ = ask_again.send(EndpointQuestion::All);
        }));
        let online = common.online.clone();
        tokio::spawn(ask_endpoints(name.clone(), client.clone(), endpoints_app(&app), endpoint_names, online));
        tokio::spawn(missed::collect(name.clone(), client.clone(), connections, common.notes.clone()));
        let (trunks, trunk_news) = mpsc::unbounded_channel();
        let (ask_registrations, registrations_asked) = mpsc::unbounded_channel();
        let board = common.board.clone();
        tokio::spawn(trunks::keep(name.clone(), client.clone(), config.phones, board, trunk_news, ask_registrations));
        if let Some(manager) = config.manager.clone() {
            let (board, cancel) = (common.board.clone(), common.cancel.clone());
            tokio::spawn(registrations::keep(name.clone(), manager, board, registrations_asked, cancel));
        }
        if let Some(manager) = config.manager.clone() {
            let (messages, cancel) = (common.messages.clone(), common.cancel.clone());
            tokio::spawn(message_light::keep(name.clone(), manager, messages, cancel));
        }
        if let Some(manager) = config.manager {
            let ledger = common.state.join(if name.as_str() == Server::ONLY {
                "barred".to_owned()
            } else {
                format!("barred-{name}")
            });
            tokio::spawn(barring::keep(client.clone(), manager, ledger, common.cancel.clone()));
        }
        let (voices, answers) = (common.voices.clone(), common.answers.clone());
        let requests = Requests::new(name.clone(), client.clone(), app.clone(), common.media, voices, answers);
        let status = Arc::new(RwLock::new(AsteriskStatus::connecting(name)));
        let reachable = Reachable {
            client: client.clone(),
            stored,
            app,
            phones: phones.clone(),
            websocket: config.websocket,
            status: Arc::clone(&status),
        };
        let link =
            Self { client, requests, phones, trunks, endpoints, connected, status, away_since: common.away_since };
        Ok((link, updates, reachable))
    }

    pub(super) fn ask_endpoint(&self, question: EndpointQuestion) {
        if self.endpoints.send(question).is_err() {
            tracing::error!("the task that asks for phones' registrations has ended");
        }
    }

    pub(super) fn tell_phones(&self, news: PhoneNews) {
        if self.phones.send(news).is_err() {
            tracing::error!("the task that keeps phones has ended");
        }
    }

    pub(super) fn tell_trunks(&self, news: TrunkNews) {
        if self.trunks.send(news).is_err() {
            tracing::error!("the task that keeps trunks has ended");
        }
    }

    /// A connection came about, and this is what the server has. Gives back since when nobody watched before the first.
    pub(super) fn connected(&mut self, snapshot: &Snapshot) -> Option<DateTime<Utc>> {
        let version = snapshot.info.system.as_ref().map(|system| system.version.clone());
        self.status.write().unwrap_or_else(PoisonError::into_inner).version = version;
        self.tell_phones(PhoneNews::Connected);
        self.tell_trunks(TrunkNews::Connected);
        self.ask_endpoint(EndpointQuestion::All);
        if self.connected.send(()).is_err() {
            tracing::error!("the task that reads who was missed has ended");
        }
        self.away_since.take()
    }

    pub(super) fn is_live(&self) -> bool {
        self.status.read().unwrap_or_else(PoisonError::into_inner).state == "live"
    }

    /// Shows where the connection stands; gives its word.
    pub(super) fn show(&self, server: &Server, state: &State) -> Option<&'static str> {
        let (word, detail) = match state {
            State::Connecting => ("connecting", None),
            State::Syncing => ("syncing", None),
            State::Live => ("live", None),
            State::Backoff { failure, .. } => ("backoff", Some(failure.to_string())),
            State::Replaced { application } => {
                ("replaced", Some(format!("another gateway took over the application {application:?}")))
            }
            _ => return None,
        };
        let mut status = self.status.write().unwrap_or_else(PoisonError::into_inner);
        match (word, &detail) {
            ("live", _) if status.state != "live" => {
                tracing::info!(%server, version = status.version.as_deref(), "connected to Asterisk");
            }
            // Once for each reason, not for each attempt.
            (_, Some(why)) if status.detail != detail => {
                tracing::warn!(%server, state = word, why, "not connected to Asterisk");
            }
            _ => {}
        }
        if status.state != word {
            status.state = word;
            status.since = Utc::now().trunc_subsecs(3);
        }
        if word == "live" || detail.is_some() {
            status.detail = detail;
        }
        Some(word)
    }
}

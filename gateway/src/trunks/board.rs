//! How trunks do: what Asterisk says of sign-ins and of who answers, for those who look, and as events when a trunk fails or is back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, Utc};
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use trunkline_calls::lines::{Kind as LineKind, Line};
use trunkline_calls::model::Server;
use trunkline_db::{TenantId, TrunkId};
use trunkline_journal::{Hub, Journal, Kind, NewEvent, Ref, Scope};

const STATUS: Kind = Kind::from_static("trunk.status");
const DOWN: Kind = Kind::from_static("trunk.down");
const UP: Kind = Kind::from_static("trunk.up");
/// Between two attempts to write an event while the database is away.
const RETRY: Duration = Duration::from_secs(2);

/// How a sign-in at a carrier's stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RegistrationState {
    /// Nobody has told yet.
    Unknown,
    /// It was asked for, and no answer came yet.
    Registering,
    /// The carrier knows where to send calls.
    Registered,
    /// The carrier would not, or does not answer. It is asked again and again.
    Rejected,
}

/// Why a sign-in did not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RegistrationReason {
    /// The carrier refuses it.
    Refused,
    /// The carrier does not answer.
    NoAnswer,
}

/// A sign-in at a carrier's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Registration {
    /// How it stands.
    pub(crate) state: RegistrationState,
    /// Since when.
    pub(crate) since: DateTime<Utc>,
    /// Why not, if it is rejected.
    pub(crate) reason: Option<RegistrationReason>,
    /// The same in words.
    pub(crate) detail: Option<&'static str>,
}

/// How a trunk does at one server.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct TrunkStatus {
    /// The Asterisk server.
    #[schema(value_type = String)]
    pub(crate) server: Server,
    /// The sign-in; null: it signs in nowhere.
    pub(crate) registration: Option<Registration>,
    /// Whether the carrier answers when it is asked if it is there; null: it is not asked, or was not yet.
    pub(crate) reachable: Option<bool>,
    /// How long its answer took when that last changed, in ms.
    pub(crate) rtt_ms: Option<f64>,
    /// Since when `reachable` is so.
    pub(crate) since: Option<DateTime<Utc>>,
    /// Calls on it now.
    pub(crate) channels: u32,
}

/// Figures of trunks. Labels are closed sets: no trunk, no tenant.
#[derive(Debug, Clone)]
pub(crate) struct TrunkMetrics {
    trunks: IntGaugeVec,
    channels: IntGaugeVec,
    changes: IntCounterVec,
    full: IntCounterVec,
}

impl TrunkMetrics {
    /// Registers them.
    pub(crate) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauges = |name: &str, help: &str, labels: &[&str]| -> Result<IntGaugeVec, prometheus::Error> {
            let vec = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(vec.clone()))?;
            Ok(vec)
        };
        let counters = |name: &str, help: &str, labels: &[&str]| -> Result<IntCounterVec, prometheus::Error> {
            let vec = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(vec.clone()))?;
            Ok(vec)
        };
        let metrics = Self {
            trunks: gauges("trunkline_trunk_states", "Trunks by server and state.", &["asterisk", "state"])?,
            channels: gauges("trunkline_trunk_channels", "Calls on tenants' trunks, by server.", &["asterisk"])?,
            changes: counters("trunkline_trunk_changes_total", "Trunks that failed or came back.", &["to"])?,
            full: counters("trunkline_trunk_refused_total", "Calls that trunks refused, by reason.", &["reason"])?,
        };
        for to in ["down", "up"] {
            metrics.changes.with_label_values(&[to]);
        }
        metrics.full.with_label_values(&["max_channels"]);
        Ok(metrics)
    }

    /// One more call was refused: its trunk has as many as it may.
    pub(crate) fn refused_full(&self) {
        self.full.with_label_values(&["max_channels"]).inc();
    }
}

/// Whether a trunk works, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Health {
    Unknown,
    Up,
    Down,
}

impl Health {
    const ALL: [Self; 3] = [Self::Unknown, Self::Up, Self::Down];

    const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// What is known of one trunk at one server.
#[derive(Debug, Clone)]
struct Known {
    line: Arc<Line>,
    registration: (RegistrationState, DateTime<Utc>),
    reachable: Option<bool>,
    since: Option<DateTime<Utc>>,
    rtt_ms: Option<f64>,
    channels: u32,
    /// The last of up and down that was told.
    told: Health,
}

impl Known {
    fn new(line: Arc<Line>, now: DateTime<Utc>) -> Self {
        let registration = (RegistrationState::Unknown, now);
        Self { line, registration, reachable: None, since: None, rtt_ms: None, channels: 0, told: Health::Unknown }
    }

    /// Whether what the carrier said of the sign-in is no answer to this one.
    fn signs_in_otherwise(&self, line: &Line) -> bool {
        let (was, is) = (&self.line.settings, &line.settings);
        self.line.password != line.password
            || (&was.username, &was.auth_username) != (&is.username, &is.auth_username)
            || (&was.host, was.port, was.transport, &was.outbound_proxy)
                != (&is.host, is.port, is.transport, &is.outbound_proxy)
    }

    fn signs_in(&self) -> bool {
        self.line.settings.kind == LineKind::Registration
    }

    fn health(&self) -> Health {
        match (self.signs_in(), self.registration.0, self.reachable) {
            (_, _, Some(false)) | (true, RegistrationState::Rejected, _) => Health::Down,
            (true, RegistrationState::Registered, _) | (false, _, Some(true)) => Health::Up,
            _ => Health::Unknown,
        }
    }

    fn reason(&self) -> Option<RegistrationReason> {
        match (self.signs_in(), self.registration.0, self.reachable) {
            (_, _, Some(false)) => Some(RegistrationReason::NoAnswer),
            (true, RegistrationState::Rejected, _) => Some(RegistrationReason::Refused),
            _ => None,
        }
    }

    fn status(&self, server: &Server) -> TrunkStatus {
        let (state, since) = self.registration;
        let reason = self.reason().filter(|_| state == RegistrationState::Rejected);
        let detail = reason.map(|reason| match reason {
            RegistrationReason::Refused => {
                "The carrier refuses the sign-in: user name or password is wrong, or the account is closed."
            }
            RegistrationReason::NoAnswer => "The carrier does not answer.",
        });
        TrunkStatus {
            server: server.clone(),
            registration: self.signs_in().then_some(Registration { state, since, reason, detail }),
            reachable: self.reachable,
            rtt_ms: self.rtt_ms,
            since: self.since,
            channels: self.channels,
        }
    }
}

/// What follows from what was learnt.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    tenant: TenantId,
    trunk: TrunkId,
    name: String,
    status: TrunkStatus,
    /// It failed, or is back.
    turned: Option<(Health, Option<RegistrationReason>)>,
}

/// All trunks at all servers: pure.
#[derive(Debug, Default)]
struct States(BTreeMap<(Server, TrunkId), Known>);

impl States {
    /// Which trunks a server has from now on.
    fn wanted(&mut self, now: DateTime<Utc>, server: &Server, lines: &[Arc<Line>]) {
        let ids: BTreeSet<TrunkId> = lines.iter().map(|line| line.id).collect();
        self.0.retain(|(at, trunk), _| at != server || ids.contains(trunk));
        for line in lines {
            let known = self.0.entry((server.clone(), line.id)).or_insert_with(|| Known::new(Arc::clone(line), now));
            let asked_otherwise = known.line.settings.host != line.settings.host
                || known.line.settings.port != line.settings.port
                || line.settings.qualify_seconds == 0;
            if asked_otherwise {
                (known.reachable, known.since, known.rtt_ms) = (None, None, None);
            }
            if known.signs_in_otherwise(line) {
                known.registration = (RegistrationState::Unknown, now);
            }
            known.line = Arc::clone(line);
        }
    }

    fn change(&mut self, server: &Server, trunk: TrunkId, change: impl FnOnce(&mut Known)) -> Option<Told> {
        let known = self.0.get_mut(&(server.clone(), trunk))?;
        let before = known.status(server);
        change(known);
        let health = known.health();
        // One that comes up for the first time has not been away.
        let turned = match (known.told, health) {
            (_, Health::Unknown) => None,
            (Health::Unknown, Health::Up) => {
                known.told = Health::Up;
                None
            }
            (told, health) if told != health => {
                known.told = health;
                Some((health, known.reason()))
            }
            _ => None,
        };
        let status = known.status(server);
        if status == before && turned.is_none() {
            return None;
        }
        let (tenant, name) = (known.line.tenant, known.line.name.clone());
        Some(Told { tenant, trunk, name, status, turned })
    }

    fn registration(
        &mut self,
        now: DateTime<Utc>,
        server: &Server,
        trunk: TrunkId,
        state: RegistrationState,
    ) -> Option<Told> {
        self.change(server, trunk, |known| {
            if known.registration.0 != state {
                known.registration = (state, now);
            }
        })
    }

    fn contact(
        &mut self,
        now: DateTime<Utc>,
        server: &Server,
        trunk: TrunkId,
        is: bool,
        rtt_ms: Option<f64>,
    ) -> Option<Told> {
        self.change(server, trunk, |known| {
            if known.line.settings.qualify_seconds == 0 {
                return;
            }
            if known.reachable != Some(is) {
                (known.reachable, known.since) = (Some(is), Some(now));
            }
            known.rtt_ms = if is { rtt_ms.or(known.rtt_ms) } else { None };
        })
    }

    /// A server does not answer: nobody knows how its trunks do. They have not failed.
    fn away(&mut self, now: DateTime<Utc>, server: &Server) -> Vec<Told> {
        let trunks: Vec<TrunkId> = self.0.keys().filter(|(at, _)| at == server).map(|(_, trunk)| *trunk).collect();
        let forget = |known: &mut Known| {
            if known.registration.0 != RegistrationState::Unknown {
                known.registration = (RegistrationState::Unknown, now);
            }
            (known.reachable, known.since, known.rtt_ms) = (None, None, None);
        };
        trunks.into_iter().filter_map(|trunk| self.change(server, trunk, forget)).collect()
    }

    fn channels(&mut self, counts: &BTreeMap<(Server, TrunkId), u32>) -> Vec<Told> {
        let keys: Vec<(Server, TrunkId)> = self.0.keys().cloned().collect();
        keys.into_iter()
            .filter_map(|key| {
                let count = counts.get(&key).copied().unwrap_or(0);
                self.change(&key.0, key.1, |known| known.channels = count)
            })
            .collect()
    }
}

/// The board. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Board(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    // Held for a look or a change.
    states: Mutex<States>,
    out: Option<Out>,
}

#[derive(Debug)]
struct Out {
    hub: Hub,
    events: mpsc::UnboundedSender<(TenantId, NewEvent)>,
    metrics: TrunkMetrics,
}

impl Board {
    /// A board that tells: signals at once, events by way of the journal.
    pub(crate) fn start(journal: &Journal, metrics: TrunkMetrics, cancel: CancellationToken) -> Self {
        let (events, waiting) = mpsc::unbounded_channel();
        tokio::spawn(write(journal.clone(), waiting, cancel));
        let out = Out { hub: journal.hub().clone(), events, metrics };
        Self(Arc::new(Inner { states: Mutex::default(), out: Some(out) }))
    }

    fn states(&self) -> MutexGuard<'_, States> {
        self.0.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How a trunk does, by server.
    pub(crate) fn of(&self, trunk: TrunkId) -> Vec<TrunkStatus> {
        let states = self.states();
        let own = states.0.iter().filter(|((_, id), _)| *id == trunk);
        own.map(|((server, _), known)| known.status(server)).collect()
    }

    /// Which trunks a server has from now on.
    pub(crate) fn wanted(&self, server: &Server, lines: &[Arc<Line>]) {
        self.states().wanted(now(), server, lines);
        self.show();
    }

    /// What a server says of a trunk's sign-in.
    pub(crate) fn registration(&self, server: &Server, trunk: TrunkId, state: RegistrationState) {
        let told = self.states().registration(now(), server, trunk, state);
        self.tell(told);
    }

    /// What a server says of whether a carrier is there.
    pub(crate) fn contact(&self, server: &Server, trunk: TrunkId, is: bool, rtt_ms: Option<f64>) {
        let told = self.states().contact(now(), server, trunk, is, rtt_ms);
        self.tell(told);
    }

    /// A server does not answer.
    pub(crate) fn away(&self, server: &Server) {
        let told = self.states().away(now(), server);
        self.tell(told);
    }

    /// How many calls are on each.
    pub(crate) fn channels(&self, counts: &BTreeMap<(Server, TrunkId), u32>) {
        let told = self.states().channels(counts);
        self.tell(told);
        if let Some(out) = &self.0.out {
            let mut by_server: BTreeMap<&Server, u32> = BTreeMap::new();
            let states = self.states();
            for (server, _) in states.0.keys() {
                by_server.entry(server).or_default();
            }
            for ((server, _), count) in counts {
                *by_server.entry(server).or_default() += count;
            }
            for (server, count) in by_server {
                out.metrics.channels.with_label_values(&[server.as_str()]).set(i64::from(count));
            }
        }
    }

    /// One more call was refused: its trunk has as many as it may.
    pub(crate) fn refused_full(&self) {
        if let Some(out) = &self.0.out {
            out.metrics.refused_full();
        }
    }

    fn tell(&self, told: impl IntoIterator<Item = Told>) {
        let Some(out) = &self.0.out else { return };
        let mut any = false;
        for Told { tenant, trunk, name, status, turned } in told {
            any = true;
            let data = json!({ "trunk_id": trunk, "server": status.server, "status": status });
            out.hub.signal(tenant, &[Scope::Tenant], STATUS, &data);
            let Some((health, reason)) = turned else { continue };
            let is_up = health == Health::Up;
            if is_up {
                tracing::info!(%trunk, name, server = %status.server, "a trunk is back");
            } else {
                tracing::warn!(%trunk, name, server = %status.server, ?reason, "a trunk does not work");
            }
            out.metrics.changes.with_label_values(&[health.word()]).inc();
            let data = json!({ "name": name, "server": status.server, "reason": reason });
            let event = NewEvent::new(if is_up { UP } else { DOWN }, Ref::new("trunk", trunk.uuid()), data);
            // Who writes ends with the process.
            let _ = out.events.send((tenant, event));
        }
        if any {
            self.show();
        }
    }

    fn show(&self) {
        let Some(out) = &self.0.out else { return };
        let mut counts: BTreeMap<(Server, Health), i64> = BTreeMap::new();
        for ((server, _), known) in &self.states().0 {
            for health in Health::ALL {
                counts.entry((server.clone(), health)).or_default();
            }
            *counts.entry((server.clone(), known.health())).or_default() += 1;
        }
        out.metrics.trunks.reset();
        for ((server, health), count) in counts {
            out.metrics.trunks.with_label_values(&[server.as_str(), health.word()]).set(count);
        }
    }
}

fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

/// Writes events in their order; while the database is away they wait.
async fn write(journal: Journal, mut events: mpsc::UnboundedReceiver<(TenantId, NewEvent)>, cancel: CancellationToken) {
    loop {
        let next = tokio::select! {
            next = events.recv() => next,
            () = cancel.cancelled() => return,
        };
        let Some((tenant, event)) = next else { return };
        while let Err(error) = journal.append(tenant, vec![event.clone()]).await {
            tracing::warn!(%error, kind = event.kind.as_str(), "an event of a trunk could not be written yet");
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = cancel.cancelled() => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use trunkline_calls::lines::TrunkSettings;

    use super::*;

    fn one(kind: LineKind) -> (States, Server, TrunkId) {
        let mut settings = TrunkSettings::new(kind, "sip.example.net");
        settings.username = "me".to_owned();
        let (id, server) = (TrunkId::new(), Server::default());
        let line = Line { id, tenant: TenantId::new(), name: "A".to_owned(), priority: 0, settings, password: None };
        let mut states = States::default();
        states.wanted(now(), &server, &[Arc::new(line)]);
        (states, server, id)
    }

    fn turned(told: Option<Told>) -> Option<(Health, Option<RegistrationReason>)> {
        told.and_then(|told| told.turned)
    }

    #[test]
    fn a_trunk_that_fails_is_told_once_and_so_is_its_return() {
        let (mut states, server, id) = one(LineKind::Registration);
        let at = now();
        assert_eq!(turned(states.registration(at, &server, id, RegistrationState::Registering)), None);
        assert_eq!(
            turned(states.registration(at, &server, id, RegistrationState::Registered)),
            None,
            "it was never away"
        );
        assert_eq!(turned(states.contact(at, &server, id, true, Some(3.5))), None);
        let down = Some((Health::Down, Some(RegistrationReason::NoAnswer)));
        assert_eq!(turned(states.contact(at, &server, id, false, None)), down);
        assert_eq!(turned(states.registration(at, &server, id, RegistrationState::Rejected)), None, "once");
        let told = states.contact(at, &server, id, true, Some(2.0)).unwrap();
        let registration = told.status.registration.unwrap();
        assert_eq!((registration.reason, told.turned), (Some(RegistrationReason::Refused), None), "not yet");
        let up = states.registration(at, &server, id, RegistrationState::Registered);
        assert_eq!(turned(up), Some((Health::Up, None)));
        assert_eq!(states.registration(at, &server, id, RegistrationState::Registered), None, "nothing is new");
    }

    #[test]
    fn a_wrong_password_is_told_in_words() {
        let (mut states, server, id) = one(LineKind::Registration);
        let told = states.registration(now(), &server, id, RegistrationState::Rejected).unwrap();
        assert_eq!(told.turned, Some((Health::Down, Some(RegistrationReason::Refused))));
        assert!(told.status.registration.unwrap().detail.unwrap().contains("password"));
    }

    #[test]
    fn what_the_carrier_said_of_another_password_is_no_answer_to_this_one() {
        let (mut states, server, id) = one(LineKind::Registration);
        states.registration(now(), &server, id, RegistrationState::Rejected);
        let state = |states: &States| states.0[&(server.clone(), id)].registration.0;
        let mut line = (*states.0[&(server.clone(), id)].line).clone();
        line.name = "Renamed".to_owned();
        states.wanted(now(), &server, &[Arc::new(line.clone())]);
        assert_eq!(state(&states), RegistrationState::Rejected);
        line.password = Some(trunkline_db::Secret::new("another"));
        states.wanted(now(), &server, &[Arc::new(line)]);
        assert_eq!(state(&states), RegistrationState::Unknown);
    }

    #[test]
    fn a_server_that_is_away_makes_no_trunk_fail() {
        let (mut states, server, id) = one(LineKind::Address);
        states.contact(now(), &server, id, true, Some(1.0));
        let told = states.away(now(), &server);
        assert_eq!((told.len(), told[0].turned, told[0].status.reachable), (1, None, None));
        assert_eq!(turned(states.contact(now(), &server, id, true, Some(1.0))), None);
        assert_eq!(turned(states.contact(now(), &server, id, false, None)).map(|it| it.0), Some(Health::Down));
        states.away(now(), &server);
        assert_eq!(turned(states.contact(now(), &server, id, true, None)), Some((Health::Up, None)));
    }

    #[test]
    fn one_that_is_not_asked_is_not_known_to_be_there() {
        let (mut states, server, id) = one(LineKind::Address);
        let mut line = (*states.0[&(server.clone(), id)].line).clone();
        line.settings.qualify_seconds = 0;
        states.contact(now(), &server, id, true, None);
        states.wanted(now(), &server, &[Arc::new(line)]);
        assert_eq!(states.contact(now(), &server, id, true, None), None);
        assert_eq!(states.0[&(server.clone(), id)].status(&server).reachable, None);
        states.wanted(now(), &server, &[]);
        assert!(states.0.is_empty() && states.contact(now(), &server, id, true, None).is_none());
    }
}

//! What every handler can reach.

use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use trunkline_db::Db;
use trunkline_journal::Journal;
use uuid::Uuid;

use crate::audit::{Late, Once};
use crate::auth::{Keys, LoginLimits, Passwords, Sessions};
use crate::calls;
use crate::channels::{ChannelMetrics, Channels};
use crate::config::Config;
use crate::conversations::Conversations;
use crate::files::Files;
use crate::hooks::Hooks;
use crate::http::idempotency::InFlight;
use crate::jobs::JobMetrics;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::oidc::Providers;
use crate::push::Push;
use crate::roster::Roster;
use crate::secrets::Vault;
use crate::softphone::{Sockets, SoftphoneMetrics};
use crate::stream::{Streams, Timing};

/// What [`AppState`] is made of.
#[derive(Debug)]
pub struct Parts {
    /// Configuration.
    pub config: Arc<Config>,
    /// The database.
    pub db: Db,
    /// The journal and its hub.
    pub journal: Journal,
    /// Seals and opens secrets in the database.
    pub vault: Vault,
    /// The running calls.
    pub calls: calls::Handle,
    /// Metrics.
    pub metrics: Metrics,
    /// Cancelled when the process shuts down.
    pub cancel: CancellationToken,
    /// How patient streams are with their clients.
    pub stream_timing: Timing,
    /// Who may do what; one that was not read yet believes what tokens say.
    pub roster: Roster,
}

/// Shared state of the edge. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState(Arc<Inner>);

/// The fields of [`AppState`].
#[derive(Debug)]
pub struct Inner {
    /// Configuration.
    pub config: Arc<Config>,
    /// The database.
    pub db: Db,
    /// The journal and its hub.
    pub journal: Journal,
    /// The running calls.
    pub calls: calls::Handle,
    /// The connected channel accounts.
    pub channels: Channels,
    /// Files of messages.
    pub files: Files,
    /// Who looks at conversations, and how fast messages go.
    pub conversations: Conversations,
    /// What dialplans ask.
    pub hooks: Hooks,
    /// The way to people's browsers when the panel is closed.
    pub push: Push,
    /// Keys derived from `secret_key`.
    pub keys: Keys,
    /// Seals and opens secrets in the database.
    pub vault: Vault,
    /// Acts that are written into the audit log behind the answer.
    pub late_audit: Late,
    /// What was written into the audit log lately, and need not be again.
    pub audited: Once<(&'static str, Uuid, String)>,
    /// Metrics.
    pub metrics: Metrics,
    /// Cancelled when the process shuts down.
    pub cancel: CancellationToken,
    /// Password hashing with bounded concurrency.
    pub passwords: Passwords,
    /// Limits on failed sign-ins. Locked for one look, never across an await.
    pub login_limits: Mutex<LoginLimits>,
    /// Who may do what.
    pub roster: Roster,
    /// How many requests somebody may make.
    pub limits: Limits,
    /// Sign-ins that were ended while their tokens still run.
    pub sessions: Sessions,
    /// Idempotency keys being worked on.
    pub in_flight: InFlight,
    /// Open live streams.
    pub streams: Streams,
    /// Tenants' identity providers that were asked lately.
    pub providers: Providers,
    /// Figures of jobs.
    pub job_metrics: Arc<JobMetrics>,
    /// Figures of softphones.
    pub softphone_metrics: SoftphoneMetrics,
    /// Open sockets of softphones.
    pub sip_sockets: Sockets,
    /// When the process began to serve.
    pub started: Instant,
}

impl AppState {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let Parts { config, db, journal, vault, calls, metrics, cancel, stream_timing, roster } = parts;
        let keys = Keys::derive(&config.secret_key);
        Self(Arc::new(Inner {
            push: Push::new(&config, &keys, metrics.registry()),
            keys,
            vault,
            hooks: Hooks::new(&config.hooks, config.database_connections, metrics.registry()),
            conversations: Conversations::new(metrics.registry()),
            channels: Channels::start(db.clone(), ChannelMetrics::register(metrics.registry()), cancel.clone()),
            files: Files::new(config.files.clone(), &config.state_dir),
            late_audit: Late::start(db.clone(), cancel.clone()),
            audited: Once::default(),
            streams: Streams::new(config.max_streams_per_user, stream_timing),
            limits: Limits::new(config.rate_limits, metrics.rate_limited.clone()),
            providers: Providers::new(config.private_identity_providers),
            job_metrics: Arc::new(
                JobMetrics::register(metrics.registry()).expect("every metric has a name of its own"),
            ),
            softphone_metrics: SoftphoneMetrics::register(metrics.registry()),
            sip_sockets: Sockets::default(),
            config,
            db,
            journal,
            calls,
            metrics,
            cancel,
            passwords: Passwords::new(),
            login_limits: Mutex::default(),
            roster,
            sessions: Sessions::new(),
            in_flight: InFlight::default(),
            started: Instant::now(),
        }))
    }
}

impl Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

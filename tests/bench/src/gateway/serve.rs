//! The part: puts a gateway together as `trunkline serve` does.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{TimeDelta, Utc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use trunkline::auth::{Passwords, token};
use trunkline::calls::{CallConfig, CallControl, CallMetrics};
use trunkline::config::{Config, Source};
use trunkline::metrics::Metrics;
use trunkline::provision::{self, NewMember};
use trunkline::roster::Roster;
use trunkline::secrets::Vault;
use trunkline::state::{AppState, Parts};
use trunkline::stream::Timing;
use trunkline::{channels, hooks, http, jobs, logging, server, stream};
use trunkline_db::{Db, PoolOptions, Role, TenantId, UserId};
use trunkline_jobs::WorkerConfig;
use trunkline_journal::{Journal, JournalConfig};
use uuid::Uuid;

use super::{Member, Ready, publish};
use crate::part::Folder;
use crate::usage::bind;

/// Longer than any run.
const TOKEN_LIFE: TimeDelta = TimeDelta::hours(12);
const PASSWORD: &str = "trunkline-bench";

/// How it is run.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The core that it has for itself; all of them without.
    pub(crate) core: Option<usize>,
    pub(crate) tenants: usize,
    /// Agents of the first tenant.
    pub(crate) agents: usize,
    /// Whether its jobs run.
    pub(crate) works: bool,
    pub(crate) database_url: String,
}

/// Runs as a part, until killed.
pub(crate) fn run(options: &Options, folder: &Folder) -> anyhow::Result<()> {
    // Before the runtime is built: it has as many workers as there are cores for it.
    if let Some(core) = options.core {
        bind(0, core)?;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(serve(options, folder))
}

async fn serve(options: &Options, folder: &Folder) -> anyhow::Result<()> {
    let config = Arc::new(config(options, folder)?);
    logging::init(&config.log, config.log_format);
    std::fs::create_dir_all(&config.recordings_dir).context("cannot make the folder for recordings")?;
    let listener = server::bind(config.http_listen).await?;
    let agi = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen")?;
    let publishing = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen")?;
    let pool = PoolOptions { max_connections: config.database_connections, ..PoolOptions::default() };
    let db = Db::connect(config.database_url.expose(), pool).await?;
    let cancel = CancellationToken::new();
    let journal = Journal::start(db.clone(), JournalConfig::default(), cancel.clone()).await?;
    let metrics = Metrics::new();
    let vault = Vault::derived(&config.secret_key);
    let call_metrics = CallMetrics::register(metrics.registry())?;
    let calls = CallControl::start(
        CallConfig::new(&config, vault.clone()),
        db.clone(),
        journal.clone(),
        call_metrics,
        cancel.clone(),
    )
    .await?;
    let state = AppState::new(Parts {
        config,
        db: db.clone(),
        journal: journal.clone(),
        vault,
        calls: calls.handle(),
        metrics,
        cancel: cancel.clone(),
        stream_timing: Timing::default(),
        // Tokens are believed in what they say.
        roster: Roster::default(),
    });

    let mut tenants = Vec::with_capacity(options.tenants);
    let mut admins = Vec::with_capacity(options.tenants);
    let passwords = Passwords::new();
    let email = format!("{}@bench.test", Uuid::now_v7());
    let member = |tenant: TenantId, user: UserId, role: Role| {
        let token = token::issue(&state.keys, tenant, user, role, Uuid::now_v7(), Utc::now(), TOKEN_LIFE);
        Member { user: user.uuid(), token }
    };
    for number in 0..options.tenants {
        let tenant = provision::create_tenant(&db, &format!("bench-{number}"), "Bench").await?;
        admins.push(member(tenant, add(&db, &passwords, tenant, &email, Role::Admin).await?, Role::Admin));
        tenants.push(tenant);
    }
    let mut agents = Vec::with_capacity(options.agents);
    for number in 0..options.agents {
        let (tenant, email) = (tenants[0], format!("{number}-{email}"));
        agents.push(member(tenant, add(&db, &passwords, tenant, &email, Role::Operator).await?, Role::Operator));
    }
    tokio::spawn(stream::watch_grants(state.clone(), cancel.clone()));
    if options.works {
        tokio::spawn(channels::watch(state.clone(), cancel.clone()));
        jobs::worker(&state, WorkerConfig::default()).start(cancel.clone());
    }
    let ready = Ready {
        http: listener.local_addr()?,
        agi: agi.local_addr()?,
        publish: publishing.local_addr()?,
        tenants: tenants.iter().map(|tenant| tenant.uuid()).collect(),
        admins,
        agents,
    };
    tokio::spawn(hooks::serve_agi(agi, state.clone(), cancel.clone()));
    tokio::spawn(publish::serve(publishing, journal, tenants));
    folder.say_ready(&ready)?;
    server::serve(listener, http::router(state), cancel).await;
    Ok(())
}

/// A new member. One person is the admin of all tenants: only one password is hashed.
async fn add(db: &Db, passwords: &Passwords, tenant: TenantId, email: &str, role: Role) -> anyhow::Result<UserId> {
    let member = NewMember { email, name: "Bench", role, takes_work: role == Role::Operator };
    let user = provision::add_member(db, passwords, tenant, member, PASSWORD).await?;
    user.context("a new person was a member already")
}

fn config(options: &Options, folder: &Folder) -> anyhow::Result<Config> {
    let values = [
        ("HTTP_LISTEN", "127.0.0.1:0".to_owned()),
        ("RTP_LISTEN", "127.0.0.1:0".to_owned()),
        ("DATABASE_URL", options.database_url.clone()),
        ("SECRET_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f".to_owned()),
        // Asterisk is away for the whole run: nobody listens on the discard port.
        ("ARI_URL", "http://127.0.0.1:9/ari".to_owned()),
        ("ARI_PASSWORD", "no-asterisk-here".to_owned()),
        ("STATE_DIR", folder.path().display().to_string()),
        ("SIP_PORT", "5070".to_owned()),
        ("MAX_STREAMS_PER_USER", "1000000".to_owned()),
        // Thousands of clients come from one address here.
        ("RATE_LIMIT_ADDRESS", "off".to_owned()),
        ("RATE_LIMIT_USER", "off".to_owned()),
        ("RATE_LIMIT_TENANT", "off".to_owned()),
        ("RATE_LIMIT_STREAM", "off".to_owned()),
        ("RATE_LIMIT_WEBHOOK", "off".to_owned()),
    ];
    let values = values.into_iter().map(|(name, value)| (format!("TRUNKLINE_{name}"), value));
    Ok(Source::read(None, values)?.config()?)
}

//! `trunkline serve`: puts the parts together, runs them, and takes them down in order.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use trunkline_db::PoolOptions;
use trunkline_jobs::WorkerConfig;
use trunkline_journal::{Journal, JournalConfig};

use crate::calls::{CallConfig, CallControl, CallMetrics};
use crate::config::Source;
use crate::figures::{self, FigureMetrics};
use crate::metrics::Metrics;
use crate::roster::{self, Roster};
use crate::secrets::{SecretMetrics, Vault};
use crate::state::{AppState, Parts};
use crate::stream::Timing;
use crate::tls::{Tls, TlsMetrics};
use crate::{
    api_keys, audit, channels, conversations, hooks, http, jobs, logging, push, secrets, server, setup, softphone,
    stream, tls,
};

/// How long each part may take to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn run(source: &Source, ari_log: Option<PathBuf>) -> anyhow::Result<()> {
    let mut config = source.config()?;
    if let Some(file) = ari_log {
        let several = config.asterisks.len() > 1;
        for server in &mut config.asterisks {
            // A replay is one server's.
            let own = if several { PathBuf::from(format!("{}.{}", file.display(), server.name)) } else { file.clone() };
            server.ari_log = Some(own);
        }
    }
    logging::init(&config.log, config.log_format);
    for warning in source.warnings() {
        tracing::warn!("{warning}");
    }
    let config = Arc::new(config);

    // The cheap refusals first: a taken port is told before anything else is begun.
    let listener = server::bind(config.http_listen).await?;
    let redirect = match config.edge.http_redirect_listen {
        Some(address) => Some(server::bind_for("http_redirect_listen", address).await?),
        None => None,
    };
    let https = match config.edge.https_listen() {
        Some(address) => Some(server::bind_for("https_listen", address).await?),
        None => None,
    };
    let agi = match config.hooks.listen {
        Some(address) => Some(server::bind_for("agi_listen", address).await?),
        None => None,
    };
    make_folder("state_dir", &config.state_dir)?;
    make_folder("recordings_dir", &config.recordings_dir)?;
    let vault = Vault::unlock(&config).await?;
    let metrics = Metrics::new();
    let tls = match &config.edge.tls {
        Some(tls) => {
            let metrics = TlsMetrics::register(metrics.registry()).context("TLS metrics")?;
            Some(Tls::load(tls, &config.public_url, &config.state_dir, metrics)?)
        }
        None => None,
    };
    let options = PoolOptions { max_connections: config.database_connections, ..PoolOptions::default() };
    let db = super::connect(&config.database_url, options).await?;

    let cancel = CancellationToken::new();
    // The journal stops last: what the others still have to write is written.
    let journal_cancel = CancellationToken::new();
    let journal = Journal::start(db.clone(), JournalConfig::default(), journal_cancel.clone())
        .await
        .context("the journal cannot start; is the schema there (`trunkline migrate`)?")?;
    secrets::seal_what_is_plain(&db, &vault).await.context("secrets that are stored as they are cannot be sealed")?;
    let roster = Roster::load(&db)
        .await
        .context("who may do what cannot be read; is the schema there (`trunkline migrate`)?")?;
    let call_metrics = CallMetrics::register(metrics.registry()).context("call metrics")?;
    let calls = CallControl::start(
        CallConfig::new(&config, vault.clone()),
        db.clone(),
        journal.clone(),
        call_metrics,
        cancel.clone(),
    )
    .await?;
    let state = AppState::new(Parts {
        config: Arc::clone(&config),
        db: db.clone(),
        journal: journal.clone(),
        vault: vault.clone(),
        calls: calls.handle(),
        metrics,
        cancel: cancel.clone(),
        stream_timing: Timing::default(),
        roster: roster.clone(),
    });

    let tasks = TaskTracker::new();
    tasks.spawn(roster::watch(state.clone(), cancel.clone()));
    tasks.spawn(channels::watch(state.clone(), cancel.clone()));
    tasks.spawn(hooks::watch_tokens(state.clone(), cancel.clone()));
    if let Some(agi) = agi {
        tracing::info!(address = ?config.hooks.listen, "serving FastAGI");
        tasks.spawn(hooks::serve_agi(agi, state.clone(), cancel.clone()));
    }
    tasks.spawn(channels::poll(state.clone(), cancel.clone()));
    tasks.spawn(stream::watch_grants(state.clone(), cancel.clone()));
    tasks.spawn(api_keys::keep_count(roster, db.clone(), cancel.clone()));
    tasks.spawn(jobs::watch(db.clone(), Arc::clone(&state.job_metrics), cancel.clone()));
    let figure_metrics = FigureMetrics::register(state.metrics.registry()).context("figures' metrics")?;
    let timing = figures::Timing::default();
    tasks.spawn(figures::watch(db.clone(), journal.clone(), figure_metrics, timing, cancel.clone()));
    let thread_metrics = conversations::ThreadMetrics::register(state.metrics.registry()).context("calls' metrics")?;
    let threads = conversations::calls_consumer::watch(
        db.clone(),
        journal.clone(),
        thread_metrics,
        figures::Timing::default(),
        cancel.clone(),
    );
    tasks.spawn(threads);
    tasks.spawn(push::watch(db.clone(), journal.clone(), figures::Timing::default(), cancel.clone()));
    tasks.spawn(audit::keep_anchors(db.clone(), config.state_dir.clone(), cancel.clone()));
    let secret_metrics = SecretMetrics::register(state.metrics.registry());
    tasks.spawn(secrets::keep_current(vault.clone(), db.clone(), secret_metrics, cancel.clone()));
    tasks.spawn(softphone::seal_with_newest(Arc::clone(state.calls.softphones()), vault, cancel.clone()));
    let (softphones, sessions) = (Arc::clone(state.calls.softphones()), state.sessions.clone());
    tasks.spawn(softphone::end_with_sessions(softphones, sessions, cancel.clone()));
    tasks.spawn(setup::resume(state.clone(), cancel.clone()));
    let worker = jobs::worker(&state, WorkerConfig::default()).start(cancel.clone());
    tokio::spawn(stop_on_signal(state.clone()));

    tracing::info!(address = %config.http_listen, version = env!("CARGO_PKG_VERSION"), "serving");
    let router = http::router(state);
    if let (Some(tls), Some(https)) = (tls, https) {
        let plain_http = redirect.is_some();
        if let Some(redirect) = redirect {
            let sent_on = tls::redirect_router(config.public_url.clone(), tls.challenges());
            tasks.spawn(server::serve(redirect, sent_on, cancel.clone()));
        }
        tracing::info!(address = ?config.edge.https_listen(), "serving https");
        tasks.spawn(server::serve_tls(https, tls.acceptor(), router.clone(), cancel.clone()));
        tls.keep_fresh(&config.state_dir, plain_http, tls::Timing::default(), &tasks, cancel.clone());
    }
    tasks.close();
    server::serve(listener, router, cancel.clone()).await;

    let _ = tokio::time::timeout(STOP_PATIENCE, calls.stopped()).await;
    let _ = tokio::time::timeout(STOP_PATIENCE, tasks.wait()).await;
    if tokio::time::timeout(STOP_PATIENCE, worker.stopped()).await.is_err() {
        tracing::warn!("running jobs did not stop in time; others take them when their leases have run out");
    }
    journal_cancel.cancel();
    if tokio::time::timeout(STOP_PATIENCE, journal.stopped()).await.is_err() {
        tracing::warn!("the journal did not stop in time");
    }
    db.close().await;
    tracing::info!("stopped");
    Ok(())
}

fn make_folder(key: &str, path: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(path).with_context(|| format!("{key}: cannot make the folder {}", path.display()))
}

/// SIGTERM and SIGINT stop the process gracefully; a second one ends it at once.
async fn stop_on_signal(state: AppState) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("cannot watch for signals; the process can only be killed");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    state.cancel.cancel();
    // Streams watch this rather than the token.
    state.sessions.wake_all();
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    std::process::exit(130);
}

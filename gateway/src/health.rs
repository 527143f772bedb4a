//! `/health` and its two short forms for supervisors.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::state::AppState;

/// How long the database may take to answer a probe.
const PROBE_PATIENCE: Duration = Duration::from_secs(2);

/// Routes of health, open to all: they say nothing of tenants.
pub fn router() -> Router<AppState> {
    Router::new().route("/health", get(health)).route("/health/live", get(live)).route("/health/ready", get(ready))
}

/// What the process uses, from `/proc/self`.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Process {
    /// Resident memory, in bytes.
    pub resident_bytes: Option<u64>,
    /// Open file descriptors.
    pub open_descriptors: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
}

impl Process {
    /// Reads it now; what cannot be read is `None`.
    pub fn read() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        Self {
            resident_bytes: field("VmRSS:").map(|kib| kib * 1024),
            open_descriptors: std::fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64),
            threads: field("Threads:"),
        }
    }
}

async fn database_answers(state: &AppState) -> bool {
    tokio::time::timeout(PROBE_PATIENCE, state.db.ping()).await.is_ok_and(|answer| answer.is_ok())
}

/// Everything at a glance. `status` is `ok`, or `degraded` while a dependency is away: then calls go on and wait for nothing.
async fn health(State(state): State<AppState>) -> Json<Value> {
    let database = database_answers(&state).await;
    let servers = state.calls.asterisk_status();
    let asterisk_live = !servers.is_empty() && servers.iter().all(|server| server.state == "live");
    // The one that is worst off stands for all; each is listed beside.
    let worst = servers.iter().find(|server| server.state != "live").or_else(|| servers.first());
    let (connections, idle) = state.db.connections();
    let journal = state.journal.stats();
    Json(json!({
        "status": if database && asterisk_live { "ok" } else { "degraded" },
        "service": "trunkline",
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": state.started.elapsed().as_secs(),
        "dependencies": {
            "database": {
                "status": if database { "ok" } else { "unavailable" },
                "connections": connections,
                "idle": idle,
            },
            "asterisk": {
                "status": if asterisk_live { "ok" } else { "unavailable" },
                "state": worst.map_or("none", |server| server.state),
                "since": worst.map(|server| server.since),
                "version": worst.and_then(|server| server.version.as_deref()),
                "detail": worst.and_then(|server| server.detail.as_deref()),
                "servers": servers,
            },
        },
        // Channel accounts (WhatsApp, Telegram, SMS) show here once a tenant connects one.
        "channels": {},
        "system": {
            "process": Process::read(),
            "streams": state.streams.open(),
            "journal": {
                "epoch": state.journal.epoch(),
                "events": journal.events,
                "waiting": journal.waiting,
            },
        },
    }))
}

/// The process runs and answers: anything else is for `/health/ready`.
async fn live() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Whether to send requests here: 503 while the database is away or the process is stopping.
async fn ready(State(state): State<AppState>) -> Response {
    let reason = if state.cancel.is_cancelled() {
        Some("stopping")
    } else if database_answers(&state).await {
        None
    } else {
        Some("the database does not answer")
    };
    match reason {
        None => Json(json!({ "status": "ok" })).into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "unavailable", "reason": reason })))
            .into_response(),
    }
}

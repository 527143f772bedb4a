//! Jobs at the edge: which handlers and schedules there are, what their tenant's admins see of them, and their metrics.

mod http;
mod metrics;
mod model;
mod statistics;
mod store;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use trunkline_jobs::{Schedule, Worker, WorkerConfig};

pub use http::router;
pub use metrics::{JobMetrics, watch};
pub use model::{Job, JobState, Waits};

use crate::state::AppState;
use crate::{channels, conversations, inbox_tools, mail, push, tenants};

/// How often what has ended is removed.
const SWEEP_EVERY: Duration = Duration::from_mins(10);
/// How often tenants whose grace is over are looked for.
const REMOVE_EVERY: Duration = Duration::from_mins(10);
/// How often it is looked at what tenants have used.
const WARN_EVERY: Duration = Duration::from_mins(1);
/// How often missed service levels are looked for.
const SLA_EVERY: Duration = Duration::from_secs(10);

/// How often tables that have grown from nothing are looked for.
const ANALYZE_EVERY: Duration = Duration::from_secs(10);

/// The worker with every handler and every schedule of the gateway, not yet started.
pub fn worker(state: &AppState, config: WorkerConfig) -> Worker {
    let (sweeping, removing, warning) = (state.clone(), state.clone(), state.clone());
    let (asking, looking, pushing, analyzing) = (state.clone(), state.clone(), state.clone(), state.clone());
    let worker = Worker::new(state.db.clone(), config);
    conversations::handle(channels::jobs::handle(worker, state), state)
        .observe(Arc::clone(&state.job_metrics) as Arc<dyn trunkline_jobs::Observe>)
        .handle(mail::KIND, mail::handler(state.clone()))
        .handle_within(sweep::KIND, Duration::from_mins(5), move |_| sweep::run(sweeping.clone()))
        .handle_within(statistics::KIND, Duration::from_mins(1), move |_| statistics::run(analyzing.clone()))
        .handle_within(tenants::REMOVE, Duration::from_hours(1), move |_| tenants::remove(removing.clone()))
        .handle_within(tenants::WARN, Duration::from_mins(5), move |_| tenants::warn(warning.clone()))
        .handle(trunkline_conversations::csat::ASK, move |job| inbox_tools::ask_csat(asking.clone(), job))
        .handle(push::SEND, move |job| push::send(pushing.clone(), job))
        .handle_within(inbox_tools::LOOK_AT_SLAS, Duration::from_mins(1), move |_| {
            inbox_tools::look_at_slas(looking.clone())
        })
        .schedule(Schedule::every("sla-look", SLA_EVERY, inbox_tools::LOOK_AT_SLAS))
        .schedule(Schedule::every("statistics", ANALYZE_EVERY, statistics::KIND))
        .schedule(Schedule::every("sweep", SWEEP_EVERY, sweep::KIND))
        .schedule(Schedule::every("tenants-remove", REMOVE_EVERY, tenants::REMOVE))
        .schedule(Schedule::every("tenants-warn", WARN_EVERY, tenants::WARN))
}

/// Kinds that show in metrics under their own names.
pub(crate) const KINDS: &[&str] = &[
    mail::KIND,
    sweep::KIND,
    statistics::KIND,
    tenants::REMOVE,
    tenants::WARN,
    trunkline_conversations::csat::ASK,
    inbox_tools::LOOK_AT_SLAS,
    push::SEND,
    channels::jobs::APPLY,
    channels::jobs::AGAIN,
    channels::jobs::CONNECT,
    channels::jobs::MEDIA,
    channels::jobs::STAFF,
    channels::jobs::PRESS,
    channels::jobs::TEMPLATES,
    conversations::KINDS[0],
    conversations::KINDS[1],
    conversations::KINDS[2],
    conversations::KINDS[3],
    conversations::KINDS[4],
];

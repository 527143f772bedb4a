//! Jobs at the edge: which handlers and schedules there are, what their tenant's admins see of them, and their metrics.

mod http;
mod metrics;
mod model;
mod store;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use trunkline_jobs::{Schedule, Worker, WorkerConfig};

pub use http::router;
pub use metrics::{JobMetrics, watch};
pub use model::{Job, JobState, Waits};

use crate::mail;
use crate::state::AppState;

/// How often what has ended is removed.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// The worker with every handler and every schedule of the gateway, not yet started.
pub fn worker(state: &AppState, config: WorkerConfig) -> Worker {
    let db = state.db.clone();
    Worker::new(state.db.clone(), config)
        .observe(Arc::clone(&state.job_metrics) as Arc<dyn trunkline_jobs::Observe>)
        .handle(mail::KIND, mail::handler(state.clone()))
        .handle_within(sweep::KIND, Duration::from_mins(5), move |_| sweep::run(db.clone()))
        .schedule(Schedule::every("sweep", SWEEP_EVERY, sweep::KIND))
}

/// Kinds that show in metrics under their own names.
pub(crate) const KINDS: [&str; 2] = [mail::KIND, sweep::KIND];

//! Figures of dialplan hooks.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};

use super::answers::Status;
use super::ask::Hook;

/// From what memory answers to past the deadline, in seconds.
const BUCKETS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];
/// Why FastAGI was refused before a hook was asked.
const REFUSALS: [&str; 3] = ["network", "full", "protocol"];

/// By which way a hook is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// FastAGI.
    Agi,
    /// `/hooks/dialplan`.
    Http,
    /// The panel's form.
    Panel,
}

impl Via {
    const ALL: [Self; 3] = [Self::Agi, Self::Http, Self::Panel];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Agi => "agi",
            Self::Http => "http",
            Self::Panel => "panel",
        }
    }
}

/// Figures of dialplan hooks.
#[derive(Debug, Clone)]
pub(super) struct HookMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
    refused: IntCounterVec,
    /// Open FastAGI connections.
    pub(super) connections: IntGauge,
}

impl HookMetrics {
    /// Registers everything.
    ///
    /// # Panics
    /// When a name is taken: a mistake in the code, found at the first start.
    pub(super) fn register(registry: &Registry) -> Self {
        let requests = IntCounterVec::new(
            Opts::new(
                "trunkline_hook_requests_total",
                "Dialplan hooks by hook, way and outcome: ok, partial (the database did not answer in time), unknown (no such number), failed (a wrong question), denied",
            ),
            &["hook", "via", "outcome"],
        )
        .expect("the name is valid");
        let seconds = HistogramVec::new(
            HistogramOpts::new("trunkline_hook_seconds", "From the whole question to the whole answer")
                .buckets(BUCKETS.to_vec()),
            &["hook", "via"],
        )
        .expect("the name is valid");
        let refused = IntCounterVec::new(
            Opts::new("trunkline_hook_agi_refused_total", "FastAGI connections that were closed unanswered"),
            &["reason"],
        )
        .expect("the name is valid");
        let connections = IntGauge::new("trunkline_hook_agi_connections", "Open FastAGI connections");
        let connections = connections.expect("the name is valid");
        registry.register(Box::new(requests.clone())).expect("every metric has a name of its own");
        registry.register(Box::new(seconds.clone())).expect("every metric has a name of its own");
        registry.register(Box::new(refused.clone())).expect("every metric has a name of its own");
        registry.register(Box::new(connections.clone())).expect("every metric has a name of its own");
        // An alert on a missing series never fires.
        for hook in Hook::ALL {
            for via in Via::ALL {
                for status in Status::ALL {
                    requests.with_label_values(&[hook.as_str(), via.as_str(), status.as_str()]);
                }
            }
        }
        for reason in REFUSALS {
            refused.with_label_values(&[reason]);
        }
        Self { requests, seconds, refused, connections }
    }

    /// Counts an answer.
    pub(super) fn answered(&self, hook: Hook, via: Via, status: Status, took: Duration) {
        self.requests.with_label_values(&[hook.as_str(), via.as_str(), status.as_str()]).inc();
        self.seconds.with_label_values(&[hook.as_str(), via.as_str()]).observe(took.as_secs_f64());
    }

    /// Counts a connection that got no answer.
    pub(super) fn refused(&self, reason: &'static str) {
        self.refused.with_label_values(&[reason]).inc();
    }
}

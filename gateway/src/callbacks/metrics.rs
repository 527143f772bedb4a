//! Figures of the worklist.

use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// How a row may end.
const ENDS: [&str; 3] = ["done", "closed", "unreached"];

/// Figures of the worklist.
#[derive(Debug, Clone)]
pub struct WorklistMetrics {
    /// Events that were gone through.
    pub(super) events: IntCounter,
    /// Events that were not gone through yet, of all tenants.
    pub(super) behind: IntGauge,
    /// For how long the tenant that is behind the longest has been.
    pub(super) behind_seconds: Gauge,
    /// Attempts that failed.
    pub(super) failures: IntCounter,
    /// People who are to be called back, of all tenants.
    pub(super) open: IntGauge,
    /// Messages that nobody is done with, of all tenants.
    pub(super) voicemails: IntGauge,
    ended: IntCounterVec,
}

impl WorklistMetrics {
    /// Registers everything.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            events: IntCounter::new(
                "trunkline_worklist_events_total",
                "Events of journals that were looked through for calls to return",
            )?,
            behind: IntGauge::new(
                "trunkline_worklist_behind_events",
                "Events of journals that were not looked through for calls to return yet",
            )?,
            behind_seconds: Gauge::new(
                "trunkline_worklist_behind_seconds",
                "For how long the tenant whose worklist is behind the longest has been behind its journal",
            )?,
            failures: IntCounter::new("trunkline_worklist_failures_total", "Attempts to keep worklists that failed")?,
            open: IntGauge::new("trunkline_callbacks_open", "People who are to be called back, of all tenants")?,
            voicemails: IntGauge::new(
                "trunkline_voicemails_open",
                "Voicemails that nobody is done with, of all tenants",
            )?,
            ended: IntCounterVec::new(
                Opts::new("trunkline_callbacks_ended_total", "Callbacks that ended by themselves, by how"),
                &["state"],
            )?,
        };
        registry.register(Box::new(metrics.events.clone()))?;
        registry.register(Box::new(metrics.behind.clone()))?;
        registry.register(Box::new(metrics.behind_seconds.clone()))?;
        registry.register(Box::new(metrics.failures.clone()))?;
        registry.register(Box::new(metrics.open.clone()))?;
        registry.register(Box::new(metrics.voicemails.clone()))?;
        registry.register(Box::new(metrics.ended.clone()))?;
        for state in ENDS {
            metrics.ended.with_label_values(&[state]);
        }
        Ok(metrics)
    }

    /// What became of rows in a step.
    pub(super) fn note(&self, kinds: &[&'static str]) {
        for kind in kinds {
            if let Some(state) = kind.strip_prefix("callback.").filter(|state| ENDS.contains(state)) {
                self.ended.with_label_values(&[state]).inc();
            }
        }
    }
}

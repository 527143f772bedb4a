//! What the counting of figures looks like from a dashboard.

use prometheus::{Gauge, IntCounter, IntGauge, Registry};

/// The metrics.
#[derive(Debug, Clone)]
pub struct FigureMetrics {
    /// Events that were counted.
    pub(super) events: IntCounter,
    /// Events that are not counted yet, of all tenants.
    pub(super) behind: IntGauge,
    /// For how long the tenant that is behind the longest has been.
    pub(super) behind_seconds: Gauge,
    /// Events that could not be counted and wait for somebody.
    pub(super) parked: IntGauge,
    /// Attempts that failed.
    pub(super) failures: IntCounter,
}

impl FigureMetrics {
    /// Registers everything.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            events: IntCounter::new("trunkline_figures_events_total", "Events of journals that were counted")?,
            behind: IntGauge::new("trunkline_figures_behind_events", "Events of journals that are not counted yet")?,
            behind_seconds: Gauge::new(
                "trunkline_figures_behind_seconds",
                "For how long the tenant that is behind the longest has been behind its journal",
            )?,
            parked: IntGauge::new(
                "trunkline_figures_parked_events",
                "Events that could not be counted and wait for somebody to look",
            )?,
            failures: IntCounter::new("trunkline_figures_failures_total", "Attempts to count events that failed")?,
        };
        registry.register(Box::new(metrics.events.clone()))?;
        registry.register(Box::new(metrics.behind.clone()))?;
        registry.register(Box::new(metrics.behind_seconds.clone()))?;
        registry.register(Box::new(metrics.parked.clone()))?;
        registry.register(Box::new(metrics.failures.clone()))?;
        Ok(metrics)
    }
}

//! Figures of channels.

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};

use super::model::Kind;

/// Figures of what providers tell and of their files.
#[derive(Debug, Clone)]
pub struct ChannelMetrics {
    /// Webhooks by channel and result (`stored`, `unsigned`, `too_large`, `busy`, `away`, `refused`).
    pub(super) received: IntCounterVec,
    /// From the body's arrival to the commit, by channel.
    pub(super) stored_seconds: HistogramVec,
    /// Webhooks of one transaction.
    pub(super) batch: Histogram,
    /// Webhooks that wait for their transaction.
    pub(super) queue: IntGauge,
    /// Webhooks that were applied, by channel and the state that they came to.
    pub(super) applied: IntCounterVec,
    /// From a webhook's receipt to its being applied.
    pub(super) applied_seconds: Histogram,
    /// Files by result (`stored`, `refused`, `gone`, `failed`, `retried`).
    pub(super) media: IntCounterVec,
    /// Requests for what is new, by result (`updates`, `quiet`, `failed`).
    pub(super) polls: IntCounterVec,
}

/// What may become of a webhook.
pub(super) const RESULTS: [&str; 6] = ["stored", "unsigned", "too_large", "busy", "away", "refused"];

impl ChannelMetrics {
    /// Registers everything.
    ///
    /// # Panics
    /// When a name is taken: a mistake in the code, found at the first start.
    pub fn register(registry: &Registry) -> Self {
        fn add<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> C {
            registry.register(Box::new(collector.clone())).expect("every metric has a name of its own");
            collector
        }
        let counters = |name: &str, help: &str, labels: &[&str]| {
            IntCounterVec::new(Opts::new(name, help), labels).expect("the name is valid")
        };
        let seconds = vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
        let metrics = Self {
            received: add(
                registry,
                counters("trunkline_webhooks_received_total", "Providers' webhooks", &["channel", "result"]),
            ),
            stored_seconds: add(
                registry,
                HistogramVec::new(
                    HistogramOpts::new("trunkline_webhook_store_seconds", "From a webhook's arrival to its commit")
                        .buckets(seconds.clone()),
                    &["channel"],
                )
                .expect("the name is valid"),
            ),
            batch: add(
                registry,
                Histogram::with_opts(
                    HistogramOpts::new("trunkline_webhook_batch_size", "Webhooks of one transaction")
                        .buckets(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]),
                )
                .expect("the name is valid"),
            ),
            queue: add(
                registry,
                IntGauge::new("trunkline_webhook_queue", "Webhooks that wait for their transaction")
                    .expect("the name is valid"),
            ),
            applied: add(
                registry,
                counters("trunkline_webhooks_applied_total", "Webhooks that were applied", &["channel", "state"]),
            ),
            applied_seconds: add(
                registry,
                Histogram::with_opts(
                    HistogramOpts::new(
                        "trunkline_webhook_apply_age_seconds",
                        "From a webhook's receipt to its being applied",
                    )
                    .buckets(vec![0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0]),
                )
                .expect("the name is valid"),
            ),
            media: add(registry, counters("trunkline_media_fetched_total", "Files of messages", &["result"])),
            polls: add(registry, counters("trunkline_channel_polls_total", "Requests for updates", &["result"])),
        };
        // Visible at zero: an alert on a missing series never fires.
        for kind in Kind::ALL {
            for result in RESULTS {
                metrics.received.with_label_values(&[kind.as_str(), result]);
            }
            for state in ["applied", "ignored", "unsupported", "failed"] {
                metrics.applied.with_label_values(&[kind.as_str(), state]);
            }
            metrics.stored_seconds.with_label_values(&[kind.as_str()]);
        }
        for result in ["stored", "refused", "gone", "failed", "retried"] {
            metrics.media.with_label_values(&[result]);
        }
        for result in ["updates", "quiet", "failed"] {
            metrics.polls.with_label_values(&[result]);
        }
        metrics
    }

    pub(super) fn received(&self, kind: Kind, result: &'static str) {
        self.received.with_label_values(&[kind.as_str(), result]).inc();
    }

    pub(super) fn stored(&self, kind: Kind, took: Duration) {
        self.stored_seconds.with_label_values(&[kind.as_str()]).observe(took.as_secs_f64());
        self.received(kind, "stored");
    }
}

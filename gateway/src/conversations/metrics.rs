//! Figures of messages.

use std::time::Duration;

use prometheus::{Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use trunkline_conversations::Channel;
use trunkline_conversations::words::Word as _;

/// What may become of a message of ours.
const RESULTS: [&str; 4] = ["sent", "failed", "uncertain", "retried"];

/// Figures of messages.
#[derive(Debug, Clone)]
pub struct MessageMetrics {
    messages: IntCounterVec,
    seconds: HistogramVec,
    open: IntGauge,
}

impl MessageMetrics {
    /// Registers everything.
    ///
    /// # Panics
    /// When a name is taken: a mistake in the code, found at the first start.
    pub fn register(registry: &Registry) -> Self {
        let messages = IntCounterVec::new(
            Opts::new("trunkline_messages_total", "Messages by direction, channel and what became of them"),
            &["direction", "channel", "result"],
        )
        .expect("the name is valid");
        let buckets = vec![0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 120.0, 600.0, 3600.0];
        let seconds = HistogramVec::new(
            HistogramOpts::new(
                "trunkline_message_send_seconds",
                "From a message's turn until its provider took it, by channel",
            )
            .buckets(buckets),
            &["channel"],
        )
        .expect("the name is valid");
        let open = IntGauge::new("trunkline_message_requests", "Messages that providers are asked to take now")
            .expect("the name is valid");
        registry.register(Box::new(messages.clone())).expect("every metric has a name of its own");
        registry.register(Box::new(seconds.clone())).expect("every metric has a name of its own");
        registry.register(Box::new(open.clone())).expect("every metric has a name of its own");
        for (channel, word) in Channel::WORDS {
            if *channel == Channel::Call {
                continue;
            }
            messages.with_label_values(&["in", word, "received"]);
            seconds.with_label_values(&[word]);
            for result in RESULTS {
                messages.with_label_values(&["out", word, result]);
            }
        }
        Self { messages, seconds, open }
    }

    /// So many of theirs were received.
    pub(crate) fn received(&self, channel: Channel, count: u64) {
        self.messages.with_label_values(&["in", channel.as_str(), "received"]).inc_by(count);
    }

    /// An attempt ended.
    pub(super) fn ended(&self, channel: Channel, result: &str, took: Option<Duration>) {
        self.messages.with_label_values(&["out", channel.as_str(), result]).inc();
        if let Some(took) = took {
            self.seconds.with_label_values(&[channel.as_str()]).observe(took.as_secs_f64());
        }
    }

    /// A request is made; it is counted until the guard is dropped.
    pub(super) fn request(&self) -> Open {
        self.open.inc();
        Open(self.open.clone())
    }
}

/// Figures of calls that come into conversations.
#[derive(Debug, Clone)]
pub struct ThreadMetrics {
    /// Events that were gone through.
    pub(super) events: IntCounter,
    /// Events that were not gone through yet, of all tenants.
    pub(super) behind: IntGauge,
    /// For how long the tenant that is behind the longest has been.
    pub(super) behind_seconds: Gauge,
    /// Attempts that failed.
    pub(super) failures: IntCounter,
}

impl ThreadMetrics {
    /// Registers everything.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            events: IntCounter::new(
                "trunkline_call_threads_events_total",
                "Events of journals that were looked through for calls to show in conversations",
            )?,
            behind: IntGauge::new(
                "trunkline_call_threads_behind_events",
                "Events of journals that were not looked through yet",
            )?,
            behind_seconds: Gauge::new(
                "trunkline_call_threads_behind_seconds",
                "For how long the tenant that is behind the longest has been behind its journal",
            )?,
            failures: IntCounter::new(
                "trunkline_call_threads_failures_total",
                "Attempts to bring calls into conversations that failed",
            )?,
        };
        registry.register(Box::new(metrics.events.clone()))?;
        registry.register(Box::new(metrics.behind.clone()))?;
        registry.register(Box::new(metrics.behind_seconds.clone()))?;
        registry.register(Box::new(metrics.failures.clone()))?;
        Ok(metrics)
    }
}

/// A request that is being made.
#[derive(Debug)]
pub(super) struct Open(IntGauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

//! Figures of web push.

use prometheus::{IntCounterVec, Opts, Registry};

/// What became of a notification.
const RESULTS: [&str; 5] = ["sent", "stale", "gone", "refused", "retried"];

/// Figures of web push.
#[derive(Debug, Clone)]
pub(super) struct PushMetrics {
    /// Notifications by what became of them.
    sent: IntCounterVec,
}

impl PushMetrics {
    /// Registers everything.
    ///
    /// # Panics
    /// When a name is taken: a mistake in the code, found at the first start.
    pub(super) fn register(registry: &Registry) -> Self {
        let sent = IntCounterVec::new(
            Opts::new(
                "trunkline_push_notifications_total",
                "Notifications for browsers by result: sent, stale (no news any more), gone (no such browser), refused, retried",
            ),
            &["result"],
        )
        .expect("the name is valid");
        registry.register(Box::new(sent.clone())).expect("every metric has a name of its own");
        for result in RESULTS {
            sent.with_label_values(&[result]);
        }
        Self { sent }
    }

    pub(super) fn count(&self, result: &str) {
        self.sent.with_label_values(&[result]).inc();
    }
}

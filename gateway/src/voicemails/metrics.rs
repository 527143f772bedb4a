//! Figures of messages that callers leave.

use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

/// What may become of an attempt to fetch one.
const RESULTS: [&str; 3] = ["ready", "lost", "retried"];

/// Figures of messages that callers leave.
#[derive(Debug, Clone)]
pub struct VoicemailMetrics {
    results: IntCounterVec,
    lag: Histogram,
}

impl VoicemailMetrics {
    /// Registers everything.
    ///
    /// # Panics
    /// When a name is taken: a mistake in the code, found at the first start.
    pub fn register(registry: &Registry) -> Self {
        let results = IntCounterVec::new(
            Opts::new("trunkline_voicemails_total", "Messages of callers by what became of fetching them"),
            &["result"],
        )
        .expect("the name is valid");
        let buckets = vec![0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 28800.0];
        let lag = Histogram::with_opts(
            HistogramOpts::new(
                "trunkline_voicemail_fetch_lag_seconds",
                "From the end of a message until it can be heard",
            )
            .buckets(buckets),
        )
        .expect("the name is valid");
        registry.register(Box::new(results.clone())).expect("every metric has a name of its own");
        registry.register(Box::new(lag.clone())).expect("every metric has a name of its own");
        for result in RESULTS {
            results.with_label_values(&[result]);
        }
        Self { results, lag }
    }

    pub(super) fn ended(&self, result: &str) {
        self.results.with_label_values(&[result]).inc();
    }

    pub(super) fn heard_after(&self, seconds: f64) {
        self.lag.observe(seconds.max(0.0));
    }
}

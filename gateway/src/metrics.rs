//! Prometheus metrics of the edge; other parts register theirs in the same [`Registry`].

use std::fmt::Write as _;
use std::time::Duration;

use prometheus::{
    Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
    core::Collector,
};
use trunkline_journal::{HubStats, JournalStats};

use crate::health::Process;

/// Buckets for request durations, in seconds: from a cached read to the slowest thing that still answers.
const HTTP_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// All metrics of the edge.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    /// Requests by method, route template and status.
    http_requests: IntCounterVec,
    /// Duration by method and route template, in seconds.
    http_seconds: HistogramVec,
    /// Requests being answered now.
    pub http_in_flight: IntGauge,
    /// Requests refused before they reached a route, by reason (`host`, `cross_site`).
    pub http_refused: IntCounterVec,
    /// Open streams by transport (`websocket`, `sse`).
    pub stream_connections: IntGaugeVec,
    /// Frames written to streams.
    pub stream_frames: IntCounter,
    /// Streams closed by the server, by close code.
    pub stream_closed: IntCounterVec,
    /// Sign-ins by result (`ok`, `wrong`, `limited`, `busy`).
    pub logins: IntCounterVec,
    /// Refreshes by result (`ok`, `wrong`, `reused`).
    pub refreshes: IntCounterVec,
    /// Answers repeated for a known Idempotency-Key.
    pub idempotent_replays: IntCounter,
    /// Recordings that were saved as files.
    pub recording_downloads: IntCounter,
    /// Test calls by result (`placed`, `refused`, `failed`).
    pub test_calls: IntCounterVec,
    /// Changes of passwords by their users, by result (`ok`, `wrong`).
    pub password_changes: IntCounterVec,
    /// Requests beyond a limit, by class of route and kind of limit.
    pub rate_limited: IntCounterVec,
    /// Tenants that were set up.
    pub setups: IntCounter,
    /// Removals of a whole tenant by result (`done`, `failed`).
    pub tenant_removals: IntCounterVec,
    /// Rows that removals of tenants have deleted.
    pub tenant_rows_removed: IntCounter,
    started: Gauge,
}

impl Metrics {
    /// Makes and registers all metrics.
    ///
    /// # Panics
    /// When two metrics have the same name, which a test would have shown.
    pub fn new() -> Self {
        let registry = Registry::new();
        let metrics = Self {
            http_requests: counters("trunkline_http_requests_total", "HTTP requests", &["method", "route", "status"]),
            http_seconds: HistogramVec::new(
                HistogramOpts::new("trunkline_http_request_duration_seconds", "Duration of HTTP requests")
                    .buckets(HTTP_BUCKETS.to_vec()),
                &["method", "route"],
            )
            .expect("names and buckets are valid"),
            http_in_flight: IntGauge::new("trunkline_http_requests_in_flight", "HTTP requests being answered")
                .expect("the name is valid"),
            http_refused: counters(
                "trunkline_http_refused_total",
                "Requests refused before they reached a route",
                &["reason"],
            ),
            stream_connections: IntGaugeVec::new(
                Opts::new("trunkline_stream_connections", "Open live streams"),
                &["transport"],
            )
            .expect("the name is valid"),
            stream_frames: counter("trunkline_stream_frames_total", "Frames written to live streams"),
            stream_closed: counters("trunkline_stream_closed_total", "Live streams closed by the server", &["code"]),
            logins: counters("trunkline_logins_total", "Sign-ins", &["result"]),
            refreshes: counters("trunkline_token_refreshes_total", "Refreshes of access tokens", &["result"]),
            idempotent_replays: counter(
                "trunkline_idempotent_replays_total",
                "Answers repeated for a known Idempotency-Key",
            ),
            recording_downloads: counter("trunkline_recording_downloads_total", "Recordings saved as files"),
            test_calls: counters("trunkline_test_calls_total", "Test calls", &["result"]),
            password_changes: counters(
                "trunkline_password_changes_total",
                "Changes of passwords by their users",
                &["result"],
            ),
            rate_limited: counters("trunkline_rate_limited_total", "Requests beyond a limit", &["class", "kind"]),
            setups: counter("trunkline_setups_total", "Tenants that were set up"),
            tenant_removals: counters("trunkline_tenant_removals_total", "Removals of a whole tenant", &["result"]),
            tenant_rows_removed: counter(
                "trunkline_tenant_rows_removed_total",
                "Rows that removals of tenants deleted",
            ),
            started: Gauge::new("trunkline_start_time_seconds", "Start of the process, in seconds since the epoch")
                .expect("the name is valid"),
            registry,
        };
        let info = IntGaugeVec::new(Opts::new("trunkline_build_info", "Version of the gateway"), &["version"])
            .expect("the name is valid");
        info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        metrics.started.set(chrono::Utc::now().timestamp_millis() as f64 / 1000.0);
        // Counters of things that ought not to happen must be visible at zero: an alert on a missing series never fires.
        for result in ["ok", "wrong", "limited", "busy"] {
            metrics.logins.with_label_values(&[result]);
        }
        for result in ["ok", "wrong", "reused"] {
            metrics.refreshes.with_label_values(&[result]);
        }
        for result in ["placed", "refused", "failed"] {
            metrics.test_calls.with_label_values(&[result]);
        }
        for result in ["ok", "wrong"] {
            metrics.password_changes.with_label_values(&[result]);
        }
        for result in ["done", "failed"] {
            metrics.tenant_removals.with_label_values(&[result]);
        }
        for reason in ["host", "cross_site"] {
            metrics.http_refused.with_label_values(&[reason]);
        }
        for transport in ["websocket", "sse"] {
            metrics.stream_connections.with_label_values(&[transport]);
        }
        metrics.register(info);
        metrics.register(metrics.http_requests.clone());
        metrics.register(metrics.http_seconds.clone());
        metrics.register(metrics.http_in_flight.clone());
        metrics.register(metrics.http_refused.clone());
        metrics.register(metrics.stream_connections.clone());
        metrics.register(metrics.stream_frames.clone());
        metrics.register(metrics.stream_closed.clone());
        metrics.register(metrics.logins.clone());
        metrics.register(metrics.refreshes.clone());
        metrics.register(metrics.idempotent_replays.clone());
        metrics.register(metrics.recording_downloads.clone());
        metrics.register(metrics.test_calls.clone());
        metrics.register(metrics.password_changes.clone());
        metrics.register(metrics.rate_limited.clone());
        metrics.register(metrics.setups.clone());
        metrics.register(metrics.tenant_removals.clone());
        metrics.register(metrics.tenant_rows_removed.clone());
        metrics.register(metrics.started.clone());
        metrics
    }

    /// Registers a metric of another part.
    ///
    /// # Panics
    /// When its name is taken: a mistake in the code, found at the first start.
    pub fn register(&self, collector: impl Collector + 'static) {
        self.registry.register(Box::new(collector)).expect("every metric has a name of its own");
    }

    /// The registry, for parts that make their own metrics.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Counts one answered request.
    pub fn http_answered(&self, method: &http::Method, route: &str, status: http::StatusCode, took: Duration) {
        let method = known_method(method);
        self.http_requests.with_label_values(&[method, route, status.as_str()]).inc();
        self.http_seconds.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }

    /// Everything in Prometheus' text format. `journal` and `hub` count themselves.
    pub fn render(&self, journal: &JournalStats, hub: &HubStats) -> Result<String, prometheus::Error> {
        let mut text = TextEncoder::new().encode_to_string(&self.registry.gather())?;
        let mut line = |name: &str, help: &str, kind: &str, value: u64| {
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        };
        line(
            "trunkline_journal_commands_total",
            "Commands and appends that were committed",
            "counter",
            journal.commands,
        );
        line("trunkline_journal_events_total", "Events that were committed", "counter", journal.events);
        line("trunkline_journal_batches_total", "Transactions that committed them", "counter", journal.batches);
        line("trunkline_journal_contended_total", "Transactions that were tried again", "counter", journal.contended);
        line(
            "trunkline_journal_unavailable_total",
            "Commands that were answered as unavailable",
            "counter",
            journal.unavailable,
        );
        line("trunkline_journal_unknown_total", "Commands whose outcome is unknown", "counter", journal.unknown);
        line("trunkline_journal_waiting", "Commands that wait in the lanes", "gauge", journal.waiting as u64);
        line("trunkline_hub_tenants", "Tenants that somebody listens to", "gauge", hub.tenants as u64);
        line("trunkline_hub_frames", "Frames that the hub keeps", "gauge", hub.frames as u64);
        line("trunkline_hub_bytes", "Bytes of the frames that the hub keeps", "gauge", hub.bytes as u64);
        let process = Process::read();
        if let Some(bytes) = process.resident_bytes {
            line("process_resident_memory_bytes", "Resident memory size in bytes", "gauge", bytes);
        }
        if let Some(count) = process.open_descriptors {
            line("process_open_fds", "Number of open file descriptors", "gauge", count);
        }
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Methods are chosen by clients: an unbounded label would let one of them fill the memory.
fn known_method(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn counter(name: &str, help: &str) -> IntCounter {
    IntCounter::new(name, help).expect("the name is valid")
}

fn counters(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    IntCounterVec::new(Opts::new(name, help), labels).expect("the name and labels are valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_shows_under_its_route_template() {
        let metrics = Metrics::new();
        metrics.http_answered(&http::Method::GET, "/api/v1/calls/{id}", http::StatusCode::OK, Duration::from_millis(3));
        metrics.http_answered(
            &http::Method::from_bytes(b"BREW").unwrap(),
            "unknown",
            http::StatusCode::NOT_FOUND,
            Duration::ZERO,
        );
        let text = metrics.render(&JournalStats::default(), &HubStats::default()).unwrap();
        assert!(
            text.contains(r#"trunkline_http_requests_total{method="GET",route="/api/v1/calls/{id}",status="200"} 1"#),
            "{text}"
        );
        assert!(text.contains(r#"method="other""#), "{text}");
        assert!(text.contains("process_resident_memory_bytes"), "{text}");
    }
}

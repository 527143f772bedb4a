//! What calls, their recordings and the connection to Asterisk look like from a dashboard.

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::writer::WriterFigures;
use crate::trunks::board::TrunkMetrics;
use trunkline_calls::center::FinishedCall;
use trunkline_calls::model::{EndReason, Server};
use trunkline_dialing::Rule;

/// Seconds a caller waits: fine where service levels are set, coarse where only patience is measured.
const WAIT_BUCKETS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0];
/// Seconds people talk.
const TALK_BUCKETS: &[f64] = &[5.0, 15.0, 30.0, 60.0, 120.0, 180.0, 300.0, 450.0, 600.0, 900.0, 1_800.0, 3_600.0];

/// Call control's metrics. Labels are closed sets: no call, number, agent or tenant.
#[derive(Debug)]
pub struct CallMetrics {
    calls: IntGaugeVec,
    ended: IntCounterVec,
    outbound: IntCounterVec,
    denied: IntCounterVec,
    alarms: IntCounterVec,
    wait: Histogram,
    talk: Histogram,
    recordings: IntCounterVec,
    ari_state: IntGaugeVec,
    ari_gaps: IntCounterVec,
    ari_events: IntGaugeVec,
    ari_reconnects: IntGaugeVec,
    ari_deaf: IntGaugeVec,
    records_waiting: IntGauge,
    records_written: IntGauge,
    records_rejected: IntGauge,
    records_unspooled: IntGauge,
    spool_bytes: IntGauge,
    rtp: IntGaugeVec,
    trunks: TrunkMetrics,
}

impl CallMetrics {
    /// Those of trunks.
    pub(crate) fn trunks(&self) -> &TrunkMetrics {
        &self.trunks
    }

    /// Registers everything.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauges = |name: &str, help: &str, label: &str| -> Result<IntGaugeVec, prometheus::Error> {
            let vec = IntGaugeVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(vec.clone()))?;
            Ok(vec)
        };
        let counters = |name: &str, help: &str, label: &str| -> Result<IntCounterVec, prometheus::Error> {
            let vec = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(vec.clone()))?;
            Ok(vec)
        };
        let gauge = |name: &str, help: &str| -> Result<IntGauge, prometheus::Error> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let histogram = |name: &str, help: &str, buckets: &[f64]| -> Result<Histogram, prometheus::Error> {
            let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?;
            registry.register(Box::new(histogram.clone()))?;
            Ok(histogram)
        };
        let metrics = Self {
            trunks: TrunkMetrics::register(registry)?,
            calls: gauges("trunkline_calls", "Running calls by state.", "state")?,
            ended: counters("trunkline_calls_ended_total", "Calls that ended, by reason.", "reason")?,
            outbound: counters("trunkline_outbound_calls_total", "Calls out that ended, by result.", "result")?,
            denied: counters("trunkline_outbound_denied_total", "Calls out that were denied, by rule.", "rule")?,
            alarms: counters(
                "trunkline_outbound_alarms_total",
                "Alarms of the guard against toll fraud, by the rule that denied.",
                "rule",
            )?,
            wait: histogram("trunkline_call_wait_seconds", "From queueing to answer or giving up.", WAIT_BUCKETS)?,
            talk: histogram("trunkline_call_talk_seconds", "From answer to end.", TALK_BUCKETS)?,
            recordings: counters("trunkline_recordings_total", "Recordings closed, by outcome.", "outcome")?,
            ari_state: {
                let help = "1 for the state the connection to an Asterisk server is in.";
                let vec = IntGaugeVec::new(Opts::new("trunkline_ari_state", help), &["asterisk", "state"])?;
                registry.register(Box::new(vec.clone()))?;
                vec
            },
            ari_gaps: counters(
                "trunkline_ari_gaps_total",
                "Stretches in which an Asterisk server could not tell us anything.",
                "asterisk",
            )?,
            ari_events: gauges("trunkline_ari_events", "Events received from Asterisk since start.", "asterisk")?,
            ari_reconnects: gauges("trunkline_ari_connects", "WebSockets to Asterisk opened since start.", "asterisk")?,
            ari_deaf: gauges(
                "trunkline_ari_deaf",
                "Connections to Asterisk given up since start because they were open and no event came.",
                "asterisk",
            )?,
            records_waiting: gauge("trunkline_call_records_waiting", "Records of calls not yet in the database.")?,
            records_written: gauge("trunkline_call_records_written", "Records of calls written since start.")?,
            records_rejected: gauge("trunkline_call_records_rejected", "Records the database refused since start.")?,
            records_unspooled: gauge(
                "trunkline_call_records_unspooled",
                "Records that could not be appended to the spool since start.",
            )?,
            spool_bytes: gauge("trunkline_call_spool_bytes", "Length of the spool file.")?,
            rtp: gauges("trunkline_rtp_packets", "RTP packets since start, by what became of them.", "outcome")?,
        };
        // A series that is not there yet cannot be told from one that was lost.
        for reason in EndReason::ALL {
            metrics.ended.with_label_values(&[reason.as_str()]);
            metrics.outbound.with_label_values(&[reason.as_str()]);
        }
        for rule in Rule::ALL {
            metrics.denied.with_label_values(&[rule.as_str()]);
            metrics.alarms.with_label_values(&[rule.as_str()]);
        }
        for outcome in ["ready", "failed"] {
            metrics.recordings.with_label_values(&[outcome]);
        }
        Ok(metrics)
    }

    pub(super) fn finished(&self, call: &FinishedCall) {
        self.ended.with_label_values(&[call.reason.as_str()]).inc();
        if call.is_outbound {
            self.outbound.with_label_values(&[call.reason.as_str()]).inc();
        }
        #[expect(clippy::cast_precision_loss, reason = "a call is shorter than 2^53 ms")]
        let seconds = |ms: i64| ms.max(0) as f64 / 1_000.0;
        if let Some(wait) = call.wait_ms {
            self.wait.observe(seconds(wait));
        }
        if let Some(talk) = call.talk_ms {
            self.talk.observe(seconds(talk));
        }
    }

    pub(super) fn denied(&self, rule: Rule) {
        self.denied.with_label_values(&[rule.as_str()]).inc();
    }

    pub(super) fn alarm(&self, rule: Rule) {
        self.alarms.with_label_values(&[rule.as_str()]).inc();
    }

    pub(super) fn recorded(&self, ready: bool) {
        self.recordings.with_label_values(&[if ready { "ready" } else { "failed" }]).inc();
    }

    pub(super) fn gap(&self, server: &Server) {
        self.ari_gaps.with_label_values(&[server.as_str()]).inc();
    }

    /// What was received from a server. Also makes its series of gaps, which cannot be told from a lost one before the first.
    pub(super) fn ari(&self, server: &Server, ari: &trunkline_ari::Counters) {
        self.ari_gaps.with_label_values(&[server.as_str()]);
        for (gauge, value) in
            [(&self.ari_events, ari.events), (&self.ari_reconnects, ari.connects), (&self.ari_deaf, ari.deaf)]
        {
            gauge.with_label_values(&[server.as_str()]).set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }

    pub(super) fn calls(&self, by_state: &std::collections::BTreeMap<&'static str, usize>) {
        for (state, count) in by_state {
            self.calls.with_label_values(&[*state]).set(i64::try_from(*count).unwrap_or(i64::MAX));
        }
    }

    pub(super) fn ari_state(&self, server: &Server, current: &str) {
        for state in ["connecting", "syncing", "live", "backoff", "replaced"] {
            self.ari_state.with_label_values(&[server.as_str(), state]).set(i64::from(state == current));
        }
    }

    pub(super) fn figures(&self, writer: &WriterFigures, media: &trunkline_media::Stats) {
        use std::sync::atomic::Ordering::Relaxed;
        let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.records_waiting.set(whole(writer.waiting.load(Relaxed)));
        self.records_written.set(whole(writer.written.load(Relaxed)));
        self.records_rejected.set(whole(writer.rejected.load(Relaxed)));
        self.records_unspooled.set(whole(writer.unspooled.load(Relaxed)));
        self.spool_bytes.set(whole(writer.spool_bytes.load(Relaxed)));
        let packets = [
            ("received", media.packets),
            ("lost", media.lost),
            ("late", media.late),
            ("duplicate", media.duplicate),
            ("reordered", media.reordered),
            ("malformed", media.malformed),
            ("unknown_source", media.unknown_source),
            ("dropped_by_kernel", media.socket_drops),
        ];
        for (outcome, count) in packets {
            self.rtp.with_label_values(&[outcome]).set(whole(count));
        }
    }
}

//! What jobs look like from a dashboard.

use std::collections::BTreeMap;
use std::time::Duration;

use prometheus::{Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};
use tokio_util::sync::CancellationToken;
use trunkline_db::Db;
use trunkline_jobs::{Backlog, Observe, Outcome};

use super::KINDS;

/// How often what waits is counted.
const COUNT_EVERY: Duration = Duration::from_secs(15);
/// Seconds that jobs take.
const BUCKETS: &[f64] = &[0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
/// Kinds that this version does not know, such as those of an older one.
const OTHER: &str = "other";

/// The jobs' metrics. Labels are closed sets: the kinds of this version, states, outcomes.
#[derive(Debug)]
pub struct JobMetrics {
    jobs: IntGaugeVec,
    oldest_due: GaugeVec,
    counted: Gauge,
    attempts: IntCounterVec,
    seconds: HistogramVec,
}

impl JobMetrics {
    /// Registers everything.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            jobs: IntGaugeVec::new(
                Opts::new("trunkline_jobs", "Jobs by kind and state, on all nodes."),
                &["kind", "state"],
            )?,
            oldest_due: GaugeVec::new(
                Opts::new(
                    "trunkline_jobs_oldest_due_seconds",
                    "For how long the oldest job has waited that could run.",
                ),
                &["kind"],
            )?,
            counted: Gauge::new("trunkline_jobs_counted_timestamp_seconds", "When trunkline_jobs was last counted.")?,
            attempts: IntCounterVec::new(
                Opts::new("trunkline_job_attempts_total", "Attempts that ended on this node, by outcome."),
                &["kind", "outcome"],
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new("trunkline_job_duration_seconds", "Duration of attempts.").buckets(BUCKETS.to_vec()),
                &["kind"],
            )?,
        };
        registry.register(Box::new(metrics.jobs.clone()))?;
        registry.register(Box::new(metrics.oldest_due.clone()))?;
        registry.register(Box::new(metrics.counted.clone()))?;
        registry.register(Box::new(metrics.attempts.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        // A series that is not there yet cannot be told from one that was lost.
        for kind in KINDS {
            for outcome in Outcome::ALL {
                metrics.attempts.with_label_values(&[kind, outcome.as_str()]);
            }
        }
        metrics.count(&[]);
        Ok(metrics)
    }

    /// Takes over what was counted.
    fn count(&self, backlog: &[Backlog]) {
        let mut kinds: BTreeMap<&str, (u64, u64, u64, f64)> =
            KINDS.iter().copied().chain([OTHER]).map(|kind| (kind, (0, 0, 0, 0.0))).collect();
        for one in backlog {
            let kind = KINDS.iter().copied().find(|kind| *kind == one.kind).unwrap_or(OTHER);
            let sum = kinds.entry(kind).or_default();
            sum.0 += one.waiting;
            sum.1 += one.running;
            sum.2 += one.dead;
            sum.3 = sum.3.max(one.oldest_due.as_secs_f64());
        }
        for (kind, (waiting, running, dead, oldest)) in kinds {
            for (state, count) in [("waiting", waiting), ("running", running), ("dead", dead)] {
                self.jobs.with_label_values(&[kind, state]).set(i64::try_from(count).unwrap_or(i64::MAX));
            }
            self.oldest_due.with_label_values(&[kind]).set(oldest);
        }
    }
}

impl Observe for JobMetrics {
    fn ended(&self, kind: &'static str, outcome: Outcome, took: Duration) {
        self.attempts.with_label_values(&[kind, outcome.as_str()]).inc();
        self.seconds.with_label_values(&[kind]).observe(took.as_secs_f64());
    }
}

/// Counts what waits, every now and then.
pub async fn watch(db: Db, metrics: std::sync::Arc<JobMetrics>, cancel: CancellationToken) {
    loop {
        match trunkline_jobs::backlog(&db).await {
            Ok(backlog) => {
                metrics.count(&backlog);
                metrics.counted.set(chrono::Utc::now().timestamp_millis() as f64 / 1000.0);
            }
            Err(error) => tracing::debug!(%error, "jobs cannot be counted; trying again later"),
        }
        if cancel.run_until_cancelled(tokio::time::sleep(COUNT_EVERY)).await.is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_that_are_not_known_are_counted_together() {
        let registry = Registry::new();
        let metrics = JobMetrics::register(&registry).unwrap();
        let backlog = |kind: &str| Backlog {
            kind: kind.to_owned(),
            waiting: 2,
            running: 1,
            dead: 0,
            oldest_due: Duration::from_secs(3),
        };
        metrics.count(&[backlog("mail.send"), backlog("old.one"), backlog("older.one")]);
        metrics.ended("mail.send", Outcome::Done, Duration::from_millis(30));
        let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        for line in [
            r#"trunkline_jobs{kind="mail.send",state="waiting"} 2"#,
            r#"trunkline_jobs{kind="other",state="waiting"} 4"#,
            r#"trunkline_jobs{kind="system.sweep",state="dead"} 0"#,
            r#"trunkline_jobs_oldest_due_seconds{kind="other"} 3"#,
            r#"trunkline_job_attempts_total{kind="mail.send",outcome="done"} 1"#,
            r#"trunkline_job_attempts_total{kind="mail.send",outcome="dead"} 0"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}

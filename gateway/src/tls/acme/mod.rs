//! Certificates from an ACME server (RFC 8555): obtained when there is none, renewed before they end.

mod keep;
mod order;

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use rand::RngExt as _;
use tokio_util::sync::CancellationToken;

use self::keep::Keep;
use super::certificate::Certificate;
use super::certificates::Certificates;
use super::metrics::TlsMetrics;
use crate::config::AcmeConfig;

/// How long an order may take, from the account to the certificate.
const ORDER_PATIENCE: Duration = Duration::from_mins(5);
/// The longest sleep: clocks are set, machines are suspended.
const LONGEST_SLEEP: Duration = Duration::from_hours(6);

/// How patient the keeping of a certificate is.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// How often files are looked at.
    pub look_every: Duration,
    /// Pause after the first failed order; doubled with each further one. Let's Encrypt takes five failures of a name in an hour.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            look_every: Duration::from_secs(30),
            first_pause: Duration::from_mins(3),
            longest_pause: Duration::from_hours(6),
        }
    }
}

/// The certificate that was obtained before and still holds.
pub(super) fn kept(config: &AcmeConfig, state_dir: &Path) -> Option<Certificate> {
    match Keep::of(config, state_dir).certificate() {
        Ok(certificate) => certificate,
        Err(error) => {
            tracing::warn!(%error, "the kept certificate is of no use; another one is ordered");
            None
        }
    }
}

/// Keeps one certificate fresh.
pub(super) struct Keeper {
    config: AcmeConfig,
    state_dir: PathBuf,
    plain_http: bool,
    certificates: Certificates,
    metrics: TlsMetrics,
    timing: Timing,
}

impl Keeper {
    pub(super) fn new(
        config: AcmeConfig,
        state_dir: &Path,
        plain_http: bool,
        certificates: Certificates,
        metrics: TlsMetrics,
        timing: Timing,
    ) -> Self {
        Self { config, state_dir: state_dir.to_owned(), plain_http, certificates, metrics, timing }
    }

    pub(super) async fn run(self, cancel: CancellationToken) {
        let mut failures = 0;
        loop {
            let sleep = match (failures, self.certificates.current()) {
                (0, None) => Duration::ZERO,
                (0, Some(current)) => (current.renew_at() - Utc::now()).to_std().unwrap_or_default().min(LONGEST_SLEEP),
                (failures, _) => jittered(pause(self.timing, failures)),
            };
            if cancel.run_until_cancelled(tokio::time::sleep(sleep)).await.is_none() {
                return;
            }
            if failures == 0 && self.certificates.current().is_some_and(|current| current.renew_at() > Utc::now()) {
                continue;
            }
            match cancel.run_until_cancelled(self.renew()).await {
                None => return,
                Some(Ok(certificate)) => {
                    failures = 0;
                    tracing::info!(ends = %certificate.ends(), names = ?certificate.names(), "an ACME server gave a certificate");
                    self.certificates.replace(certificate);
                    self.metrics.renewed(true);
                }
                Some(Err(error)) => {
                    failures += 1;
                    self.metrics.renewed(false);
                    let left =
                        self.certificates.current().map(|current| current.left(Utc::now()).max(TimeDelta::zero()));
                    tracing::error!(
                        error = format!("{error:#}"),
                        failures,
                        days_left = left.map(|left| left.num_days()),
                        "an ACME server gave no certificate; trying again later"
                    );
                }
            }
        }
    }

    async fn renew(&self) -> anyhow::Result<Certificate> {
        let keep = Keep::of(&self.config, &self.state_dir);
        let challenges = self.certificates.challenges();
        let ordered =
            tokio::time::timeout(ORDER_PATIENCE, order::run(&self.config, &keep, challenges, self.plain_http)).await;
        challenges.forget_all();
        let ordered = ordered.map_err(|_| anyhow::anyhow!("it did not answer within {ORDER_PATIENCE:?}"))??;
        keep.keep(&ordered)?;
        keep.certificate()?.ok_or_else(|| anyhow::anyhow!("the certificate was kept, and is gone"))
    }
}

/// The pause after so many failures in a row.
fn pause(timing: Timing, failures: u32) -> Duration {
    timing
        .first_pause
        .saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX))
        .min(timing.longest_pause)
}

/// Up to a fifth more or less: a server that was away does not want everybody back in the same second.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.8..1.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_an_hour_sees_at_most_five_failures() {
        let timing = Timing::default();
        // The first try is at once; the sixth comes after these pauses, each as short as chance may make it.
        let until_sixth: Duration = (1..=5).map(|failures| pause(timing, failures).mul_f64(0.8)).sum();
        assert!(until_sixth >= Duration::from_hours(1), "{until_sixth:?}");
        assert_eq!(pause(timing, 60), timing.longest_pause);
    }
}

//! Figures of TLS. They exist only where the gateway does TLS itself: an alert on a certificate that ends must not fire for none.

use prometheus::{IntCounterVec, IntGauge, Opts, Registry};

/// Figures of TLS.
#[derive(Debug, Clone)]
pub struct TlsMetrics {
    /// When the served certificate ends, in seconds since the epoch; 0 while there is none.
    pub(super) ends: IntGauge,
    /// Attempts to have a newer certificate, by result (`ok`, `failed`).
    pub(super) renewals: IntCounterVec,
}

impl TlsMetrics {
    /// Makes and registers them.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let ends = IntGauge::new(
            "trunkline_tls_certificate_ends_seconds",
            "End of the served certificate, in seconds since the epoch",
        )?;
        let renewals = IntCounterVec::new(
            Opts::new("trunkline_tls_renewals_total", "Certificates that were read or obtained anew"),
            &["result"],
        )?;
        for result in ["ok", "failed"] {
            renewals.with_label_values(&[result]);
        }
        registry.register(Box::new(ends.clone()))?;
        registry.register(Box::new(renewals.clone()))?;
        Ok(Self { ends, renewals })
    }

    pub(super) fn renewed(&self, ok: bool) {
        self.renewals.with_label_values(&[if ok { "ok" } else { "failed" }]).inc();
    }
}

//! A certificate in files: read at start, and again when they change or on SIGHUP.

use std::path::Path;
use std::time::Duration;

use chrono::Utc;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::certificate::{Certificate, CertificateError, Named};
use super::certificates::Certificates;
use super::metrics::TlsMetrics;
use crate::config::CertificateFiles;

const NAMED: Named = Named { certificate: "tls_certificate", key: "tls_key" };

/// Reads both files. Blocking.
pub(super) fn load(files: &CertificateFiles) -> Result<Certificate, CertificateError> {
    judge(&read(files)?)
}

/// What stands in the files, not yet judged.
#[derive(PartialEq, Eq)]
struct Found {
    chain: Vec<u8>,
    key: Vec<u8>,
}

fn read(files: &CertificateFiles) -> Result<Found, CertificateError> {
    let read = |key: &'static str, path: &Path| {
        std::fs::read(path).map_err(|error| CertificateError::Unreadable {
            key,
            path: path.display().to_string(),
            reason: error.to_string(),
        })
    };
    Ok(Found { chain: read(NAMED.certificate, &files.certificate)?, key: read(NAMED.key, &files.key)? })
}

fn judge(found: &Found) -> Result<Certificate, CertificateError> {
    Certificate::read(&found.chain, &found.key, NAMED, Utc::now())
}

/// Looks at the files now and then, and at once on SIGHUP. What does not fit (a renewal that has written one file of two) is not served;
/// the old certificate is, and the next look may find both.
pub(super) async fn watch(
    files: CertificateFiles,
    certificates: Certificates,
    metrics: TlsMetrics,
    every: Duration,
    cancel: CancellationToken,
) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        tracing::error!("cannot watch for SIGHUP; a renewed certificate is served after the next start");
        return;
    };
    let mut known = read(&files).ok();
    loop {
        let asked = tokio::select! {
            () = cancel.cancelled() => return,
            _ = hangup.recv() => true,
            () = tokio::time::sleep(every) => false,
        };
        let look = files.clone();
        let Ok(found) = tokio::task::spawn_blocking(move || read(&look)).await else { return };
        if !asked && found.as_ref().ok() == known.as_ref() {
            continue;
        }
        let judged = found
            .as_ref()
            .map_err(ToString::to_string)
            .and_then(|found| judge(found).map_err(|error| error.to_string()));
        let renewed = judged.is_ok();
        match judged {
            Ok(certificate) => {
                tracing::info!(ends = %certificate.ends(), names = ?certificate.names(), "serving the certificate that was read anew");
                certificates.replace(certificate);
            }
            Err(error) => tracing::error!(%error, "the certificate that was read anew is not served; the old one is"),
        }
        // Counted once it is so.
        metrics.renewed(renewed);
        // A file that cannot be read is told once, not with every look.
        known = found.ok();
    }
}

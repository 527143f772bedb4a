//! TLS of the gateway's own: rustls with ring, TLS 1.2 and 1.3.
//!
//! The certificate comes from files that somebody else renews (`files`), or from an ACME server (`acme`). Either puts it into one
//! [`Certificates`], which every handshake asks: a new certificate needs neither a restart nor an end of what is open.

mod acme;
mod certificate;
mod certificates;
mod files;
mod metrics;
mod redirect;

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

pub use self::acme::Timing;
pub use self::certificate::{Certificate, CertificateError};
pub use self::certificates::{Certificates, Challenges};
pub use self::metrics::TlsMetrics;
pub use self::redirect::redirect_router;
use crate::config::{CertificateSource, TlsConfig};

/// What an ACME server offers when it validates by tls-alpn-01 (RFC 8737 §6.2).
pub(crate) const ACME_TLS_ALPN: &[u8] = b"acme-tls/1";
const HTTP_1: &[u8] = b"http/1.1";

/// TLS that is about to be served.
#[derive(Debug)]
pub struct Tls {
    certificates: Certificates,
    source: CertificateSource,
    metrics: TlsMetrics,
}

impl Tls {
    /// Looks for the certificate. One that is refused is a fault of the configuration; none at all is none, with ACME.
    pub fn load(
        config: &TlsConfig,
        public: &Url,
        state_dir: &Path,
        metrics: TlsMetrics,
    ) -> Result<Self, CertificateError> {
        let certificates = Certificates::new(metrics.clone());
        match &config.certificate {
            CertificateSource::Files(files) => certificates.replace(files::load(files)?),
            CertificateSource::Acme(acme) => {
                if let Some(kept) = acme::kept(acme, state_dir) {
                    certificates.replace(kept);
                }
            }
        }
        if let (Some(current), Some(host)) = (certificates.current(), public.host_str())
            && !current.is_for(host)
        {
            tracing::warn!(host, names = ?current.names(), "the certificate is not for the host of public_url; browsers will refuse it");
        }
        Ok(Self { certificates, source: config.certificate.clone(), metrics })
    }

    /// What the listener needs.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::new(server_config(&self.certificates)))
    }

    /// The answers that an ACME server asks for over plain HTTP.
    pub fn challenges(&self) -> Challenges {
        self.certificates.challenges().clone()
    }

    /// Keeps the certificate fresh until `cancel` fires: reads its files again, or renews it. `plain_http`: whether an ACME server finds
    /// an answer over plain HTTP.
    pub fn keep_fresh(
        self,
        state_dir: &Path,
        plain_http: bool,
        timing: Timing,
        tasks: &TaskTracker,
        cancel: CancellationToken,
    ) {
        let Self { certificates, source, metrics } = self;
        match source {
            CertificateSource::Files(files) => {
                tasks.spawn(files::watch(files, certificates, metrics, timing.look_every, cancel));
            }
            CertificateSource::Acme(config) => {
                let keeper = acme::Keeper::new(config, state_dir, plain_http, certificates, metrics, timing);
                tasks.spawn(keeper.run(cancel));
            }
        }
    }
}

fn server_config(certificates: &Certificates) -> ServerConfig {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .expect("ring knows both versions")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certificates.clone()));
    config.alpn_protocols = vec![HTTP_1.to_vec(), ACME_TLS_ALPN.to_vec()];
    config
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// What is known of the certificate without serving it, for `trunkline doctor`. `None`: ACME has not given one yet.
pub fn inspect(config: &TlsConfig, state_dir: &Path) -> Result<Option<Certificate>, CertificateError> {
    match &config.certificate {
        CertificateSource::Files(files) => files::load(files).map(Some),
        CertificateSource::Acme(acme) => Ok(acme::kept(acme, state_dir)),
    }
}

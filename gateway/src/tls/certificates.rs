//! What each handshake asks: the certificate of now, and the answers to an ACME server that validates.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::ACME_TLS_ALPN;
use super::certificate::Certificate;
use super::metrics::TlsMetrics;

/// The certificate of now. Cheap to clone; all clones see the same one.
#[derive(Debug, Clone)]
pub struct Certificates(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Read with each handshake, written a few times a year; never held across an await.
    current: RwLock<Option<Certificate>>,
    challenges: Challenges,
    metrics: TlsMetrics,
}

/// Answers that an ACME server waits for.
#[derive(Debug, Clone, Default)]
pub struct Challenges(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    /// http-01 (RFC 8555 §8.3): token → key authorization.
    http: HashMap<String, String>,
    /// tls-alpn-01 (RFC 8737): host → the certificate that answers.
    tls: HashMap<String, Arc<CertifiedKey>>,
}

impl Certificates {
    pub(super) fn new(metrics: TlsMetrics) -> Self {
        Self(Arc::new(Inner { current: RwLock::new(None), challenges: Challenges::default(), metrics }))
    }

    /// Serves another certificate from the next handshake on.
    pub(super) fn replace(&self, certificate: Certificate) {
        self.0.metrics.ends.set(certificate.ends().timestamp());
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = Some(certificate);
    }

    /// The one that is served.
    pub fn current(&self) -> Option<Certificate> {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The open answers.
    pub(super) fn challenges(&self) -> &Challenges {
        &self.0.challenges
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let validates = hello.alpn().is_some_and(|mut offered| offered.any(|one| one == ACME_TLS_ALPN));
        if validates {
            return self.0.challenges.tls_answer(hello.server_name()?);
        }
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|one| Arc::clone(one.certified()))
    }
}

impl Challenges {
    /// The answer to `GET /.well-known/acme-challenge/{token}`.
    pub(super) fn http_answer(&self, token: &str) -> Option<String> {
        self.open().http.get(token).cloned()
    }

    fn tls_answer(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        self.open().tls.get(&host.to_ascii_lowercase()).cloned()
    }

    pub(super) fn answer_over_http(&self, token: &str, authorization: &str) {
        self.open().http.insert(token.to_owned(), authorization.to_owned());
    }

    pub(super) fn answer_over_tls(&self, host: &str, certified: Arc<CertifiedKey>) {
        self.open().tls.insert(host.to_ascii_lowercase(), certified);
    }

    /// The order has ended, one way or the other.
    pub(super) fn forget_all(&self) {
        *self.open() = Open::default();
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

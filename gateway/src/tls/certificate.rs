//! One certificate with its chain and key, read from PEM and found usable.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::provider;

/// Why a certificate is not served. The words name the configuration key.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{key}: cannot read {path}: {reason}")]
    Unreadable {
        /// The configuration key.
        key: &'static str,
        /// The file.
        path: String,
        /// The system's words.
        reason: String,
    },
    /// There is no certificate in it.
    #[error("{0}: expected one or more certificates in PEM (`-----BEGIN CERTIFICATE-----`)")]
    NoCertificate(&'static str),
    /// There is no key in it.
    #[error("{0}: expected one private key in PEM, without a password (`-----BEGIN PRIVATE KEY-----`)")]
    NoKey(&'static str),
    /// The certificate cannot be understood.
    #[error("{0}: the certificate cannot be read: {1}")]
    Malformed(&'static str, String),
    /// The key is of a kind that is not supported.
    #[error("{0}: the key cannot be used: {1}")]
    KeyUnusable(&'static str, String),
    /// Key and certificate do not belong together.
    #[error("{0}: the key is not that of the certificate; were both renewed?")]
    Mismatch(&'static str),
    /// It has ended.
    #[error("{0}: the certificate ended on {1}; renew it")]
    Expired(&'static str, DateTime<Utc>),
    /// It has not begun.
    #[error("{0}: the certificate begins on {1}; is this machine's clock right?")]
    NotYet(&'static str, DateTime<Utc>),
}

/// The configuration keys that messages name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    pub(super) certificate: &'static str,
    pub(super) key: &'static str,
}

/// A certificate that can be served.
#[derive(Debug, Clone)]
pub struct Certificate {
    certified: Arc<CertifiedKey>,
    begins: DateTime<Utc>,
    ends: DateTime<Utc>,
    names: Vec<String>,
}

impl Certificate {
    /// Reads a chain and its key, and checks that they belong together and hold now.
    pub(super) fn read(chain: &[u8], key: &[u8], named: Named, now: DateTime<Utc>) -> Result<Self, CertificateError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|_| CertificateError::NoCertificate(named.certificate))?;
        let first = chain.first().ok_or(CertificateError::NoCertificate(named.certificate))?;
        let Validity { begins, ends, names } =
            validity(first).map_err(|reason| CertificateError::Malformed(named.certificate, reason))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| CertificateError::NoKey(named.key))?;
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => CertificateError::Mismatch(named.key),
            rustls::Error::InvalidCertificate(_) => CertificateError::Malformed(named.certificate, error.to_string()),
            _ => CertificateError::KeyUnusable(named.key, error.to_string()),
        })?;
        if ends <= now {
            return Err(CertificateError::Expired(named.certificate, ends));
        }
        if begins > now {
            return Err(CertificateError::NotYet(named.certificate, begins));
        }
        Ok(Self { certified: Arc::new(certified), begins, ends, names })
    }

    /// When it ends.
    pub fn ends(&self) -> DateTime<Utc> {
        self.ends
    }

    /// When it ought to be renewed: once two thirds of its life are over, as Let's Encrypt advises.
    pub fn renew_at(&self) -> DateTime<Utc> {
        let life = self.ends - self.begins;
        self.begins + life / 3 * 2
    }

    /// How long it still holds.
    pub fn left(&self, now: DateTime<Utc>) -> TimeDelta {
        self.ends - now
    }

    /// The hosts that it is for.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether a browser takes it for this host (RFC 6125 §6.4.3: a wildcard stands for one label).
    pub fn is_for(&self, host: &str) -> bool {
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        let parent = host.split_once('.').map(|(_, parent)| parent);
        self.names.iter().any(|name| *name == host || (name.starts_with("*.") && parent == name.strip_prefix("*.")))
    }

    pub(super) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }
}

struct Validity {
    begins: DateTime<Utc>,
    ends: DateTime<Utc>,
    names: Vec<String>,
}

fn validity(der: &CertificateDer<'_>) -> Result<Validity, String> {
    let certificate = x509_cert::Certificate::from_der(der).map_err(|error| error.to_string())?.tbs_certificate;
    let time = |time: x509_cert::time::Time| {
        let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok();
        seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).ok_or_else(|| "its dates are none".to_owned())
    };
    let alternative = certificate.get::<SubjectAltName>().map_err(|error| error.to_string())?;
    let names = alternative.into_iter().flat_map(|(_, names)| names.0).filter_map(|name| match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
        GeneralName::IpAddress(bytes) => address(bytes.as_bytes()).map(|address| address.to_string()),
        _ => None,
    });
    Ok(Validity {
        begins: time(certificate.validity.not_before)?,
        ends: time(certificate.validity.not_after)?,
        names: names.collect(),
    })
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(four.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const NAMED: Named = Named { certificate: "tls_certificate", key: "tls_key" };

    /// A certificate for these names, valid for so many seconds around now, and its key.
    pub(in crate::tls) fn make(names: &[&str], begins: i64, ends: i64) -> (String, String) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = rcgen::KeyPair::generate().unwrap();
        let mut wanted = rcgen::CertificateParams::new(names).unwrap();
        let at = |seconds: i64| std::time::SystemTime::from(Utc::now() + TimeDelta::seconds(seconds)).into();
        (wanted.not_before, wanted.not_after) = (at(begins), at(ends));
        (wanted.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn read(chain: &str, key: &str) -> Result<Certificate, String> {
        Certificate::read(chain.as_bytes(), key.as_bytes(), NAMED, Utc::now()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_certificate_says_for_whom_and_how_long_it_is() {
        let (chain, key) = make(&["Calls.test", "*.phones.test", "192.0.2.1", "::1"], -10, 3_590);
        let certificate = read(&chain, &key).unwrap();
        for ours in ["calls.test", "CALLS.test", "a.phones.test", "192.0.2.1", "[::1]"] {
            assert!(certificate.is_for(ours), "{ours}");
        }
        for other in ["phones.test", "a.b.phones.test", "evil.test", "192.0.2.2"] {
            assert!(!certificate.is_for(other), "{other}");
        }
        assert_eq!((certificate.renew_at() - certificate.begins).num_seconds(), 2_400);
    }

    #[test]
    fn what_cannot_be_served_is_refused_by_the_name_of_the_key() {
        let (chain, key) = make(&["calls.test"], -10, 3_600);
        let (_, other_key) = make(&["calls.test"], -10, 3_600);
        let (ended, ended_key) = make(&["calls.test"], -3_600, -10);
        let (later, later_key) = make(&["calls.test"], 600, 3_600);
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (chain, key, words) in [
            ("", key.as_str(), "tls_certificate: expected one or more certificates in PEM"),
            (key.as_str(), key.as_str(), "tls_certificate: expected one or more"),
            (broken, key.as_str(), "tls_certificate: the certificate cannot be read"),
            (chain.as_str(), "", "tls_key: expected one private key"),
            (chain.as_str(), chain.as_str(), "tls_key: expected one private key"),
            (chain.as_str(), other_key.as_str(), "tls_key: the key is not that of the certificate"),
            (ended.as_str(), ended_key.as_str(), "tls_certificate: the certificate ended on "),
            (later.as_str(), later_key.as_str(), "tls_certificate: the certificate begins on "),
        ] {
            let refusal = read(chain, key).unwrap_err();
            assert!(refusal.starts_with(words), "{refusal}");
        }
    }
}

//! The edge towards browsers: hosts, origins, TLS.

use std::net::SocketAddr;
use std::path::PathBuf;

use url::{Host, Url};

use super::source::{Reader, absolute, not_empty, web_url};

/// How the edge meets browsers.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// Host names that requests may name beside those of `public_url` and the addresses that are listened on.
    pub allowed_hosts: Vec<String>,
    /// Origins whose pages may use the API.
    pub cors_origins: Vec<String>,
    /// Whether browsers are told to use https for all names below the public one, too.
    pub hsts_include_subdomains: bool,
    /// TLS of our own; without it a reverse proxy does it, or nobody.
    pub tls: Option<TlsConfig>,
    /// Where plain HTTP is sent on to https, and ACME's http-01 is answered.
    pub http_redirect_listen: Option<SocketAddr>,
}

/// TLS of our own.
#[derive(Debug, Clone)]
pub struct TlsConfig {
    /// Where HTTPS is served.
    pub listen: SocketAddr,
    /// Where the certificate comes from.
    pub certificate: CertificateSource,
}

/// Where the certificate comes from.
#[derive(Debug, Clone)]
pub enum CertificateSource {
    /// From files that somebody else renews.
    Files(CertificateFiles),
    /// From an ACME server (RFC 8555), renewed by us.
    Acme(AcmeConfig),
}

/// A certificate and its key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, followed by those that lead to its issuer's root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// An ACME server and what is asked of it.
#[derive(Debug, Clone)]
pub struct AcmeConfig {
    /// Names in the certificate; the first one stands for it in the log.
    pub domains: Vec<String>,
    /// The server's directory.
    pub directory: Url,
    /// Whom the server may write to.
    pub email: Option<String>,
    /// Root certificates of a private server, in PEM; without it the system's.
    pub ca_file: Option<PathBuf>,
}

impl EdgeConfig {
    /// Where HTTPS is served, if it is.
    pub fn https_listen(&self) -> Option<SocketAddr> {
        self.tls.as_ref().map(|tls| tls.listen)
    }

    pub(super) fn read(reader: &mut Reader<'_>, public_url: Option<&Url>) -> Option<Self> {
        let allowed_hosts = reader.required("allowed_hosts", |text| listed(text, host_name));
        let cors_origins = reader.required("cors_origins", |text| listed(text, origin));
        let hsts_include_subdomains = reader.parsed("hsts_include_subdomains");
        let listen = reader.parsed("https_listen");
        let certificate = reader.optional_with("tls_certificate", absolute);
        let key = reader.optional_with("tls_key", absolute);
        let domains = reader.required("acme_domains", |text| listed(text, domain));
        let directory = reader.required("acme_directory", |text| web_url(text).filter(|url| url.scheme() == "https"));
        let email = reader.optional_with("acme_email", |text| not_empty(text).filter(|text| text.contains('@')));
        let ca_file = reader.optional_with("acme_ca_file", absolute);
        let http_redirect_listen = reader.optional_with("http_redirect_listen", |text| text.parse().ok());

        let domains = domains?;
        let source = match (certificate, key, domains.is_empty()) {
            (None, None, true) => None,
            (Some(certificate), Some(key), true) => {
                Some(CertificateSource::Files(CertificateFiles { certificate, key }))
            }
            (None, None, false) => {
                Some(CertificateSource::Acme(AcmeConfig { domains, directory: directory?, email, ca_file }))
            }
            (Some(_), None, true) => {
                return reader.refuse("tls_key is not set, but tls_certificate is: both or neither");
            }
            (None, Some(_), true) => {
                return reader.refuse("tls_certificate is not set, but tls_key is: both or neither");
            }
            (_, _, false) => {
                return reader
                    .refuse("acme_domains and tls_certificate are both set: the certificate comes from one of them");
            }
        };
        if source.is_some() && public_url.is_none_or(|url| url.scheme() != "https") {
            reader.refuse::<()>(
                "public_url: expected an https address such as https://calls.example.org, since tls_certificate or acme_domains is set",
            );
        }
        if let (Some(CertificateSource::Acme(acme)), Some(host)) = (&source, public_url.and_then(Url::host_str))
            && !acme.domains.iter().any(|domain| domain == host)
        {
            reader.refuse::<()>(&format!("acme_domains: expected {host}, the host of public_url, among them"));
        }
        if source.is_none() && http_redirect_listen.is_some() {
            reader.refuse::<()>("http_redirect_listen is set, but neither tls_certificate nor acme_domains: there is no https to send people to");
        }
        let tls = match source {
            Some(certificate) => Some(TlsConfig { listen: listen?, certificate }),
            None => None,
        };
        Some(Self {
            allowed_hosts: allowed_hosts?,
            cors_origins: cors_origins?,
            hsts_include_subdomains: hsts_include_subdomains?,
            tls,
            http_redirect_listen,
        })
    }
}

fn listed<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(parse).collect()
}

/// A host name or an address, as `Host` would name it.
fn host_name(text: &str) -> Option<String> {
    Host::parse(text).ok().filter(|_| !text.contains('*')).map(|host| host.to_string())
}

/// A name that an ACME server may certify over HTTP or TLS: no address, no wildcard.
fn domain(text: &str) -> Option<String> {
    match Host::parse(text).ok()? {
        Host::Domain(name) if !name.contains('*') && name.contains('.') => Some(name),
        _ => None,
    }
}

/// An origin as browsers write it (RFC 6454 §6.2).
fn origin(text: &str) -> Option<String> {
    let url = web_url(text)?;
    let written = url.origin().ascii_serialization();
    (written == text.trim_end_matches('/').to_ascii_lowercase()).then_some(written)
}

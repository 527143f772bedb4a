//! Requests to addresses that tenants and their people give: identity providers, push services, programs that flows ask. Each is looked at before anything is sent:
//! https alone, and no address of a private network, which the machine may reach and a tenant may not. The name is looked up once, and the
//! connection goes to the very address that was looked at.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// Longest time that one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer, in bytes.
const MAX_ANSWER: usize = 256 * 1024;

/// Why somebody could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("its address must begin with https://")]
    NotHttps,
    #[error("its address leads into a private network")]
    Private,
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it does not answer in time")]
    Slow,
    #[error("it answers {0}")]
    Status(StatusCode),
    #[error("its answer cannot be read: {0}")]
    Unreadable(String),
}

/// Asks them.
#[derive(Clone)]
pub(crate) struct Fetch {
    tls: TlsConnector,
    /// Whether plain HTTP and private networks are allowed.
    private: bool,
}

impl std::fmt::Debug for Fetch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetch").field("private", &self.private).finish_non_exhaustive()
    }
}

impl Fetch {
    /// Trusts the certificates that the system trusts.
    pub(crate) fn new(private: bool) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring speaks TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { tls: TlsConnector::from(Arc::new(config)), private }
    }

    /// A document.
    pub(crate) async fn get<T: DeserializeOwned>(&self, url: &Url, headers: HeaderMap) -> Result<T, FetchError> {
        self.send(Method::GET, url, headers, Bytes::new()).await
    }

    /// The answer to a form.
    pub(crate) async fn post_form<T: DeserializeOwned>(
        &self,
        url: &Url,
        mut headers: HeaderMap,
        form: &[(&str, &str)],
    ) -> Result<T, FetchError> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self.send(Method::POST, url, headers, Bytes::from(body)).await
    }

    /// Whatever the answer to a body is.
    pub(crate) async fn post(&self, url: &Url, headers: HeaderMap, body: Bytes) -> Result<Response<Bytes>, FetchError> {
        tokio::time::timeout(PATIENCE, self.exchange(Method::POST, url, headers, body))
            .await
            .map_err(|_| FetchError::Slow)?
    }

    /// Whatever the answer is, within this time.
    pub(crate) async fn ask(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
        within: Duration,
    ) -> Result<Response<Bytes>, FetchError> {
        tokio::time::timeout(within, self.exchange(method, url, headers, body)).await.map_err(|_| FetchError::Slow)?
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<T, FetchError> {
        let answer = tokio::time::timeout(PATIENCE, self.exchange(method, url, headers, body))
            .await
            .map_err(|_| FetchError::Slow)??;
        // Redirects are not followed: they would lead where nobody looked.
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status()));
        }
        serde_json::from_slice(answer.body()).map_err(|error| FetchError::Unreadable(error.to_string()))
    }

    async fn exchange(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Bytes>, FetchError> {
        let secure = match url.scheme() {
            "https" => true,
            "http" if self.private => false,
            _ => return Err(FetchError::NotHttps),
        };
        let unreachable = |error: std::io::Error| FetchError::Unreachable(error.to_string());
        let address = self.address(url).await?;
        let socket = TcpStream::connect(address).await.map_err(unreachable)?;
        let host = url.host_str().unwrap_or_default();
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(HOST, authority)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "trunkline")
            .body(Full::new(body))
            .map_err(|error| FetchError::Unreachable(error.to_string()))?;
        request.headers_mut().extend(headers);
        if !secure {
            return speak(socket, request).await;
        }
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|_| FetchError::Unreachable("its host is no name".to_owned()))?;
        speak(self.tls.connect(name, socket).await.map_err(unreachable)?, request).await
    }

    /// The first address of the host, if all of them may be reached.
    async fn address(&self, url: &Url) -> Result<SocketAddr, FetchError> {
        let port = url.port_or_known_default().unwrap_or(443);
        let addresses: Vec<SocketAddr> = match url.host() {
            Some(Host::Ipv4(address)) => vec![(address, port).into()],
            Some(Host::Ipv6(address)) => vec![(address, port).into()],
            Some(Host::Domain(name)) => tokio::net::lookup_host((name, port))
                .await
                .map_err(|error| FetchError::Unreachable(error.to_string()))?
                .collect(),
            None => Vec::new(),
        };
        if !self.private && addresses.iter().any(|address| !is_public(address.ip())) {
            return Err(FetchError::Private);
        }
        addresses.first().copied().ok_or_else(|| FetchError::Unreachable("its host has no address".to_owned()))
    }
}

async fn speak<S>(socket: S, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let unreachable = |error: hyper::Error| FetchError::Unreachable(error.to_string());
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.map_err(unreachable)?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(unreachable)?;
    let (parts, body) = answer.into_parts();
    let body = Limited::new(body, MAX_ANSWER)
        .collect()
        .await
        .map_err(|error| FetchError::Unreadable(error.to_string()))?
        .to_bytes();
    connection.abort();
    Ok(Response::from_parts(parts, body))
}

/// Whether an address belongs to the public internet (RFC 6890 and its like).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let protocol = a == 192 && b == 0 && c == 0;
            let benchmark = a == 198 && (18..20).contains(&b);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_documentation()
                || a == 0
                || a >= 224
                || shared
                || protocol
                || benchmark)
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            // 2000::/3 is what is given out; of it, Teredo, 6to4 and documentation lead elsewhere.
            first & 0xe000 == 0x2000 && first != 0x2002 && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_networks_are_not_reached() {
        for address in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.8",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:10.0.0.1",
            "2002:a00:1::",
            "2001:db8::1",
            "64:ff9b::a00:1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["1.1.1.1", "93.184.216.34", "2606:4700::1111"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[tokio::test]
    async fn only_https_to_public_addresses_is_asked() {
        let fetch = Fetch::new(false);
        let ask = async |url: &str| fetch.get::<serde_json::Value>(&url.parse().unwrap(), HeaderMap::new()).await;
        assert!(matches!(ask("http://1.1.1.1/").await, Err(FetchError::NotHttps)));
        assert!(matches!(ask("file:///etc/passwd").await, Err(FetchError::NotHttps)));
        assert!(matches!(ask("https://127.0.0.1:9/").await, Err(FetchError::Private)));
        assert!(matches!(ask("https://[::ffff:169.254.169.254]/").await, Err(FetchError::Private)));
        assert!(matches!(ask("https://localhost/").await, Err(FetchError::Private)));
    }
}

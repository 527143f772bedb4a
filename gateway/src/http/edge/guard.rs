//! Which requests are let in at all: by the host that they name, and by the page that sends them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, Method, Version};
use prometheus::IntCounterVec;
use url::{Host, Url};

use super::super::{AppError, origin};
use super::cors;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::server::Arrived;

/// Says how a page and what it asks for are related; no script can set it (Fetch Metadata, §2.3).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What the guard knows, made once from the configuration.
#[derive(Debug)]
pub(in crate::http) struct Guard {
    public: Url,
    hosts: Vec<String>,
    cors_origins: Vec<String>,
    refused: IntCounterVec,
}

impl Guard {
    pub(in crate::http) fn new(config: &Config, metrics: &Metrics) -> Self {
        let listening = [Some(config.http_listen), config.edge.https_listen()].into_iter().flatten();
        let hosts = config
            .public_url
            .host_str()
            .map(str::to_owned)
            .into_iter()
            .chain(listening.map(|address| address.ip().to_string()))
            .chain(config.edge.allowed_hosts.iter().cloned())
            // Asterisk asks for sounds by this name.
            .chain(config.sounds.gateway_url.host_str().map(str::to_owned))
            .collect();
        Self {
            public: config.public_url.clone(),
            hosts,
            cors_origins: config.edge.cors_origins.clone(),
            refused: metrics.http_refused.clone(),
        }
    }

    /// Whether requests that name this host are meant for us. A name of somebody else's that was made to point here (DNS rebinding) is not.
    fn is_our_host(&self, host: &str, arrived: Option<Arrived>) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        if host == "localhost" || self.hosts.iter().any(|one| one.trim_matches(['[', ']']) == host) {
            return true;
        }
        let Ok(address) = host.parse::<std::net::IpAddr>() else { return false };
        let here = arrived.is_some_and(|arrived| arrived.local.ip().to_canonical() == address.to_canonical());
        here || address.to_canonical().is_loopback()
    }

    fn check_host(&self, request: &Request) -> Result<(), AppError> {
        let arrived = request.extensions().get::<Arrived>().copied();
        let Some(host) = named_host(request)? else { return Ok(()) };
        if self.is_our_host(&host, arrived) { Ok(()) } else { Err(AppError::misdirected()) }
    }

    /// Refuses what another site's page sends to the API. Reading is safe: such a page is not shown the answer.
    fn check_page(&self, request: &Request) -> Result<(), AppError> {
        let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        if safe || !cors::is_api(request.uri().path()) || self.is_own_page(request.headers()) {
            return Ok(());
        }
        Err(AppError::cross_site())
    }

    fn is_own_page(&self, headers: &HeaderMap) -> bool {
        if cors::allowed(&self.cors_origins, headers).is_some() {
            return true;
        }
        match headers.get(SEC_FETCH_SITE).map(|value| value.to_str().unwrap_or_default()) {
            // `none`: a person, not a page.
            Some("same-origin" | "none") => true,
            // Older browsers, and browsers over plain HTTP, say the origin alone; what is no browser says neither.
            None => origin::is_ours(headers, &self.public),
            Some(_) => false,
        }
    }
}

/// The host that a request names, without its port: that of the address if it has one, else that of `Host` (RFC 9112 §3.2).
fn named_host(request: &Request) -> Result<Option<String>, AppError> {
    let unreadable = || AppError::bad_request("the request must name its host once, as in `Host: calls.example.org`");
    if let Some(host) = request.uri().host() {
        return Ok(Some(host.to_owned()));
    }
    let mut named = request.headers().get_all(HOST).iter();
    match (named.next(), named.next()) {
        // Health checks of load balancers speak HTTP/1.0, which had no hosts.
        (None, None) if request.version() < Version::HTTP_11 => Ok(None),
        (Some(host), None) => {
            let authority: Authority = host.to_str().ok().and_then(|host| host.parse().ok()).ok_or_else(unreadable)?;
            // No user, no odd bytes: what the browser's own parser takes for a host.
            if authority.as_str().contains('@') || Host::parse(authority.host()).is_err() {
                return Err(unreadable());
            }
            Ok(Some(authority.host().to_owned()))
        }
        _ => Err(unreadable()),
    }
}

/// Lets a request in, answers a preflight, or refuses.
pub(in crate::http) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    if let Err(error) = guard.check_host(&request) {
        guard.refused.with_label_values(&["host"]).inc();
        return error.into_response();
    }
    if let Err(error) = guard.check_page(&request) {
        guard.refused.with_label_values(&["cross_site"]).inc();
        return error.into_response();
    }
    if guard.cors_origins.is_empty() || !cors::is_api(request.uri().path()) {
        return next.run(request).await;
    }
    let origin = cors::allowed(&guard.cors_origins, request.headers());
    let mut response = match &origin {
        Some(_) if cors::is_preflight(&request) => cors::preflight(),
        _ => next.run(request).await,
    };
    cors::open(response.headers_mut(), origin);
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn guard() -> Guard {
        Guard {
            public: Url::parse("https://calls.test").unwrap(),
            hosts: ["calls.test", "10.0.0.7", "::", "extra.test"].map(str::to_owned).to_vec(),
            cors_origins: vec!["https://intranet.test".to_owned()],
            refused: Metrics::new().http_refused,
        }
    }

    fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    fn host(host: &str) -> bool {
        let mut request = request("GET", "/", &[("host", host)]);
        request.extensions_mut().insert(Arrived { local: "192.0.2.9:8080".parse().unwrap() });
        guard().check_host(&request).is_ok()
    }

    #[test]
    fn only_our_own_names_and_addresses_are_hosts() {
        for ours in [
            "calls.test",
            "CALLS.test:443",
            "calls.test.",
            "extra.test:8443",
            "10.0.0.7:8080",
            "192.0.2.9:8080",
            "localhost:1",
            "127.0.0.1",
            "127.8.0.1",
            "[::1]:8080",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(host(ours), "{ours}");
        }
        for other in [
            "evil.test",
            "calls.test.evil.test",
            "localhost.evil.test",
            "evil.test@calls.test",
            "calls.test@evil.test",
            "203.0.113.1",
            "",
            "calls.test evil",
            "calls.test/evil",
        ] {
            assert!(!host(other), "{other}");
        }
    }

    #[test]
    fn a_host_is_named_once_and_the_address_of_the_request_counts_first() {
        let check = |request: &Request| guard().check_host(request).map_err(|error| error.status().as_u16());
        assert_eq!(check(&request("GET", "http://evil.test/", &[("host", "calls.test")])), Err(421));
        assert_eq!(check(&request("GET", "/", &[("host", "calls.test"), ("host", "calls.test")])), Err(400));
        assert_eq!(check(&request("GET", "/", &[])), Err(400));
        let mut old = request("GET", "/", &[]);
        *old.version_mut() = Version::HTTP_10;
        assert_eq!(check(&old), Ok(()));
    }

    #[test]
    fn another_sites_page_may_send_nothing_to_the_api() {
        let post = |headers: &[(&str, &str)]| {
            let all: Vec<(&str, &str)> = [("host", "calls.test")].iter().chain(headers).copied().collect();
            guard().check_page(&request("POST", "/api/v1/auth/refresh", &all)).is_ok()
        };
        assert!(post(&[]), "no browser");
        assert!(post(&[("sec-fetch-site", "same-origin"), ("origin", "https://calls.test")]));
        assert!(post(&[("sec-fetch-site", "none")]));
        assert!(post(&[("origin", "https://calls.test")]));
        assert!(post(&[("sec-fetch-site", "cross-site"), ("origin", "https://intranet.test")]), "allowed by name");
        for headers in [
            [("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")],
            [("sec-fetch-site", "same-site"), ("origin", "https://other.calls.test")],
            [("sec-fetch-site", "cross-site"), ("origin", "https://calls.test")],
            [("sec-fetch-site", "odd"), ("origin", "https://calls.test")],
            [("accept", "*/*"), ("origin", "null")],
            [("accept", "*/*"), ("origin", "https://intranet.test.evil.test")],
        ] {
            assert!(!post(&headers), "{headers:?}");
        }
        let evil = [("host", "calls.test"), ("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")];
        assert!(guard().check_page(&request("GET", "/api/v1/me", &evil)).is_ok(), "reading is what CORS is for");
        assert!(guard().check_page(&request("POST", "/webhooks/twilio/1", &evil)).is_ok(), "signed, without cookies");
    }
}

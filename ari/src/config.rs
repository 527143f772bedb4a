//! How to reach one Asterisk.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use url::Url;

use crate::error::ConfigError;

/// Which way requests go. Events always come over the WebSocket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// Requests over HTTP: works while the event WebSocket is away.
    #[default]
    Http,
    /// Requests over the event WebSocket (Asterisk 22.4 and later): one connection, no per-request headers.
    WebSocket,
}

/// Everything about a connection that is not specific to who dials.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// TCP connect and WebSocket handshake together. 5 s.
    pub connect_timeout: Duration,
    /// One request until its answer. 10 s.
    pub request_timeout: Duration,
    /// Between two WebSocket PINGs. 5 s.
    pub ping_interval: Duration,
    /// Without any frame for this long the connection is dead. 15 s.
    pub dead_after: Duration,
    /// Between two tests whether events come; the first is made as soon as the session is live. 5 s.
    pub self_test_interval: Duration,
    /// How long the event of such a test may take to come back. 5 s.
    pub self_test_patience: Duration,
    /// First step of the backoff; it doubles with each failed attempt. 200 ms.
    pub backoff_base: Duration,
    /// Longest step of the backoff. 10 s.
    pub backoff_cap: Duration,
    /// Frames that wait between the socket's reader and the session. When it is full, frames are dropped, counted, and
    /// answered with a declared gap and a resynchronisation. 8,192.
    pub frame_queue: usize,
    /// Updates that wait for [`crate::Updates::next`]. When it is full, frames wait instead. 1,024.
    pub update_queue: usize,
    /// Events held while the snapshot is fetched. 16,384.
    pub held_events: usize,
    /// Largest WebSocket message. An answer to `GET /channels` with ten thousand channels has about 7 MB. 64 MiB.
    pub max_message: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(5),
            dead_after: Duration::from_secs(15),
            self_test_interval: Duration::from_secs(5),
            self_test_patience: Duration::from_secs(5),
            backoff_base: Duration::from_millis(200),
            backoff_cap: Duration::from_secs(10),
            frame_queue: 8192,
            update_queue: 1024,
            held_events: 16_384,
            max_message: 64 << 20,
        }
    }
}

/// How to reach one Asterisk, and as whom. Set the public fields after [`Config::new`].
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// ARI's root, e.g. `http://127.0.0.1:8088/ari`. Only `http`: put a tunnel in front of anything that is not local.
    pub base_url: String,
    /// A user of `ari.conf`.
    pub username: String,
    /// Its password. Sent in an `Authorization` header only; never in a URL, a log or `Debug`.
    pub password: String,
    /// Stasis applications to register.
    pub app: Vec<String>,
    /// Receive the events of everything, not only of what is in the applications.
    pub subscribe_all: bool,
    /// Which way requests go.
    pub transport: Transport,
    /// Write raw frames to this file, one JSON object per line, for [`crate::replay`].
    pub log: Option<PathBuf>,
    /// Time-outs and sizes.
    pub limits: Limits,
}

impl Config {
    /// A configuration with the usual limits, requests over HTTP, and events of the applications only.
    pub fn new(
        base_url: impl Into<String>,
        username: impl Into<String>,
        password: impl Into<String>,
        app: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            base_url: base_url.into(),
            username: username.into(),
            password: password.into(),
            app: app.into_iter().map(Into::into).collect(),
            subscribe_all: false,
            transport: Transport::default(),
            log: None,
            limits: Limits::default(),
        }
    }

    pub(crate) fn check(&self) -> Result<Target, ConfigError> {
        let refuse = |found: String, reason: String| ConfigError::BaseUrl { found, reason };
        let mut url = Url::parse(self.base_url.trim_end_matches('/')).map_err(|error| {
            // What cannot be parsed may still hold a password: show only what stands after the last `@`.
            let shown = self.base_url.rsplit('@').next().unwrap_or_default().to_owned();
            refuse(shown, error.to_string())
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            let _ = url.set_username("");
            let _ = url.set_password(None);
            return Err(refuse(url.to_string(), "the user name and password have settings of their own".to_owned()));
        }
        if url.scheme() != "http" {
            return Err(refuse(url.to_string(), "only http is spoken".to_owned()));
        }
        let Some(host) = url.host_str() else {
            return Err(refuse(url.to_string(), "the host is missing".to_owned()));
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse(url.to_string(), "a query or fragment does not belong there".to_owned()));
        }
        if self.app.is_empty() || self.app.iter().any(|app| app.is_empty() || app.contains(',')) {
            return Err(ConfigError::App { found: self.app.clone() });
        }
        if self.username.contains(':') {
            return Err(ConfigError::Username);
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port_or_known_default().unwrap_or(80);
        Ok(Target { host, port, root: url, authorization: basic(&self.username, &self.password) })
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("base_url", &self.base_url.rsplit('@').next().unwrap_or_default())
            .field("username", &self.username)
            .field("app", &self.app)
            .field("subscribe_all", &self.subscribe_all)
            .field("transport", &self.transport)
            .field("log", &self.log)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// A checked configuration's address and credentials.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) root: Url,
    /// Marked sensitive, so that no header dump shows it.
    pub(crate) authorization: HeaderValue,
}

impl Target {
    /// The root's path without a slash at its end: `/ari`.
    pub(crate) fn root_path(&self) -> &str {
        self.root.path().trim_end_matches('/')
    }

    /// `host:port` as it stands in a URL.
    pub(crate) fn authority(&self) -> &str {
        self.root.authority()
    }
}

/// The value of an `Authorization` header (RFC 7617).
pub(crate) fn basic(username: &str, password: &str) -> HeaderValue {
    let encoded = STANDARD.encode(format!("{username}:{password}"));
    let mut value = HeaderValue::from_str(&format!("Basic {encoded}"))
        .expect("base64 holds only characters that a header may hold");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let config = Config::new("http://127.0.0.1:8088/ari", "gateway", "s3cret-word", ["trunkline"]);
        assert!(!format!("{config:?}").contains("s3cret-word"));
        assert!(!format!("{:?}", config.check().unwrap().authorization).contains("Basic"));
    }

    #[test]
    fn a_url_with_credentials_is_refused_without_repeating_them() {
        let config = Config::new("http://u:s3cret-word@127.0.0.1:8088/ari", "gateway", "x", ["trunkline"]);
        let error = config.check().err().unwrap().to_string();
        assert!(error.contains("settings of their own") && !error.contains("s3cret-word"), "{error}");
        assert!(!format!("{config:?}").contains("s3cret-word"));
    }

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        let with =
            |url: &str, user: &str, apps: &[&str]| Config::new(url, user, "x", apps.iter().copied()).check().err();
        let good = "http://127.0.0.1:8088/ari/";
        assert!(matches!(with("nonsense", "u", &["a"]), Some(ConfigError::BaseUrl { .. })));
        assert!(matches!(with("https://host/ari", "u", &["a"]), Some(ConfigError::BaseUrl { .. })));
        assert!(matches!(with("http://host/ari?x=1", "u", &["a"]), Some(ConfigError::BaseUrl { .. })));
        assert!(matches!(with(good, "u", &[]), Some(ConfigError::App { .. })));
        assert!(matches!(with(good, "u", &["a,b"]), Some(ConfigError::App { .. })));
        assert!(matches!(with(good, "u:v", &["a"]), Some(ConfigError::Username)));
        assert!(with(good, "u", &["a"]).is_none());
        let target = Config::new("http://[::1]:8088/ari", "u", "x", ["a"]).check().ok().unwrap();
        assert_eq!((target.host.as_str(), target.port, target.root_path()), ("::1", 8088, "/ari"));
    }
}

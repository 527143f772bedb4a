//! Asterisk's outbound WebSockets (`ari.conf`, `type=outbound_websocket`): Asterisk calls us, events and requests go over
//! its socket.
//!
//! A persistent connection is one session: when Asterisk comes back after a loss, the same [`Updates`] tell the gap, the
//! snapshot and the differences. A connection per call (its application is `NAME:CHANNEL`) is a session of its own that
//! ends with the socket.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use subtle::ConstantTimeEq as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use crate::client::{Backend, Client};
use crate::config::Limits;
use crate::driver::{self, Attachment, Command, Parts, Updates};
use crate::error::ConfigError;
use crate::event::{Event, Parsed, parse};
use crate::log::RawLog;
use crate::session::{Role, SessionConfig};
use crate::transport::dial::socket_config;
use crate::transport::rest::SocketRest;

/// Where to wait for Asterisk, and what it must know.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The address to listen on. Plain TCP: put it on a trusted network or behind a tunnel.
    pub address: SocketAddr,
    /// `username` in Asterisk's `websocket_client.conf`.
    pub username: String,
    /// `password` there. Never shown in a log or `Debug`.
    pub password: String,
    /// The `subscribe_all` of Asterisk's `ari.conf`.
    pub subscribe_all: bool,
    /// Write raw frames to this file; with several connections their lines are mixed.
    pub log: Option<PathBuf>,
    /// Time-outs and sizes.
    pub limits: Limits,
}

impl ServerConfig {
    /// A server with the usual limits.
    pub fn new(address: SocketAddr, username: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            address,
            username: username.into(),
            password: password.into(),
            subscribe_all: false,
            log: None,
            limits: Limits::default(),
        }
    }
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig")
            .field("address", &self.address)
            .field("username", &self.username)
            .field("subscribe_all", &self.subscribe_all)
            .field("log", &self.log)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// A new session of an Asterisk that called.
#[derive(Debug)]
#[non_exhaustive]
pub struct Caller {
    /// The Asterisk's entity id, where it sent one.
    pub asterisk_id: Option<String>,
    /// The first application that it registered.
    pub application: String,
    /// Where it called from.
    pub peer: SocketAddr,
    /// Requests, over its socket.
    pub client: Client,
    /// What happens.
    pub updates: Updates,
}

/// Waits for Asterisk. Dropping it closes the listening socket; sessions go on.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    callers: mpsc::Receiver<Caller>,
    tasks: Vec<AbortHandle>,
}

/// Handshakes at the same time: more wait for their turn.
const HANDSHAKES: usize = 64;

/// Listens for Asterisk.
pub async fn listen(config: ServerConfig) -> Result<Server, ConfigError> {
    let log = RawLog::open(config.log.as_deref())?;
    let refuse =
        |error: std::io::Error| ConfigError::Listen { address: config.address.to_string(), reason: error.to_string() };
    let listener = TcpListener::bind(config.address).await.map_err(refuse)?;
    let address = listener.local_addr().map_err(refuse)?;
    let (arrivals, arrived) = mpsc::channel(HANDSHAKES);
    let (callers_sender, callers) = mpsc::channel(HANDSHAKES);
    let secret: Arc<[u8]> = STANDARD.encode(format!("{}:{}", config.username, config.password)).into_bytes().into();
    let accepting = tokio::spawn(accept(listener, secret, config.limits.clone(), arrivals));
    let switchboard = Switchboard { config, log, sessions: HashMap::new(), callers: callers_sender };
    let assigning = tokio::spawn(switchboard.run(arrived));
    Ok(Server { address, callers, tasks: vec![accepting.abort_handle(), assigning.abort_handle()] })
}

impl Server {
    /// The address that was bound; of use where port 0 was asked for.
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The next Asterisk (or call) that connected for the first time. Cancel-safe.
    pub async fn accept(&mut self) -> Option<Caller> {
        self.callers.recv().await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// A socket that passed the handshake and has said whose it is.
struct Arrival {
    peer: SocketAddr,
    asterisk_id: Option<String>,
    application: String,
    attachment: Attachment,
}

async fn accept(listener: TcpListener, secret: Arc<[u8]>, limits: Limits, arrivals: mpsc::Sender<Arrival>) {
    let turns = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let Ok(turn) = Arc::clone(&turns).acquire_owned().await else { return };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: trying again at once would only burn the processor.
                tracing::warn!(%error, "cannot accept a connection from Asterisk");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let secret = Arc::clone(&secret);
        let limits = limits.clone();
        let arrivals = arrivals.clone();
        tokio::spawn(async move {
            let within = limits.connect_timeout;
            match tokio::time::timeout(within, welcome(stream, peer, &secret, &limits)).await {
                Ok(Ok(arrival)) => {
                    let _ = arrivals.send(arrival).await;
                }
                Ok(Err(reason)) => tracing::warn!(%peer, reason, "refused a WebSocket"),
                Err(_) => tracing::warn!(%peer, "a WebSocket did not introduce itself in time"),
            }
            drop(turn);
        });
    }
}

/// The handshake, and the frames up to the first `ApplicationRegistered`, which says whose socket it is.
async fn welcome(stream: TcpStream, peer: SocketAddr, secret: &[u8], limits: &Limits) -> Result<Arrival, String> {
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
    let check = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        check_handshake(request.headers(), secret).map_err(|status| {
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = status;
            if status == StatusCode::UNAUTHORIZED {
                refusal.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"trunkline\""));
            }
            refusal
        })?;
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("ari"));
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async_with_config(stream, check, Some(socket_config(limits)))
        .await
        .map_err(|error| error.to_string())?;
    let mut first = Vec::new();
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message.map_err(|error| error.to_string())? else { continue };
        let parsed = parse(&text);
        first.push(text);
        if let Ok(Parsed::Known(event)) = parsed
            && let Event::ApplicationRegistered(registered) = *event
        {
            let attachment = Attachment { socket, first };
            let asterisk_id = registered.asterisk_id;
            return Ok(Arrival { peer, asterisk_id, application: registered.application, attachment });
        }
        if first.len() >= limits.frame_queue {
            return Err("no ApplicationRegistered among its first frames".to_owned());
        }
    }
    Err("closed before it registered an application".to_owned())
}

/// The name, the password and the subprotocol.
fn check_handshake(headers: &HeaderMap, secret: &[u8]) -> Result<(), StatusCode> {
    let given = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let (scheme, given) = given.split_at_checked(6).unwrap_or_default();
    // In constant time, as far as the length goes: the secret must not be found out byte by byte.
    let same = bool::from(given.trim_ascii().ct_eq(secret));
    if !scheme.eq_ignore_ascii_case(b"Basic ") || !same {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let speaks_ari = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|protocol| protocol.trim() == "ari");
    if speaks_ari { Ok(()) } else { Err(StatusCode::BAD_REQUEST) }
}

/// Brings each socket to its session.
struct Switchboard {
    config: ServerConfig,
    log: RawLog,
    sessions: HashMap<(Option<String>, String), mpsc::Sender<Command>>,
    callers: mpsc::Sender<Caller>,
}

impl Switchboard {
    async fn run(mut self, mut arrived: mpsc::Receiver<Arrival>) {
        while let Some(arrival) = arrived.recv().await {
            let Arrival { peer, asterisk_id, application, attachment } = arrival;
            let one_call = application.contains(':');
            let key = (asterisk_id.clone(), application.clone());
            self.sessions.retain(|_, session| !session.is_closed());
            let mut command = Command::Attach(Box::new(attachment));
            if let Some(session) = self.sessions.get(&key) {
                match session.send(command).await {
                    Ok(()) => continue,
                    // Its owner dropped it this very moment.
                    Err(mpsc::error::SendError(back)) => command = back,
                }
            }
            let (client, updates, session) = self.start(&application, one_call);
            if session.send(command).await.is_err() {
                continue;
            }
            if !one_call {
                self.sessions.insert(key, session);
            }
            if self.callers.send(Caller { asterisk_id, application, peer, client, updates }).await.is_err() {
                return;
            }
        }
    }

    fn start(&self, application: &str, one_socket: bool) -> (Client, Updates, mpsc::Sender<Command>) {
        let limits = self.config.limits.clone();
        let rest = Arc::new(SocketRest::new(limits.request_timeout));
        let client = Client::new(Backend::WebSocket(Arc::clone(&rest)));
        let session = SessionConfig {
            role: Role::Listening,
            apps: vec![application.to_owned()],
            subscribe_all: self.config.subscribe_all,
            limits,
            seed: 0,
        };
        let parts = Parts { client: client.clone(), rest: Some(rest), dialer: None, log: self.log.clone(), one_socket };
        let (updates, commands) = driver::start(session, parts);
        (client, updates, commands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(authorization: Option<&str>, protocol: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, value.parse().unwrap());
        }
        if let Some(value) = protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_the_right_password_and_subprotocol_pass() {
        let secret = STANDARD.encode("asterisk:word");
        let good = format!("Basic {secret}");
        let check = |authorization: Option<&str>, protocol: Option<&str>| {
            check_handshake(&headers(authorization, protocol), secret.as_bytes())
        };
        assert_eq!(check(Some(&good), Some("ari")), Ok(()));
        assert_eq!(check(Some(&good.replace("Basic", "basic")), Some("media, ari")), Ok(()));
        assert_eq!(check(Some(&good), None), Err(StatusCode::BAD_REQUEST));
        assert_eq!(check(Some(&good), Some("sip")), Err(StatusCode::BAD_REQUEST));
        for wrong in [None, Some(""), Some("Basic"), Some("Basic "), Some(&good[..good.len() - 1]), Some("Bearer x")] {
            assert_eq!(check(wrong, Some("ari")), Err(StatusCode::UNAUTHORIZED), "{wrong:?}");
        }
    }

    #[test]
    fn the_password_is_never_shown() {
        let config = ServerConfig::new(([127, 0, 0, 1], 0).into(), "asterisk", "s3cret-word");
        assert!(!format!("{config:?}").contains("s3cret-word"));
    }
}

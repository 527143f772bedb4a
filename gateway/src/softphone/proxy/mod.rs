//! `/ws/sip`: SIP over WebSocket (RFC 7118) between browsers and Asterisk, on the gateway's own port.
//!
//! Asterisk checks neither a page's origin nor who may connect; this does, and keeps what comes through small. A socket is one
//! softphone's: its address carries the softphone's name and a key that only the gateway can make. Signing in to SIP is still between
//! the browser and Asterisk.

mod relay;
mod sip;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use subtle::ConstantTimeEq as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tokio_util::sync::CancellationToken;
use url::Url;

pub(super) use self::relay::End;
use crate::auth::Keys;
use crate::http::{AppError, origin};
use crate::server;
use crate::state::AppState;
use crate::stream::Handshake;

/// The subprotocol of RFC 7118 §4.1.
const PROTOCOL: &str = "sip";
/// The largest message, in bytes. A browser's INVITE has 3 to 8 KiB.
const LARGEST: usize = 64 * 1024;
/// How long Asterisk may take to open its side.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// Sockets of one softphone at a time: the page's, and some that a reload or a lost network left behind. With one more the oldest goes.
const MOST_PER_NAME: usize = 3;

/// The browser's side, with TLS or without.
type Browser = WebSocketStream<server::Socket>;
/// Asterisk's side.
type Asterisk = WebSocketStream<TcpStream>;

fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(8 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * LARGEST)
        .max_message_size(Some(LARGEST))
        .max_frame_size(Some(LARGEST))
}

/// What makes the socket of a softphone its own: opening it takes this key, which no other name has.
pub(super) fn key(keys: &Keys, username: &str) -> String {
    URL_SAFE_NO_PAD.encode(&keys.hash_opaque(&format!("sip-socket/{username}"))[..16])
}

/// The open sockets, by softphone.
#[derive(Debug, Default, Clone)]
pub struct Sockets(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    next: u64,
    by_name: HashMap<String, Vec<(u64, CancellationToken)>>,
}

/// One open socket; forgotten when dropped.
#[derive(Debug)]
struct Seat {
    sockets: Sockets,
    name: String,
    number: u64,
    /// Cancelled when newer sockets of the same softphone need the place.
    replaced: CancellationToken,
}

impl Sockets {
    fn enter(&self, name: &str) -> Seat {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = open.next;
        open.next += 1;
        let replaced = CancellationToken::new();
        let own = open.by_name.entry(name.to_owned()).or_default();
        own.push((number, replaced.clone()));
        while own.len() > MOST_PER_NAME {
            own.remove(0).1.cancel();
        }
        Seat { sockets: self.clone(), name: name.to_owned(), number, replaced }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.sockets.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.by_name.get_mut(&self.name) {
            own.retain(|(number, _)| *number != self.number);
            if own.is_empty() {
                open.by_name.remove(&self.name);
            }
        }
    }
}

/// Opens a socket: everything that can be refused is refused before the upgrade, as an answer that can be read.
pub(super) async fn open(State(state): State<AppState>, request: Request) -> Result<Response, AppError> {
    let refused = |reason: &str| state.softphone_metrics.refused.with_label_values(&[reason]).inc();
    let (mut parts, _) = request.into_parts();
    if !origin::is_ours(&parts.headers, &state.config.public_url) {
        refused("origin");
        return Err(AppError::forbidden("this page may not open sockets here"));
    }
    let handshake = Handshake::check_naming(&mut parts, PROTOCOL).inspect_err(|_| refused("protocol"))?;
    let name = named(&state, parts.uri.query().unwrap_or_default()).inspect_err(|_| refused("name"))?;
    // Asterisk first: a browser learns from the handshake whether there is anybody to talk to.
    let asterisk = connect_to_one(&state, &name).await.map_err(|error| {
        refused("asterisk");
        AppError::unavailable("telephony", error)
    })?;
    let (response, upgrade) = handshake.accept();
    tokio::spawn(async move {
        let Some((socket, early)) = upgrade.socket().await else { return };
        // The server's patience with readers is the relay's own.
        let _ = socket2::SockRef::from(socket.tcp()).set_tcp_user_timeout(None);
        let browser = WebSocketStream::from_partially_read(socket, early.to_vec(), Role::Server, Some(limits())).await;
        let seat = state.sip_sockets.enter(&name);
        let open = OpenGauge::new(&state);
        let end = relay::run(&state, &name, browser, asterisk, &seat.replaced).await;
        drop((seat, open));
        state.softphone_metrics.ended.with_label_values(&[end.word()]).inc();
        tracing::debug!(username = name, end = end.word(), "a softphone's socket ended");
    });
    Ok(response)
}

/// The softphone whose socket it is to be: `?name=…&key=…`, as in the session's `ws_url`.
fn named(state: &AppState, query: &str) -> Result<String, AppError> {
    let value = |wanted: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    };
    let (name, given) = value("name").zip(value("key")).ok_or_else(wrong_name)?;
    let fits: bool = key(&state.keys, &name).as_bytes().ct_eq(given.as_bytes()).into();
    if fits && state.calls.softphones().has(&name) { Ok(name) } else { Err(wrong_name()) }
}

fn wrong_name() -> AppError {
    AppError::unauthorized("open the ws_url of POST /api/v1/softphone/session; this one is none, or it has ended")
}

/// Opens Asterisk's side at the first server that lets it.
async fn connect_to_one(state: &AppState, name: &str) -> anyhow::Result<Asterisk> {
    let mut failed = anyhow::anyhow!("there is no Asterisk server");
    for server in state.calls.servers_for(name) {
        match connect(&server.websocket).await {
            Ok(connected) => return Ok(connected),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// Opens Asterisk's side.
async fn connect(url: &Url) -> anyhow::Result<Asterisk> {
    let connecting = async {
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80));
        let socket = TcpStream::connect((host.trim_start_matches('[').trim_end_matches(']'), port)).await?;
        let _ = socket.set_nodelay(true);
        let mut request = url.as_str().into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(PROTOCOL));
        let (socket, _) = client_async_with_config(request, socket, Some(limits())).await?;
        anyhow::Ok(socket)
    };
    match tokio::time::timeout(CONNECT_LIMIT, connecting).await {
        Ok(connected) => connected,
        Err(_) => Err(anyhow::anyhow!("Asterisk did not open {url} within {CONNECT_LIMIT:?}")),
    }
}

struct OpenGauge(prometheus::IntGauge);

impl OpenGauge {
    fn new(state: &AppState) -> Self {
        let gauge = state.softphone_metrics.sockets.clone();
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for OpenGauge {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The address of a softphone's socket as the browser that asks can reach it.
pub(super) fn socket_url(keys: &Keys, headers: &HeaderMap, public: &Url, username: &str) -> String {
    let origin =
        headers.get(http::header::ORIGIN).and_then(|text| text.to_str().ok()).and_then(|text| Url::parse(text).ok());
    // The page itself says how it was reached, whatever a proxy did to the request; without a page (or with one from elsewhere) it is
    // the public address.
    let mut url = origin.filter(|page| origin::names_host(page, headers)).unwrap_or_else(|| public.clone());
    let secure = url.scheme() == "https";
    let _ = url.set_scheme(if secure { "wss" } else { "ws" });
    url.set_path("/ws/sip");
    url.set_fragment(None);
    url.query_pairs_mut().clear().append_pair("name", username).append_pair("key", &key(keys, username));
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_sockets_of_a_softphone_give_way() {
        let sockets = Sockets::default();
        let seats: Vec<Seat> = (0..=MOST_PER_NAME).map(|_| sockets.enter("demo-web-1")).collect();
        let other = sockets.enter("demo-web-2");
        let replaced: Vec<bool> = seats.iter().map(|seat| seat.replaced.is_cancelled()).collect();
        assert_eq!(replaced, [true, false, false, false]);
        assert!(!other.replaced.is_cancelled());
        drop((seats, other));
        assert!(sockets.0.lock().unwrap().by_name.is_empty());
    }

    #[test]
    fn the_socket_is_where_the_page_was_loaded_from() {
        let secret: crate::config::SecretKey =
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f".parse().unwrap();
        let keys = Keys::derive(&secret);
        let public = Url::parse("https://calls.test").unwrap();
        let url = |host: &str, origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("host", host.parse().unwrap());
            headers.insert("origin", origin.parse().unwrap());
            let url = socket_url(&keys, &headers, &public, "demo-web-1");
            url.split_once('?').unwrap().0.to_owned()
        };
        assert_eq!(url("127.0.0.1:8080", "http://127.0.0.1:8080"), "ws://127.0.0.1:8080/ws/sip");
        assert_eq!(url("phones.test", "https://phones.test"), "wss://phones.test/ws/sip");
        assert_eq!(url("10.0.0.7:8080", "https://calls.test"), "wss://calls.test/ws/sip");
        assert_eq!(url("10.0.0.7:8080", "null"), "wss://calls.test/ws/sip");
        let whole = socket_url(&keys, &HeaderMap::new(), &public, "demo-web-1");
        assert!(whole.starts_with("wss://calls.test/ws/sip?name=demo-web-1&key="), "{whole}");
    }
}

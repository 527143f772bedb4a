//! The opening handshake (RFC 6455 §4.2), and the bare socket behind it.

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use sha1::{Digest as _, Sha1};

use crate::http::AppError;
use crate::server::Socket;

/// RFC 6455 §1.3.
const ACCEPT_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A handshake that was found right.
#[derive(Debug)]
pub(crate) struct Handshake {
    accept: HeaderValue,
    protocol: &'static str,
    /// Whether the client named subprotocols: then ours was among them and is named back.
    names_protocol: bool,
    upgrade: OnUpgrade,
}

/// The connection that is about to change its protocol.
#[derive(Debug)]
pub(crate) struct Upgrade(OnUpgrade);

impl Handshake {
    /// Checks the request's headers. A client need not name a subprotocol, but ours is among those that it names.
    pub(crate) fn check(parts: &mut Parts, protocol: &'static str) -> Result<Self, AppError> {
        let headers = &parts.headers;
        if parts.method != Method::GET
            || !has_token(headers, &UPGRADE, "websocket")
            || !has_token(headers, &CONNECTION, "upgrade")
        {
            return Err(AppError::upgrade_required(protocol));
        }
        if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(
                AppError::upgrade_required(protocol).with_header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
            );
        }
        let key = headers.get(SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok()).unwrap_or_default();
        if STANDARD.decode(key).map_or(true, |key| key.len() != 16) {
            return Err(AppError::bad_request("Sec-WebSocket-Key must be 16 bytes in base64"));
        }
        let names_protocol = headers.contains_key(SEC_WEBSOCKET_PROTOCOL);
        if names_protocol && !has_token(headers, &SEC_WEBSOCKET_PROTOCOL, protocol) {
            return Err(AppError::bad_request(format!("the subprotocol spoken here is {protocol}")));
        }
        let accept = accept_value(key);
        let upgrade = parts
            .extensions
            .remove::<OnUpgrade>()
            .ok_or_else(|| AppError::internal(anyhow::anyhow!("the connection cannot be upgraded")))?;
        Ok(Self { accept, protocol, names_protocol, upgrade })
    }

    /// Checks the request's headers; the client has to name the subprotocol.
    pub(crate) fn check_naming(parts: &mut Parts, protocol: &'static str) -> Result<Self, AppError> {
        let handshake = Self::check(parts, protocol)?;
        if handshake.names_protocol {
            return Ok(handshake);
        }
        Err(AppError::bad_request(format!("name the subprotocol {protocol} in Sec-WebSocket-Protocol")))
    }

    /// The 101, and what to wait on for the socket.
    pub(crate) fn accept(self) -> (Response, Upgrade) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept);
        if self.names_protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(self.protocol));
        }
        (response, Upgrade(self.upgrade))
    }
}

impl Upgrade {
    /// The bare socket and what the client sent right behind its handshake; `None` when it went away.
    pub(crate) async fn socket(self) -> Option<(Socket, Bytes)> {
        let upgraded = self.0.await.ok()?;
        let Ok(parts) = upgraded.downcast::<TokioIo<Socket>>() else {
            tracing::error!("the server's connections are not its sockets");
            return None;
        };
        Some((parts.io.into_inner(), parts.read_buf))
    }
}

/// Whether a comma-separated header holds a token, in any case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().eq_ignore_ascii_case(token))
}

/// RFC 6455 §4.2.2, item 5.4.
fn accept_value(key: &str) -> HeaderValue {
    let digest = Sha1::new().chain_update(key).chain_update(ACCEPT_GUID).finalize();
    HeaderValue::from_str(&STANDARD.encode(digest)).expect("base64 is a valid header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_value_is_that_of_the_rfc() {
        assert_eq!(accept_value("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn tokens_are_found_in_lists_in_any_case() {
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION, "keep-alive, Upgrade".parse().unwrap());
        assert!(has_token(&headers, &CONNECTION, "upgrade"));
        assert!(!has_token(&headers, &CONNECTION, "close"));
    }
}

//! Who a request comes from: `Authorization: Bearer <access token>`, and nothing else decides the tenant.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use chrono::Utc;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::AppError;
use crate::auth::{self, Principal};
use crate::state::AppState;

/// The token of an `Authorization: Bearer` header (RFC 6750 §2.1), if there is one.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Checks a token against the keys and the sign-ins that were ended on this node.
pub fn authenticate(state: &AppState, token: &str) -> Result<Principal, AppError> {
    let principal = auth::token::verify(&state.keys, token, Utc::now())
        .map_err(|error| AppError::unauthorized(error.to_string()))?;
    if state.sessions.is_ended(principal.session) {
        return Err(AppError::unauthorized("the access token was revoked"));
    }
    Ok(principal)
}

impl<S> FromRequestParts<S> for Principal
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let state = AppState::from_ref(state);
        let token = bearer(&parts.headers)
            .ok_or_else(|| AppError::unauthorized("send `Authorization: Bearer <access token>`"))?;
        authenticate(&state, token)
    }
}

/// The client's address: the peer's, or what a trusted proxy says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl<S> FromRequestParts<S> for ClientAddress
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let state = AppState::from_ref(state);
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .ok_or_else(|| AppError::internal(anyhow::anyhow!("the server was started without connection info")))?;
        Ok(Self(client_address(peer.0.ip(), &parts.headers, &state.config.trusted_proxies)))
    }
}

/// Walks `X-Forwarded-For` from the right: each trusted proxy vouches for the address before it, and whatever stands left of the
/// first stranger may be the stranger's invention.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let mut address = peer.to_canonical();
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for hop in forwarded.iter().rev() {
        if !trusted.contains(&address) {
            break;
        }
        let Ok(previous) = hop.trim().parse::<IpAddr>() else { break };
        address = previous.to_canonical();
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", text.parse().unwrap());
        headers
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let (proxy, client, liar): (IpAddr, IpAddr, IpAddr) =
            ("10.0.0.2".parse().unwrap(), "192.0.2.7".parse().unwrap(), "198.51.100.1".parse().unwrap());
        assert_eq!(client_address(liar, &forwarded("192.0.2.7"), &[proxy]), liar);
        assert_eq!(client_address(proxy, &forwarded("192.0.2.7"), &[proxy]), client);
        assert_eq!(
            client_address(proxy, &forwarded("203.0.113.9, 192.0.2.7"), &[proxy]),
            client,
            "the client invents the first one"
        );
        assert_eq!(client_address(proxy, &forwarded("192.0.2.7, 10.0.0.2"), &[proxy]), client);
        assert_eq!(client_address(proxy, &forwarded("nonsense"), &[proxy]), proxy);
    }

    #[test]
    fn the_scheme_of_a_token_is_case_insensitive() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "bearer abc".parse().unwrap());
        assert_eq!(bearer(&headers), Some("abc"));
        headers.insert(AUTHORIZATION, "Basic abc".parse().unwrap());
        assert_eq!(bearer(&headers), None);
    }
}

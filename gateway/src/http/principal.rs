//! Who a request comes from: `Authorization: Bearer <access token or API key>`, and nothing else decides the tenant.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use chrono::Utc;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Extensions, HeaderMap};

use super::AppError;
use crate::api_keys;
use crate::auth::{self, Identity, Principal, Via};
use crate::state::AppState;

/// The token of an `Authorization: Bearer` header (RFC 6750 §2.1), if there is one.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Who presents a token or an API key from `address`, and what they may do now.
pub fn authenticate(state: &AppState, token: &str, address: IpAddr) -> Result<Principal, AppError> {
    if api_keys::looks_like_one(token) {
        return api_keys::authenticate(state, token, address);
    }
    let identity =
        auth::token::verify(&state.keys, token, Utc::now()).map_err(|error| AppError::unauthorized(error.words()))?;
    principal_of(state, &identity)
}

/// What somebody whom a token, ticket or link of ours names may do now.
pub fn principal_of(state: &AppState, identity: &Identity) -> Result<Principal, AppError> {
    if state.sessions.is_ended(identity.session) {
        return Err(AppError::unauthorized("the access token was revoked"));
    }
    state.roster.principal(identity).ok_or_else(|| match identity.via {
        Via::SignIn => AppError::unauthorized("the user is no member of the tenant any more"),
        Via::ApiKey(_) => AppError::unauthorized("the API key is not valid any more"),
    })
}

/// The guard has asked already; what lies beyond it (`/metrics`) is asked here.
impl<S> FromRequestParts<S> for Principal
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        if let Some(principal) = parts.extensions.get::<Self>() {
            return Ok(*principal);
        }
        let state = AppState::from_ref(state);
        let token = bearer(&parts.headers)
            .ok_or_else(|| AppError::unauthorized("send `Authorization: Bearer <access token or API key>`"))?;
        let ClientAddress(address) = ClientAddress::of(&state, &parts.extensions, &parts.headers)?;
        authenticate(&state, token, address)
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
        Self::of(&AppState::from_ref(state), &parts.extensions, &parts.headers)
    }
}

impl ClientAddress {
    /// That of a request with these extensions and headers.
    pub fn of(state: &AppState, extensions: &Extensions, headers: &HeaderMap) -> Result<Self, AppError> {
        let peer = extensions
            .get::<ConnectInfo<SocketAddr>>()
            .ok_or_else(|| AppError::internal(anyhow::anyhow!("the server was started without connection info")))?;
        Ok(Self(client_address(peer.0.ip(), headers, &state.config.trusted_proxies)))
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

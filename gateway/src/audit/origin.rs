//! Where a request comes from.

use std::net::IpAddr;

use axum::extract::{FromRef, FromRequestParts};
use http::header::USER_AGENT;
use http::request::Parts;
use uuid::Uuid;

use super::model::short;
use crate::http::{AppError, ClientAddress, RequestId};
use crate::state::AppState;

/// Where an act comes from; nothing of it for what the gateway does by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address, as far as trusted proxies tell it.
    pub address: Option<IpAddr>,
    /// What the client calls itself, shortened.
    pub user_agent: Option<String>,
    /// The request's id: that of `X-Request-Id` and of the log.
    pub request_id: Option<Uuid>,
}

impl<S> FromRequestParts<S> for Origin
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let ClientAddress(address) = ClientAddress::from_request_parts(parts, state).await?;
        let user_agent = parts.headers.get(USER_AGENT).map(|value| short(&String::from_utf8_lossy(value.as_bytes())));
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0);
        Ok(Self { address: Some(address), user_agent, request_id })
    }
}

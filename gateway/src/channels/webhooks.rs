//! Where providers post to: `/webhooks/{type}/{account_id}`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use chrono::Utc;
use futures_util::StreamExt as _;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, StatusCode, Uri};
use trunkline_channels::Webhook;
use trunkline_channels::adapter::Refused;
use trunkline_channels::whatsapp::signature;
use trunkline_db::InboundWebhookId;

use super::health::{self, Change};
use super::ingest::{Arriving, NotStored};
use super::model::Kind;
use super::registry::Connected;
use super::settings::Provider;
use crate::http::{AppError, ClientAddress};
use crate::limits::Class;
use crate::state::AppState;

/// Largest body that is kept, in bytes: Meta's are 3 MB at most, Telegram's and Twilio's far smaller.
const MAX_BODY: usize = 3 * 1024 * 1024;
/// So much of a larger one is read away, so that its sender can read why it was refused.
const MAX_DRAINED: usize = 16 * 1024 * 1024;
/// Longest address that is kept, in bytes.
const MAX_URL: usize = 4_096;
/// Longest header value that is kept, in bytes.
const MAX_HEADER: usize = 1_024;
/// Headers that are kept with a body. None of them is a secret: Telegram's is not among them.
const KEPT: &[&str] = &["content-type", "x-hub-signature-256", "x-twilio-signature", "i-twilio-idempotency-token"];

/// Routes of providers' webhooks: not beneath `/api/v1`, since nobody signs in here.
pub(crate) fn webhook_router() -> Router<AppState> {
    Router::new().route("/webhooks/{type}/{account_id}", get(greet).post(receive))
}

/// An answer that its provider understands.
fn answer(kind: Kind) -> Response {
    match kind {
        // Twilio reads instructions out of the answer: there are none.
        Kind::Twilio => {
            let kind = HeaderValue::from_static("text/xml; charset=utf-8");
            ([(CONTENT_TYPE, kind)], "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>").into_response()
        }
        Kind::Whatsapp | Kind::Telegram => StatusCode::OK.into_response(),
    }
}

async fn find(state: &AppState, address: ClientAddress, kind: &str, account: &str) -> Result<Arc<Connected>, AppError> {
    let found = account.parse().ok().and_then(|id| state.channels.get(id));
    if let Some(found) = found.filter(|found| Kind::parse(kind) == Some(found.kind)) {
        return Ok(found);
    }
    // Whoever tries out ids is slowed down.
    state.limits.address(Class::Webhook, address.0).await?;
    if state.channels.is_fresh() {
        Err(AppError::not_found("channel account"))
    } else {
        Err(AppError::unavailable("database", anyhow::anyhow!("the channel accounts are not known at the moment")))
    }
}

/// WhatsApp's handshake when its webhook is set up; a webhook, where Twilio was told to `GET`.
async fn greet(
    State(state): State<AppState>,
    Path((kind, account)): Path<(String, String)>,
    address: ClientAddress,
    request: Request,
) -> Result<Response, AppError> {
    let account = find(&state, address, &kind, &account).await?;
    let Provider::Whatsapp(whatsapp) = &account.provider else {
        return match account.kind {
            Kind::Twilio if *request.method() == Method::GET => take(&state, address, &account, request).await,
            _ => Err(AppError::method_not_allowed()),
        };
    };
    let query = request.uri().query().unwrap_or_default();
    match signature::handshake(query, &whatsapp.account.verify_token) {
        Ok(challenge) => {
            // The provider is not kept waiting for it, and asks again when it likes.
            let change = Change::Verified;
            if let Err(error) = health::change(&state, account.tenant, account.id, change).await {
                tracing::warn!(account = %account.id, %error, "cannot write that a webhook was verified");
            }
            let kind = HeaderValue::from_static("text/plain; charset=utf-8");
            Ok(([(CONTENT_TYPE, kind)], challenge).into_response())
        }
        Err(refused) => {
            state.limits.address(Class::Webhook, address.0).await?;
            let words = match refused {
                Refused::Missing => "the handshake needs hub.mode, hub.verify_token and hub.challenge",
                Refused::Wrong => "the verify token is not the one of this account",
            };
            Err(AppError::forbidden(words.to_owned()))
        }
    }
}

async fn receive(
    State(state): State<AppState>,
    Path((kind, account)): Path<(String, String)>,
    address: ClientAddress,
    request: Request,
) -> Result<Response, AppError> {
    let account = find(&state, address, &kind, &account).await?;
    take(&state, address, &account, request).await
}

async fn take(
    state: &AppState,
    address: ClientAddress,
    account: &Connected,
    request: Request,
) -> Result<Response, AppError> {
    let metrics = state.channels.metrics();
    let (parts, body) = request.into_parts();
    let Some(body) = read(&parts.headers, body).await? else {
        metrics.received(account.kind, "too_large");
        return Err(AppError::too_large(MAX_BODY));
    };
    let arrived = Instant::now();
    let url = public_url(state, &parts.uri);
    if url.len() > MAX_URL {
        metrics.received(account.kind, "too_large");
        return Err(AppError::bad_request(format!("the address is longer than {MAX_URL} bytes")));
    }
    if let Err(refused) = account.adapter.verify(Webhook { url: &url, headers: &parts.headers, body: &body }) {
        metrics.received(account.kind, "unsigned");
        // Those that are signed have a limit of their own: a stranger cannot use it up.
        state.limits.address(Class::Webhook, address.0).await?;
        return Err(AppError::unsigned(refused.to_string()));
    }
    state.limits.account(account.id.uuid()).await?;
    let stored = state.channels.ingest().store(Arriving {
        tenant: account.tenant,
        id: InboundWebhookId::new(),
        account: account.id,
        at: Utc::now(),
        url,
        headers: kept(&parts.headers),
        body,
    });
    match stored.await {
        Ok(()) => {
            metrics.stored(account.kind, arrived.elapsed());
            Ok(answer(account.kind))
        }
        Err(error) => {
            let result = match error {
                NotStored::Busy | NotStored::Stopping => "busy",
                NotStored::Away(_) => "away",
                NotStored::Refused(_) => "refused",
            };
            metrics.received(account.kind, result);
            // Each of them asks the provider to come again: what it told must not be lost.
            Err(AppError::unavailable("database", error))
        }
    }
}

/// The body, or `None` when it is too large.
async fn read(headers: &HeaderMap, body: Body) -> Result<Option<Vec<u8>>, AppError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let mut is_too_large = announced.is_some_and(|length| length > MAX_BODY);
    let (mut whole, mut size) = (Vec::with_capacity(announced.unwrap_or(0).min(MAX_BODY)), 0);
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| AppError::bad_request("the body ended before its end"))?;
        size += piece.len();
        is_too_large |= size > MAX_BODY;
        if size > MAX_DRAINED {
            break;
        }
        if is_too_large {
            whole = Vec::new();
        } else {
            whole.extend_from_slice(&piece);
        }
    }
    Ok((!is_too_large).then_some(whole))
}

/// The address as the provider knows it: a signature may be over it.
fn public_url(state: &AppState, uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    format!("{}{path}", state.config.public_url.as_str().trim_end_matches('/'))
}

/// The headers that are kept, as a JSON object.
fn kept(headers: &HeaderMap) -> String {
    let text = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        (value.len() <= MAX_HEADER).then(|| value.to_owned())
    };
    let names = KEPT.iter().copied().chain([USER_AGENT.as_str()]);
    let kept: BTreeMap<&str, String> = names.filter_map(|name| Some((name, text(name)?))).collect();
    serde_json::to_string(&kept).expect("texts are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_taken_whole_or_not_at_all() {
        let read = async |size: usize, announced: bool| {
            let mut headers = HeaderMap::new();
            if announced {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
            }
            read(&headers, Body::from(vec![7; size])).await.unwrap().map(|body| body.len())
        };
        for announced in [true, false] {
            assert_eq!(read(0, announced).await, Some(0));
            assert_eq!(read(MAX_BODY, announced).await, Some(MAX_BODY));
            assert_eq!(read(MAX_BODY + 1, announced).await, None);
            assert_eq!(read(MAX_DRAINED + 1, announced).await, None);
        }
    }

    #[test]
    fn no_secret_is_kept_with_a_body() {
        let mut headers = HeaderMap::new();
        for name in ["x-telegram-bot-api-secret-token", "authorization", "cookie", "content-type"] {
            headers.insert(name, HeaderValue::from_static("x"));
        }
        assert_eq!(kept(&headers), r#"{"content-type":"x"}"#);
    }
}

//! `/api/v1/push`: browsers that ask to be told.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use http::StatusCode;
use p256::PublicKey;
use serde::{Deserialize, Serialize};
use serde_json::json;
use trunkline_jobs::NewJob;
use url::Url;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::send::{Payload, SEND};
use super::store::{self, Browser};
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, Page, Path, Problem};
use crate::state::AppState;

/// Browsers of one person; the oldest makes room.
const MOST: i64 = 20;
/// Characters of a device's name.
const MAX_DEVICE: usize = 120;
/// Bytes of an endpoint.
const MAX_ENDPOINT: usize = 2_048;

/// The key with which a browser asks its push service for a subscription.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct PushKey {
    /// `applicationServerKey`: the uncompressed P-256 point, base64url.
    public_key: String,
}

/// A browser that is told.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct PushSubscription {
    /// The subscription.
    id: Uuid,
    /// The host of the browser's push service.
    service: String,
    /// What the browser calls itself.
    device: Option<String>,
    /// Since when it is told.
    created_at: DateTime<Utc>,
    /// When it was last told of something.
    last_sent_at: Option<DateTime<Utc>>,
    /// Why it could not be told.
    problem: Option<String>,
}

impl PushSubscription {
    pub(super) fn new(
        id: Uuid,
        endpoint: &str,
        device: Option<String>,
        created_at: DateTime<Utc>,
        last_sent_at: Option<DateTime<Utc>>,
        problem: Option<String>,
    ) -> Self {
        let host = Url::parse(endpoint).ok().and_then(|url| url.host_str().map(ToOwned::to_owned));
        Self { id, service: host.unwrap_or_default(), device, created_at, last_sent_at, problem }
    }
}

/// The browser's half of the encryption, base64url (RFC 8291).
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PushKeys {
    /// Its public key: an uncompressed P-256 point.
    p256dh: String,
    /// Its secret: 16 bytes.
    auth: String,
}

/// Body of `POST /push/subscriptions`: what `PushSubscription.toJSON()` of a browser gives, and a name.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct SubscribePush {
    /// Where the push service takes notifications for it.
    #[schema(max_length = 2048)]
    endpoint: String,
    /// Its keys.
    keys: PushKeys,
    /// What the browser calls itself.
    #[schema(max_length = 120)]
    device: Option<String>,
}

/// Nothing has to be said.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct TestPush {}

/// How many browsers are told.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct TestedPush {
    /// Browsers to which a notification was sent on its way.
    browsers: usize,
}

/// Routes of web push.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_push_key))
        .routes(routes!(list_push_subscriptions, subscribe_push))
        .routes(routes!(unsubscribe_push))
        .routes(routes!(test_push))
}

/// The key for notifications
///
/// A browser needs it to subscribe at its push service (RFC 8292). It is the installation's, and stays.
#[utoipa::path(
    get, path = "/push/key", tag = "conversations", operation_id = "getPushKey",
    responses((status = 200, description = "The key", body = PushKey)),
    extensions(("x-permission" = json!("person")))
)]
async fn get_push_key(State(state): State<AppState>, _by: Principal) -> axum::Json<PushKey> {
    axum::Json(PushKey { public_key: state.push.vapid.public().to_owned() })
}

/// One's browsers that are told
#[utoipa::path(
    get, path = "/push/subscriptions", tag = "conversations", operation_id = "listPushSubscriptions",
    responses((status = 200, description = "The newest first", body = Page<PushSubscription>)),
    extensions(("x-permission" = json!("person")))
)]
async fn list_push_subscriptions(
    State(state): State<AppState>,
    by: Principal,
) -> Result<axum::Json<Page<PushSubscription>>, AppError> {
    let mut tx = state.db.tenant_snapshot(by.tenant).await?;
    let items = store::list(&mut tx, by.user).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page { items, next_cursor: None, as_of_seq }))
}

/// Have a browser told
///
/// For as long as this sign-in lasts. The same browser again renews what is known of it; somebody else's is theirs no more.
#[utoipa::path(
    post, path = "/push/subscriptions", tag = "conversations", operation_id = "subscribePush", request_body = SubscribePush,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "It is told from now on", body = PushSubscription),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")))
)]
async fn subscribe_push(
    State(state): State<AppState>,
    IdempotentJson(idempotency, wanted): IdempotentJson<SubscribePush>,
) -> Result<Response, AppError> {
    let by = idempotency.principal();
    let browser = wanted.checked(&by, state.config.private_push_services)?;
    let endpoint = browser.endpoint.clone();
    let answer = idempotency
        .transaction(&state, move |tx| {
            Box::pin(async move {
                let head = tx.journal_head().await?.seq;
                store::begin(tx, head).await?;
                let body = store::put(tx, Uuid::now_v7(), &browser).await?;
                store::trim(tx, by.user, MOST).await?;
                Ok(Effect { status: StatusCode::CREATED, body, value: () })
            })
        })
        .await?;
    let mut tx = state.db.system().await?;
    store::leave_others(&mut tx, &endpoint, by.tenant).await?;
    tx.commit().await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Tell a browser no more
#[utoipa::path(
    delete, path = "/push/subscriptions/{id}", tag = "conversations", operation_id = "unsubscribePush",
    params(("id" = Uuid, Path, description = "The subscription")),
    responses(
        (status = 204, description = "It is not told any more"),
        (status = 404, description = "No such browser of yours", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")))
)]
async fn unsubscribe_push(
    State(state): State<AppState>,
    by: Principal,
    Path(id): Path<Uuid>,
) -> Result<Response, AppError> {
    let mut tx = state.db.tenant(by.tenant).await?;
    let was = store::delete(&mut tx, by.user, id).await?;
    tx.commit().await?;
    if was { Ok(StatusCode::NO_CONTENT.into_response()) } else { Err(AppError::not_found("browser")) }
}

/// Try a notification
///
/// Sends one to each of one's own browsers, whatever the hour and one's wishes.
#[utoipa::path(
    post, path = "/push/test", tag = "conversations", operation_id = "testPush", request_body = TestPush,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 202, description = "They are on their way", body = TestedPush),
        (status = 409, description = "No browser of yours is told, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")))
)]
async fn test_push(
    State(state): State<AppState>,
    IdempotentJson(idempotency, TestPush {}): IdempotentJson<TestPush>,
) -> Result<Response, AppError> {
    let by = idempotency.principal();
    let answer = idempotency
        .transaction(&state, move |tx| {
            Box::pin(async move {
                let browsers = store::list(tx, by.user).await?;
                if browsers.is_empty() {
                    return Err(AppError::conflict("no-browser", "no browser of yours is told of anything yet"));
                }
                for browser in &browsers {
                    let payload = Payload { subscription_id: browser.id, news: None };
                    trunkline_jobs::enqueue(tx, NewJob::new(SEND, json!(payload)).max_attempts(2)).await?;
                }
                let body = TestedPush { browsers: browsers.len() };
                Ok(Effect { status: StatusCode::ACCEPTED, body, value: () })
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

impl SubscribePush {
    fn checked(self, by: &Principal, private: bool) -> Result<Browser, AppError> {
        let url = Url::parse(&self.endpoint).ok().filter(|url| url.has_host() && self.endpoint.len() <= MAX_ENDPOINT);
        let fits = url.is_some_and(|url| url.scheme() == "https" || (private && url.scheme() == "http"));
        if !fits {
            let words = format!("must be an address that begins with https://, of at most {MAX_ENDPOINT} bytes");
            return Err(AppError::invalid_field("endpoint", words));
        }
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let p256dh = bytes(&self.keys.p256dh)
            .filter(|key| key.len() == 65 && PublicKey::from_sec1_bytes(key).is_ok())
            .ok_or_else(|| AppError::invalid_field("keys.p256dh", "must be an uncompressed P-256 point, base64url"))?;
        let auth = bytes(&self.keys.auth)
            .filter(|auth| auth.len() == 16)
            .ok_or_else(|| AppError::invalid_field("keys.auth", "must be 16 bytes, base64url"))?;
        let device =
            self.device.map(|device| device.replace('\0', "").trim().to_owned()).filter(|text| !text.is_empty());
        if device.as_ref().is_some_and(|device| device.chars().count() > MAX_DEVICE) {
            return Err(AppError::invalid_field("device", format!("must have at most {MAX_DEVICE} characters")));
        }
        Ok(Browser { user: by.user, session: by.session, endpoint: self.endpoint, p256dh, auth, device })
    }
}

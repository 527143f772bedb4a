//! `/api/v1/inbound-webhooks`: what providers told, as it came.

use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trunkline_db::{ChannelAccountId, InboundWebhookId};
use trunkline_journal::{Fault, Ref};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::apply;
use super::apply_store::{self as store, Piece, Stored};
use super::registry;
use crate::audit::{self, Origin};
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, Idempotency};
use crate::http::{AppError, Page, PageQuery, Path, Problem, Query};
use crate::roles::Asking;
use crate::state::AppState;

/// What may become of a webhook.
const STATES: [&str; 5] = ["received", "applied", "ignored", "unsupported", "failed"];

/// A provider's request, as it was stored.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct InboundWebhook {
    /// The webhook.
    #[schema(value_type = Uuid)]
    id: InboundWebhookId,
    /// By which account.
    #[schema(value_type = Uuid)]
    account_id: ChannelAccountId,
    /// `whatsapp`, `telegram`, `twilio`.
    #[serde(rename = "type")]
    kind: String,
    /// When it came.
    received_at: DateTime<Utc>,
    /// `received`, `applied`, `ignored` (known, nothing to show), `unsupported` (kept raw and shown as such), `failed`.
    state: String,
    /// Attempts to apply it.
    tries: i32,
    /// When it was applied.
    applied_at: Option<DateTime<Utc>>,
    /// Why it failed.
    error: Option<String>,
    /// Bytes of its body; 0 once it is not kept any more.
    bytes: i32,
}

impl From<Stored> for InboundWebhook {
    fn from(stored: Stored) -> Self {
        Self {
            id: stored.id,
            account_id: stored.account,
            kind: stored.kind,
            received_at: stored.received_at,
            state: stored.state,
            tries: stored.tries,
            applied_at: stored.applied_at,
            error: stored.error,
            bytes: stored.bytes,
        }
    }
}

/// A provider's request with all that was kept of it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct InboundWebhookDetail {
    /// The webhook.
    #[serde(flatten)]
    webhook: InboundWebhook,
    /// Where it was posted to.
    url: String,
    /// The headers that reading it may need.
    #[schema(value_type = Object)]
    headers: Value,
    /// The body, where it is text.
    body: Option<String>,
    /// The body in base64, where it is none.
    body_base64: Option<String>,
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct InboundQuery {
    /// Of this account alone.
    #[param(value_type = Option<Uuid>)]
    account_id: Option<ChannelAccountId>,
    /// In this state alone: `received`, `applied`, `ignored`, `unsupported` or `failed`.
    state: Option<String>,
    /// Rows on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Routes of stored webhooks.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_inbound_webhooks))
        .routes(routes!(get_inbound_webhook))
        .routes(routes!(replay_inbound_webhook))
}

/// List what providers told
///
/// The newest first.
#[utoipa::path(
    get, path = "/inbound-webhooks", tag = "channels", operation_id = "listInboundWebhooks", params(InboundQuery),
    responses((status = 200, description = "Webhooks", body = Page<InboundWebhook>)),
    extensions(("x-permission" = json!("channels:manage")))
)]
async fn list_inbound_webhooks(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<InboundQuery>,
) -> Result<axum::Json<Page<InboundWebhook>>, AppError> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let (limit, before) = (page.limit()?, page.position::<InboundWebhookId>()?);
    if let Some(state) = &query.state
        && !STATES.contains(&state.as_str())
    {
        return Err(AppError::bad_parameter("state", format!("must be one of {}", STATES.join(", "))));
    }
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let rows = store::list(&mut tx, query.account_id, query.state.as_deref(), before, i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    let rows: Vec<InboundWebhook> = rows.into_iter().map(InboundWebhook::from).collect();
    Ok(axum::Json(Page::new(rows, limit, as_of_seq, |row: &InboundWebhook| row.id)))
}

async fn find(state: &AppState, principal: &Principal, id: InboundWebhookId) -> Result<(Piece, Stored), AppError> {
    let mut tx = state.db.tenant(principal.tenant).await?;
    let found = store::find(&mut tx, id).await?;
    tx.commit().await?;
    found.ok_or_else(|| AppError::not_found("webhook"))
}

/// Get what a provider told
///
/// With its raw body.
#[utoipa::path(
    get, path = "/inbound-webhooks/{id}", tag = "channels", operation_id = "getInboundWebhook",
    params(("id" = Uuid, Path, description = "The webhook")),
    responses(
        (status = 200, description = "The webhook", body = InboundWebhookDetail),
        (status = 404, description = "No such webhook", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("channels:manage")))
)]
async fn get_inbound_webhook(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<InboundWebhookId>,
) -> Result<axum::Json<InboundWebhookDetail>, AppError> {
    let (piece, stored) = find(&state, &principal, id).await?;
    let (body, body_base64) = match String::from_utf8(piece.body) {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
    };
    let (url, headers) = (piece.url, piece.headers);
    Ok(axum::Json(InboundWebhookDetail { webhook: stored.into(), url, headers, body, body_base64 }))
}

/// Apply a webhook again
///
/// As if it had come now, in its old place. What it told before and what came of it then changes nothing; one that was not understood is read anew.
#[utoipa::path(
    post, path = "/inbound-webhooks/{id}/replay", tag = "channels", operation_id = "replayInboundWebhook",
    params(
        ("id" = Uuid, Path, description = "The webhook"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "It waits to be applied", body = InboundWebhook),
        (status = 404, description = "No such webhook", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Its body is not kept any more, it waits already, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("channels:manage")))
)]
async fn replay_inbound_webhook(
    State(state): State<AppState>,
    origin: Origin,
    Path(id): Path<InboundWebhookId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let (piece, stored) = find(&state, &asking.by, id).await?;
    if piece.body.is_empty() && stored.kind != "twilio" {
        return Err(AppError::conflict("not-kept", "its body is not kept any more"));
    }
    // What was read wrong is forgotten, so that it is read anew; what was applied is known by what is there.
    let forgotten: Vec<Vec<u8>> = if matches!(stored.state.as_str(), "unsupported" | "ignored") {
        let account = registry::load(&state, asking.by.tenant, stored.account).await?;
        let told = account.and_then(|account| apply::read(&account, &piece).ok()).unwrap_or_default();
        told.iter().map(|told| apply::digest(stored.account, &told.key).to_vec()).collect()
    } else {
        Vec::new()
    };
    let answer = idempotency
        .command(&state, move |tx| {
            let (asking, forgotten) = (asking.clone(), forgotten.clone());
            Box::pin(async move {
                let Some((_, before)) = store::find(tx, id).await? else {
                    return Err(Fault::from(AppError::not_found("webhook")));
                };
                if !store::replay(tx, id).await? {
                    return Err(Fault::from(AppError::conflict("waiting", "it waits to be applied already")));
                }
                store::forget(tx, before.account, &forgotten).await?;
                trunkline_jobs::enqueue(tx, apply::job(before.account)).await?;
                let subject = Ref::new("inbound_webhook", id.uuid());
                let (old, new) = (json!({ "state": before.state }), json!({ "state": "received" }));
                audit::append(tx, asking.entry("inbound_webhook.replayed", subject, Some(old), Some(new))).await?;
                let (_, after) = store::find(tx, id).await?.ok_or_else(|| AppError::not_found("webhook"))?;
                let body = InboundWebhook::from(after);
                Ok((Effect { status: StatusCode::ACCEPTED, body, value: () }, Vec::new()))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

//! `/api/v1/softphone`, and the socket beside the API.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde::Serialize;
use trunkline_db::AgentId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::book::Asking;
use super::ice::IceServer;
use super::{proxy, registry};
use crate::auth::Principal;
use crate::http::{AppError, Permission, Problem};
use crate::state::AppState;

/// Routes of the API.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(open_softphone_session))
}

/// The WebSocket that carries SIP; no part of the API, its address is in the session.
pub fn socket_router() -> Router<AppState> {
    Router::new().route("/ws/sip", get(proxy::open))
}

/// What a browser needs to be a phone.
#[derive(Clone, Serialize, utoipa::ToSchema)]
struct SoftphoneSession {
    /// Who the browser is in SIP: its address of record.
    #[schema(example = "sip:demo-web-7f3k2p9q@127.0.0.1")]
    sip_uri: String,
    /// SIP user name; the same for as long as the sign-in lasts and is renewed in time.
    username: String,
    /// SIP password, another with each renewal. Only a digest of it is kept.
    password: String,
    /// WebSocket with the subprotocol `sip` (RFC 7118). Opens for this softphone alone.
    #[schema(example = "wss://calls.example.org/ws/sip?name=demo-web-7f3k2p9q&key=Yx3v")]
    ws_url: String,
    /// STUN and TURN servers, as `RTCPeerConnection` takes them.
    ice_servers: Vec<IceServer>,
    /// When the credentials end; renew them some time before, at best after half of it.
    expires_at: DateTime<Utc>,
}

/// Open or renew my softphone
///
/// Makes the browser one of the agent's phones: it rings together with the others for as long as it is registered. Once more
/// from the same sign-in it renews: the same user name with a new password, while registration and calls go on. A softphone that
/// is not renewed within the hour is removed, after a call that still runs; so is that of a sign-in that ends. Needs no database.
#[utoipa::path(
    post, path = "/softphone/session", tag = "agents", operation_id = "openSoftphoneSession",
    responses(
        (status = 200, description = "Credentials for an hour", body = SoftphoneSession),
        (status = 404, description = "The user is no agent", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Renewed too often", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Call control is not running", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("softphone:self")))
)]
async fn open_softphone_session(
    State(state): State<AppState>,
    principal: Principal,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    principal.require(Permission::SoftphoneSelf)?;
    let count = |result: &str| state.softphone_metrics.sessions.with_label_values(&[result]).inc();
    let agent = AgentId::from(principal.user);
    let slug = match state.calls.slug_for_agent(principal.tenant, agent) {
        Ok(Some(slug)) => slug,
        Ok(None) => {
            count("refused");
            return Err(AppError::not_found("agent: the user takes no work"));
        }
        Err(error) => return Err(AppError::unavailable("call control", error)),
    };
    let asking = Asking { session: principal.session, tenant: principal.tenant, agent };
    let granted = state.calls.softphones().renew(asking, &slug).await.map_err(|wait| {
        count("limited");
        AppError::too_many("the softphone was renewed too often", wait.0.num_seconds().unsigned_abs())
    })?;
    count(if granted.fresh { "made" } else { "renewed" });
    let softphone = granted.softphone;
    if !state.calls.push_device(registry::device(&softphone)).await {
        tracing::info!(username = softphone.username, "asterisk is away; the softphone is pushed when it is back");
    }
    let body = SoftphoneSession {
        sip_uri: format!("sip:{}@{}", softphone.username, state.config.asterisks[0].sip_domain),
        ws_url: proxy::socket_url(&state.keys, &headers, &state.config.public_url, &softphone.username),
        ice_servers: state.config.ice_servers.for_user(&softphone.username, softphone.expires_at),
        password: granted.password,
        expires_at: softphone.expires_at,
        username: softphone.username,
    };
    let mut response = axum::Json(body).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

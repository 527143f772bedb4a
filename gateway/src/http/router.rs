//! All routes, and the layers around them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts as _, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CONTENT_TYPE, HeaderValue};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::extract::MAX_BODY_BYTES;
use super::guard::Guard;
use super::{AppError, ClientAddress, Permission, docs, edge, guard};
use crate::auth::{self, Principal};
use crate::limits::Class;
use crate::state::AppState;
use crate::{
    agents, api_keys, audit, calls, channels, contacts, conversations, dialing, figures, files, health, hooks,
    inbox_tools, jobs, members, notices, numbers, oidc, panel, push, queues, recordings, roles, settings, setup, sites,
    skills, softphone, stream, teams, tenants, test_calls,
};

/// The API beneath `/api/v1`, with its document.
pub fn api_router() -> OpenApiRouter<AppState> {
    let v1 = OpenApiRouter::new()
        .merge(auth::router())
        .merge(agents::router())
        .merge(api_keys::router())
        .merge(calls::http::router())
        .merge(channels::router())
        .merge(contacts::router())
        .merge(figures::router())
        .merge(files::router())
        .merge(hooks::router())
        .merge(inbox_tools::router())
        .merge(dialing::router())
        .merge(conversations::router())
        .merge(push::router())
        .merge(queues::router())
        .merge(recordings::router())
        .merge(roles::router())
        .merge(settings::router())
        .merge(setup::router())
        .merge(sites::router())
        .merge(skills::router())
        .merge(softphone::router())
        .merge(teams::router())
        .merge(tenants::router())
        .merge(test_calls::router())
        .merge(jobs::router())
        .merge(members::router())
        .merge(notices::router())
        .merge(numbers::router())
        .merge(oidc::router())
        .merge(stream::router())
        .merge(audit::router());
    OpenApiRouter::with_openapi(docs::skeleton()).nest("/api/v1", v1)
}

/// The OpenAPI document.
pub fn openapi() -> OpenApi {
    let (_, mut document) = api_router().split_for_parts();
    docs::complete(&mut document);
    document
}

/// Everything that the edge answers.
pub fn router(state: AppState) -> Router {
    let (api, document) = api_router().split_for_parts();
    let rights = Guard::new(state.clone(), &document);
    let sip = middleware::from_fn_with_state(state.clone(), softphone_opening);
    // Shared: each request has the layer's state cloned.
    let guard = Arc::new(edge::Guard::new(&state.config, &state.metrics));
    let transport_security = edge::transport_security(&state.config);
    api.route_layer(middleware::from_fn_with_state(rights, guard::guard))
        .merge(health::router())
        .merge(inbox_tools::pages())
        .merge(docs::router())
        .merge(softphone::socket_router().route_layer(sip))
        .merge(channels::webhook_router())
        .merge(files::shared_router())
        .merge(hooks::dialplan_router())
        .route("/metrics", get(metrics))
        .fallback(panel::answer)
        .method_not_allowed_fallback(async || AppError::method_not_allowed())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(edge::panicked))
        .layer(middleware::from_fn_with_state(guard, edge::guard))
        .layer(middleware::from_fn_with_state((state.clone(), transport_security), edge::observe))
        .with_state(state)
}

/// Sockets of softphones are counted before their keys are looked at.
async fn softphone_opening(State(state): State<AppState>, request: Request, next: Next) -> Result<Response, AppError> {
    let ClientAddress(address) = ClientAddress::of(&state, request.extensions(), request.headers())?;
    state.limits.address(Class::Sip, address).await?;
    Ok(next.run(request).await)
}

/// Prometheus' text format. Open to loopback; from elsewhere an admin's token is asked for.
async fn metrics(State(state): State<AppState>, request: Request) -> Result<Response, AppError> {
    let (mut parts, _) = request.into_parts();
    let ClientAddress(client) = ClientAddress::from_request_parts(&mut parts, &state).await?;
    // What a proxy on this machine passes on comes from elsewhere, whether the proxy is known to us or not.
    let passed_on = parts.headers.contains_key("x-forwarded-for") || parts.headers.contains_key("forwarded");
    if !client.is_loopback() || passed_on {
        let principal = Principal::from_request_parts(&mut parts, &state).await?;
        principal.require(Permission::MetricsRead)?;
    }
    let text =
        state.metrics.render(&state.journal.stats(), &state.journal.hub().stats()).map_err(AppError::internal)?;
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"))], text).into_response())
}

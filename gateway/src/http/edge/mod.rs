//! The outermost layer: request ids, one log line per fault, metrics, headers that every answer has. Beneath it the guard.

mod cors;
mod guard;
mod headers;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use uuid::Uuid;

pub(super) use self::guard::{Guard, guard};
pub(super) use self::headers::transport_security;
use super::{AppError, Fault};
use crate::state::AppState;

/// Carries the request's id back to the client; the log has it beside every fault.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How long a request may take until its answer begins: its body to arrive, the database and Asterisk to answer.
const REQUEST_PATIENCE: Duration = Duration::from_secs(30);

/// The id of a request, for whoever writes down what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

/// Wraps each request.
pub(super) async fn observe(
    State((state, transport_security)): State<(AppState, Option<HeaderValue>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let request_id = Uuid::now_v7();
    request.extensions_mut().insert(RequestId(request_id));
    let request_id = request_id.to_string();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| Arc::from("unmatched"), |path| Arc::<str>::from(path.as_str()));

    state.metrics.http_in_flight.inc();
    let in_flight = InFlight(state.metrics.http_in_flight.clone());
    let mut response = match tokio::time::timeout(REQUEST_PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => AppError::timed_out().into_response(),
    };
    drop(in_flight);

    state.metrics.http_answered(&method, &route, response.status(), started.elapsed());
    if response.status().is_server_error() {
        response = conceal(response, &request_id, &method, &route);
    }
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, HeaderValue::from_str(&request_id).expect("a UUID is a valid header value"));
    headers::dress(headers, &path, transport_security.as_ref());
    response
}

/// Also counts a request down whose client went away in the middle.
struct InFlight(prometheus::IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Logs the fault once and answers with nothing of it but the request id.
fn conceal(mut response: Response, request_id: &str, method: &http::Method, route: &str) -> Response {
    let status = response.status().as_u16();
    // A readiness probe that says "not ready" is an answer, not a fault.
    let Some(fault) = response.extensions_mut().remove::<Fault>() else { return response };
    tracing::error!(request_id, %method, route, status, error = format!("{:#}", fault.error), "request failed");
    let mut problem = *fault.problem;
    problem.request_id = Some(request_id.to_owned());
    let mut headers: HeaderMap = response.headers().clone();
    headers.remove(CONTENT_LENGTH);
    problem.into_response_with(headers)
}

/// Turns a panic in a handler into a fault.
#[allow(clippy::needless_pass_by_value)] // The layer hands the panic over.
pub(super) fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let words = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "panic without words".to_owned());
    AppError::internal(anyhow::anyhow!("a handler panicked: {words}")).into_response()
}

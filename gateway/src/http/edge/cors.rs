//! Cross-origin resource sharing (Fetch, §3.2) for the origins that the configuration names, and for nobody else.

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, StatusCode};

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const TAKEN: &str = "authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, range";
const SHOWN: &str = "accept-ranges, content-disposition, content-range, etag, location, ratelimit, ratelimit-policy, retry-after, x-request-id";
/// Seconds that a browser may remember a preflight.
const REMEMBERED: &str = "600";

/// Only the API is shared: pages, documents and metrics are not.
pub(super) fn is_api(path: &str) -> bool {
    path.starts_with("/api/")
}

/// The request's origin, if it is one of `origins`: compared as a whole, byte by byte, so that nothing that only looks alike passes.
pub(super) fn allowed(origins: &[String], headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    origins.iter().any(|one| one.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

/// Whether a browser asks beforehand.
pub(super) fn is_preflight(request: &Request) -> bool {
    *request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// What an allowed origin may send.
pub(super) fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS)),
        (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(TAKEN)),
        (ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBERED)),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Opens an answer to an allowed origin, and tells caches that it depends on who asks.
pub(super) fn open(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SHOWN));
    }
}

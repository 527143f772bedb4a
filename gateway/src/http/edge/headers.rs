//! What every answer tells a browser not to do with it. A route that knows better (the panel, the documentation, files) has said so
//! itself by then, and keeps its word.

use http::HeaderMap;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use super::cors;
use crate::config::Config;

/// An answer of the API is data: should it ever be shown as a page, that page can do nothing and is in nobody's frame.
const DATA: &str = "default-src 'none'; frame-ancestors 'none'";
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// `Strict-Transport-Security` (RFC 6797) for a year, once people come over https; over plain HTTP browsers would ignore it.
pub(in crate::http) fn transport_security(config: &Config) -> Option<HeaderValue> {
    (config.public_url.scheme() == "https").then(|| {
        HeaderValue::from_static(if config.edge.hsts_include_subdomains {
            "max-age=31536000; includeSubDomains"
        } else {
            "max-age=31536000"
        })
    })
}

pub(super) fn dress(headers: &mut HeaderMap, path: &str, transport_security: Option<&HeaderValue>) {
    let mut unless_said = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    unless_said(CONTENT_SECURITY_POLICY, HeaderValue::from_static(DATA));
    unless_said(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    unless_said(RESOURCE_POLICY, SAME_ORIGIN);
    unless_said(OPENER_POLICY, SAME_ORIGIN);
    // For what does not know `frame-ancestors`.
    unless_said(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if cors::is_api(path) {
        unless_said(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(value) = transport_security {
        headers.insert(STRICT_TRANSPORT_SECURITY, value.clone());
    }
}

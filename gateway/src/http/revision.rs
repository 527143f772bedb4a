//! `ETag` and `If-Match` (RFC 9110 §8.8.3, §13.1.1): nobody overwrites what they have not seen.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::header::{ETAG, HeaderValue, IF_MATCH};
use http::request::Parts;
use serde::Serialize;

use super::AppError;

fn tag(changed_at: DateTime<Utc>) -> String {
    format!("\"{:x}\"", changed_at.timestamp_micros())
}

/// A JSON answer with the `ETag` of a row that was last changed then.
pub fn tagged(changed_at: DateTime<Utc>, body: &impl Serialize) -> Response {
    let mut response = axum::Json(body).into_response();
    let value = HeaderValue::from_str(&tag(changed_at)).expect("hex digits are valid in a header");
    response.headers_mut().insert(ETAG, value);
    response
}

/// What the client has seen; without the header it does not mind.
#[derive(Debug, Clone, Default)]
pub struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    /// 412 when the row is another than the client has seen.
    pub fn check(&self, changed_at: DateTime<Utc>) -> Result<(), AppError> {
        let Some(seen) = &self.0 else { return Ok(()) };
        let current = tag(changed_at);
        if seen.iter().any(|tag| tag == "*" || *tag == current) { Ok(()) } else { Err(AppError::precondition_failed()) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        let mut seen = Vec::new();
        for value in parts.headers.get_all(IF_MATCH) {
            let text =
                value.to_str().map_err(|_| AppError::bad_parameter("If-Match", "must be an ETag as it was sent"))?;
            seen.extend(text.split(',').map(|tag| tag.trim().to_owned()));
        }
        Ok(Self((!seen.is_empty()).then_some(seen)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_seen_is_overwritten() {
        let (then, now) = (DateTime::from_timestamp_micros(1).unwrap(), DateTime::from_timestamp_micros(2).unwrap());
        let seen = IfMatch(Some(vec![tag(then)]));
        assert!(seen.check(then).is_ok());
        assert_eq!(seen.check(now).unwrap_err().status(), http::StatusCode::PRECONDITION_FAILED);
        assert!(IfMatch::default().check(now).is_ok());
        assert!(IfMatch(Some(vec!["*".to_owned()])).check(now).is_ok());
    }
}

//! Errors at the HTTP edge: `application/problem+json` (RFC 9457).
//!
//! A 4xx says what to mend. A 5xx says nothing of the inside: what happened travels beside the response as a [`Fault`], is logged
//! once by the outermost layer and reaches the client only as a `request_id`.

use std::borrow::Cow;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

/// Media type of every error body.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// One field of the input that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Path of the field, as in `legs[0].number`.
    pub field: String,
    /// What is wrong with it, in words.
    pub message: String,
}

/// The body of an error answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `urn:trunkline:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem, for people; the same for every occurrence.
    pub title: Cow<'static, str>,
    /// HTTP status.
    pub status: u16,
    /// The kind of problem, for programs.
    pub code: Cow<'static, str>,
    /// This occurrence, for people.
    pub detail: Cow<'static, str>,
    /// With 410: why a journal position cannot be resumed (`epoch`, `ahead`, `truncated`, `diverged`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What is wrong with the input, field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// Names the line in the server's log; only with a 5xx.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Travels beside a 5xx to the outermost layer, which logs the error and gives the problem its request id.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What went wrong inside; for the log alone.
    pub error: Arc<anyhow::Error>,
    /// What the client is told.
    pub problem: Box<Problem>,
}

/// Every way a request can fail.
#[derive(Debug)]
pub enum AppError {
    /// The request is refused; the client is told why.
    Refused(Box<Refusal>),
    /// A dependency is away (503): trying again later helps.
    Unavailable {
        /// The dependency as the client may know it, e.g. `database`.
        what: &'static str,
        /// What happened, for the log.
        source: anyhow::Error,
    },
    /// Our own fault (500).
    Internal(anyhow::Error),
}

/// A refusal: status, code, words.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    reason: Option<&'static str>,
    headers: HeaderMap,
}

impl AppError {
    fn refused(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let detail = detail.into();
        Self::Refused(Box::new(Refusal {
            status,
            code,
            title,
            detail,
            errors: Vec::new(),
            reason: None,
            headers: HeaderMap::new(),
        }))
    }

    /// 400: the request cannot be read (syntax of body, query, path or header).
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::refused(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read", detail)
    }

    /// 400 for one parameter of the query or path.
    pub fn bad_parameter(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::bad_request("a parameter does not fit; see errors")
            .with_errors(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// 422: the body can be read but does not fit.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self::refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The input does not fit", "see errors")
            .with_errors(errors)
    }

    /// 422 for one field.
    pub fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// 401: no valid access token.
    pub fn unauthorized(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::refused(StatusCode::UNAUTHORIZED, "unauthorized", "Sign in first", detail)
            .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 403: the tenant is suspended, and why, as whoever runs the platform says.
    pub fn tenant_suspended(reason: String) -> Self {
        let detail = if reason.is_empty() { "ask whoever runs the platform".to_owned() } else { reason };
        Self::refused(StatusCode::FORBIDDEN, "tenant-suspended", "The company is suspended", detail)
    }

    /// 401 of a provider's request that does not carry its signature.
    pub fn unsigned(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::refused(StatusCode::UNAUTHORIZED, "unsigned", "Not the provider's", detail)
    }

    /// 401 of the sign-in itself; the same for an unknown address and a wrong password.
    pub fn wrong_credentials() -> Self {
        Self::refused(
            StatusCode::UNAUTHORIZED,
            "wrong-credentials",
            "Sign-in failed",
            "the e-mail address or the password is wrong",
        )
    }

    /// 401: the password is right, and the account asks for a one-time code too.
    pub fn second_step_required() -> Self {
        Self::refused(
            StatusCode::UNAUTHORIZED,
            "second-step-required",
            "A code is asked for",
            "send the same again with the `code` that the authenticator shows, or a recovery code",
        )
    }

    /// 401: the password is right, the code is not.
    pub fn wrong_code() -> Self {
        Self::refused(
            StatusCode::UNAUTHORIZED,
            "wrong-code",
            "Sign-in failed",
            "the code is wrong, or was used before; wait for the next one",
        )
    }

    /// 403: signed in with a password that somebody else chose.
    pub fn password_change_required() -> Self {
        Self::refused(
            StatusCode::FORBIDDEN,
            "password-change-required",
            "Choose a new password first",
            "this password was chosen by somebody else; send POST /api/v1/auth/password with a new one",
        )
    }

    /// 403: signed in, but not allowed to.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::refused(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    /// 403: only for a person who signed in.
    pub fn person_required() -> Self {
        Self::refused(
            StatusCode::FORBIDDEN,
            "person-required",
            "Only for people",
            "this is for a person who signed in with a password; an API key cannot do it",
        )
    }

    /// 403: a page of another site sent it, with a person's cookies but without their knowledge.
    pub fn cross_site() -> Self {
        Self::refused(
            StatusCode::FORBIDDEN,
            "cross-site",
            "Not from this page",
            "a page of another site may not send this; name its origin in cors_origins if it should",
        )
    }

    /// 421: the request is meant for another host.
    pub fn misdirected() -> Self {
        Self::refused(
            StatusCode::MISDIRECTED_REQUEST,
            "misdirected",
            "Meant for another host",
            "this is not the host that the request names; public_url and allowed_hosts say which ones are served",
        )
    }

    /// 404: absent, another tenant's or out of the user's sight; nobody can tell which.
    pub fn not_found(what: &'static str) -> Self {
        Self::refused(StatusCode::NOT_FOUND, "not-found", "Not found", format!("there is no such {what}"))
    }

    /// 408: the request took too long, most likely because its body did not arrive.
    pub fn timed_out() -> Self {
        Self::refused(
            StatusCode::REQUEST_TIMEOUT,
            "timed-out",
            "It took too long",
            "the request was not answered within 30 s; try again",
        )
    }

    /// 409 with its own code.
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::refused(StatusCode::CONFLICT, code, "In conflict with the present state", detail)
    }

    /// 410 of what was good until a moment that has passed.
    pub fn ended(what: &'static str) -> Self {
        Self::refused(
            StatusCode::GONE,
            "ended",
            "It has ended",
            format!("the {what} was good for a while, and has ended"),
        )
    }

    /// 410 of a journal position that cannot be resumed; `reason` as in the stream's `reset`.
    pub fn reset(reason: &'static str) -> Self {
        let mut error = Self::refused(
            StatusCode::GONE,
            "reset",
            "The position cannot be resumed",
            "start over from a snapshot: read the lists, then the events after their as_of_seq",
        );
        if let Self::Refused(refusal) = &mut error {
            refusal.reason = Some(reason);
        }
        error
    }

    /// 412: the row was changed since it was read.
    pub fn precondition_failed() -> Self {
        Self::refused(
            StatusCode::PRECONDITION_FAILED,
            "precondition-failed",
            "Changed since it was read",
            "read it again and repeat the edit with its new ETag",
        )
    }

    /// 413: the body is too large.
    pub fn too_large(limit_bytes: usize) -> Self {
        Self::refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The body is too large",
            format!("at most {limit_bytes} bytes are accepted here"),
        )
    }

    /// 415: the body is not JSON.
    pub fn not_json() -> Self {
        Self::refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "The body is not JSON",
            "send JSON with `Content-Type: application/json`",
        )
    }

    /// 415: the body is neither a WAV file nor JSON.
    pub fn not_a_sound() -> Self {
        Self::refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "The body is no sound",
            "send a WAV file with `Content-Type: audio/wav`, or JSON with a text to speak",
        )
    }

    /// 416: the range lies outside the file of `length` bytes.
    pub fn range_not_satisfiable(length: u64) -> Self {
        let content_range =
            HeaderValue::from_str(&format!("bytes */{length}")).expect("digits are a valid header value");
        Self::refused(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "range-not-satisfiable",
            "The range lies outside the file",
            format!("the file has {length} bytes"),
        )
        .with_header(http::header::CONTENT_RANGE, content_range)
    }

    /// 429: too many; `retry_after` in seconds.
    pub fn too_many(detail: impl Into<Cow<'static, str>>, retry_after: u64) -> Self {
        Self::refused(StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many requests", detail)
            .with_header(RETRY_AFTER, HeaderValue::from(retry_after.max(1)))
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::refused(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Wrong method",
            "this address does not take that method; /dev lists what it takes",
        )
    }

    /// 426: the address speaks WebSocket only.
    pub fn upgrade_required(protocol: &str) -> Self {
        Self::refused(
            StatusCode::UPGRADE_REQUIRED,
            "upgrade-required",
            "Only WebSocket here",
            format!("open it as a WebSocket (version 13) with the subprotocol {protocol}"),
        )
        .with_header(http::header::UPGRADE, HeaderValue::from_static("websocket"))
    }

    /// 503 because `what` is away.
    pub fn unavailable(what: &'static str, source: impl Into<anyhow::Error>) -> Self {
        Self::Unavailable { what, source: source.into() }
    }

    /// 500.
    pub fn internal(source: impl Into<anyhow::Error>) -> Self {
        Self::Internal(source.into())
    }

    /// Adds field errors.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.errors = errors;
        }
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.headers.insert(name, value);
        }
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => refusal.status,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The code of a refusal, for programs.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    /// What a refusal says, where that is always the same.
    pub fn static_detail(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => match refusal.detail {
                Cow::Borrowed(detail) => Some(detail),
                Cow::Owned(_) => None,
            },
            _ => None,
        }
    }

    /// The body of the answer, without a request id.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Refused(refusal) => Problem {
                kind: problem_type(refusal.code),
                title: refusal.title.into(),
                status: refusal.status.as_u16(),
                code: refusal.code.into(),
                detail: refusal.detail.clone(),
                reason: refusal.reason,
                errors: refusal.errors.clone(),
                request_id: None,
            },
            Self::Unavailable { what, .. } => Problem {
                kind: problem_type("unavailable"),
                title: "Unavailable".into(),
                status: StatusCode::SERVICE_UNAVAILABLE.as_u16(),
                code: "unavailable".into(),
                detail: format!("the {what} cannot be reached at the moment; try again shortly").into(),
                reason: None,
                errors: Vec::new(),
                request_id: None,
            },
            Self::Internal(_) => Problem {
                kind: problem_type("internal"),
                title: "Internal error".into(),
                status: StatusCode::INTERNAL_SERVER_ERROR.as_u16(),
                code: "internal".into(),
                detail: "something went wrong on our side; the log names it under the request_id".into(),
                reason: None,
                errors: Vec::new(),
                request_id: None,
            },
        }
    }
}

fn problem_type(code: &str) -> String {
    format!("urn:trunkline:problem:{code}")
}

impl Problem {
    /// The answer that carries this problem.
    pub fn into_response_with(self, headers: HeaderMap) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).expect("a problem is plain strings and numbers");
        let mut response = (status, body).into_response();
        response.headers_mut().extend(headers);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let problem = self.problem();
        let (headers, error) = match self {
            Self::Refused(refusal) => return problem.into_response_with(refusal.headers),
            Self::Unavailable { what, source } => {
                let mut headers = HeaderMap::new();
                headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
                (headers, source.context(format!("the {what} is unavailable")))
            }
            Self::Internal(source) => (HeaderMap::new(), source),
        };
        let fault = Fault { error: Arc::new(error), problem: Box::new(problem.clone()) };
        let mut response = problem.into_response_with(headers);
        response.extensions_mut().insert(fault);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_mend() {
        let problem = AppError::invalid_field("email", "must hold an @").problem();
        insta::assert_json_snapshot!(problem, @r#"
        {
          "type": "urn:trunkline:problem:invalid",
          "title": "The input does not fit",
          "status": 422,
          "code": "invalid",
          "detail": "see errors",
          "errors": [
            {
              "field": "email",
              "message": "must hold an @"
            }
          ]
        }
        "#);
    }

    #[test]
    fn the_inside_of_a_fault_travels_beside_the_answer_only() {
        let error = AppError::internal(anyhow::anyhow!("password of the database is hunter2"));
        assert!(!serde_json::to_string(&error.problem()).unwrap().contains("hunter2"));
        let response = error.into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let fault = response.extensions().get::<Fault>().expect("the fault travels beside");
        assert!(fault.error.to_string().contains("hunter2"));
    }
}

//! Extractors whose rejections are problems of ours, each with its own status and words.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::AppError;

/// Largest body of an API request, in bytes.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// A JSON body. 415 without `Content-Type: application/json`, 413 when too large, 400 when it is not JSON, 422 when it does not fit or a text
/// holds the character U+0000: PostgreSQL stores none, so no field could mean it.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        let (parts, body) = request.into_parts();
        let bytes = body_bytes(Request::from_parts(parts.clone(), body), state).await?;
        let holds_nul = holds_nul(&bytes);
        match axum::Json::<T>::from_request(Request::from_parts(parts, bytes.into()), state).await {
            Ok(_) if holds_nul => Err(AppError::invalid_field("", "a text may not hold the character U+0000")),
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(json_refusal(&rejection)),
        }
    }
}

/// The whole body; 413 when too large.
pub(super) async fn body_bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, AppError> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == http::StatusCode::PAYLOAD_TOO_LARGE {
            AppError::too_large(MAX_BODY_BYTES)
        } else {
            AppError::bad_request("the body cannot be read")
        }
    })
}

/// Whether a JSON text has an escaped U+0000 in it, the only way to write one.
fn holds_nul(json: &[u8]) -> bool {
    let mut at = 0;
    while at < json.len() {
        if json[at] != b'\\' {
            at += 1;
            continue;
        }
        if json[at..].starts_with(b"\\u0000") {
            return true;
        }
        // Whatever is escaped, a backslash for instance, begins nothing.
        at += 2;
    }
    false
}

fn json_refusal(rejection: &JsonRejection) -> AppError {
    match rejection {
        JsonRejection::JsonSyntaxError(error) => {
            AppError::bad_request(format!("the body is not JSON: {}", inner(error)))
        }
        JsonRejection::JsonDataError(error) => {
            let (field, message) = field_and_message(&inner(error));
            AppError::invalid_field(field, message)
        }
        JsonRejection::MissingJsonContentType(_) => AppError::not_json(),
        other if other.status() == http::StatusCode::PAYLOAD_TOO_LARGE => AppError::too_large(MAX_BODY_BYTES),
        other => AppError::bad_request(format!("the body cannot be read: {}", other.body_text())),
    }
}

/// The parser's own words, without axum's introduction.
fn inner(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// axum reports `path.of.field: what is wrong at line 1 column 2`; serde names a missing field only in its words.
fn field_and_message(text: &str) -> (String, String) {
    let message = without_value(text.split(" at line ").next().unwrap_or(text));
    let field = ["missing field `", "unknown field `"].iter().find_map(|words| {
        message.split_once(words).and_then(|(_, rest)| rest.split_once('`')).map(|(field, _)| field.to_owned())
    });
    match (field, message.split_once(": ")) {
        (Some(field), _) => (field, message),
        (None, Some((path, rest))) if !path.contains(' ') => (path.to_owned(), rest.to_owned()),
        _ => (String::new(), message),
    }
}

/// serde repeats what it read (`invalid type: string "…", expected u8`), which may be a password in the wrong field: the kind of value is
/// enough.
fn without_value(message: &str) -> String {
    let words = ["invalid type: ", "invalid value: ", "unknown variant "];
    let Some(at) = words.iter().find_map(|words| message.find(words).map(|at| at + words.len())) else {
        return message.to_owned();
    };
    let (before, value) = message.split_at(at);
    // What is expected is ours, and the last of it.
    let expected = value.rfind(", expected ").map_or("", |at| &value[at..]);
    let kind: String = value.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == ' ').collect();
    let told = format!("{before}{kind}");
    format!("{}{expected}", told.trim_end())
}

/// Parameters in the path. A malformed id is 404: such a thing does not exist.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(_)) => {
                Err(AppError::not_found("resource: the id is not well-formed"))
            }
            Err(other) => Err(AppError::internal(anyhow::anyhow!("path parameters of the route: {other}"))),
        }
    }
}

/// Parameters of the query. 400 when they do not fit.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(query_refusal(&rejection)),
        }
    }
}

fn query_refusal(rejection: &QueryRejection) -> AppError {
    let (field, message) = match rejection {
        QueryRejection::FailedToDeserializeQueryString(error) => field_and_message(&inner(error)),
        other => (String::new(), other.body_text()),
    };
    AppError::bad_parameter(field, message)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)] // Only whether it can be read matters here.
    struct Wanted {
        name: String,
        size: u8,
    }

    async fn refused(content_type: &str, body: &str) -> serde_json::Value {
        let request = Request::builder()
            .method("POST")
            .header("content-type", content_type)
            .body(Body::from(body.to_owned()))
            .unwrap();
        let error = Json::<Wanted>::from_request(request, &()).await.unwrap_err();
        serde_json::to_value(error.problem()).unwrap()
    }

    #[tokio::test]
    async fn a_body_that_does_not_fit_names_the_field() {
        let problem = refused("application/json", r#"{"name":"a"}"#).await;
        assert_eq!((&problem["status"], &problem["errors"][0]["field"]), (&422.into(), &"size".into()), "{problem}");
        let problem = refused("application/json", r#"{"name":"a","size":300}"#).await;
        assert_eq!((&problem["status"], &problem["errors"][0]["field"]), (&422.into(), &"size".into()), "{problem}");
    }

    #[tokio::test]
    async fn what_was_sent_is_not_repeated() {
        for body in [
            r#"{"name":7720938104417,"size":1}"#,
            r#"{"name":"a","size":"hunter2"}"#,
            r#"{"name":"a","size":"hunter2, expected u8"}"#,
            r#"{"name":{"hunter2":1},"size":1}"#,
            r#""hunter2""#,
        ] {
            let problem = refused("application/json", body).await.to_string();
            assert!(!problem.contains("hunter2") && !problem.contains("7720938104417"), "{problem}");
            assert!(problem.contains("expected "), "{problem}");
        }
        assert_eq!(
            without_value("invalid type: integer `5`, expected a string"),
            "invalid type: integer, expected a string"
        );
        assert_eq!(without_value("unknown variant `x`, expected `a` or `b`"), "unknown variant, expected `a` or `b`");
    }

    #[tokio::test]
    async fn a_nul_is_refused_and_what_only_looks_like_one_is_not() {
        let problem = refused("application/json", r#"{"name":"a\u0000b","size":1}"#).await;
        assert_eq!(problem["status"], 422, "{problem}");
        assert!(!holds_nul(br#"{"name":"a\\u0000b"}"#) && holds_nul(br#"{"name":"a\\\u0000b"}"#));
        assert!(!holds_nul(br#"{"name":"a\u0001b\n"}"#) && !holds_nul(b"\\"));
    }

    proptest::proptest! {
        #[test]
        fn a_nul_is_found_in_any_text(text in "[\\PC\0\\\\u0\"]{0,12}") {
            let json = serde_json::to_vec(&text).unwrap();
            proptest::prop_assert_eq!(holds_nul(&json), text.contains('\0'));
        }

        #[test]
        fn any_bytes_are_looked_through(bytes: Vec<u8>) {
            let _ = holds_nul(&bytes);
        }
    }

    #[tokio::test]
    async fn a_body_that_is_no_json_is_a_bad_request() {
        assert_eq!(refused("application/json", "{").await["status"], 400);
        assert_eq!(refused("text/plain", "{}").await["status"], 415);
    }
}

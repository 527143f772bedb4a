//! The plain-HTTP port beside https: sends people on, answers an ACME server, and takes nothing else.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use http::{Method, StatusCode};
use url::Url;

use super::certificates::Challenges;

/// The routes of the plain port. `public` is where people are sent to: never the host that a request names.
pub fn redirect_router(public: Url, challenges: Challenges) -> Router {
    Router::new()
        .route(
            "/.well-known/acme-challenge/{token}",
            get(async |State(challenges): State<Challenges>, Path(token): Path<String>| {
                challenges
                    .http_answer(&token)
                    .map(|answer| ([(CONTENT_TYPE, "application/octet-stream")], answer))
                    .ok_or(StatusCode::NOT_FOUND)
            }),
        )
        .with_state(challenges)
        .fallback(move |request: Request| std::future::ready(onward(&public, &request)))
}

fn onward(public: &Url, request: &Request) -> Response {
    // What was sent in the clear is not asked for a second time: whoever sends it is to be told, not helped.
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::FORBIDDEN, "Only https is spoken here; nothing was done.\n").into_response();
    }
    let mut target = public.clone();
    target.set_path(request.uri().path());
    target.set_query(request.uri().query());
    match HeaderValue::from_str(target.as_str()) {
        Ok(location) => (StatusCode::PERMANENT_REDIRECT, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(method: &str, uri: &str, host: &str) -> (u16, String) {
        let challenges = Challenges::default();
        challenges.answer_over_http("token", "token.thumb");
        let router = redirect_router(Url::parse("https://calls.test").unwrap(), challenges);
        let request =
            http::Request::builder().method(method).uri(uri).header("host", host).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let location = response.headers().get(LOCATION).map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), location.unwrap_or_default())
    }

    #[tokio::test]
    async fn people_are_sent_to_the_public_address_and_nowhere_else() {
        for host in ["calls.test", "evil.test"] {
            assert_eq!(ask("GET", "/calls?x=1", host).await, (308, "https://calls.test/calls?x=1".to_owned()));
        }
        assert_eq!(ask("GET", "//evil.test/x", "calls.test").await.1, "https://calls.test//evil.test/x");
        assert_eq!(ask("POST", "/api/v1/auth/login", "calls.test").await, (403, String::new()));
        assert_eq!(ask("GET", "/.well-known/acme-challenge/token", "calls.test").await.0, 200);
        assert_eq!(ask("GET", "/.well-known/acme-challenge/other", "calls.test").await.0, 404);
    }
}

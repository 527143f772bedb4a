//! The panel: what `gateway/web` was built into, served from the program itself.
//!
//! Every address that is nobody else's and that a browser asks for as a page gets `index.html`; the panel's own router does the rest.
//! Files beneath `/assets` carry a hash of their content in their names, so that they are kept for ever; all others are asked
//! about with each visit, and answered with 304.

mod answer;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::Method;
use rust_embed::RustEmbed;

use self::answer::Encoding;
use crate::http::AppError;

/// What `npm run build` left, with each file compressed beside it (`.br`, `.gz`). Empty in a program built without Node.
#[derive(RustEmbed)]
#[folder = "web/dist"]
#[exclude = ".vite/*"]
#[exclude = ".made-from"]
#[allow_missing = true]
struct Files;

/// First parts of addresses that belong to programs: what is unknown beneath them is a fault, not a page.
const NO_PAGES: [&str; 6] = ["api", "dev", "health", "metrics", "webhooks", "ws"];

/// Answers what no route does.
pub(crate) async fn answer(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    if NO_PAGES.contains(&first) {
        return unknown();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return AppError::method_not_allowed().into_response();
    }
    let encoding = Encoding::accepted(request.headers());
    if let Some(response) = answer::file::<Files>(path, encoding, request.headers()) {
        return response;
    }
    if !answer::wants_page(path, request.headers()) {
        return unknown();
    }
    answer::file::<Files>("index.html", encoding, request.headers()).unwrap_or_else(not_built)
}

fn unknown() -> Response {
    AppError::not_found("address; /dev lists them all").into_response()
}

/// Somebody built the gateway alone: no fault, the API works.
fn not_built() -> Response {
    let text = "This gateway was built without its panel: `make build` builds both (it needs Node). The API is described at /dev.\n";
    (http::StatusCode::NOT_FOUND, text).into_response()
}

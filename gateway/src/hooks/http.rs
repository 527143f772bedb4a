//! `GET` and `POST /hooks/dialplan/{name}`: the hooks for whoever speaks HTTP, such as Asterisk's `CURL()`.

use axum::Router;
use axum::extract::{FromRequestParts as _, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use serde_json::json;
use tokio::time::Instant;

use super::answers::{Answer, Status};
use super::ask::{Ask, Hook};
use super::metrics::Via;
use crate::http::{AppError, ClientAddress, bearer};
use crate::limits::Class;
use crate::state::AppState;

/// Most bytes of a question's body.
const MAX_BODY: usize = 16 * 1024;
/// Most values of a question.
const MAX_PAIRS: usize = 64;

/// The route.
pub(crate) fn dialplan_router() -> Router<AppState> {
    Router::new().route("/hooks/dialplan/{name}", get(ask).post(ask))
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    /// Lines `NAME=value`.
    Vars,
    /// What `CURLOPT(hashcompat)` takes apart.
    Hash,
}

async fn ask(State(state): State<AppState>, Path(name): Path<String>, request: Request) -> Result<Response, AppError> {
    let received = Instant::now();
    let hook = Hook::parse(&name).ok_or_else(|| AppError::not_found("dialplan hook"))?;
    let (mut parts, body) = request.into_parts();
    let ClientAddress(address) = ClientAddress::from_request_parts(&mut parts, &state).await?;
    let mut pairs = pairs(parts.uri.query().unwrap_or_default().as_bytes());
    if parts.method == Method::POST {
        let body = axum::body::to_bytes(body, MAX_BODY).await.map_err(|_| AppError::too_large(MAX_BODY))?;
        pairs.extend(self::pairs(&body));
    }
    let format = match pairs.iter().find(|(key, _)| key == "format").map(|(_, value)| value.as_str()) {
        None | Some("json") => Format::Json,
        Some("vars") => Format::Vars,
        Some("hash") => Format::Hash,
        Some(_) => return Err(AppError::bad_parameter("format", "must be json, vars or hash")),
    };
    let asked = Ask::of_pairs(pairs);
    let token = bearer(&parts.headers).or(asked.token.as_deref());
    let Some(holder) = token.and_then(|token| state.hooks.tokens().holder(token)) else {
        // Whoever tries out tokens is slowed down.
        state.limits.address(Class::Webhook, address).await?;
        let answer = state.hooks.denied(hook, (Via::Http, received));
        return match format {
            Format::Json => Err(AppError::unauthorized("send a hook token, as `Authorization: Bearer` or as `token`")),
            format => Ok(written(hook, &answer, format)),
        };
    };
    state.limits.account(holder.id).await?;
    let answer = state.hooks.answer(&state, hook, &asked, Some(&holder), (Via::Http, received)).await;
    Ok(written(hook, &answer, format))
}

/// Names and values of a query or a form.
fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text)
        .take(MAX_PAIRS)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect()
}

fn written(hook: Hook, answer: &Answer, format: Format) -> Response {
    let status = match answer.status {
        Status::Denied => StatusCode::UNAUTHORIZED,
        Status::Failed => StatusCode::UNPROCESSABLE_ENTITY,
        // A dialplan goes by the variable: what is not known is an answer too.
        Status::Ok | Status::Partial | Status::Unknown => StatusCode::OK,
    };
    let (kind, text) = match format {
        Format::Json => {
            let body = json!({ "hook": hook, "status": answer.status, "variables": answer.vars.json() });
            ("application/json", body.to_string())
        }
        Format::Vars => ("text/plain; charset=utf-8", answer.vars.lines()),
        Format::Hash => ("application/x-www-form-urlencoded", answer.vars.form()),
    };
    let headers =
        [(CONTENT_TYPE, HeaderValue::from_static(kind)), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, headers, text).into_response()
}

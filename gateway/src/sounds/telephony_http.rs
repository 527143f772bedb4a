//! `/telephony/sounds` and `/telephony/speech`: where Asterisk fetches what callers hear.
//!
//! No sign-in and no limit: the address is signed, and calls wait. Asterisk fetches one file at a time for all of its calls, so an answer
//! that would come late is given up at once.

use std::time::Duration;

use ::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use ::http::{HeaderMap, Method};
use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio_util::io::ReaderStream;
use trunkline_blob::serve::Use;
use trunkline_db::TenantId;

use super::link::{self, Content};
use crate::files;
use crate::http::{AppError, Path};
use crate::state::AppState;

/// How long the store may take until it begins.
const PATIENCE: Duration = Duration::from_secs(2);
/// Asterisk keeps it and does not ask again.
const FOR_EVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

/// The routes.
pub(crate) fn telephony_router() -> Router<AppState> {
    Router::new()
        .route("/telephony/sounds/{tenant}/{file}", get(get_sound))
        .route("/telephony/speech/{file}", get(get_speech))
}

/// The same answer whether there is no such file or it is not for whoever asks.
fn checked(state: &AppState, content: Option<Content>, query: Option<String>) -> Result<Content, AppError> {
    let query = query.unwrap_or_default();
    content.filter(|content| state.sounds.opens(*content, &query)).ok_or_else(|| {
        state.sounds.metrics().fetched("forged");
        AppError::not_found("sound")
    })
}

async fn get_sound(
    State(state): State<AppState>,
    Path((tenant, file)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let named = uuid::Uuid::try_parse(&tenant).ok().zip(link::file_of(&file));
    let content = checked(&state, named.map(|(tenant, blob)| Content::File { tenant, blob }), query)?;
    let Content::File { tenant, blob } = content else { return Err(AppError::not_found("sound")) };
    let answer =
        files::answer(&state, TenantId(tenant), blob, ("audio/wav", "sound.wav", Use::Saved), &method, &headers);
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    let answer = answer.unwrap_or_else(|_| {
        Err(AppError::unavailable(
            "store of files",
            anyhow::anyhow!("it did not begin within {} s", PATIENCE.as_secs()),
        ))
    });
    match answer {
        Ok(mut response) => {
            response.headers_mut().insert(CACHE_CONTROL, FOR_EVER);
            state.sounds.metrics().fetched("given");
            Ok(response)
        }
        Err(error) => {
            let gone = error.status() == ::http::StatusCode::NOT_FOUND;
            state.sounds.metrics().fetched(if gone { "gone" } else { "failed" });
            Err(error)
        }
    }
}

async fn get_speech(
    State(state): State<AppState>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
) -> Result<Response, AppError> {
    let content = checked(&state, link::sum_of(&file).map(Content::Speech), query)?;
    let Content::Speech(sum) = content else { return Err(AppError::not_found("sound")) };
    let opened = async {
        let file = tokio::fs::File::open(state.sounds.speech().file(&sum)).await?;
        let length = file.metadata().await?.len();
        Ok::<_, std::io::Error>((file, length))
    };
    let (file, length) = opened.await.map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            state.sounds.metrics().fetched("gone");
            return AppError::not_found("sound");
        }
        state.sounds.metrics().fetched("failed");
        AppError::internal(error)
    })?;
    state.sounds.metrics().fetched("given");
    let body = if method == Method::HEAD { Body::empty() } else { Body::from_stream(ReaderStream::new(file)) };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("audio/wav")),
        (CONTENT_LENGTH, HeaderValue::from(length)),
        (CACHE_CONTROL, FOR_EVER),
    ];
    Ok((headers, body).into_response())
}

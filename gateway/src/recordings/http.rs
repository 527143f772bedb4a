//! `/api/v1/recordings`.

use std::fs::File;
use std::io::SeekFrom;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH,
    IF_RANGE, LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::sync::Semaphore;
use tokio_util::io::ReaderStream;
use trunkline_blob::serve::{self, Use};
use trunkline_db::RecordingId;
use trunkline_journal::Ref;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::file::{self, OpenError};
use super::link::{self, AudioLink, AudioQuery, Listener};
use super::model::Recording;
use super::range::{self, ByteRange, Wanted};
use super::store::{self, Row};
use super::waveform::{self, Waveform};
use crate::audit::{self, Actor, Origin};
use crate::auth::Principal;
use crate::http::idempotency::Idempotency;
use crate::http::{AppError, Path, Permission, Problem, Query};
use crate::state::AppState;

/// A recording that runs is another one a moment later.
const ASKED_ABOUT: &str = "private, no-cache";
/// Bytes read from the disk at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Most stretches of a waveform.
const MAX_BUCKETS: u32 = 4_000;
/// Waveforms drawn at the same time: each reads a whole file, and calls need the disk too.
static DRAWING: Semaphore = Semaphore::const_new(2);

/// Stretches of a waveform when no number is asked for.
const DEFAULT_BUCKETS: u32 = 800;

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct LinkQuery {
    /// `true`: for a link that saves the audio rather than playing it.
    download: Option<bool>,
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct WaveformQuery {
    /// How many stretches.
    #[param(minimum = 1, maximum = 4000, default = 800)]
    buckets: Option<u32>,
}

/// Routes of recordings.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_recording))
        .routes(routes!(get_recording_audio))
        .routes(routes!(create_recording_link))
        .routes(routes!(get_recording_waveform))
}

async fn find(state: &AppState, principal: &Principal, id: RecordingId) -> Result<Row, AppError> {
    principal.require(Permission::RecordingsRead)?;
    let mut tx = state.db.tenant(principal.tenant).await?;
    let row = store::find(&mut tx, id, &state.roster.sight(principal)).await?;
    tx.commit().await?;
    row.ok_or_else(|| AppError::not_found("recording"))
}

/// Get a recording
#[utoipa::path(
    get, path = "/recordings/{id}", tag = "recordings", operation_id = "getRecording",
    params(("id" = uuid::Uuid, Path, description = "The recording")),
    responses(
        (status = 200, description = "The recording", body = Recording),
        (status = 404, description = "No such recording in the user's sight", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("recordings:read")))
)]
async fn get_recording(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<RecordingId>,
) -> Result<axum::Json<Recording>, AppError> {
    Ok(axum::Json(find(&state, &principal, id).await?.recording))
}

/// Hear a recording
///
/// A stereo WAV file: left channel the agent, right the customer. Takes `Range` (one range), `If-Range` and `If-None-Match`. With
/// `download=true` (permission `recordings:download`) browsers save it under the call's time and number. What can send no
/// `Authorization` asks by a link: `POST /recordings/{id}/link`.
#[utoipa::path(
    get, path = "/recordings/{id}/audio", tag = "recordings", operation_id = "getRecordingAudio",
    params(
        ("id" = uuid::Uuid, Path, description = "The recording"),
        AudioQuery,
        ("Range" = Option<String>, Header, description = "One range of bytes, as in `bytes=0-65535`"),
    ),
    responses(
        (status = 200, description = "The whole file", body = Vec<u8>, content_type = "audio/wav"),
        (status = 206, description = "The range", body = Vec<u8>, content_type = "audio/wav"),
        (status = 304, description = "Not changed"),
        (status = 403, description = "Downloads take recordings:download", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such recording in the user's sight, or it failed", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is still being recorded", body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "The range lies outside the file", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("recordings:read")), ("x-credential" = json!("key")))
)]
async fn get_recording_audio(
    State(state): State<AppState>,
    Listener(principal): Listener,
    Path(id): Path<RecordingId>,
    Query(AudioQuery { download, .. }): Query<AudioQuery>,
    origin: Origin,
    method: Method,
    request: HeaderMap,
) -> Result<Response, AppError> {
    let download = download.unwrap_or(false);
    if download {
        principal.require(Permission::RecordingsDownload)?;
    }
    let row = find(&state, &principal, id).await?;
    let (file, length) = open_audio(&state, &row).await?;
    let Row { recording, customer, .. } = row;

    // A finished recording never changes: its id and length name its bytes.
    let etag = format!("\"{id}-{length}\"");
    let modified = http_date(recording.ended_at.unwrap_or(recording.started_at));
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value: &str| {
        headers.insert(name, HeaderValue::from_str(value).expect("ids, numbers and dates are valid header values"));
    };
    set(ETAG, &etag);
    set(LAST_MODIFIED, &modified);
    set(ACCEPT_RANGES, "bytes");
    set(CACHE_CONTROL, ASKED_ABOUT);
    if matches_any(&request, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let wanted = match range_header(&request) {
        Some(header) if method == Method::GET && range_is_current(&request, &etag, &modified) => {
            range::parse(header, length)
        }
        _ => Wanted::Whole,
    };
    let file_headers = if download {
        state.metrics.recording_downloads.inc();
        serve::headers("audio/wav", &download_name(recording.started_at, &customer), Use::Saved)
    } else {
        serve::headers("audio/wav", &format!("{id}.wav"), Use::Shown)
    };
    headers.extend(file_headers);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(ASKED_ABOUT));
    let mut set = |name: HeaderName, value: &str| {
        headers.insert(name, HeaderValue::from_str(value).expect("ids, numbers and dates are valid header values"));
    };
    let (status, part) = match wanted {
        Wanted::Unsatisfiable => return Err(AppError::range_not_satisfiable(length)),
        Wanted::Whole => (StatusCode::OK, (length > 0).then(|| ByteRange { first: 0, last: length - 1 })),
        Wanted::Part(part) => {
            set(CONTENT_RANGE, &format!("bytes {}-{}/{length}", part.first, part.last));
            (StatusCode::PARTIAL_CONTENT, Some(part))
        }
    };
    set(CONTENT_LENGTH, &part.map_or(0, ByteRange::len).to_string());
    let body = match part {
        Some(part) if method != Method::HEAD => {
            tell(&state, &principal, &recording, download, origin).await?;
            let mut file = tokio::fs::File::from_std(file);
            file.seek(SeekFrom::Start(part.first)).await.map_err(AppError::internal)?;
            Body::from_stream(ReaderStream::with_capacity(file.take(part.len()), CHUNK_BYTES))
        }
        _ => Body::empty(),
    };
    Ok((status, headers, body).into_response())
}

/// Writes down who hears or saves a recording, before a byte of it is sent. A player asks for it piece by piece: one entry in ten
/// minutes for a user, a recording and a use.
async fn tell(
    state: &AppState,
    principal: &Principal,
    recording: &Recording,
    download: bool,
    origin: Origin,
) -> Result<(), AppError> {
    let action = if download { "recording.downloaded" } else { "recording.heard" };
    let key = (action, recording.id.uuid(), principal.user.to_string());
    if !state.audited.is_new(&key, Instant::now()) {
        return Ok(());
    }
    let entry = audit::Entry {
        actor: Actor::of(principal),
        action,
        subject: Ref::recording(recording.id),
        before: None,
        after: Some(json!({ "call_id": recording.call_id })),
        origin,
    };
    let written = async {
        let mut tx = state.db.tenant(principal.tenant).await?;
        audit::append(&mut tx, entry).await?;
        tx.commit().await
    };
    Ok(written.await.inspect_err(|_| state.audited.forget(&key))?)
}

/// Make a link to a recording
///
/// An address for what can send no `Authorization` header, such as a browser's `<audio>` element: it plays this recording (or, with
/// `download=true`, saves it) for 15 minutes with the user's rights of now, and takes `Range`.
#[utoipa::path(
    post, path = "/recordings/{id}/link", tag = "recordings", operation_id = "createRecordingLink",
    params(
        ("id" = uuid::Uuid, Path, description = "The recording"),
        LinkQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 201, description = "The link", body = AudioLink),
        (status = 403, description = "Downloads take recordings:download", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such recording in the user's sight, or it failed", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is still being recorded, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("recordings:read")))
)]
async fn create_recording_link(
    State(state): State<AppState>,
    Path(id): Path<RecordingId>,
    Query(LinkQuery { download }): Query<LinkQuery>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    let download = download.unwrap_or(false);
    if download {
        principal.require(Permission::RecordingsDownload)?;
    }
    let row = find(&state, &principal, id).await?;
    // Why there is nothing to hear is said here: an `<audio>` element only knows that it failed.
    open_audio(&state, &row).await?;
    let made = idempotency.outside(&state, async {
        let expires_at = link::end(Utc::now());
        let key = link::seal(&state.keys, &principal, id, download, expires_at);
        let what = if download { "download=true&" } else { "" };
        let url = format!("/api/v1/recordings/{id}/audio?{what}key={key}");
        Ok((StatusCode::CREATED, AudioLink { url, expires_at }))
    });
    let mut response = made.await?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The finished recording's file and its length in bytes.
async fn open_audio(state: &AppState, row: &Row) -> Result<(File, u64), AppError> {
    match row.recording.state.as_str() {
        "ready" => {}
        "recording" => return Err(AppError::conflict("still-recording", "the call is still being recorded")),
        _ => return Err(AppError::not_found("audio: the recording failed")),
    }
    let (folder, path) = (state.config.recordings_dir.clone(), row.path.clone());
    let opened =
        tokio::task::spawn_blocking(move || file::open(&folder, path.as_ref())).await.map_err(AppError::internal)?;
    match opened {
        Ok(opened) => Ok(opened),
        Err(error @ OpenError::Absent(_)) => {
            tracing::error!(recording = %row.recording.id, %error, "the file of a recording is gone");
            Err(AppError::not_found("audio: the file of the recording is gone"))
        }
        Err(error) => Err(AppError::internal(error)),
    }
}

/// What a browser calls the saved file: `2026-11-20-1504-15551234567.wav`, in UTC. Letters of numbers as they were received are
/// left out: they may be anything.
fn download_name(started_at: DateTime<Utc>, customer: &str) -> String {
    let digits: String = customer.chars().filter(char::is_ascii_digit).take(20).collect();
    let time = started_at.format("%Y-%m-%d-%H%M");
    if digits.is_empty() { format!("{time}.wav") } else { format!("{time}-{digits}.wav") }
}

/// See a recording
///
/// The peaks of both parties in equal stretches, to draw its waveform. A finished recording never changes: the answer may be kept.
#[utoipa::path(
    get, path = "/recordings/{id}/waveform", tag = "recordings", operation_id = "getRecordingWaveform",
    params(("id" = uuid::Uuid, Path, description = "The recording"), WaveformQuery),
    responses(
        (status = 200, description = "The peaks", body = Waveform),
        (status = 304, description = "Not changed"),
        (status = 400, description = "Too many buckets, or none", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such recording in the user's sight, or it failed", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is still being recorded", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("recordings:read")))
)]
async fn get_recording_waveform(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<RecordingId>,
    Query(query): Query<WaveformQuery>,
    request: HeaderMap,
) -> Result<Response, AppError> {
    let buckets = query.buckets.unwrap_or(DEFAULT_BUCKETS);
    if !(1..=MAX_BUCKETS).contains(&buckets) {
        return Err(AppError::bad_parameter("buckets", format!("must be from 1 to {MAX_BUCKETS}")));
    }
    let row = find(&state, &principal, id).await?;
    let (file, length) = open_audio(&state, &row).await?;
    let etag = format!("\"{id}-{length}-{buckets}\"");
    let value = HeaderValue::from_str(&etag).expect("ids and numbers are valid header values");
    let headers = [(ETAG, value), (CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable"))];
    if matches_any(&request, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let turn = DRAWING.acquire().await.map_err(AppError::internal)?;
    let drawn =
        tokio::task::spawn_blocking(move || waveform::draw(file, length, buckets)).await.map_err(AppError::internal)?;
    drop(turn);
    Ok((headers, axum::Json(drawn.map_err(AppError::internal)?)).into_response())
}

/// The one `Range` header; several are as good as none.
fn range_header(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(RANGE).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// `If-Range` (RFC 9110 §13.1.5): by strong comparison of the ETag, or the very date of `Last-Modified`.
fn range_is_current(headers: &HeaderMap, etag: &str, modified: &str) -> bool {
    match headers.get(IF_RANGE) {
        None => true,
        Some(value) => value.to_str().is_ok_and(|value| value.trim() == etag || value.trim() == modified),
    }
}

/// `If-None-Match` (RFC 9110 §13.1.2), by weak comparison.
fn matches_any(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|candidate| candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == etag)
}

/// IMF-fixdate (RFC 9110 §5.6.7).
fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

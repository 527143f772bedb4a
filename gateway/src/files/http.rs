//! `/api/v1/attachments`.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;
use trunkline_blob::serve::{self, Use};
use trunkline_blob::{BlobError, BlobKey};
use trunkline_channels::model::MediaSort;
use trunkline_conversations::{AttachmentState, AttachmentView, list};
use trunkline_db::{AttachmentId, TenantId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Files;
use super::intake::{self, Claimed, Laid, Unkept};
use super::store::{self, Row};
use crate::auth::Principal;
use crate::http::idempotency::Idempotency;
use crate::http::{AppError, Path, Permission, Problem, Query};
use crate::recordings::range::{self, Wanted};
use crate::state::AppState;

/// Largest upload, in bytes: WhatsApp's documents have 100 MB.
const MAX_UPLOAD: u64 = 100 * 1024 * 1024;
/// Bytes sent at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Longest name, in characters.
const MAX_NAME: usize = 255;

/// Routes of files.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_attachment))
        .routes(routes!(get_attachment))
        .routes(routes!(get_attachment_thumbnail))
}

/// A file that somebody may see: of a conversation in their sight, or their own that is not sent yet.
async fn find(state: &AppState, principal: &Principal, id: AttachmentId) -> Result<Row, AppError> {
    principal.require(Permission::ConversationsRead)?;
    let not_found = || AppError::not_found("attachment");
    let mut tx = state.db.tenant(principal.tenant).await?;
    let row = store::find(&mut tx, id).await?.ok_or_else(not_found)?;
    let may = match row.conversation {
        Some(conversation) => list::one(&mut tx, &state.roster.sight(principal), conversation).await?.is_some(),
        None => row.uploaded_by == Some(principal.user),
    };
    tx.commit().await?;
    if may { Ok(row) } else { Err(not_found()) }
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct FileQuery {
    /// `true`: to be saved, not shown.
    download: Option<bool>,
}

/// Get a file
///
/// As it was sent. Only pictures, sound, films and plain text are shown by a browser; everything else is saved. Takes `Range` (one range),
/// `If-Range` and `If-None-Match`.
#[utoipa::path(
    get, path = "/attachments/{id}", tag = "conversations", operation_id = "getAttachment",
    params(
        ("id" = Uuid, Path, description = "The attachment"),
        FileQuery,
        ("Range" = Option<String>, Header, description = "One range of bytes, as in `bytes=0-65535`"),
    ),
    responses(
        (status = 200, description = "The whole file", body = Vec<u8>, content_type = "*/*"),
        (status = 206, description = "The range", body = Vec<u8>, content_type = "*/*"),
        (status = 304, description = "Not changed"),
        (status = 404, description = "No such attachment in the user's sight", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is not here (yet); its message says why", body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "The range lies outside the file", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:read")))
)]
async fn get_attachment(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<AttachmentId>,
    Query(query): Query<FileQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let row = find(&state, &principal, id).await?;
    let Some(blob) = row.blob else {
        return Err(AppError::conflict("not-here", format!("the file is not here: it is {}", row.state)));
    };
    let name = row.file_name.clone().unwrap_or_else(|| format!("file-{}", row.created_at.format("%Y-%m-%d")));
    let mime = row.mime.unwrap_or_default();
    let wanted = if query.download == Some(true) { Use::Saved } else { Use::Shown };
    answer(&state, principal.tenant, blob, (&mime, &name, wanted), &method, &headers).await
}

/// Get a small picture of a file
#[utoipa::path(
    get, path = "/attachments/{id}/thumbnail", tag = "conversations", operation_id = "getAttachmentThumbnail",
    params(("id" = Uuid, Path, description = "The attachment")),
    responses(
        (status = 200, description = "The picture: JPEG, or WebP where something shines through", body = Vec<u8>, content_type = "image/*"),
        (status = 304, description = "Not changed"),
        (status = 404, description = "No such attachment in the user's sight, or there is no small picture of it", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:read")))
)]
async fn get_attachment_thumbnail(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<AttachmentId>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let row = find(&state, &principal, id).await?;
    let blob = row.thumbnail.ok_or_else(|| AppError::not_found("thumbnail"))?;
    let mime = small_type(&state, principal.tenant, blob).await?;
    answer(&state, principal.tenant, blob, (mime, "thumbnail", Use::Shown), &method, &headers).await
}

/// A small picture is one of two types; its first bytes tell which.
async fn small_type(state: &AppState, tenant: TenantId, blob: Uuid) -> Result<&'static str, AppError> {
    let key = Files::key(tenant, blob);
    let blobs = state.files.blobs().await.map_err(unreadable)?;
    let mut opened = blobs.open(&key, Some(0..12)).await.map_err(unreadable)?;
    let head = trunkline_blob::read_part(&mut opened.content, 12).await.map_err(unreadable)?;
    Ok(if head.starts_with(b"RIFF") { "image/webp" } else { "image/jpeg" })
}

fn unreadable(error: BlobError) -> AppError {
    match error {
        BlobError::NotFound => {
            tracing::error!("a file that the database knows is not in the store");
            AppError::not_found("file: the store has it no more")
        }
        BlobError::Range { size } => AppError::range_not_satisfiable(size),
        error if error.may_pass() => AppError::unavailable("store of files", error),
        error => AppError::internal(error),
    }
}

/// A file of the store, as an answer.
pub(crate) async fn answer(
    state: &AppState,
    tenant: TenantId,
    blob: Uuid,
    (mime, name, wanted): (&str, &str, Use),
    method: &Method,
    request: &HeaderMap,
) -> Result<Response, AppError> {
    let key: BlobKey = Files::key(tenant, blob);
    let blobs = state.files.blobs().await.map_err(unreadable)?;
    let length = blobs.head(&key).await.map_err(unreadable)?.size;
    // A file that is kept never changes: its id and its length name its bytes.
    let etag = format!("\"{blob}-{length}\"");
    let mut headers = serve::headers(mime, name, wanted);
    let text = |text: &str| HeaderValue::from_str(text).expect("ids and numbers are valid header values");
    headers.insert(ETAG, text(&etag));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let given = |name: http::HeaderName| request.get(name).and_then(|value| value.to_str().ok());
    if given(IF_NONE_MATCH)
        .is_some_and(|seen| seen.split(',').any(|one| matches!(one.trim(), one if one == "*" || one == etag)))
    {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let is_current = given(IF_RANGE).is_none_or(|seen| seen == etag);
    let asked = given(RANGE).filter(|_| is_current && *method == Method::GET);
    let (status, part) = match asked.map_or(Wanted::Whole, |asked| range::parse(asked, length)) {
        Wanted::Unsatisfiable => return Err(AppError::range_not_satisfiable(length)),
        Wanted::Whole => (StatusCode::OK, 0..length),
        Wanted::Part(part) => {
            headers.insert(CONTENT_RANGE, text(&format!("bytes {}-{}/{length}", part.first, part.last)));
            (StatusCode::PARTIAL_CONTENT, part.first..part.last + 1)
        }
    };
    headers.insert(CONTENT_LENGTH, HeaderValue::from(part.end - part.start));
    let body = if *method == Method::HEAD || part.is_empty() {
        Body::empty()
    } else {
        let opened = blobs.open(&key, Some(part)).await.map_err(unreadable)?;
        Body::from_stream(ReaderStream::with_capacity(opened.content, CHUNK_BYTES))
    };
    Ok((status, headers, body).into_response())
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct UploadQuery {
    /// Its name, at most 255 characters.
    file_name: Option<String>,
    /// What it is sent as: `image`, `audio`, `voice`, `video`, `video_note`, `document`, `sticker`, `animation`. Absent: as its type says.
    #[param(value_type = Option<String>)]
    sort: Option<MediaSort>,
}

/// Upload a file
///
/// The body is the file itself, at most 100 MB; `Content-Type` says what it is. It is looked into: a file that is not what it says it is, is
/// refused. What is not sent within a day is removed.
#[utoipa::path(
    post, path = "/attachments", tag = "conversations", operation_id = "createAttachment",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    params(
        UploadQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 201, description = "The attachment, for a message", body = AttachmentView),
        (status = 409, description = "The company's storage is full, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "It is too large", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It is not what it says it is", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("conversations:write")))
)]
async fn create_attachment(
    State(state): State<AppState>,
    by: Principal,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> Result<Response, AppError> {
    by.require(Permission::ConversationsWrite)?;
    let (parts, body) = request.into_parts();
    let declared = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(bare);
    let declared = declared.filter(|kind| !kind.is_empty() && kind.len() <= 256);
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_UPLOAD) {
        return Err(AppError::too_large(MAX_UPLOAD as usize));
    }
    let name = query.file_name.as_deref().map(serve::clean_name).filter(|name| !name.is_empty());
    let name = name.map(|name| name.chars().take(MAX_NAME).collect::<String>());
    let sort = query.sort.unwrap_or_else(|| sort_of(declared.as_deref()));
    let mut tx = state.db.tenant(by.tenant).await?;
    let room = store::room(&mut tx).await?;
    tx.commit().await?;
    let most = room.map_or(MAX_UPLOAD, |room| room.unsigned_abs().min(MAX_UPLOAD));
    let (laid, size, sum) = lay_down(&state, body, most).await?;
    // The same file is the same request: its sum stands for it.
    let idempotency = Idempotency::from_parts(&state, by, &parts, sum.as_bytes())?;
    let uploading = async {
        let id = AttachmentId::new();
        let claimed = Claimed { sort, mime: declared.clone() };
        let kept = intake::keep(&state.files, by.tenant, id, &laid, (size, &sum), &claimed).await;
        let kept = kept.map_err(|error| match error {
            Unkept::Refused(why) => AppError::invalid_field("body", why),
            Unkept::Later(why) => AppError::unavailable("store of files", anyhow::anyhow!(why)),
        })?;
        let mut tx = state.db.tenant(by.tenant).await?;
        store::insert(&mut tx, id, (word(sort), declared.as_deref(), name.as_deref()), &kept, by.user).await?;
        tx.commit().await?;
        let view = AttachmentView {
            id,
            sort,
            state: AttachmentState::Stored,
            mime: Some(kept.mime.to_owned()),
            file_name: name,
            bytes: i64::try_from(kept.bytes).ok(),
            seconds: None,
            width: kept.size.and_then(|(width, _)| i32::try_from(width).ok()),
            height: kept.size.and_then(|(_, height)| i32::try_from(height).ok()),
            thumbnail: kept.thumbnail.is_some(),
            error: None,
        };
        Ok((StatusCode::CREATED, view))
    };
    Box::pin(idempotency.outside(&state, uploading)).await
}

/// Writes a body into a file of this machine; its size and its SHA-256.
async fn lay_down(state: &AppState, body: Body, most: u64) -> Result<(Laid, u64, String), AppError> {
    let (laid, mut file) = Laid::new(&state.files).await.map_err(AppError::internal)?;
    let (mut size, mut sum) = (0_u64, Sha256::new());
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| AppError::bad_request("the body ended before its end"))?;
        size += piece.len() as u64;
        if size > most {
            return Err(if most < MAX_UPLOAD {
                AppError::conflict("storage-full", "the company's storage has no room for it")
            } else {
                AppError::too_large(MAX_UPLOAD as usize)
            });
        }
        sum.update(&piece);
        file.write_all(&piece).await.map_err(AppError::internal)?;
    }
    file.flush().await.map_err(AppError::internal)?;
    let sum = crate::audit::hex(&sum.finalize());
    Ok((laid, size, sum))
}

fn bare(mime: &str) -> String {
    mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// What a file is sent as, when nothing is said.
fn sort_of(mime: Option<&str>) -> MediaSort {
    match mime.unwrap_or_default() {
        "image/jpeg" | "image/png" | "image/webp" => MediaSort::Image,
        kind if kind.starts_with("audio/") => MediaSort::Audio,
        kind if kind.starts_with("video/") => MediaSort::Video,
        _ => MediaSort::Document,
    }
}

const fn word(sort: MediaSort) -> &'static str {
    match sort {
        MediaSort::Image => "image",
        MediaSort::Audio => "audio",
        MediaSort::Voice => "voice",
        MediaSort::Video => "video",
        MediaSort::VideoNote => "video_note",
        MediaSort::Document => "document",
        MediaSort::Sticker => "sticker",
        MediaSort::Animation => "animation",
    }
}

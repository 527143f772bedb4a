//! `/api/v1/sounds`.

use axum::body::Body;
use axum::extract::{FromRequest as _, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode};
use trunkline_blob::serve::Use;
use trunkline_db::SoundId;
use trunkline_journal::Outcome;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{NameSound, Sound, SpeakSound};
use super::service::{self, Given};
use super::store;
use crate::audit::Origin;
use crate::auth::Principal;
use crate::files;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, IfMatch, Json, Page, PageQuery, Path, Permission, Problem, Query, tagged};
use crate::roles::Asking;
use crate::state::AppState;

/// Largest upload, in bytes.
const MAX_UPLOAD: usize = 10 * 1024 * 1024;
/// What browsers and programs call a WAV file.
const WAV: [&str; 5] = ["audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "application/octet-stream"];

/// Routes of sounds.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_sounds, create_sound))
        .routes(routes!(get_sound, update_sound, delete_sound))
        .routes(routes!(put_sound_file, get_sound_file, delete_sound_file))
}

/// List sounds
#[utoipa::path(
    get, path = "/sounds", tag = "telephony", operation_id = "listSounds", params(PageQuery),
    responses((status = 200, description = "Sounds by name", body = Page<Sound>)),
    extensions(("x-permission" = json!("telephony:read")))
)]
async fn list_sounds(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<Sound>>, AppError> {
    let (limit, after) = (page.limit()?, page.position::<(String, SoundId)>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let sounds = store::list(&mut tx, None, after.as_ref(), i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(sounds, limit, as_of_seq, |sound: &Sound| (sound.name.clone(), sound.id))))
}

/// Make a sound
///
/// It has no file yet, and nobody hears it.
#[utoipa::path(
    post, path = "/sounds", tag = "telephony", operation_id = "createSound", request_body = NameSound,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The sound", body = Sound),
        (status = 409, description = "The name is taken, there are too many, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn create_sound(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<NameSound>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let answer = idempotency
        .command(&state, move |tx| {
            let (asking, name) = (asking.clone(), wanted.name.clone());
            Box::pin(async move {
                let (sound, event) = service::create(tx, &asking, &name).await?;
                Ok((Effect { status: StatusCode::CREATED, body: sound, value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Get a sound
#[utoipa::path(
    get, path = "/sounds/{id}", tag = "telephony", operation_id = "getSound",
    params(("id" = uuid::Uuid, Path, description = "The sound")),
    responses(
        (status = 200, description = "The sound", body = Sound),
        (status = 404, description = "No such sound", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:read")))
)]
async fn get_sound(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<SoundId>,
) -> Result<Response, AppError> {
    let mut tx = state.db.tenant(principal.tenant).await?;
    let sound = store::list(&mut tx, Some(id), None, 1).await?.pop();
    tx.commit().await?;
    let sound = sound.ok_or_else(|| AppError::not_found("sound"))?;
    Ok(tagged(sound.updated_at, &sound))
}

/// Rename a sound
#[utoipa::path(
    patch, path = "/sounds/{id}", tag = "telephony", operation_id = "updateSound", request_body = NameSound,
    params(
        ("id" = uuid::Uuid, Path, description = "The sound"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
    ),
    responses(
        (status = 200, description = "The sound as it is now", body = Sound),
        (status = 404, description = "No such sound", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn update_sound(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<SoundId>,
    seen: IfMatch,
    Json(wanted): Json<NameSound>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, name, seen) = (asking.clone(), wanted.name.clone(), seen.clone());
            Box::pin(async move {
                let (sound, event) = service::rename(tx, &asking, id, &seen, &name).await?;
                Ok(Outcome::new(sound).events(event))
            })
        })
        .await?;
    Ok(tagged(committed.value.updated_at, &committed.value))
}

/// Remove a sound
///
/// With its files. A sound that a flow plays stays.
#[utoipa::path(
    delete, path = "/sounds/{id}", tag = "telephony", operation_id = "deleteSound",
    params(("id" = uuid::Uuid, Path, description = "The sound")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such sound", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Flows play it; the detail names them", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn delete_sound(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<SoundId>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    state
        .journal
        .command(by.tenant, move |tx| {
            let asking = asking.clone();
            Box::pin(async move { Ok(Outcome::new(()).event(service::remove(tx, &asking, id).await?)) })
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Upload or speak a sound
///
/// In one language, in the place of what was there. The body is a WAV file (plain PCM, 8 to 96 kHz, mono or stereo, at most 10 MiB and ten
/// minutes; `Content-Type: audio/wav`), or JSON with a text that is spoken. It is kept as callers hear it: 8 kHz, mono, 16 bits.
#[utoipa::path(
    put, path = "/sounds/{id}/files/{language}", tag = "telephony", operation_id = "putSoundFile",
    request_body(content((SpeakSound = "application/json"), (Vec<u8> = "audio/wav"))),
    params(
        ("id" = uuid::Uuid, Path, description = "The sound"),
        ("language" = String, Path, description = "BCP 47, such as en or pt-BR"),
    ),
    responses(
        (status = 200, description = "The sound as it is now", body = Sound),
        (status = 404, description = "No such sound", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The company's storage is full, or the sound has too many languages", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "It is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Neither a WAV file nor JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It is no such WAV file, or the text cannot be spoken; the words say why", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store of files does not answer, or too much is to be spoken", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn put_sound_file(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path((id, language)): Path<(SoundId, String)>,
    request: Request,
) -> Result<Response, AppError> {
    by.require(Permission::TelephonyManage)?;
    let language = service::checked_language(&language)?;
    let declared = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let declared = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let given = if WAV.contains(&declared.as_str()) {
        Given::Upload(body_of(request).await?)
    } else if declared == "application/json" {
        let Json(SpeakSound { text }) = Json::from_request(request, &state).await?;
        Given::Text(text)
    } else {
        return Err(AppError::not_a_sound());
    };
    let sound = Box::pin(service::put_file(&state, Asking { by, origin }, id, language, given)).await?;
    Ok(tagged(sound.updated_at, &sound))
}

/// A body of at most [`MAX_UPLOAD`].
async fn body_of(request: Request<Body>) -> Result<Bytes, AppError> {
    let (parts, body) = request.into_parts();
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_UPLOAD) {
        return Err(AppError::too_large(MAX_UPLOAD));
    }
    let mut whole = BytesMut::with_capacity(announced.unwrap_or_default());
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| AppError::bad_request("the body ended before its end"))?;
        if whole.len() + piece.len() > MAX_UPLOAD {
            return Err(AppError::too_large(MAX_UPLOAD));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// Hear a sound
///
/// In one language, as callers hear it. Takes `Range` (one range), `If-Range` and `If-None-Match`.
#[utoipa::path(
    get, path = "/sounds/{id}/files/{language}", tag = "telephony", operation_id = "getSoundFile",
    params(
        ("id" = uuid::Uuid, Path, description = "The sound"),
        ("language" = String, Path, description = "BCP 47, such as en or pt-BR"),
        ("Range" = Option<String>, Header, description = "One range of bytes, as in `bytes=0-65535`"),
    ),
    responses(
        (status = 200, description = "The whole file", body = Vec<u8>, content_type = "audio/wav"),
        (status = 206, description = "The range", body = Vec<u8>, content_type = "audio/wav"),
        (status = 304, description = "Not changed"),
        (status = 404, description = "No such sound, or not in this language", body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "The range lies outside the file", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:read")))
)]
async fn get_sound_file(
    State(state): State<AppState>,
    principal: Principal,
    Path((id, language)): Path<(SoundId, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let language = service::checked_language(&language).map_err(|_| AppError::not_found("sound in this language"))?;
    let mut tx = state.db.tenant(principal.tenant).await?;
    let blob = store::blob(&mut tx, id, &language).await?;
    tx.commit().await?;
    let blob = blob.ok_or_else(|| AppError::not_found("sound in this language"))?;
    let name = format!("sound-{language}.wav");
    files::answer(&state, principal.tenant, blob, ("audio/wav", &name, Use::Shown), &method, &headers).await
}

/// Remove a sound in one language
///
/// Callers of that language hear another of the sound's.
#[utoipa::path(
    delete, path = "/sounds/{id}/files/{language}", tag = "telephony", operation_id = "deleteSoundFile",
    params(
        ("id" = uuid::Uuid, Path, description = "The sound"),
        ("language" = String, Path, description = "BCP 47, such as en or pt-BR"),
    ),
    responses(
        (status = 200, description = "The sound as it is now", body = Sound),
        (status = 404, description = "No such sound, or not in this language", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn delete_sound_file(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path((id, language)): Path<(SoundId, String)>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let language = service::checked_language(&language).map_err(|_| AppError::not_found("sound in this language"))?;
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, language) = (asking.clone(), language.clone());
            Box::pin(async move {
                let (sound, event) = service::remove_file(tx, &asking, id, &language).await?;
                Ok(Outcome::new(sound).event(event))
            })
        })
        .await?;
    Ok(tagged(committed.value.updated_at, &committed.value))
}

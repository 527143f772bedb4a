//! `/api/v1/api-keys`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use trunkline_db::ApiKeyId;
use trunkline_journal::Outcome;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ApiKey, CreateApiKey, NewApiKey, RotateApiKey, UpdateApiKey};
use super::{service, store};
use crate::audit::Origin;
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, IfMatch, Json, Page, PageQuery, Path, Problem, Query, tagged};
use crate::roles::Asking;
use crate::roster;
use crate::state::AppState;

/// Routes of API keys.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_api_keys, create_api_key))
        .routes(routes!(get_api_key, update_api_key, revoke_api_key))
        .routes(routes!(rotate_api_key))
}

/// The secret goes nowhere but to the client.
fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// List API keys
///
/// Newest first, without those that were revoked.
#[utoipa::path(
    get, path = "/api-keys", tag = "api-keys", operation_id = "listApiKeys", params(PageQuery),
    responses((status = 200, description = "Keys, without secrets", body = Page<ApiKey>)),
    extensions(("x-permission" = json!("api_keys:manage")))
)]
async fn list_api_keys(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<ApiKey>>, AppError> {
    let (limit, before) = (page.limit()?, page.position::<ApiKeyId>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let keys = store::list(&mut tx, before, i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(keys, limit, as_of_seq, |key: &ApiKey| key.id)))
}

/// Make an API key
///
/// It acts for the caller, with some of the caller's permissions. The secret is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/api-keys", tag = "api-keys", operation_id = "createApiKey", request_body = CreateApiKey,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The key with its secret", body = NewApiKey),
        (status = 403, description = "More than the caller has", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Too many keys, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("api_keys:manage")))
)]
async fn create_api_key(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<CreateApiKey>,
) -> Result<Response, AppError> {
    let by = idempotency.principal();
    let asking = Asking { by, origin };
    let answer = idempotency
        .command(&state, move |tx| {
            let (asking, wanted) = (asking.clone(), wanted.clone());
            Box::pin(async move {
                let (key, event) = service::create(tx, &asking, &wanted).await?;
                Ok((Effect { status: StatusCode::CREATED, body: key, value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    // Good at once: what is answered works.
    roster::refresh(&state, Some(by.tenant)).await?;
    Ok(no_store(response))
}

/// Get an API key
#[utoipa::path(
    get, path = "/api-keys/{id}", tag = "api-keys", operation_id = "getApiKey",
    params(("id" = uuid::Uuid, Path, description = "The key")),
    responses(
        (status = 200, description = "The key, without its secret", body = ApiKey),
        (status = 404, description = "No such key, or revoked", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("api_keys:manage")))
)]
async fn get_api_key(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ApiKeyId>,
) -> Result<Response, AppError> {
    let mut tx = state.db.tenant(principal.tenant).await?;
    let key = store::find(&mut tx, id).await?.ok_or_else(|| AppError::not_found("API key"))?;
    tx.commit().await?;
    Ok(tagged(key.updated_at, &key))
}

/// Change an API key
///
/// Counts at once.
#[utoipa::path(
    patch, path = "/api-keys/{id}", tag = "api-keys", operation_id = "updateApiKey", request_body = UpdateApiKey,
    params(
        ("id" = uuid::Uuid, Path, description = "The key"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
    ),
    responses(
        (status = 200, description = "The key as it is now", body = ApiKey),
        (status = 403, description = "More than the caller has", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such key, or revoked", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("api_keys:manage")))
)]
async fn update_api_key(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<ApiKeyId>,
    seen: IfMatch,
    Json(wanted): Json<UpdateApiKey>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, wanted, seen) = (asking.clone(), wanted.clone(), seen.clone());
            Box::pin(async move {
                let (key, event) = service::update(tx, &asking, id, &seen, &wanted).await?;
                Ok(Outcome::new(key).event(event))
            })
        })
        .await?;
    roster::refresh(&state, Some(by.tenant)).await?;
    Ok(tagged(committed.value.updated_at, &committed.value))
}

/// Revoke an API key
///
/// It is refused from now on, and its streams are closed.
#[utoipa::path(
    delete, path = "/api-keys/{id}", tag = "api-keys", operation_id = "revokeApiKey",
    params(("id" = uuid::Uuid, Path, description = "The key")),
    responses(
        (status = 204, description = "Revoked"),
        (status = 404, description = "No such key, or revoked before", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("api_keys:manage")))
)]
async fn revoke_api_key(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<ApiKeyId>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    state
        .journal
        .command(by.tenant, move |tx| {
            let asking = asking.clone();
            Box::pin(async move { Ok(Outcome::new(()).event(service::revoke(tx, &asking, id).await?)) })
        })
        .await?;
    // Refused here whatever becomes of the reading; other nodes are told by the database.
    state.sessions.end(id.uuid());
    roster::refresh(&state, Some(by.tenant)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Give an API key another secret
///
/// The old one is good for a while beside it, so that a program can be changed over without a gap. The secret is in this answer and
/// nowhere else. Only its maker may.
#[utoipa::path(
    post, path = "/api-keys/{id}/rotate", tag = "api-keys", operation_id = "rotateApiKey", request_body = RotateApiKey,
    params(
        ("id" = uuid::Uuid, Path, description = "The key"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "The key with its new secret", body = NewApiKey),
        (status = 403, description = "Somebody else's key, or it may do more than the caller", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such key, or revoked", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("api_keys:manage")))
)]
async fn rotate_api_key(
    State(state): State<AppState>,
    Path(id): Path<ApiKeyId>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<RotateApiKey>,
) -> Result<Response, AppError> {
    let by = idempotency.principal();
    let asking = Asking { by, origin };
    let answer = idempotency
        .command(&state, move |tx| {
            let asking = asking.clone();
            Box::pin(async move {
                let (key, event) = service::rotate(tx, &asking, id, wanted).await?;
                Ok((Effect { status: StatusCode::OK, body: key, value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    roster::refresh(&state, Some(by.tenant)).await?;
    Ok(no_store(response))
}

//! Files that a provider fetches itself (Twilio's MMS): by a signed address that ends, at `/files/shared`.

use ::http::{HeaderMap, Method};
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use chrono::{TimeDelta, Utc};
use trunkline_blob::link::{self, Link, LinkError};
use trunkline_blob::serve::Use;
use trunkline_db::TenantId;
use uuid::Uuid;

use super::{Files, http, store};
use crate::http::AppError;
use crate::state::AppState;

/// For so long an address is good: a provider that was away comes again.
const LIFE: TimeDelta = TimeDelta::hours(24);

/// An address by which whoever has it fetches a file, for a day.
pub fn address(state: &AppState, tenant: TenantId, blob: Uuid, name: &str) -> String {
    let link =
        Link { key: Files::key(tenant, blob), ends: Utc::now() + LIFE, name: name.to_owned(), wanted: Use::Shown };
    let query = link::sign(&secret(state), &link);
    format!("{}/files/shared?{query}", state.config.public_url.as_str().trim_end_matches('/'))
}

fn secret(state: &AppState) -> [u8; 32] {
    state.keys.hash_opaque("shared-files")
}

/// The route.
pub(crate) fn shared_router() -> Router<AppState> {
    Router::new().route("/files/shared", get(get_shared))
}

async fn get_shared(
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let link = link::verify(&secret(&state), &query.unwrap_or_default(), Utc::now()).map_err(|error| match error {
        LinkError::Ended => AppError::ended("link"),
        LinkError::Forged => AppError::not_found("file"),
    })?;
    let (tenant, blob) = (TenantId(link.key.tenant()), link.key.blob());
    let mut tx = state.db.tenant(tenant).await?;
    let mime = store::mime_of(&mut tx, blob).await?;
    tx.commit().await?;
    let mime = mime.ok_or_else(|| AppError::not_found("file"))?;
    http::answer(&state, tenant, blob, (&mime, &link.name, link.wanted), &method, &headers).await
}

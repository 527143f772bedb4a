//! The files of messages, by the keys that are in what is sent.

use std::io;

use trunkline_channels::client::{Content, Files as _};
use trunkline_db::TenantId;
use uuid::Uuid;

use crate::files;
use crate::state::AppState;

/// Opens a file by its blob's key.
pub(super) async fn open(state: &AppState, key: &str) -> io::Result<Content> {
    state.files.open(key).await
}

/// A link by which a provider can fetch a file, for a day; `None`: not the key of a file.
pub(super) fn link(state: &AppState, key: &str, name: &str) -> Option<String> {
    let (tenant, blob) = key.split_once('/')?;
    let (tenant, blob): (TenantId, Uuid) = (tenant.parse().ok()?, blob.parse().ok()?);
    Some(files::shared_address(state, tenant, blob, name))
}

//! The files of messages: opened when they are sent, and by a link for a provider that fetches them itself.

use std::io;

use trunkline_channels::client::Content;

use crate::state::AppState;

/// Opens a file by its blob's key.
pub(super) async fn open(state: &AppState, key: &str) -> io::Result<Content> {
    let _ = (state, key);
    Err(io::Error::from(io::ErrorKind::NotFound))
}

/// A link by which a provider can fetch a file.
pub(super) fn link(state: &AppState, key: &str, name: &str) -> Option<String> {
    let _ = (state, key, name);
    None
}

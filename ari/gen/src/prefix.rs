//! Where an installed Asterisk keeps its api-docs.

use std::env;
use std::path::PathBuf;

use crate::swagger::find_api_docs;

/// The Asterisk prefix to look into: `TRUNKLINE_ASTERISK_PREFIX`, else
/// `${XDG_CACHE_HOME:-$HOME/.cache}/trunkline/asterisk/current`. `None` where there is no such folder.
pub fn installed_prefix() -> Option<PathBuf> {
    let named = env::var_os("TRUNKLINE_ASTERISK_PREFIX").filter(|value| !value.is_empty()).map(PathBuf::from);
    let prefix = match named {
        Some(prefix) => prefix,
        None => env::var_os("XDG_CACHE_HOME")
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
            .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))?
            .join("trunkline/asterisk/current"),
    };
    prefix.is_dir().then_some(prefix)
}

/// The folder with `resources.json` below [`installed_prefix`].
pub fn installed_api_docs() -> Option<PathBuf> {
    // `current` is a symbolic link; the search below does not follow links, so start from what it names.
    find_api_docs(&installed_prefix()?.canonicalize().ok()?)
}

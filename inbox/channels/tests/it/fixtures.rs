//! Recorded payloads, where there is a folder of them: `TRUNKLINE_FIXTURES`, or `shared/fixtures` beside the workspace.

use std::path::{Path, PathBuf};

/// Name and text of each JSON file of one folder; none where the folder is not there.
pub(crate) fn walk(folder: &str) -> Vec<(String, Vec<u8>)> {
    let root = std::env::var_os("TRUNKLINE_FIXTURES").map_or_else(
        || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures")).to_path_buf(),
        PathBuf::from,
    );
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else {
        println!("skipped: no recorded payloads (TRUNKLINE_FIXTURES)");
        return Vec::new();
    };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let mut found: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    found.sort();
    found
}

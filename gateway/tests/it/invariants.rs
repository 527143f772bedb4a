//! What ARCHITECTURE.md promises of the source as a whole.

use std::path::{Path, PathBuf};

/// The Rust files below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn nothing_but_a_store_speaks_sql() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let crates = ["gateway", "inbox/figures", "inbox/jobs", "inbox/journal", "inbox/routing", "media", "ari"];
    let mut files = Vec::new();
    for folder in crates {
        sources(&root.join(folder).join("src"), &mut files);
    }
    // Spelt so that this file has none of them.
    let words = ["query", "query_as", "query_scalar", "query_file", "raw_sql"];
    let calls: Vec<String> =
        words.iter().flat_map(|word| [format!("sqlx::{word}!("), format!("sqlx::{word}(")]).collect();
    let speaks = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        calls.iter().any(|call| text.contains(call)) || text.contains("QueryBuilder")
    };
    let is_store = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with("store.rs"));
    let (stores, others): (Vec<_>, Vec<_>) = files.into_iter().filter(speaks).partition(is_store);
    assert!(stores.len() > 10, "this test sees the stores: {stores:?}");
    assert!(others.is_empty(), "SQL belongs into a file named …store.rs: {others:?}");
}

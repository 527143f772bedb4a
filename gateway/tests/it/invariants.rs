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
    let crates = [
        "gateway",
        "inbox/blob",
        "inbox/channels",
        "inbox/conversations",
        "inbox/figures",
        "inbox/people",
        "inbox/jobs",
        "inbox/journal",
        "inbox/routing",
        "media",
        "ari",
    ];
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

/// The API document has one place for a name: of two types that are called the same, the one that comes later would stand for both.
#[test]
fn no_two_types_of_the_api_have_one_name() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for folder in ["gateway/src", "gateway/calls/src", "inbox", "migrations/src"] {
        sources(&root.join(folder), &mut files);
    }
    let mut named: std::collections::BTreeMap<String, Vec<PathBuf>> = std::collections::BTreeMap::new();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        for (place, _) in text.match_indices("ToSchema") {
            let rest = &text[place..];
            // A derive, up to the item that it is for.
            let Some(item) = rest.find("struct ").into_iter().chain(rest.find("enum ")).min() else { continue };
            let head = &rest[..item];
            if !head.contains(")]") || head.contains("\nuse ") || head.contains("\nfn ") || head.contains("ToSchema;") {
                continue;
            }
            let word = |text: &str| text.chars().take_while(char::is_ascii_alphanumeric).collect::<String>();
            let name = match head.split_once("schema(as = ") {
                Some((_, other)) => word(other),
                None => word(rest[item..].split_once(' ').map_or("", |(_, name)| name)),
            };
            named.entry(name).or_default().push(path.clone());
        }
    }
    assert!(named.len() > 200, "this test sees the types: {}", named.len());
    let twice: Vec<_> = named.iter().filter(|(_, paths)| paths.len() > 1).collect();
    assert!(twice.is_empty(), "give one of them a name by #[schema(as = …)]: {twice:?}");
}

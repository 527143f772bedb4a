//! Formatting and writing the generated files.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::emit::GeneratedFile;

/// Formats each file with `rustfmt`, run in `folder` so that the workspace's settings apply.
pub fn format_files(files: Vec<GeneratedFile>, folder: &Path) -> Result<Vec<GeneratedFile>> {
    files
        .into_iter()
        .map(|file| {
            let text = rustfmt(&file.text, folder).with_context(|| format!("formatting {}", file.path))?;
            Ok(GeneratedFile { path: file.path, text })
        })
        .collect()
}

fn rustfmt(source: &str, folder: &Path) -> Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout", "--quiet"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start rustfmt: install it with `rustup component add rustfmt`")?;
    let mut stdin = child.stdin.take().context("rustfmt has no input")?;
    let text = source.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().context("rustfmt did not end")?;
    writer.join().ok().context("writing to rustfmt panicked")?.context("writing to rustfmt")?;
    if !output.status.success() {
        bail!("rustfmt refused the source ({})", output.status);
    }
    String::from_utf8(output.stdout).context("rustfmt wrote something that is not UTF-8")
}

/// Writes the files below `folder` and removes `.rs` files there that are no longer generated.
pub fn write_files(files: &[GeneratedFile], folder: &Path) -> Result<()> {
    let mut wanted = BTreeSet::new();
    for file in files {
        let path = folder.join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        }
        if fs::read_to_string(&path).ok().as_deref() != Some(file.text.as_str()) {
            fs::write(&path, &file.text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        wanted.insert(path);
    }
    for path in rust_files(folder)? {
        if !wanted.contains(&path) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// Paths of files that differ from what is on disk, or that are too many or too few there. Empty means up to date.
pub fn stale_files(files: &[GeneratedFile], folder: &Path) -> Result<Vec<String>> {
    let mut stale = Vec::new();
    let mut wanted = BTreeSet::new();
    for file in files {
        let path = folder.join(&file.path);
        if fs::read_to_string(&path).ok().as_deref() != Some(file.text.as_str()) {
            stale.push(file.path.clone());
        }
        wanted.insert(path);
    }
    for path in rust_files(folder)? {
        if !wanted.contains(&path) {
            stale.push(path.strip_prefix(folder).unwrap_or(&path).display().to_string());
        }
    }
    Ok(stale)
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        if !folder.exists() {
            continue;
        }
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    Ok(found)
}

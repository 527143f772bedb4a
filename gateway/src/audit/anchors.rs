//! Anchors: the heads of all chains, noted now and then in a file beside the database.
//!
//! A chain in itself does not show that its end was cut off, or that somebody who may write everything wrote it anew from some point
//! on. Whoever does so in the database does not change `state_dir/audit.anchors`, nor what a collector has already taken from the
//! log, where the same lines stand.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use trunkline_db::Db;
use uuid::Uuid;

use super::chain::{Hash, hex};
use super::store::{self, Head};

/// How often heads are noted.
const EVERY: Duration = Duration::from_mins(10);
/// Name of the file in `state_dir`.
const FILE: &str = "audit.anchors";

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    at: DateTime<Utc>,
    tenant: Uuid,
    seq: i64,
    /// Hex.
    link: String,
}

/// The file.
pub(super) fn path(state_dir: &Path) -> PathBuf {
    state_dir.join(FILE)
}

/// Notes the heads that have moved, at the start, every ten minutes, and at the end.
pub async fn keep(db: Db, state_dir: PathBuf, cancel: CancellationToken) {
    let file = path(&state_dir);
    let mut noted: BTreeMap<Uuid, i64> = BTreeMap::new();
    loop {
        let last = cancel.is_cancelled();
        if let Err(error) = note(&db, &file, &mut noted).await {
            tracing::warn!(%error, "the heads of the audit log could not be noted; trying again later");
        }
        if last {
            return;
        }
        let _ = cancel.run_until_cancelled(tokio::time::sleep(EVERY)).await;
    }
}

async fn note(db: &Db, file: &Path, noted: &mut BTreeMap<Uuid, i64>) -> anyhow::Result<()> {
    let mut tx = db.system().await?;
    let heads = store::heads(&mut tx).await?;
    tx.commit().await?;
    let moved: Vec<&Head> =
        heads.iter().filter(|head| head.seq > 0 && noted.get(&head.tenant) != Some(&head.seq)).collect();
    if moved.is_empty() {
        return Ok(());
    }
    let mut text = String::new();
    for head in &moved {
        let line = Line { at: Utc::now(), tenant: head.tenant, seq: head.seq, link: hex(&head.link) };
        tracing::info!(chain = %line.tenant, seq = line.seq, link = line.link, "head of the audit log");
        text.push_str(&serde_json::to_string(&line)?);
        text.push('\n');
    }
    let file = file.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    })
    .await??;
    noted.extend(moved.into_iter().map(|head| (head.tenant, head.seq)));
    Ok(())
}

/// What was noted of each chain; nothing when there is no file. Lines that are none are passed over: a crash may have cut one off.
pub(super) fn read(state_dir: &Path) -> std::io::Result<BTreeMap<Uuid, BTreeMap<i64, Hash>>> {
    let text = match std::fs::read_to_string(path(state_dir)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let mut anchors: BTreeMap<Uuid, BTreeMap<i64, Hash>> = BTreeMap::new();
    for line in text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
        if let Some(link) = unhex(&line.link) {
            anchors.entry(line.tenant).or_default().insert(line.seq, link);
        }
    }
    Ok(anchors)
}

fn unhex(text: &str) -> Option<Hash> {
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return None;
    }
    let mut hash = Hash::default();
    for (byte, pair) in hash.iter_mut().zip(bytes.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_a_line_that_was_cut_off_is_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap().is_empty());
        let whole = Line { at: Utc::now(), tenant: Uuid::from_u128(1), seq: 7, link: hex(&[9; 32]) };
        let text = format!("{}\n{{\"at\":\"20", serde_json::to_string(&whole).unwrap());
        std::fs::write(path(folder.path()), text).unwrap();
        assert_eq!(read(folder.path()).unwrap(), [(Uuid::from_u128(1), [(7, [9; 32])].into())].into());
    }
}

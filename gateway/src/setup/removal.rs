//! Takes a whole tenant away: phones, sign-ins, files, rows.
//!
//! In steps of at most 500 rows, each a transaction of its own, so that no lock is held for long and calls of other tenants go on
//! undisturbed. Every step may be repeated: a removal that was cut off goes on at the next start, or when it is asked for again.
//! Files go before the rows that name them, so that none is left behind unnamed.

use std::io;
use std::path::Path;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use trunkline_db::TenantId;
use trunkline_media::file;

use super::{service, store};
use crate::audit;
use crate::files;
use crate::sounds;
use crate::state::AppState;
use crate::voicemails;

/// Most rows of one transaction.
const CHUNK: i32 = 500;

/// Takes away what is left of a tenant whose removal was begun. Returns how many rows went.
pub(crate) async fn remove(state: &AppState, tenant: TenantId) -> anyhow::Result<u64> {
    let removed = remove_all(state, tenant).await;
    let result = if removed.is_ok() { "done" } else { "failed" };
    state.metrics.tenant_removals.with_label_values(&[result]).inc();
    removed
}

async fn remove_all(state: &AppState, tenant: TenantId) -> anyhow::Result<u64> {
    let mut total = 0;
    let count = |rows: u64, total: &mut u64| {
        state.metrics.tenant_rows_removed.inc_by(rows);
        *total += rows;
    };
    loop {
        let mut tx = state.db.tenant(tenant).await?;
        let recordings = store::some_recordings(&mut tx, CHUNK.into()).await?;
        if recordings.is_empty() {
            tx.commit().await?;
            break;
        }
        let (ids, paths): (Vec<_>, Vec<_>) = recordings.into_iter().unzip();
        let folder = state.config.recordings_dir.clone();
        tokio::task::spawn_blocking(move || delete_files(&folder, &paths)).await??;
        let rows = store::delete_recordings(&mut tx, &ids).await?;
        tx.commit().await?;
        count(rows, &mut total);
    }
    files::remove_all(state, tenant).await?;
    sounds::remove_all(state, tenant).await?;
    voicemails::remove_all(state, tenant).await?;
    loop {
        let mut tx = state.db.system().await?;
        let rows = store::remove_some(&mut tx, tenant, CHUNK).await?;
        if rows == 0 && total > 0 {
            // In the platform's log: the tenant's own is gone with it.
            audit::append_system(&mut tx, None, service::removal_entry("tenant.removed", tenant)).await?;
        }
        tx.commit().await?;
        if rows == 0 {
            break;
        }
        count(rows.unsigned_abs().into(), &mut total);
        // Between two steps others have their turn at the locks.
        tokio::task::yield_now().await;
    }
    // What no row named: the parts of recordings that were cut off, and the folders.
    let folder = state.config.recordings_dir.join(tenant.to_string());
    tokio::task::spawn_blocking(move || match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    })
    .await??;
    tracing::info!(%tenant, rows = total, "the tenant is removed");
    Ok(total)
}

/// Deletes recordings' files with what stands beside them. One that is gone already is as good.
pub(crate) fn delete_files(folder: &Path, paths: &[String]) -> anyhow::Result<()> {
    for path in paths {
        let relative = Path::new(path);
        // A row may say anything; a file outside of the folder is none of ours.
        if !relative.components().all(|part| matches!(part, std::path::Component::Normal(_))) {
            tracing::warn!(path, "a recording's path leads out of the folder; its file is left alone");
            continue;
        }
        let whole = folder.join(relative);
        for part in [&file::part_path(&whole), &file::sidecar_path(&whole), &whole] {
            delete_file(part)?;
        }
    }
    Ok(())
}

fn delete_file(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot delete {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Takes away what is left of all tenants whose removal was begun.
async fn remove_begun(state: &AppState) -> anyhow::Result<()> {
    let mut tx = state.db.system().await?;
    let tenants = store::unfinished_removals(&mut tx).await?;
    tx.commit().await?;
    for tenant in tenants {
        tracing::info!(%tenant, "going on with the removal of a tenant");
        remove(state, tenant).await?;
    }
    Ok(())
}

/// Goes on with removals that an earlier life of the gateway could not finish.
pub(crate) async fn resume(state: AppState, cancel: CancellationToken) {
    if let Some(Err(error)) = cancel.run_until_cancelled(remove_begun(&state)).await {
        tracing::warn!(%error, "a tenant could not be removed; the next start tries again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_go_with_what_stands_beside_them_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("recordings");
        std::fs::create_dir_all(folder.join("t/2026")).unwrap();
        for name in ["t/2026/a.wav", "t/2026/b.wav.part", "t/2026/b.wav.part.json", "t/2026/c.wav"] {
            std::fs::write(folder.join(name), b"x").unwrap();
        }
        std::fs::write(root.path().join("secret"), b"x").unwrap();
        let paths = ["t/2026/a.wav", "t/2026/b.wav", "t/2026/gone.wav", "../secret"].map(str::to_owned);
        delete_files(&folder, &paths).unwrap();
        delete_files(&folder, &paths).unwrap();
        let left: Vec<_> =
            std::fs::read_dir(folder.join("t/2026")).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(left, ["c.wav"]);
        assert!(root.path().join("secret").exists());
    }
}

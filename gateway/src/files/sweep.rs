//! Files that nobody needs any more.

use std::time::{Duration, SystemTime};

use chrono::{TimeDelta, Utc};

use trunkline_db::TenantId;
use uuid::Uuid;

use super::{Files, store};
use crate::state::AppState;

/// For so long an uploaded file may wait for its message.
const LOOSE: TimeDelta = TimeDelta::hours(24);
/// What was begun and left is removed after so long.
const LEFT: Duration = Duration::from_hours(24);
/// Files of one step.
const STEP: i64 = 200;

/// Removes every file of a tenant that is being removed.
pub(crate) async fn remove_all(state: &AppState, tenant: TenantId) -> anyhow::Result<()> {
    loop {
        let mut tx = state.db.tenant(tenant).await?;
        let named = store::some(&mut tx, STEP).await?;
        if named.is_empty() {
            return Ok(());
        }
        // Files before the rows that name them: none is left behind unnamed.
        let blobs = state.files.blobs().await?;
        let mut ids: Vec<Uuid> = Vec::with_capacity(named.len());
        for (id, blob, small) in named {
            for blob in [blob, small].into_iter().flatten() {
                blobs.delete(&Files::key(tenant, blob)).await?;
            }
            ids.push(id);
        }
        store::delete(&mut tx, &ids).await?;
        tx.commit().await?;
    }
}

/// Removes uploads that were never sent, and what was begun and never finished.
pub(crate) async fn sweep(state: &AppState) -> anyhow::Result<()> {
    let mut tx = state.db.system().await?;
    let tenants = store::tenants(&mut tx).await?;
    tx.commit().await?;
    let blobs = state.files.blobs().await?;
    for tenant in tenants {
        loop {
            let mut tx = state.db.tenant(tenant).await?;
            let taken = store::take_loose(&mut tx, Utc::now() - LOOSE, STEP).await?;
            tx.commit().await?;
            let count = taken.len();
            // What is not removed now stays in the store, and nobody finds it: better than a row without its file.
            for (blob, small) in taken {
                for blob in [blob, small].into_iter().flatten() {
                    blobs.delete(&Files::key(tenant, blob)).await?;
                }
            }
            if count < STEP as usize {
                break;
            }
        }
    }
    blobs.sweep(LEFT).await?;
    let incoming = state.files.incoming().to_owned();
    tokio::task::spawn_blocking(move || {
        let Ok(entries) = std::fs::read_dir(incoming) else { return };
        for entry in entries.flatten() {
            let age = entry.metadata().and_then(|meta| meta.modified()).ok();
            let age = age.and_then(|at| SystemTime::now().duration_since(at).ok());
            if age.is_some_and(|age| age > LEFT) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    })
    .await?;
    Ok(())
}

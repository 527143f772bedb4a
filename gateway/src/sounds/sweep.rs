//! Files that no sound names any more.

use chrono::{TimeDelta, Utc};
use trunkline_db::TenantId;

use super::store;
use crate::files::{self, Files};
use crate::state::AppState;

/// A file stays for so long: a call may be about to play it, by the directory of a gateway that has not read the change yet.
const STAYS: TimeDelta = TimeDelta::hours(1);
/// Files of one step.
const STEP: i64 = 200;

/// Removes every file of a tenant that is being removed.
pub(crate) async fn remove_all(state: &AppState, tenant: TenantId) -> anyhow::Result<()> {
    loop {
        let mut tx = state.db.tenant(tenant).await?;
        let named = store::some(&mut tx, STEP).await?;
        tx.commit().await?;
        if named.is_empty() {
            return Ok(());
        }
        // Files before the rows that name them: none is left behind unnamed.
        let blobs = state.files.blobs().await?;
        for blob in &named {
            blobs.delete(&Files::key(tenant, *blob)).await?;
        }
        let mut tx = state.db.tenant(tenant).await?;
        store::forget(&mut tx, &named).await?;
        tx.commit().await?;
    }
}

/// Removes what was replaced or removed a while ago.
pub(crate) async fn sweep(state: &AppState) -> anyhow::Result<()> {
    let mut tx = state.db.system().await?;
    let tenants = files::tenants(&mut tx).await?;
    tx.commit().await?;
    for tenant in tenants {
        loop {
            let mut tx = state.db.tenant(tenant).await?;
            let left = store::leftovers(&mut tx, Utc::now() - STAYS, STEP).await?;
            tx.commit().await?;
            if left.is_empty() {
                break;
            }
            let blobs = state.files.blobs().await?;
            for blob in &left {
                blobs.delete(&Files::key(tenant, *blob)).await?;
            }
            let mut tx = state.db.tenant(tenant).await?;
            store::forget_leftovers(&mut tx, &left).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

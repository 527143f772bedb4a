//! Messages of a tenant that is being removed.

use trunkline_db::TenantId;

use super::store;
use crate::files::Files;
use crate::state::AppState;

/// Messages of one step.
const STEP: i64 = 200;

/// Removes every message of a tenant that is being removed.
pub(crate) async fn remove_all(state: &AppState, tenant: TenantId) -> anyhow::Result<()> {
    loop {
        let mut tx = state.db.tenant(tenant).await?;
        let some = store::some(&mut tx, STEP).await?;
        if some.is_empty() {
            return Ok(());
        }
        // Files before the rows that name them: none is left behind unnamed.
        let blobs = state.files.blobs().await?;
        for id in &some {
            blobs.delete(&Files::key(tenant, *id)).await?;
        }
        store::delete(&mut tx, &some).await?;
        tx.commit().await?;
    }
}

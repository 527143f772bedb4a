//! What providers told is not kept for ever.

use chrono::{TimeDelta, Utc};

use super::apply_store as store;
use crate::state::AppState;

/// For so long the raw body of what was applied is kept.
const BODIES: TimeDelta = TimeDelta::days(30);
/// For so long it is known that something was told: no provider repeats itself later.
const TOLD: TimeDelta = TimeDelta::days(90);
/// Rows of one step.
const STEP: i64 = 500;
/// Steps of a tenant in one sweep: what is left is there the next time.
const STEPS: usize = 20;

/// Empties bodies that were applied long ago, and forgets what was told.
pub(crate) async fn sweep(state: &AppState) -> anyhow::Result<()> {
    let mut tx = state.db.system().await?;
    let tenants = store::tenants(&mut tx).await?;
    tx.commit().await?;
    for tenant in tenants {
        for _ in 0..STEPS {
            let mut tx = state.db.tenant(tenant).await?;
            let emptied = store::empty(&mut tx, Utc::now() - BODIES, STEP).await?;
            let forgotten = store::forget_before(&mut tx, Utc::now() - TOLD, STEP).await?;
            tx.commit().await?;
            if emptied.max(forgotten) < STEP.unsigned_abs() {
                break;
            }
        }
    }
    Ok(())
}

//! What is done by schedule: tenants whose grace is over are removed, and those near their limits are warned.

use serde_json::json;
use trunkline_db::{DbError, TenantId};
use trunkline_jobs::{Done, Failure};
use trunkline_journal::{Fault, Kind, NewEvent, Outcome, Ref};

use super::model::{Usage, Used};
use super::usage::Resource;
use super::{service, store};
use crate::http::AppError;
use crate::state::AppState;
use crate::{audit, setup};

/// The job that removes tenants.
pub(crate) const REMOVE: &str = "tenants.remove";
/// The job that warns them.
pub(crate) const WARN: &str = "tenants.warn";

const LIMIT_NEAR: Kind = Kind::from_static("limit.near");
const LIMIT_REACHED: Kind = Kind::from_static("limit.reached");

/// Removes tenants whose grace is over. One with a running call waits for the next time; what was cut off goes on then, too.
pub async fn remove(state: AppState) -> Result<Done, Failure> {
    remove_due(&state).await.map_err(Failure::retry)?;
    Ok(Done)
}

async fn remove_due(state: &AppState) -> anyhow::Result<()> {
    let mut tx = state.db.system().await?;
    for tenant in store::begin_due(&mut tx).await? {
        audit::append_system(&mut tx, None, setup::removal_entry("tenant.removal_begun", tenant)).await?;
    }
    tx.commit().await?;
    let mut tx = state.db.system().await?;
    let removing = store::removing(&mut tx).await?;
    tx.commit().await?;
    for tenant in removing {
        setup::remove(state, tenant).await?;
    }
    Ok(())
}

/// Warns tenants that have used four fifths of a limit, or all of it: once per limit, month and threshold.
pub async fn warn(state: AppState) -> Result<Done, Failure> {
    let mut failed = Vec::new();
    let limited = async {
        let mut tx = state.db.system().await?;
        let limited = store::limited(&mut tx).await?;
        tx.commit().await?;
        Ok::<_, DbError>(limited)
    };
    for tenant in limited.await.map_err(Failure::retry)? {
        // One that cannot be warned does not keep the others from it.
        if let Err(error) = warn_one(&state, tenant).await {
            failed.push(format!("{tenant}: {error:?}"));
        }
    }
    if failed.is_empty() { Ok(Done) } else { Err(Failure::retry(failed.join("; "))) }
}

async fn warn_one(state: &AppState, tenant: TenantId) -> Result<(), AppError> {
    let mut tx = state.db.system().await?;
    let usage = service::usage(&mut tx, tenant).await?;
    tx.commit().await?;
    state
        .journal
        .command(tenant, move |tx| {
            let usage = usage.clone();
            Box::pin(async move {
                let Usage { month, items } = usage;
                let mut events = Vec::new();
                for used in items.into_iter().filter(|used| used.limit.is_some()) {
                    let month = used.resource.is_monthly().then_some(month);
                    let percent = used.standing.percent().unwrap_or(0);
                    store::forget_warnings(tx, used.resource, month, percent).await?;
                    if percent > 0 && store::note_warning(tx, used.resource, month, percent).await? {
                        events.push(told(tenant, &used));
                    }
                }
                Ok::<_, Fault<AppError>>(Outcome::new(()).events(events))
            })
        })
        .await?;
    Ok(())
}

/// What the journal says of it: to everybody of the tenant, since whoever meets the stop should know why.
fn told(tenant: TenantId, used: &Used) -> NewEvent {
    let kind = if used.standing.percent() == Some(100) { LIMIT_REACHED } else { LIMIT_NEAR };
    let Used { resource, used, limit, .. } = used;
    NewEvent::new(kind, Ref::new("tenant", tenant), json!({ "resource": resource, "used": used, "limit": limit }))
}

impl Resource {
    /// Whether it is counted by the month.
    const fn is_monthly(self) -> bool {
        matches!(self, Self::Messages | Self::Minutes)
    }
}

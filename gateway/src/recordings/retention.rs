//! Removes recordings that are older than their tenant wants to keep them (`recordings.keep_days`).

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::TenantId;
use trunkline_journal::Ref;

use super::store;
use crate::audit::{self, Actor, Entry, Origin};
use crate::settings::registry::{KEEP_RECORDINGS, SettingValue};
use crate::state::AppState;
use crate::{settings, setup};

/// Called now and then; what it does not get to is there the next time.
pub async fn sweep(state: &AppState) -> anyhow::Result<()> {
    let mut tx = state.db.system().await?;
    let settings = settings::of_all_tenants(&mut tx, &[&KEEP_RECORDINGS]).await?;
    let tenants = store::tenants(&mut tx).await?;
    tx.commit().await?;
    for tenant in tenants {
        if let SettingValue::Number(days @ 1..) = settings.value(tenant, &KEEP_RECORDINGS) {
            remove_older(state, tenant, Utc::now() - TimeDelta::days(days)).await?;
        }
    }
    Ok(())
}

async fn remove_older(state: &AppState, tenant: TenantId, end: DateTime<Utc>) -> anyhow::Result<()> {
    loop {
        let mut tx = state.db.tenant(tenant).await?;
        let (ids, paths): (Vec<_>, Vec<_>) = store::finished_before(&mut tx, end).await?.into_iter().unzip();
        if ids.is_empty() {
            return Ok(());
        }
        // Files before the rows that name them: none is left behind unnamed.
        let folder = state.config.recordings_dir.clone();
        tokio::task::spawn_blocking(move || setup::delete_files(&folder, &paths)).await??;
        store::delete(&mut tx, &ids).await?;
        let entry = Entry {
            actor: Actor::system(),
            action: "recordings.expired",
            subject: Ref::new("tenant", tenant),
            before: Some(json!({ "recordings": ids })),
            after: None,
            origin: Origin::default(),
        };
        audit::append(&mut tx, entry).await?;
        tx.commit().await?;
        tracing::info!(%tenant, recordings = ids.len(), "recordings past their time were removed");
    }
}

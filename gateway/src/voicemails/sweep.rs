//! Messages that are older than their tenant keeps recordings, and those of a tenant that is being removed.

use chrono::{DateTime, TimeDelta, Utc};
use trunkline_db::TenantId;
use trunkline_journal::{Kind, Outcome};
use uuid::Uuid;

use super::store;
use crate::files::Files;
use crate::http::AppError;
use crate::settings;
use crate::settings::registry::{KEEP_RECORDINGS, SettingValue};
use crate::state::AppState;

const EXPIRED: Kind = Kind::from_static("voicemail.expired");
/// Messages of one step: each makes an event.
const STEP: i64 = 200;

/// Called now and then; what it does not get to is there the next time.
pub(crate) async fn sweep(state: &AppState) -> anyhow::Result<()> {
    let mut tx = state.db.system().await?;
    let kept = settings::of_all_tenants(&mut tx, &[&KEEP_RECORDINGS]).await?;
    let tenants = store::tenants(&mut tx).await?;
    tx.commit().await?;
    for tenant in tenants {
        if let SettingValue::Number(days @ 1..) = kept.value(tenant, &KEEP_RECORDINGS) {
            expire(state, tenant, Utc::now() - TimeDelta::days(days)).await?;
        }
    }
    Ok(())
}

async fn expire(state: &AppState, tenant: TenantId, end: DateTime<Utc>) -> anyhow::Result<()> {
    loop {
        let mut tx = state.db.tenant(tenant).await?;
        let ids = store::heard_before(&mut tx, end, STEP).await?;
        tx.commit().await?;
        if ids.is_empty() {
            return Ok(());
        }
        // Files before the rows that name them: killed in between, the rows are found once more.
        remove_files(state, tenant, &ids).await?;
        let gone = ids.clone();
        let expired = state.journal.command::<_, AppError, _>(tenant, move |tx| {
            let ids = gone.clone();
            Box::pin(async move {
                let mut events = Vec::with_capacity(ids.len());
                for id in ids {
                    let told = store::expired(tx, id).await?;
                    events.extend(told.map(|told| told.event(EXPIRED, Utc::now(), None)));
                }
                Ok(Outcome::new(()).events(events))
            })
        });
        expired.await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        tracing::info!(%tenant, voicemails = ids.len(), "voicemails past their time were removed");
    }
}

async fn remove_files(state: &AppState, tenant: TenantId, ids: &[Uuid]) -> anyhow::Result<()> {
    let blobs = state.files.blobs().await?;
    for id in ids {
        blobs.delete(&Files::key(tenant, *id)).await?;
    }
    Ok(())
}

/// Removes every message of a tenant that is being removed.
pub(crate) async fn remove_all(state: &AppState, tenant: TenantId) -> anyhow::Result<()> {
    loop {
        let mut tx = state.db.tenant(tenant).await?;
        let some = store::some(&mut tx, STEP).await?;
        if some.is_empty() {
            return Ok(());
        }
        // Files before the rows that name them: none is left behind unnamed.
        remove_files(state, tenant, &some).await?;
        store::delete(&mut tx, &some).await?;
        tx.commit().await?;
    }
}

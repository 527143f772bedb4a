//! Who stood on the worklist until their time was over.

use chrono::Utc;
use trunkline_journal::{CommandError, Outcome};

use super::keep::News;
use super::store;
use crate::http::AppError;
use crate::state::AppState;

/// Rows of one step.
const STEP: i64 = 200;

/// Called now and then; what it does not get to is there the next time.
pub(crate) async fn sweep(state: &AppState) -> anyhow::Result<()> {
    let mut tx = state.db.system().await?;
    let tenants = store::overdue(&mut tx).await?;
    tx.commit().await?;
    for tenant in tenants {
        loop {
            let swept = state.journal.command::<_, AppError, _>(tenant, |tx| {
                Box::pin(async move {
                    let now = Utc::now();
                    let ended = store::expire(tx, now, STEP).await?;
                    let count = ended.len();
                    let events: Vec<_> = ended
                        .into_iter()
                        .map(|told| News { kind: "callback.unreached", told, at: now, by: None }.event())
                        .collect();
                    Ok(Outcome::new(count).events(events))
                })
            });
            match swept.await {
                Ok(swept) if swept.value < STEP as usize => break,
                Ok(_) => {}
                Err(CommandError::Rejected(error)) => return Err(anyhow::anyhow!("{error:?}")),
                Err(error) => return Err(anyhow::anyhow!("{error:?}")),
            }
        }
    }
    Ok(())
}

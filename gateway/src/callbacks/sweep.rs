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
                    let numbers: Vec<String> = ended.iter().map(|told| told.number.clone()).collect();
                    let events: Vec<_> = ended
                        .into_iter()
                        .map(|told| News { kind: "callback.unreached", told, at: now, by: None }.event())
                        .collect();
                    Ok(Outcome::new(numbers).events(events))
                })
            });
            match swept.await {
                Ok(swept) => {
                    let is_the_last = swept.value.len() < STEP as usize;
                    for number in swept.value {
                        state.calls.callback_settled(tenant, number);
                    }
                    if is_the_last {
                        break;
                    }
                }
                Err(CommandError::Rejected(error)) => return Err(anyhow::anyhow!("{error:?}")),
                Err(error) => return Err(anyhow::anyhow!("{error:?}")),
            }
        }
    }
    Ok(())
}

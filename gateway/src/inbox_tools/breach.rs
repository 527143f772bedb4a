//! The job that looks at the clock for service levels: what fell due unmet is told, once.

use chrono::Utc;
use serde_json::json;
use trunkline_conversations::{Change, What, sla, touch};
use trunkline_db::{ConversationId, TenantId};
use trunkline_jobs::{Done, Failure};
use trunkline_journal::{CommandError, Kind, NewEvent, Outcome, Ref};

use crate::channels::staff;
use crate::state::AppState;

/// The kind of job.
pub const LOOK: &str = "sla.look";
const BREACHED: Kind = Kind::from_static("sla.breached");
/// Most conversations of one look; the next one follows within seconds.
const MOST: i64 = 500;

/// Notes what was missed by now, over all tenants.
pub async fn look(state: AppState) -> Result<Done, Failure> {
    let retry = |error: String| Failure::retry(error);
    let due = sla::overdue(&state.db, Utc::now(), MOST).await.map_err(|error| retry(error.to_string()))?;
    let mut failed = None;
    for (tenant, conversation) in due {
        // One that cannot be written must not keep the others out.
        if let Err(error) = breach(&state, tenant, conversation).await {
            tracing::warn!(%tenant, %conversation, error, "a missed service level could not be noted");
            failed = Some(error);
        }
    }
    failed.map_or(Ok(Done), |error| Err(retry(error)))
}

async fn breach(state: &AppState, tenant: TenantId, id: ConversationId) -> Result<(), String> {
    let within = state.clone();
    let noted: Result<_, CommandError<String>> = state
        .journal
        .command(tenant, move |tx| {
            let state = within.clone();
            Box::pin(async move {
                let now = Utc::now();
                let missed = sla::breaches(tx, id, now).await?;
                if missed.is_empty() {
                    return Ok(Outcome::new(()));
                }
                let Some(updated) = touch(tx, id, Change::new(What::Other("sla")).at(now)).await? else {
                    return Ok(Outcome::new(()));
                };
                let scopes = updated.scopes.clone();
                let conversation = updated.data["conversation"].clone();
                for breach in &missed {
                    staff::missed(&state, tx, (id.uuid(), &conversation), &breach.goal).await?;
                }
                let told = missed.into_iter().map(|breach| {
                    let data = json!({
                        "conversation_id": id, "goal": breach.goal, "policy": breach.policy, "conversation": conversation,
                    });
                    NewEvent::new(BREACHED, Ref::new("conversation", id), data).at(now).scopes(scopes.clone())
                });
                let told: Vec<NewEvent> = told.collect();
                Ok(Outcome::new(()).event(updated).events(told))
            })
        })
        .await;
    noted.map(|_| ()).map_err(|error| error.to_string())
}

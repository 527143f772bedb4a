//! A button that somebody pressed at Telegram spins until the press is answered: the job `press.answer`, right after the press was received.
//!
//! Telegram forgets a press after a moment, so an answer that comes late is none: it is not tried again then.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_channels::adapter::Outcome;
use trunkline_channels::client::NoFiles;
use trunkline_channels::model::{Address, Content, Outgoing, ProviderId, Say, Told, What};
use trunkline_channels::telegram::is_press;
use trunkline_db::{DbError, TenantTx};
use trunkline_jobs::{Done, Failure, Job, NewJob};

use super::apply::account_of;
use super::health::{self, Change};
use super::jobs;
use super::registry::Connected;
use crate::state::AppState;

/// For so long after it was received a press can be answered.
const VALID: TimeDelta = TimeDelta::seconds(60);
/// Between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

fn press_of(told: &Told) -> Option<(&ProviderId, &Address)> {
    match &told.what {
        What::Message(message) if matches!(message.content, Content::Choice { .. }) && is_press(&message.id) => {
            Some((&message.id, &message.chat))
        }
        _ => None,
    }
}

/// Has a press answered that was received for the first time.
pub(super) async fn answer(
    tx: &mut TenantTx<'_>,
    account: &Connected,
    told: &Told,
    received_at: DateTime<Utc>,
) -> Result<(), DbError> {
    let Some((press, chat)) = press_of(told) else { return Ok(()) };
    let until = received_at + VALID;
    if until <= Utc::now() {
        return Ok(());
    }
    let payload = json!({ "account_id": account.id, "press": press, "chat": chat, "until": until });
    // Somebody looks at it.
    trunkline_jobs::enqueue(tx, NewJob::new(jobs::PRESS, payload).priority(10)).await?;
    Ok(())
}

/// Answers it.
pub(super) async fn run(state: AppState, job: Job) -> Result<Done, Failure> {
    let (Some(tenant), Some(id)) = (job.tenant, account_of(&job)) else {
        return Err(Failure::dead("the job names no account"));
    };
    let text = |name: &str| job.payload[name].as_str().map(str::to_owned);
    let (Some(press), Some(chat), Some(until)) = (text("press"), text("chat"), text("until")) else {
        return Err(Failure::dead("the job names no press"));
    };
    let until: DateTime<Utc> = until.parse().map_err(Failure::dead)?;
    let account = state.channels.get(id).filter(|one| one.tenant == tenant && one.enabled);
    let Some(account) = account else { return Ok(Done) };
    if Utc::now() >= until {
        return Ok(Done);
    }
    let outgoing = Outgoing {
        to: Address(chat),
        say: Say::Pressed { press, text: None },
        reply_to: None,
        reference: job.id.to_string(),
    };
    let request = account.adapter.render(&outgoing).map_err(Failure::dead)?;
    let name = request.name;
    let in_time = |pause: Duration| TimeDelta::from_std(pause).is_ok_and(|pause| Utc::now() + pause < until);
    let (words, after) = match state.channels.client().send(request, &NoFiles).await {
        Ok(reply) => match account.adapter.understand(name, reply.answer()) {
            Outcome::Failed { failure, after } if failure.why.is_temporary() => (failure.detail, after),
            Outcome::Failed { failure, .. } => {
                if let Some(change) = Change::of(&failure) {
                    health::change(&state, tenant, id, change).await.map_err(Failure::retry)?;
                }
                tracing::debug!(account = %id, error = failure.detail, "a press was not answered");
                return Ok(Done);
            }
            Outcome::Unclear { detail } => (detail, None),
            _ => return Ok(Done),
        },
        Err(error) => (error.to_string(), None),
    };
    let pause = after.unwrap_or(PAUSE);
    if job.is_last_attempt || !in_time(pause) {
        tracing::debug!(account = %id, error = words, "a press was not answered in its time");
        return Ok(Done);
    }
    Err(Failure::retry_after(words, pause))
}

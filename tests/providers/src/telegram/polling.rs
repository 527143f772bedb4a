//! `getUpdates`: <https://core.telegram.org/bots/api#getupdates>.

use super::Inner;
use super::api::allowed_updates;
use super::errors::{OTHER_POLLER, Refusal, WEBHOOK_ACTIVE};
use super::parameters::Parameters;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Updates as they are; waits for one if there is none. Asking with an offset confirms all before it; a negative one counts from the end and confirms
/// what stands before.
pub(super) async fn get_updates(inner: &Arc<Inner>, parameters: &Parameters) -> Result<Value, Refusal> {
    if inner.state().webhook.is_some() {
        return Err(Refusal::conflict(WEBHOOK_ACTIVE));
    }
    // From here on whoever asked before is answered with a conflict.
    let mut turn = 0;
    inner.polling.send_modify(|turns| {
        *turns += 1;
        turn = *turns;
    });
    let mut turns = inner.polling.subscribe();
    let mut queued = inner.queued.subscribe();
    {
        let mut state = inner.state();
        if let Some(allowed) = allowed_updates(parameters)? {
            state.allowed_updates = allowed;
        }
        let offset = parameters.integer("offset").unwrap_or(0);
        if offset < 0 {
            let keep = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
            let confirmed = state.pending.len().saturating_sub(keep);
            state.pending.drain(..confirmed);
        } else {
            state.pending.retain(|update| update.id >= offset);
        }
    }
    let limit = parameters.integer("limit").unwrap_or(100).clamp(1, 100);
    let limit = usize::try_from(limit).unwrap_or(100);
    let timeout = u64::try_from(parameters.integer("timeout").unwrap_or(0)).unwrap_or(0).min(50);
    let found = async {
        loop {
            queued.mark_unchanged();
            {
                let state = inner.state();
                if state.webhook.is_some() {
                    return Err(Refusal::conflict("terminated by setWebhook request"));
                }
                if !state.pending.is_empty() {
                    return Ok(state.pending.iter().take(limit).map(super::state::Update::to_json).collect());
                }
            }
            tokio::select! {
                // It cannot end: `inner` holds the other end.
                _ = queued.changed() => {}
                _ = turns.wait_for(|now| *now != turn) => return Err(Refusal::conflict(OTHER_POLLER)),
            }
        }
    };
    match tokio::time::timeout(Duration::from_secs(timeout), found).await {
        Ok(found) => found,
        Err(_) => Ok(json!([])),
    }
}

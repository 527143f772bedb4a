//! How far a message of ours has come, by its provider.

use serde_json::{Value, json};
use trunkline_channels::model::{DeliveryState, Failure, Status, What};
use trunkline_db::{DbError, TenantTx};
use trunkline_journal::NewEvent;
use uuid::Uuid;

use super::message::MAX_PROVIDER_ID;
use super::message_store::{self, Progress};
use super::{Setting, clean, waiting};
use crate::change::Actor;
use crate::messages;
use crate::model::{Direction, MessageState};

/// A status came. A message's state never goes back: what is on their device was not lost, whatever is told later of it.
pub(super) async fn told(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    status: &Status,
    news: &mut Vec<NewEvent>,
) -> Result<(), DbError> {
    let Some(provider_id) = clean::id(&status.message.0, MAX_PROVIDER_ID) else { return Ok(()) };
    let account = setting.account;
    if let Some(attempt) = status.reference.as_deref().and_then(|reference| Uuid::parse_str(reference).ok()) {
        let settled = message_store::settle_attempt(tx, account.id, attempt, &provider_id, setting.at).await?;
        if let Some(message) = settled {
            // What came before it was known whose it is.
            waiting::catch_up(tx, account, message, &provider_id, news).await?;
        }
    }
    let Some(held) = message_store::hold(tx, account.id, &provider_id).await? else {
        return waiting::keep(tx, setting, &provider_id, &What::Status(status.clone())).await;
    };
    if held.direction != Direction::Out {
        return Ok(());
    }
    let next = match status.state {
        DeliveryState::Accepted | DeliveryState::Sent => MessageState::Sent,
        DeliveryState::Delivered => MessageState::Delivered,
        DeliveryState::Read => MessageState::Read,
        DeliveryState::Failed => MessageState::Failed,
    };
    let rises = rank(next) > rank(held.state);
    let at = Some(setting.at);
    let progress = Progress {
        state: rises.then_some(next),
        sent_at: at.filter(|_| next != MessageState::Failed),
        delivered_at: at.filter(|_| matches!(next, MessageState::Delivered | MessageState::Read)),
        read_at: at.filter(|_| next == MessageState::Read),
        failure: status.failure.as_ref().filter(|_| next == MessageState::Failed).map(failure),
        pricing: status.pricing.as_ref().map(|pricing| clean::json(&serde_json::to_value(pricing).unwrap_or(Value::Null))),
    };
    message_store::progress(tx, held.id, &progress).await?;
    if rises {
        let kind = match next {
            MessageState::Delivered => messages::DELIVERED,
            MessageState::Read => messages::READ,
            MessageState::Failed => messages::FAILED,
            _ => messages::SENT,
        };
        news.extend(messages::tell(tx, held.id, held.conversation, kind, Actor::System, setting.at).await?);
    }
    Ok(())
}

/// Whatever was on its way may come to any of them. A failure is worse than nothing known, and better knowledge undoes it.
fn rank(state: MessageState) -> u8 {
    match state {
        MessageState::Scheduled
        | MessageState::Queued
        | MessageState::Sending
        | MessageState::Uncertain
        | MessageState::Canceled => 0,
        MessageState::Sent => 1,
        MessageState::Failed => 2,
        MessageState::Delivered => 3,
        MessageState::Read | MessageState::Received => 4,
    }
}

/// As [`crate::FailureView`] reads it.
fn failure(failure: &Failure) -> Value {
    json!({
        "code": clean::line(&failure.code, 64).unwrap_or_default(),
        "detail": clean::line(&failure.detail, 1_000).unwrap_or_default(),
        "why": failure.why,
        "retry": !matches!(failure.why, trunkline_channels::model::Why::NoSuchRecipient | trunkline_channels::model::Why::Refused),
    })
}

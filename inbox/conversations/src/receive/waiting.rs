//! What came before the message that it is of.

use serde_json::Value;
use trunkline_channels::model::What;
use trunkline_db::{DbError, MessageId, TenantTx};
use trunkline_journal::NewEvent;

use super::account::Account;
use super::message_store::{self, Waiting};
use super::{Setting, afterwards, clean, status};

/// Keeps something until its message comes. It is of this message alone.
pub(super) async fn keep(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    provider_id: &str,
    what: &What,
) -> Result<(), DbError> {
    let what = clean::json(&serde_json::to_value(what).unwrap_or(Value::Null));
    let waiting = Waiting { what, at: setting.at, received_at: setting.received_at };
    message_store::wait(tx, setting.account.id, provider_id, &waiting).await
}

/// A message has its provider's id now: what waited for it is applied, and answers to it find it. For whoever writes such an id: receiving does it by
/// itself, and so must sending, once the provider has answered.
pub async fn catch_up(
    tx: &mut TenantTx<'_>,
    account: &Account,
    message: MessageId,
    provider_id: &str,
    news: &mut Vec<NewEvent>,
) -> Result<(), DbError> {
    message_store::answer_to(tx, account.id, provider_id, message).await?;
    for waited in message_store::take_waiting(tx, account.id, provider_id).await? {
        let setting = Setting { account, at: waited.at, received_at: waited.received_at, line: None };
        // One that an older program wrote in another way tells nothing any more.
        let Ok(what) = serde_json::from_value::<What>(waited.what) else { continue };
        match &what {
            // A status may settle an attempt, and catch up with what waited for that: by then nothing waits any more.
            What::Status(told) => Box::pin(status::told(tx, &setting, told, news)).await?,
            What::Edited { message, content, .. } => {
                afterwards::edited(tx, &setting, message, content, &what, news).await?;
            }
            What::Deleted { messages, chat } => afterwards::deleted(tx, &setting, messages, chat, news).await?,
            What::Reacted { message, from, chat, emoji } => {
                let reacted = afterwards::Reacted { message, from: from.as_ref(), chat, emoji };
                afterwards::reacted(tx, &setting, reacted, &what, news).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

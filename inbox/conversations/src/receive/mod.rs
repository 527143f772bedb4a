//! What a provider told becomes rows and events, exactly once, and the same rows in whichever order it is told.
//!
//! - A thing that was told is known by the adapter's key ([`Told::key`]): told again it changes nothing.
//! - A chat has one conversation that goes on. Its newest is taken up again when they write within the account's hours, else a new one begins.
//! - A chat of two is its customer's; a group is a contact of its own, and who speaks there another.
//! - What is of a message that is not here yet waits for it ([`catch_up`]).
//! - What nobody has to look at (the history, an echo of our own, spam, somebody who was blocked) is kept and shown, with `quiet` in its event: it
//!   opens nothing, and nobody waits for an answer to it.

mod account;
mod account_news;
mod account_store;
mod afterwards;
mod auto_reply;
mod chat;
mod chat_store;
pub(crate) mod clean;
mod contents;
mod message;
mod message_store;
mod persons;
mod status;
mod waiting;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use trunkline_channels::model::{By, Told, What};
use trunkline_db::{DbError, TenantTx};
use trunkline_journal::NewEvent;

pub use account::{Account, Rules};
pub use waiting::catch_up;

use chat::Chat;
use contents::Contents;

/// What became of one thing that was told.
#[derive(Debug)]
pub struct Received {
    /// What happened, for the caller to append in the same transaction.
    pub events: Vec<NewEvent>,
    /// What is to be seen of it; of one that was told before, what was to be seen then.
    pub shown: Shown,
}

/// What is to be seen of something that was told. Of a webhook's several the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// Known, and nothing of it is shown.
    Ignored,
    /// It was applied.
    Applied,
    /// Not known: kept raw, and shown as such in its chat if one is known.
    Unsupported,
}

/// By what and when something was told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) account: &'a Account,
    /// When it happened, as far as that is plausible.
    pub(crate) at: DateTime<Utc>,
    pub(crate) received_at: DateTime<Utc>,
    /// Which of the provider's lines it came to.
    pub(crate) line: Option<&'a str>,
}

/// Applies one thing that a provider told of an account. The same thing told twice changes nothing. The transaction has to be the account's tenant's.
pub async fn receive(
    tx: &mut TenantTx<'_>,
    account: &Account,
    told: &Told,
    received_at: DateTime<Utc>,
) -> Result<Received, DbError> {
    let mut shown = match &told.what {
        What::Ignored { .. } => Shown::Ignored,
        What::Unsupported { .. } => Shown::Unsupported,
        _ => Shown::Applied,
    };
    let mut events = Vec::new();
    if !chat_store::note_told(tx, account.id, &digest(account, &told.key)).await? {
        return Ok(Received { events, shown });
    }
    let line = told.line.as_deref().and_then(|line| clean::id(line, 256));
    let setting = Setting { account, at: clean::moment(told.at, received_at), received_at, line: line.as_deref() };
    if !apply(tx, &setting, &told.what, &told.key, &mut events).await? {
        shown = Shown::Unsupported;
    }
    Ok(Received { events, shown })
}

/// A key of an account's. Of any length, and of any characters.
fn digest(account: &Account, key: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(account.id.uuid().as_bytes());
    hash.update(key.as_bytes());
    hash.finalize().into()
}

/// `false`: it names no chat that one could have.
async fn apply(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    what: &What,
    key: &str,
    news: &mut Vec<NewEvent>,
) -> Result<bool, DbError> {
    match what {
        What::Message(message) => return message::came(tx, setting, message, news).await,
        What::Edited { message, content, .. } => {
            afterwards::edited(tx, setting, message, content, what, news).await?;
        }
        What::Deleted { messages, chat } => afterwards::deleted(tx, setting, messages, chat, news).await?,
        What::Reacted { message, from, chat, emoji } => {
            let reacted = afterwards::Reacted { message, from: from.as_ref(), chat, emoji };
            afterwards::reacted(tx, setting, reacted, what, news).await?;
        }
        What::Status(status) => status::told(tx, setting, status, news).await?,
        What::Moved { old, new, body } => persons::moved(tx, setting, old, new, body, news).await?,
        What::Consent { from, category, wanted } => {
            persons::consented(tx, setting, from, category, *wanted, news).await?;
        }
        What::Member { chat, title, who, ours, joined } => {
            let member = persons::Member { chat, title: title.as_deref(), who, ours: *ours, joined: *joined };
            persons::crossed(tx, setting, member, news).await?;
        }
        What::Book { phone, name, removed } => {
            if !removed {
                persons::listed(tx, setting, phone, name.as_deref(), news).await?;
            }
        }
        What::Template(change) => account_news::template(tx, setting, change, news).await?,
        What::Account(change) => account_news::account(tx, setting, change, news).await?,
        What::Unsupported { what, from, chat: Some(address), raw } => {
            let chat = match from {
                Some(from) => Chat::with(setting.account.channel, address, None, from),
                None => Chat::of(setting.account.channel, address, None),
            };
            let Some(chat) = chat else { return Ok(false) };
            chat_store::lock(tx, setting.account.id, &chat.address).await?;
            let coming = message::Coming {
                chat,
                title: None,
                from: from.as_ref(),
                by: By::Customer,
                history: false,
                contents: Contents::unsupported(what, raw),
                provider_id: None,
                reply_to: None,
                forwarded: false,
                album: None,
                command: None,
                cards: &[],
            };
            message::write(tx, setting, coming, news).await?;
        }
        What::Ignored { .. } | What::Unsupported { chat: None, .. } => {}
    }
    tracing::trace!(account = %setting.account.id, key, events = news.len(), "told");
    Ok(true)
}

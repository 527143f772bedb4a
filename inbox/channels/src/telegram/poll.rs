//! Long polling (<https://core.telegram.org/bots/api#getupdates>): a state that gives the next request from the last answer. It has no clock and no socket.
//!
//! **Telegram forgets an update as soon as a later `offset` is asked for.** So the offset moves only when the caller says that the updates are committed
//! ([`Poll::committed`]); until then the same ones come again.

use super::update::ALLOWED_UPDATES;
use super::{Account, answer};
use crate::adapter::{Answer, Request};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::time::Duration;

/// One update as it came: its `body` is stored and parsed as a webhook's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub id: i64,
    pub body: String,
}

/// What an answer to `getUpdates` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// In Telegram's order; empty after a quiet while.
    Updates(Vec<Received>),
    /// 409: a webhook is set. It has to be deleted before anything can be polled.
    WebhookSet { detail: String },
    /// 409: somebody else polls with this token, and each of us takes the other's updates away.
    AnotherPoller { detail: String },
    /// 429.
    TooMany { after: Duration },
    /// 401 or 404: the token is withdrawn or wrong. Asking again is of no use.
    Unauthorized { detail: String },
    /// Anything else: ask again later.
    Down { detail: String },
}

/// Where the polling of one bot stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    offset: Option<i64>,
    /// Told, not yet committed, in order.
    told: Vec<i64>,
    timeout: Duration,
    limit: u8,
}

impl Poll {
    /// `offset` is what [`Poll::offset`] was when it was stored. `timeout`: how long Telegram holds an empty answer back (50 s is usual).
    pub fn new(offset: Option<i64>, timeout: Duration) -> Self {
        Self { offset, told: Vec::new(), timeout, limit: 100 }
    }

    /// To be kept, best in the transaction that commits the updates.
    pub fn offset(&self) -> Option<i64> {
        self.offset
    }

    /// The next request. Its HTTP timeout must be longer than the one in it.
    pub fn request(&self, account: &Account) -> Request {
        let mut parameters = json!({
            "timeout": self.timeout.as_secs(),
            "limit": self.limit,
            "allowed_updates": ALLOWED_UPDATES,
        });
        if let Some(offset) = self.offset {
            parameters["offset"] = offset.into();
        }
        account.call("getUpdates", parameters, true)
    }

    /// Reads the answer. The offset stays.
    pub fn answered(&mut self, answer: Answer<'_>) -> Polled {
        #[derive(Deserialize)]
        struct Batch<'a> {
            ok: bool,
            #[serde(borrow, default)]
            result: Vec<&'a RawValue>,
        }
        #[derive(Deserialize)]
        struct Numbered {
            update_id: i64,
        }
        match serde_json::from_slice::<Batch<'_>>(answer.body) {
            Ok(batch) if batch.ok => {
                let updates: Vec<Received> = batch
                    .result
                    .into_iter()
                    // One without a number is no update, and there is no offset that would leave it behind.
                    .filter_map(|raw| {
                        let id = serde_json::from_str::<Numbered>(raw.get()).ok()?.update_id;
                        Some(Received { id, body: raw.get().to_owned() })
                    })
                    .collect();
                self.told = updates.iter().map(|update| update.id).collect();
                Polled::Updates(updates)
            }
            _ => refused(answer),
        }
    }

    /// Everything of the last answer up to this update is committed. An id that was not in it changes nothing.
    ///
    /// The offset is not the largest ever seen: after a quiet week Telegram goes on with a random number, which may be smaller.
    pub fn committed(&mut self, through: i64) {
        if let Some(at) = self.told.iter().position(|id| *id == through) {
            self.told.drain(..=at);
            self.offset = through.checked_add(1);
        }
    }
}

fn refused(answer: Answer<'_>) -> Polled {
    let told = serde_json::from_slice::<Value>(answer.body).unwrap_or(Value::Null);
    let refusal = answer::Refusal::read(&told, answer);
    let webhook = refusal.says("webhook is active");
    let detail = if refusal.description.is_empty() { format!("HTTP {}", answer.status) } else { refusal.description };
    match refusal.code {
        409 if webhook => Polled::WebhookSet { detail },
        409 => Polled::AnotherPoller { detail },
        429 => Polled::TooMany { after: refusal.after.unwrap_or(Duration::from_secs(1)) },
        401 | 404 => Polled::Unauthorized { detail },
        _ => Polled::Down { detail },
    }
}

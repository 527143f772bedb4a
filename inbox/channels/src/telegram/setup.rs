//! Connecting a bot, and its health: `getMe`, `setWebhook`, `deleteWebhook`, `getWebhookInfo`
//! (<https://core.telegram.org/bots/api#getting-updates>).

use super::json::{flag, integer, list, object, owned, time};
use super::update::ALLOWED_UPDATES;
use super::{Account, answer};
use crate::adapter::{Answer, Outcome, Request};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// What the bot is, from `getMe`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bot {
    pub id: i64,
    pub name: String,
    /// Goes into [`Account::username`].
    pub username: Option<String>,
    /// It can be added to groups at all.
    pub joins_groups: bool,
    /// It sees every message of a group, not only commands and replies to it ("privacy mode" is off).
    pub reads_groups: bool,
    /// It can be connected to a business account.
    pub takes_business: bool,
}

/// How the webhook does, from `getWebhookInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookInfo {
    /// Empty: none is set, and `getUpdates` may be used.
    pub url: String,
    /// Updates that wait at Telegram: many of them mean that we do not answer.
    pub pending: u64,
    pub last_error: Option<(Option<DateTime<Utc>>, String)>,
    /// Empty: all but those that must be named.
    pub allowed_updates: Vec<String>,
}

impl WebhookInfo {
    /// Kinds that we take and that Telegram does not send, since the webhook was set by another version or another program.
    pub fn not_sent(&self) -> Vec<&'static str> {
        ALLOWED_UPDATES.iter().copied().filter(|kind| !self.allowed_updates.iter().any(|sent| sent == kind)).collect()
    }
}

impl Account {
    pub fn get_me(&self) -> Request {
        self.call("getMe", json!({}), true)
    }

    /// `certificate`s of one's own are not uploaded: the public URL's must be one that the world believes. At most `connections` deliveries at once (1 to 100).
    pub fn set_webhook(&self, url: &str, connections: u8) -> Request {
        let parameters = json!({
            "url": url,
            "secret_token": self.secret_token,
            "max_connections": connections.clamp(1, 100),
            "allowed_updates": ALLOWED_UPDATES,
        });
        self.call("setWebhook", parameters, true)
    }

    /// Nothing that waits is dropped: it comes by `getUpdates` then.
    pub fn delete_webhook(&self) -> Request {
        self.call("deleteWebhook", json!({ "drop_pending_updates": false }), true)
    }

    pub fn get_webhook_info(&self) -> Request {
        self.call("getWebhookInfo", json!({}), true)
    }

    /// The answer to [`Account::get_me`]; otherwise why there is none.
    pub fn read_me(&self, answer: Answer<'_>) -> Result<Bot, Box<Outcome>> {
        let result = self.result("getMe", answer)?;
        let id = integer(&result, "id").ok_or_else(|| unclear("getMe without an id"))?;
        Ok(Bot {
            id,
            name: super::message::name(&result).unwrap_or_default(),
            username: owned(&result, "username"),
            joins_groups: flag(&result, "can_join_groups"),
            reads_groups: flag(&result, "can_read_all_group_messages"),
            takes_business: flag(&result, "can_connect_to_business"),
        })
    }

    /// The answer to [`Account::get_webhook_info`].
    pub fn read_webhook_info(&self, answer: Answer<'_>) -> Result<WebhookInfo, Box<Outcome>> {
        let result = self.result("getWebhookInfo", answer)?;
        Ok(WebhookInfo {
            url: owned(&result, "url").unwrap_or_default(),
            pending: integer(&result, "pending_update_count").and_then(|count| u64::try_from(count).ok()).unwrap_or(0),
            last_error: owned(&result, "last_error_message").map(|words| (time(&result, "last_error_date"), words)),
            allowed_updates: list(&result, "allowed_updates")
                .iter()
                .filter_map(|kind| kind.as_str().map(str::to_owned))
                .collect(),
        })
    }

    fn result(&self, name: &'static str, answer: Answer<'_>) -> Result<Value, Box<Outcome>> {
        match answer::understand(self, name, answer) {
            Outcome::Done { .. } => {
                let told: Value = serde_json::from_slice(answer.body).map_err(|broken| unclear(&broken.to_string()))?;
                object(&told, "result").cloned().ok_or_else(|| unclear("an answer without a result"))
            }
            other => Err(Box::new(other)),
        }
    }
}

fn unclear(detail: &str) -> Box<Outcome> {
    Box::new(Outcome::Unclear { detail: detail.to_owned() })
}

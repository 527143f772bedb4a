//! Updates on their way to the bot: pushed to the webhook, or kept until `getUpdates` fetches them.
//! <https://core.telegram.org/bots/api#getting-updates>

use super::state::{Update, Webhook};
use super::{Inner, Telegram};
use crate::deliver::{Answered, Post, Undelivered};
use chrono::Utc;
use serde::Serialize;
use serde_json::{Value, json};

/// Kinds that come only to who names them in `allowed_updates`.
const NAMED_ONLY: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

/// What became of an update.
#[derive(Debug, Clone, Serialize)]
pub struct Pushed {
    pub update_id: i64,
    /// As it was sent.
    pub update: Value,
    /// What the webhook answered. `None`: no webhook is set, and it waits for `getUpdates`; or nobody wants updates of this kind, and it is gone.
    pub outcome: Option<Result<Answered, Undelivered>>,
}

impl Pushed {
    /// The message's id, where the update is a message.
    pub fn message_id(&self) -> Option<i64> {
        let kinds = ["message", "edited_message", "channel_post", "business_message"];
        kinds.iter().find_map(|kind| self.update[kind]["message_id"].as_i64())
    }

    /// The status that the webhook answered with.
    pub fn status(&self) -> Option<u16> {
        Some(self.outcome.as_ref()?.as_ref().ok()?.status)
    }
}

impl Telegram {
    /// Any update, by its kind: `message`, `chat_member` … One that the webhook does not take waits, as at Telegram: see [`Telegram::push_pending`].
    pub async fn push(&self, kind: &str, value: Value) -> Pushed {
        self.inner.push(kind, value).await
    }

    /// Tries what waits once more, in order, up to the first that is not taken. Telegram does so by itself; here a test says when. How many still wait.
    pub async fn push_pending(&self) -> usize {
        self.inner.push_pending().await
    }

    /// How many updates wait.
    pub fn pending(&self) -> usize {
        self.inner.state().pending.len()
    }
}

impl Inner {
    pub(super) fn set_webhook(&self, url: String, secret_token: Option<String>) {
        self.core.deliverer.set_url(Some(url.clone()));
        self.state().webhook = Some(Webhook { url, secret_token, max_connections: 40 });
        // Whoever polls learns of it.
        self.queued.send_modify(|times| *times += 1);
    }

    pub(super) fn delete_webhook(&self, drop_pending: bool) {
        self.core.deliverer.set_url(None);
        let mut state = self.state();
        state.webhook = None;
        state.last_error = None;
        if drop_pending {
            state.pending.clear();
        }
    }

    pub(super) async fn push(&self, kind: &str, value: Value) -> Pushed {
        let (update, wanted) = {
            let mut state = self.state();
            let update = Update { id: state.next_update(), kind: kind.to_owned(), value };
            let wanted = match &state.allowed_updates {
                Some(allowed) => allowed.iter().any(|one| one == kind),
                None => !NAMED_ONLY.contains(&kind),
            };
            (update, wanted)
        };
        let (update_id, told) = (update.id, update.to_json());
        let is_pushed = self.state().webhook.is_some();
        let outcome = match (wanted, is_pushed) {
            (false, _) => None,
            (true, true) => {
                let outcome = self.deliver(&update).await;
                if !outcome.as_ref().is_ok_and(Answered::is_success) {
                    self.keep(update);
                }
                Some(outcome)
            }
            (true, false) => {
                self.keep(update);
                None
            }
        };
        Pushed { update_id, update: told, outcome }
    }

    pub(super) async fn push_pending(&self) -> usize {
        loop {
            let next = {
                let state = self.state();
                state.pending.front().filter(|_| state.webhook.is_some()).cloned()
            };
            let Some(update) = next else { break };
            if !self.deliver(&update).await.is_ok_and(|answer| answer.is_success()) {
                break;
            }
            self.state().pending.retain(|waiting| waiting.id != update.id);
        }
        self.state().pending.len()
    }

    fn keep(&self, update: Update) {
        self.state().pending.push_back(update);
        self.queued.send_modify(|times| *times += 1);
    }

    async fn deliver(&self, update: &Update) -> Result<Answered, Undelivered> {
        let outcome = self.core.deliverer.post(&self.post_of(&update.to_json())).await;
        let words = match &outcome {
            Ok(answer) if answer.is_success() => None,
            Ok(answer) => {
                let reason = http::StatusCode::from_u16(answer.status).ok().and_then(|code| code.canonical_reason());
                Some(format!("Wrong response from the webhook: {} {}", answer.status, reason.unwrap_or_default()))
            }
            Err(why) => Some(why.to_string()),
        };
        if let Some(words) = words {
            self.state().last_error = Some((Utc::now(), words));
        }
        outcome
    }

    pub(super) fn post_of(&self, update: &Value) -> Post {
        let webhook = self.state().webhook.clone();
        let mut headers = vec![("content-type", "application/json".to_owned())];
        let secret = webhook.as_ref().and_then(|webhook| webhook.secret_token.clone());
        headers.extend(secret.map(|secret| ("x-telegram-bot-api-secret-token", secret)));
        Post {
            id: update["update_id"].to_string(),
            url: webhook.map(|webhook| webhook.url).unwrap_or_default(),
            headers,
            body: json!(update).to_string().into_bytes(),
        }
    }
}

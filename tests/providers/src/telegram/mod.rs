//! The Telegram Bot API: <https://core.telegram.org/bots/api>.
//!
//! | file | what |
//! | --- | --- |
//! | `api` | methods by their names, the webhook's settings, files |
//! | `polling` | `getUpdates`: offsets, waiting, two who ask at once |
//! | `sending` | `sendMessage`, `sendPhoto` … , `sendMediaGroup` |
//! | `changing` | edits, deletions, reactions, presses |
//! | `parameters` | the four ways in which a method is given its parameters |
//! | `people` | what people do, as updates |
//! | `updates` | updates, pushed to the webhook or kept for polling |
//! | `errors` | refusals in Telegram's words |
//! | `control` | the same by HTTP |

mod api;
mod changing;
pub(crate) mod control;
mod errors;
mod parameters;
mod people;
mod polling;
mod sending;
mod state;
mod updates;

pub use people::{Group, Person, Said, Says};
pub use state::{File, Sent};
pub use updates::Pushed;

use crate::deliver::{Burst, BurstOptions, Post};
use crate::fetch::Fetched;
use crate::record::Record;
use crate::request::{Payload, Reply, Request};
use crate::server::{Bound, Provider, Server};
use crate::standin::{Core, Standin};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use state::State;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use uuid::Uuid;

/// The bot that the stand-in has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    /// `123456:ABC…`: what stands before the colon is the bot's id.
    pub bot_token: String,
    pub name: String,
    /// Without `@`.
    pub username: String,
}

impl Default for Options {
    /// A token that no other stand-in has.
    fn default() -> Self {
        let id = 1_000_000_000 + Uuid::now_v7().as_u128() % 1_000_000_000;
        let secret = Uuid::now_v7().simple().to_string();
        Self {
            bot_token: format!("{id}:AA{secret}"),
            name: "Harbour Boats".to_owned(),
            username: "harbour_boats_bot".to_owned(),
        }
    }
}

impl Options {
    pub fn bot_id(&self) -> i64 {
        self.bot_token.split(':').next().and_then(|id| id.parse().ok()).unwrap_or(1)
    }

    /// The bot, as messages name it.
    fn bot(&self) -> Value {
        json!({ "id": self.bot_id(), "is_bot": true, "first_name": self.name, "username": self.username })
    }
}

/// The stand-in. It runs until it is dropped.
#[derive(Debug)]
pub struct Telegram {
    inner: Arc<Inner>,
    _server: Server,
}

#[derive(Debug)]
pub(crate) struct Inner {
    core: Core,
    options: Options,
    sent: Record<Sent>,
    fetched: Record<Fetched>,
    // Held for a look or a change only, never over an await.
    state: Mutex<State>,
    /// Moves with every update that is kept.
    queued: watch::Sender<u64>,
    /// Whose turn it is to poll: each `getUpdates` ends the one before it.
    polling: watch::Sender<u64>,
}

impl Telegram {
    /// On a free port of loopback.
    pub async fn start(options: Options) -> io::Result<Self> {
        let bound = Bound::new().await?;
        let inner = Arc::new(Inner {
            core: Core::new(bound.base()),
            options,
            sent: Record::default(),
            fetched: Record::default(),
            state: Mutex::new(State::new()),
            queued: watch::Sender::new(0),
            polling: watch::Sender::new(0),
        });
        Ok(Self { _server: Server::start(bound, Arc::clone(&inner)), inner })
    }

    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// Files that messages named by a link.
    pub fn fetched(&self) -> &Record<Fetched> {
        &self.inner.fetched
    }

    /// A file that people can send: the `file_id` is what [`Says`] takes.
    pub fn add_file(&self, mime: &str, file_name: Option<&str>, content: impl Into<Bytes>) -> String {
        self.inner.state().add_file(mime, file_name.map(str::to_owned), content.into(), "documents")
    }

    /// A file of either side.
    pub fn file(&self, file_id: &str) -> Option<File> {
        self.inner.state().files.get(file_id).cloned()
    }

    /// The secret that the webhook was set with.
    pub fn secret_token(&self) -> Option<String> {
        self.inner.state().webhook.as_ref().and_then(|webhook| webhook.secret_token.clone())
    }

    /// A message as it stands in its chat now: edited, or `None` once it is deleted.
    pub fn message(&self, chat: i64, message: i64) -> Option<Value> {
        self.inner.state().messages.get(&(chat, message)).cloned()
    }

    /// What was answered to a press, or `None` while it still spins.
    pub fn pressed(&self, query: &str) -> Option<Value> {
        self.inner.state().queries.get(query).cloned().flatten()
    }

    /// The bot's own reaction to a message, as it was set; an empty list after it was taken away.
    pub fn reaction(&self, chat: i64, message: i64) -> Option<Value> {
        self.inner.state().reactions.get(&(chat, message)).cloned()
    }

    /// The commands of `setMyCommands`, by their scope's type and language: `default`, `all_group_chats/pt`.
    pub fn commands(&self, scope: &str) -> Option<Value> {
        self.inner.state().commands.get(scope).cloned()
    }

    /// Messages to this chat are refused: 403, the bot was blocked. [`Telegram::person_blocks`] tells the gateway so as well.
    pub fn set_blocked(&self, chat: i64, blocked: bool) {
        let mut state = self.inner.state();
        if blocked {
            state.blocked.insert(chat)
        } else {
            state.blocked.remove(&chat)
        };
    }

    /// A group has become a supergroup, and no update tells of it: see [`Telegram::group_becomes`].
    pub fn set_migrated(&self, group: i64, new: i64) {
        let mut state = self.inner.state();
        let mut chat = state.chats.get(&group).cloned().unwrap_or_else(|| json!({ "title": "Group" }));
        chat["id"] = new.into();
        chat["type"] = "supergroup".into();
        state.chats.insert(new, chat);
        state.migrated.insert(group, new);
    }

    /// Many people's texts at once, pushed to the webhook until each is taken. Telegram itself would push those of one chat one by one.
    pub fn burst(&self, options: &BurstOptions) -> Burst {
        let posts = (0..options.messages).map(|place| {
            let number = (place % options.customers.max(1)) as i64;
            let person = Person::new(7_000_000 + number, format!("Customer {number}"));
            let (kind, value) = self.inner.said(&person, &Says::text(format!("Message {place}")).into());
            let update = json!({ "update_id": self.inner.state().next_update(), kind: value });
            let post = self.inner.post_of(&update);
            let actual = self.inner.core.deliverer.actual(&post.url);
            (post, actual)
        });
        Burst::start(posts.collect(), options)
    }

    /// An update as it would be pushed, for a test that delivers it itself: cut, changed, twice.
    pub fn post_of(&self, update: &Value) -> Post {
        self.inner.post_of(update)
    }
}

impl Standin for Telegram {
    type Sent = Sent;

    fn core(&self) -> &Core {
        &self.inner.core
    }

    fn sent(&self) -> &Record<Sent> {
        &self.inner.sent
    }

    /// As a `setWebhook` without a secret; the gateway's own call is the way to have one.
    fn set_webhook(&self, url: impl Into<String>) {
        self.inner.set_webhook(url.into(), None);
    }
}

impl Drop for Telegram {
    fn drop(&mut self) {
        self.inner.core.end();
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Provider for Inner {
    fn core(&self) -> &Core {
        &self.core
    }

    fn family(&self, _method: &str, path: &str) -> String {
        api::name(path)
    }

    fn name(&self, family: &str, _body: &Payload) -> String {
        family.to_owned()
    }

    fn answer(self: Arc<Self>, request: Request) -> impl Future<Output = Reply> + Send {
        api::answer(self, request)
    }

    fn too_many(&self, retry_after: u64) -> Reply {
        errors::Refusal::too_many(retry_after).reply().with("retry-after", retry_after)
    }

    fn refuse(&self, code: i64) -> Reply {
        errors::Refusal::by_code(code).reply()
    }
}

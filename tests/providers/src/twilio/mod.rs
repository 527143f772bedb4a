//! Twilio's messaging: <https://www.twilio.com/docs/messaging/api/message-resource>.
//!
//! | file | what |
//! | --- | --- |
//! | `api` | sending, the list with its filters and pages, one message, the account |
//! | `media` | files of messages, behind basic authentication |
//! | `segments` | how many segments a text makes |
//! | `webhook` | messages that come and the status of those that go, as signed forms |
//! | `signature` | `X-Twilio-Signature` |
//! | `errors` | Twilio's codes |
//! | `control` | the same by HTTP |

mod api;
pub(crate) mod control;
mod errors;
mod media;
mod segments;
mod signature;
mod webhook;

pub use webhook::{Delivered, Said};

use crate::deliver::{Burst, BurstOptions};
use crate::fetch::Fetched;
use crate::record::Record;
use crate::request::{Payload, Reply, Request};
use crate::server::{Bound, Provider, Server};
use crate::standin::{Core, Standin};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// The account that the stand-in has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    /// `AC…`
    pub account_sid: String,
    pub auth_token: String,
    /// Numbers that may send, in E.164, and what else may (`HARBOUR`, `whatsapp:+1555…`). The first is the one that people write to.
    pub senders: Vec<String>,
    /// Messaging Services (`MG…`): they send with the account's first number.
    pub services: Vec<String>,
}

impl Default for Options {
    /// Credentials that no other stand-in has.
    fn default() -> Self {
        let number = 1_000_000 + Uuid::now_v7().as_u128() % 9_000_000;
        Self {
            account_sid: sid("AC"),
            auth_token: Uuid::now_v7().simple().to_string(),
            senders: vec![format!("+1555{number}"), format!("whatsapp:+1555{number}")],
            services: vec![sid("MG")],
        }
    }
}

/// How far each message that is taken comes by itself, told to its `StatusCallback`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receipts {
    #[default]
    None,
    Sent,
    Delivered,
}

/// A message of either direction.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    /// Its place among the messages that were sent, counted from 1; 0 for one that came.
    pub seq: usize,
    /// `SM…`, or `MM…` with files.
    pub sid: String,
    pub created: DateTime<Utc>,
    pub sent: Option<DateTime<Utc>>,
    pub inbound: bool,
    pub from: String,
    pub to: String,
    pub service: Option<String>,
    pub body: String,
    pub segments: usize,
    /// Links that were to be sent as files; sids of files that came.
    pub media: Vec<String>,
    /// `queued`, `sent`, `delivered`, `undelivered`, `failed`, `received` …
    pub status: String,
    pub error_code: Option<u32>,
    pub status_callback: Option<String>,
    /// The whole request, or the whole webhook.
    pub form: Vec<(String, String)>,
    /// Whether the gateway was told so; a fault may have kept it from it.
    pub answered: bool,
}

/// A file of a message that came.
#[derive(Debug, Clone)]
pub(crate) struct Media {
    pub(crate) message: String,
    pub(crate) mime: String,
    pub(crate) content: Bytes,
}

/// The stand-in. It runs until it is dropped.
#[derive(Debug)]
pub struct Twilio {
    inner: Arc<Inner>,
    _server: Server,
}

#[derive(Debug)]
pub(crate) struct Inner {
    core: Core,
    options: Options,
    sent: Record<Message>,
    fetched: Record<Fetched>,
    // Held for a look or a change only, never over an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Of both directions, in the order in which they were made.
    messages: Vec<Message>,
    media: HashMap<String, Media>,
    /// Who said STOP, by (sender of ours, number).
    opted_out: HashSet<(String, String)>,
    /// Numbers that no SMS reaches.
    landlines: HashSet<String>,
    receipts: Receipts,
}

impl Twilio {
    /// On a free port of loopback.
    pub async fn start(options: Options) -> io::Result<Self> {
        let bound = Bound::new().await?;
        let inner = Arc::new(Inner {
            core: Core::new(bound.base()),
            options,
            sent: Record::default(),
            fetched: Record::default(),
            state: Mutex::default(),
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

    pub fn set_receipts(&self, receipts: Receipts) {
        self.inner.state().receipts = receipts;
    }

    /// A number that no SMS reaches: 21614.
    pub fn set_landline(&self, number: &str) {
        self.inner.state().landlines.insert(number.to_owned());
    }

    /// Whether this number said STOP to that sender: 21610. Who writes STOP or START does the same.
    pub fn set_opted_out(&self, sender: &str, number: &str, out: bool) {
        let pair = (sender.to_owned(), number.to_owned());
        let mut state = self.inner.state();
        if out {
            state.opted_out.insert(pair)
        } else {
            state.opted_out.remove(&pair)
        };
    }

    /// A file that somebody can send: the sid is what [`Said`] takes.
    pub fn add_file(&self, mime: &str, content: impl Into<Bytes>) -> String {
        let id = sid("ME");
        let media = Media { message: String::new(), mime: mime.to_owned(), content: content.into() };
        self.inner.state().media.insert(id.clone(), media);
        id
    }

    /// A message of either direction as it is now.
    pub fn message(&self, sid: &str) -> Option<Message> {
        self.inner.state().messages.iter().find(|message| message.sid == sid).cloned()
    }

    /// Many people's texts at once, until each is taken.
    pub fn burst(&self, options: &BurstOptions) -> Burst {
        let posts = (0..options.messages).map(|place| {
            let number = format!("+1555{:07}", 2_000_000 + place % options.customers.max(1));
            let said = Said::text(format!("Message {place}"));
            let post = self.inner.said(&number, &said);
            let actual = self.inner.core.deliverer.actual(&post.url);
            (post, actual)
        });
        Burst::start(posts.collect(), options)
    }
}

impl Standin for Twilio {
    type Sent = Message;

    fn core(&self) -> &Core {
        &self.inner.core
    }

    fn sent(&self) -> &Record<Message> {
        &self.inner.sent
    }
}

impl Drop for Twilio {
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

    fn family(&self, method: &str, path: &str) -> String {
        api::name(method, path).to_owned()
    }

    fn name(&self, family: &str, _body: &Payload) -> String {
        family.to_owned()
    }

    fn answer(self: Arc<Self>, request: Request) -> impl Future<Output = Reply> + Send {
        std::future::ready(api::answer(&self, &request))
    }

    fn too_many(&self, retry_after: u64) -> Reply {
        errors::refuse(20_429, "Too Many Requests").with("retry-after", retry_after)
    }

    fn refuse(&self, code: i64) -> Reply {
        errors::refuse(u32::try_from(code).unwrap_or(20_500), "Refused because a test asked for it.")
    }
}

/// Two letters and 32 hexadecimal digits.
fn sid(kind: &str) -> String {
    format!("{kind}{}", Uuid::now_v7().simple())
}

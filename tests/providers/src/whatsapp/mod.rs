//! WhatsApp's Cloud API: <https://developers.facebook.com/documentation/business-messaging/whatsapp>.
//!
//! | file | what |
//! | --- | --- |
//! | `api` | the Graph API's paths: messages, media, templates, numbers, subscriptions |
//! | `check`, `interactive` | whether a message's body is one that Meta takes |
//! | `templates` | the list of templates, and whether a message fits one |
//! | `customer` | what customers say, as webhooks |
//! | `webhook` | the envelope, its signature, statuses, echoes, templates' changes, the handshake |
//! | `errors` | Meta's codes |
//! | `control` | the same by HTTP |

mod api;
mod check;
pub(crate) mod control;
mod customer;
mod errors;
mod interactive;
mod state;
mod templates;
mod webhook;

pub use customer::{Customer, Said, Says};
pub use state::{File, Sent};
pub use templates::template;
pub use webhook::{Delivered, Echo, NoHandshake, StatusTold};

use crate::deliver::{Burst, BurstOptions};
use crate::fetch::Fetched;
use crate::record::Record;
use crate::request::{Payload, Reply, Request};
use crate::server::{Bound, Provider, Server};
use crate::standin::{Core, Standin};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use errors::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use state::State;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// The account that the stand-in has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    pub access_token: String,
    /// Signs the webhooks.
    pub app_secret: String,
    /// Said at the handshake.
    pub verify_token: String,
    pub waba_id: String,
    pub app_id: String,
    /// The first is the one that customers write to unless a test says otherwise.
    pub numbers: Vec<Number>,
    pub token_expires_at: Option<DateTime<Utc>>,
}

/// A business phone number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Number {
    pub phone_number_id: String,
    /// As it is shown: `+1 555-010-0199`.
    pub display_phone_number: String,
    pub verified_name: String,
    /// `GREEN`, `YELLOW`, `RED`.
    pub quality_rating: String,
}

impl Default for Options {
    /// Credentials and ids that no other stand-in has.
    fn default() -> Self {
        Self {
            access_token: format!("EAA{}", Uuid::now_v7().simple()),
            app_secret: Uuid::now_v7().simple().to_string(),
            verify_token: format!("verify-{}", Uuid::now_v7().simple()),
            waba_id: number_id(),
            app_id: number_id(),
            numbers: vec![Number::new("+1 555-010-0199", "Harbour Boats")],
            token_expires_at: None,
        }
    }
}

impl Number {
    pub fn new(display_phone_number: impl Into<String>, verified_name: impl Into<String>) -> Self {
        Self {
            phone_number_id: number_id(),
            display_phone_number: display_phone_number.into(),
            verified_name: verified_name.into(),
            quality_rating: "GREEN".to_owned(),
        }
    }

    fn digits(&self) -> String {
        self.display_phone_number.chars().filter(char::is_ascii_digit).collect()
    }

    fn told(&self) -> Value {
        json!({
            "id": self.phone_number_id,
            "display_phone_number": self.display_phone_number,
            "verified_name": self.verified_name,
            "quality_rating": self.quality_rating,
            "code_verification_status": "VERIFIED",
            "name_status": "APPROVED",
            "platform_type": "CLOUD_API",
            "throughput": { "level": "STANDARD" },
            "messaging_limit_tier": "TIER_1K",
            "status": "CONNECTED",
        })
    }
}

/// How far each message that is taken comes by itself, told by webhooks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receipts {
    #[default]
    None,
    Sent,
    Delivered,
    Read,
}

/// The stand-in. It runs until it is dropped.
#[derive(Debug)]
pub struct WhatsApp {
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
}

impl WhatsApp {
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

    /// The account's templates from now on; see [`template`].
    pub fn set_templates(&self, templates: Vec<Value>) {
        self.inner.state().templates = templates;
    }

    pub fn set_receipts(&self, receipts: Receipts) {
        self.inner.state().receipts = receipts;
    }

    /// Whether a message outside the 24 hours is refused in the answer (as at first), or taken and told to have failed by a webhook.
    pub fn set_window_told_later(&self, later: bool) {
        self.inner.state().window_told_later = later;
    }

    /// When this customer (a `wa_id` or a BSUID) last wrote, whatever was delivered: it opens or closes the window of 24 hours. `None`: never.
    pub fn set_last_wrote(&self, who: &str, at: Option<DateTime<Utc>>) {
        let mut state = self.inner.state();
        match at {
            Some(at) => state.last_wrote.insert(who.to_owned(), at),
            None => state.last_wrote.remove(who),
        };
    }

    /// Who is dialled as `number` has this `wa_id`: in Brazil, Mexico and Argentina the two differ.
    pub fn set_wa_id(&self, number: &str, wa_id: &str) {
        let digits = number.chars().filter(char::is_ascii_digit).collect();
        self.inner.state().wa_ids.insert(digits, wa_id.to_owned());
    }

    /// A file that a customer can send: the id is what [`Says`] takes.
    pub fn add_file(&self, mime: &str, file_name: Option<&str>, content: impl Into<Bytes>) -> String {
        let id = number_id();
        let file_name = file_name.map(str::to_owned);
        let file = File { mime: mime.to_owned(), file_name, content: content.into(), uploaded: false };
        self.inner.state().files.insert(id.clone(), file);
        id
    }

    /// A file of either side.
    pub fn file(&self, id: &str) -> Option<File> {
        self.inner.state().files.get(id).cloned()
    }

    /// Many customers' texts at once, until each is taken.
    pub fn burst(&self, options: &BurstOptions) -> Burst {
        let posts = (0..options.messages).map(|place| {
            let customer = Customer::new(
                format!("4917{:08}", place % options.customers.max(1)),
                format!("Customer {}", place % options.customers.max(1)),
            );
            let (id, body) = self.inner.said(&customer, &Says::text(format!("Message {place}")).into());
            let post = self.inner.signed(id, &body);
            let actual = self.inner.core.deliverer.actual(&post.url);
            (post, actual)
        });
        Burst::start(posts.collect(), options)
    }
}

impl Standin for WhatsApp {
    type Sent = Sent;

    fn core(&self) -> &Core {
        &self.inner.core
    }

    fn sent(&self) -> &Record<Sent> {
        &self.inner.sent
    }
}

impl Drop for WhatsApp {
    fn drop(&mut self) {
        self.inner.core.end();
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn number(&self, id: &str) -> Option<&Number> {
        self.options.numbers.iter().find(|number| number.phone_number_id == id)
    }

    fn is_account(&self, id: &str) -> bool {
        self.options.waba_id == id
    }
}

impl Provider for Inner {
    fn core(&self) -> &Core {
        &self.core
    }

    fn family(&self, method: &str, path: &str) -> String {
        let family = api::family(method, path);
        // The path is all there is to a request without a body.
        api::name(self, family, path, &Payload::Empty).replace("messages.send", "messages")
    }

    fn name(&self, family: &str, body: &Payload) -> String {
        api::name(self, family, "", body)
    }

    fn answer(self: Arc<Self>, request: Request) -> impl Future<Output = Reply> + Send {
        api::answer(self, request)
    }

    fn too_many(&self, retry_after: u64) -> Reply {
        Refusal::new(130_429, "Cloud API message throughput has been reached.").reply().with("retry-after", retry_after)
    }

    fn refuse(&self, code: i64) -> Reply {
        Refusal::new(code, "Refused because a test asked for it.").reply()
    }
}

/// Graph's ids: fifteen digits and more.
fn number_id() -> String {
    (Uuid::now_v7().as_u128() % 1_000_000_000_000_000).saturating_add(1_000_000_000_000_000).to_string()
}

/// An id of a message, as opaque as Meta's.
fn wamid() -> String {
    format!("wamid.{}", STANDARD.encode(Uuid::now_v7().simple().to_string()))
}

//! The stand-ins by HTTP, for tests in another language: see README.md for the list.

use crate::deliver::BurstOptions;
use crate::faults::Rule;
use crate::request::{Payload, Reply, Request};
use crate::server::{Bound, Provider, Server};
use crate::standin::{Core, Standin};
use crate::telegram::{self, Telegram};
use crate::twilio::{self, Twilio};
use crate::whatsapp::{self, WhatsApp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// One stand-in of each kind.
#[derive(Debug)]
pub struct Providers {
    pub whatsapp: WhatsApp,
    pub telegram: Telegram,
    pub twilio: Twilio,
}

impl Providers {
    /// Each on a free port of loopback, with credentials of its own.
    pub async fn start() -> io::Result<Self> {
        Ok(Self {
            whatsapp: WhatsApp::start(whatsapp::Options::default()).await?,
            telegram: Telegram::start(telegram::Options::default()).await?,
            twilio: Twilio::start(twilio::Options::default()).await?,
        })
    }

    /// What a channel account's `settings` are to be, by provider.
    pub fn settings(&self) -> Value {
        let (whatsapp, telegram, twilio) = (self.whatsapp.options(), self.telegram.options(), self.twilio.options());
        let number = whatsapp.numbers.first();
        json!({
            "whatsapp": {
                "api_base": self.whatsapp.api_base(),
                "phone_number_id": number.map(|number| number.phone_number_id.as_str()),
                "waba_id": whatsapp.waba_id,
                "access_token": whatsapp.access_token,
                "app_secret": whatsapp.app_secret,
                "verify_token": whatsapp.verify_token,
            },
            "telegram": { "api_base": self.telegram.api_base(), "bot_token": telegram.bot_token },
            "twilio": {
                "api_base": self.twilio.api_base(),
                "account_sid": twilio.account_sid,
                "auth_token": twilio.auth_token,
                "from": twilio.senders.first(),
            },
        })
    }
}

/// The control API in front of the stand-ins. It serves until it is dropped.
#[derive(Debug)]
pub struct Control {
    base: String,
    _server: Server,
}

impl Control {
    pub async fn start(providers: Arc<Providers>) -> io::Result<Self> {
        let bound = Bound::new().await?;
        let base = format!("{}/_control", bound.base());
        let inner = Arc::new(Inner { core: Core::new(bound.base()), providers });
        Ok(Self { base, _server: Server::start(bound, inner) })
    }

    /// `http://127.0.0.1:PORT/_control`
    pub fn base(&self) -> &str {
        &self.base
    }
}

struct Inner {
    core: Core,
    providers: Arc<Providers>,
}

impl Provider for Inner {
    fn core(&self) -> &Core {
        &self.core
    }

    fn family(&self, _method: &str, _path: &str) -> String {
        "control".to_owned()
    }

    fn name(&self, family: &str, _body: &Payload) -> String {
        family.to_owned()
    }

    async fn answer(self: Arc<Self>, request: Request) -> Reply {
        // Nobody asks what was asked of the control.
        self.core.requests.clear();
        match self.obey(&request).await {
            Ok(answer) => Reply::json(200, &answer),
            Err(Refused::NotFound) => {
                let why = format!("{} {} is not there", request.method, request.path);
                Reply::json(404, &json!({ "error": why }))
            }
            Err(Refused::Wrong(why)) => Reply::json(400, &json!({ "error": why })),
        }
    }

    fn too_many(&self, retry_after: u64) -> Reply {
        Reply::json(429, &json!({ "error": format!("wait {retry_after} s") }))
    }

    fn refuse(&self, code: i64) -> Reply {
        Reply::json(400, &json!({ "error": code }))
    }
}

/// Why the control does not do what it is told.
#[derive(Debug)]
pub(crate) enum Refused {
    NotFound,
    Wrong(String),
}

impl<E: std::error::Error> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Wrong(error.to_string())
    }
}

pub(crate) type Obeyed = Result<Value, Refused>;

/// What is asked of one stand-in.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a [&'a str],
    body: Value,
    after: usize,
    wait: Duration,
}

impl Order<'_> {
    /// The body, as what is expected.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        Ok(serde_json::from_value(self.body.clone())?)
    }
}

impl Inner {
    async fn obey(&self, request: &Request) -> Obeyed {
        let parts = request.parts();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let ["_control", path @ ..] = parts.as_slice() else { return Err(Refused::NotFound) };
        let number = |name| request.query(name).and_then(|value| value.parse::<u64>().ok()).unwrap_or(0);
        let body = match &request.body {
            Payload::Json(body) => body.clone(),
            Payload::Empty => json!({}),
            // Sent without its `Content-Type`.
            Payload::Other(text) => serde_json::from_str(text)?,
            _ => return Err(Refused::Wrong("a JSON body is expected".to_owned())),
        };
        let Some((provider, path)) = path.split_first() else { return Ok(self.providers.settings()) };
        let order = Order {
            method: &request.method,
            path,
            body,
            after: usize::try_from(number("after")).unwrap_or(0),
            wait: Duration::from_millis(number("wait_ms").min(60_000)),
        };
        match *provider {
            "whatsapp" => {
                let standin = &self.providers.whatsapp;
                match common(standin, &order).await? {
                    Some(answer) => Ok(answer),
                    None => whatsapp::control::obey(standin, &order).await,
                }
            }
            "telegram" => {
                let standin = &self.providers.telegram;
                match common(standin, &order).await? {
                    Some(answer) => Ok(answer),
                    None => telegram::control::obey(standin, &order).await,
                }
            }
            "twilio" => {
                let standin = &self.providers.twilio;
                match common(standin, &order).await? {
                    Some(answer) => Ok(answer),
                    None => twilio::control::obey(standin, &order).await,
                }
            }
            _ => Err(Refused::NotFound),
        }
    }
}

/// What all stand-ins understand; `None` for what only one may.
async fn common<S: Standin>(standin: &S, order: &Order<'_>) -> Result<Option<Value>, Refused> {
    #[derive(Deserialize)]
    struct Webhook {
        url: String,
    }
    #[derive(Deserialize)]
    struct Reach {
        public: String,
        actual: String,
    }
    Ok(Some(match (order.method, order.path) {
        ("GET", ["messages"]) => items(&standin.sent().beyond(order.after, order.wait).await, order.after),
        ("GET", ["requests"]) => items(&standin.requests().beyond(order.after, order.wait).await, order.after),
        ("GET", ["deliveries"]) => items(&standin.deliveries().beyond(order.after, order.wait).await, order.after),
        ("GET", ["faults"]) => json!({ "items": standin.faults().left() }),
        ("POST", ["faults"]) => {
            standin.faults().set(order.read::<Rule>()?);
            json!({})
        }
        ("DELETE", ["faults"]) => {
            standin.faults().clear();
            json!({})
        }
        ("POST", ["webhook"]) => {
            standin.set_webhook(order.read::<Webhook>()?.url);
            json!({})
        }
        ("POST", ["reach"]) => {
            let Reach { public, actual } = order.read()?;
            standin.reach(public, actual);
            json!({})
        }
        ("POST", ["reset"]) => {
            standin.reset();
            json!({})
        }
        _ => return Ok(None),
    }))
}

/// `next_after` goes into the next question's `after`.
fn items<T: Serialize>(items: &[T], after: usize) -> Value {
    json!({ "items": items, "next_after": after + items.len() })
}

/// A file, as the control is given it.
#[derive(Debug, Deserialize)]
pub(crate) struct Given {
    pub(crate) mime: String,
    pub(crate) file_name: Option<String>,
    base64: String,
}

impl Given {
    pub(crate) fn content(&self) -> Result<Vec<u8>, Refused> {
        Ok(STANDARD.decode(&self.base64)?)
    }
}

/// A file, as the control gives it.
pub(crate) fn file(mime: &str, file_name: Option<&str>, content: &[u8]) -> Value {
    json!({ "mime": mime, "file_name": file_name, "size": content.len(), "base64": STANDARD.encode(content) })
}

/// The options of a burst; every one has a default.
pub(crate) fn burst(order: &Order<'_>) -> Result<BurstOptions, Refused> {
    order.read()
}

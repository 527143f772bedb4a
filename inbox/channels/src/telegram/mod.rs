//! The Telegram Bot API (<https://core.telegram.org/bots/api>): updates by webhook or long polling, and the requests of a bot.
//!
//! - A chat's [`Address`](crate::model::Address) and a message's id are written as [`address`] says.
//! - A press of a button is a message with [`Content::Choice`](crate::model::Content::Choice); its id goes back in [`Say::Pressed`](crate::model::Say::Pressed).
//! - **A file over 20 MB** is not given out by the public server ([`Adapter::download_limit`]); a local Bot API server has no such limit.
//! - **A local Bot API server** (`local`) answers `getFile` with a path on its own disk. Where that disk is seen here too, `local_root` names the
//!   server's folder and the file is found as `file://…`, never outside of that folder. Without it the file is asked for over HTTP at
//!   `/file/bot<token>/<path within the bot's folder>`, as a web server beside the Bot API server gives it out.
//! - Nobody can ask Telegram whether a message was sent: there is no list of a bot's own messages and no reference of ours is kept. So
//!   [`Adapter::look_for`] is `None`, and an attempt without an answer stays "may have been sent".

pub mod address;
mod answer;
mod json;
mod member;
mod message;
pub mod poll;
mod render;
mod service;
pub mod setup;
pub mod staff;
pub mod text;
mod update;

pub use answer::moved_to;
pub use member::EVERYTHING;
pub use message::became;
pub use render::{CAPTION_LIMIT, CHOICES_LIMIT, PAYLOAD_LIMIT, PHOTO_LIMIT, PRESSED_LIMIT, TEXT_LIMIT};
pub use update::{ALLOWED_UPDATES, is_press};

use crate::adapter::{Adapter, Answer, Body, CannotSay, Malformed, Outcome, Refused, Request, Webhook};
use crate::model::{Outgoing, Told};
use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write as _};
use subtle::ConstantTimeEq;

/// The header that carries the secret given to `setWebhook`.
pub const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// What the public server gives out and takes, in bytes (<https://core.telegram.org/bots/api#sending-files>): its megabytes are binary.
pub const PUBLIC_DOWNLOAD_LIMIT: u64 = 20 << 20;
pub const PUBLIC_UPLOAD_LIMIT: u64 = 50 << 20;
/// What a local server takes.
pub const LOCAL_UPLOAD_LIMIT: u64 = 2000 << 20;

/// A connected bot: the account's settings.
#[derive(Clone, Deserialize)]
pub struct Account {
    /// `123456:ABC…`, from @BotFather.
    pub bot_token: String,
    /// 1 to 256 of `A-Z a-z 0-9 _ -`. Empty: no webhook is believed.
    #[serde(default)]
    pub secret_token: String,
    #[serde(default = "public_server")]
    pub api_base: String,
    /// The bot's name as `getMe` told it, without `@`: tells a command to us from one to another bot.
    #[serde(default)]
    pub username: Option<String>,
    /// `api_base` is a Bot API server of our own, run with `--local`.
    #[serde(default)]
    pub local: bool,
    /// The local server's working folder, as this machine sees it.
    #[serde(default)]
    pub local_root: Option<String>,
}

fn public_server() -> String {
    "https://api.telegram.org".to_owned()
}

impl fmt::Debug for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Account")
            .field("bot_id", &self.bot_id())
            .field("api_base", &self.api_base)
            .field("username", &self.username)
            .field("local", &self.local)
            .field("local_root", &self.local_root)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// A bot at the public server.
    pub fn new(bot_token: impl Into<String>, secret_token: impl Into<String>) -> Self {
        Self {
            bot_token: bot_token.into(),
            secret_token: secret_token.into(),
            api_base: public_server(),
            username: None,
            local: false,
            local_root: None,
        }
    }

    /// The user id of the bot: it stands in its token.
    pub fn bot_id(&self) -> Option<i64> {
        self.bot_token.split_once(':').and_then(|(id, _)| id.parse().ok())
    }

    fn base(&self) -> &str {
        self.api_base.trim_end_matches('/')
    }

    /// The token as it stands in a path; one with a stroke in it must not lead elsewhere.
    fn token(&self) -> String {
        let mut token = String::with_capacity(self.bot_token.len());
        for byte in self.bot_token.bytes() {
            match byte {
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b':' | b'_' | b'-' => token.push(char::from(byte)),
                other => {
                    let _ = write!(token, "%{other:02X}");
                }
            }
        }
        token
    }

    fn call(&self, name: &'static str, parameters: Value, repeatable: bool) -> Request {
        Request {
            method: Method::POST,
            url: format!("{}/bot{}/{name}", self.base(), self.token()),
            headers: HeaderMap::new(),
            body: if parameters.as_object().is_some_and(serde_json::Map::is_empty) {
                Body::Empty
            } else {
                Body::Json(parameters)
            },
            name,
            repeatable,
        }
    }
}

impl Adapter for Account {
    fn verify(&self, webhook: Webhook<'_>) -> Result<(), Refused> {
        let given = webhook.headers.get(SECRET_HEADER).ok_or(Refused::Missing)?;
        // Digests are compared, so that neither the secret nor its length shows in the time it takes.
        let same = Sha256::digest(given.as_bytes()).ct_eq(&Sha256::digest(self.secret_token.as_bytes()));
        if bool::from(same) && !self.secret_token.is_empty() { Ok(()) } else { Err(Refused::Wrong) }
    }

    fn parse(&self, body: &[u8]) -> Result<Vec<Told>, Malformed> {
        update::parse(self, body)
    }

    fn render(&self, outgoing: &Outgoing) -> Result<Request, CannotSay> {
        render::render(self, outgoing)
    }

    fn understand(&self, name: &'static str, answer: Answer<'_>) -> Outcome {
        answer::understand(self, name, answer)
    }

    fn media(&self, id: &str) -> Option<Request> {
        Some(self.call("getFile", json!({ "file_id": id }), true))
    }

    fn look_for(&self, _: &Outgoing) -> Option<Request> {
        None
    }

    fn download_limit(&self) -> Option<u64> {
        (!self.local).then_some(PUBLIC_DOWNLOAD_LIMIT)
    }
}

//! SMS and MMS by Twilio's REST interface (<https://www.twilio.com/docs/messaging/api/message-resource>) and those that speak it; WhatsApp through Twilio too,
//! with `whatsapp:` before the addresses.
//!
//! - A webhook has no time of its own: [`Told::at`] is absent, and the time of receipt counts.
//! - An MMS of several files is several messages of one album: the first has the `MessageSid`, the others `MessageSid/1` …
//! - [`Outgoing::reference`] goes into the status callback's URL and comes back with each status: [`Adapter::read`] finds it there.
//! - An attempt without an answer is looked for in the account's list: [`Adapter::look_for`], then [`Adapter::looked`].

mod address;
mod answer;
pub mod errors;
pub mod form;
mod look;
mod render;
pub mod segments;
mod signature;
mod webhook;

pub use look::MESSAGES_LISTED;
pub use render::{ACCEPTED_FILES, MEDIA_LIMIT, TEXT_LIMIT, VALIDITY_LIMIT, WHATSAPP_MEDIA_LIMIT};
pub use signature::SIGNATURE_HEADER;

use crate::adapter::{Adapter, Answer, Body, CannotSay, Look, Malformed, Outcome, Refused, Request, Webhook};
use crate::model::{Outgoing, Told};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use serde::Deserialize;
use std::fmt;

/// Files in one message, at most.
pub const MAX_MEDIA: usize = 10;

/// What STOP is about: every message of this sender.
pub const EVERYTHING: &str = "all";

/// The name of our reference in the status callback's query.
pub const REFERENCE: &str = "reference";

/// A connected account, or one of those that speak the same.
#[derive(Clone, Deserialize)]
pub struct Account {
    /// `AC…`
    pub account_sid: String,
    pub auth_token: String,
    /// The sender: a number, a short code, a name, or a Messaging Service (`MG…`), which picks a number itself.
    pub from: String,
    #[serde(default = "twilio")]
    pub api_base: String,
    /// Our own webhook's public URL, for the status of what is sent.
    #[serde(default)]
    pub status_callback: Option<String>,
    /// Seconds (1 to 36,000) after which a message that still waits at Twilio is not worth sending.
    #[serde(default)]
    pub validity_period: Option<u32>,
}

fn twilio() -> String {
    "https://api.twilio.com".to_owned()
}

impl fmt::Debug for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Account")
            .field("account_sid", &self.account_sid)
            .field("from", &self.from)
            .field("api_base", &self.api_base)
            .field("status_callback", &self.status_callback)
            .field("validity_period", &self.validity_period)
            .finish_non_exhaustive()
    }
}

impl Account {
    pub fn new(account_sid: impl Into<String>, auth_token: impl Into<String>, from: impl Into<String>) -> Self {
        Self {
            account_sid: account_sid.into(),
            auth_token: auth_token.into(),
            from: from.into(),
            api_base: twilio(),
            status_callback: None,
            validity_period: None,
        }
    }

    /// The account itself, for a guided connect: `understand` tells whether the credentials are right.
    pub fn check(&self) -> Request {
        self.request(Method::GET, ".json", Body::Empty, "account", true)
    }

    fn sends_by_service(&self) -> bool {
        self.from.starts_with("MG") && self.from.len() == 34
    }

    fn base(&self) -> &str {
        self.api_base.trim_end_matches('/')
    }

    /// `below` is what stands behind the account's own address.
    fn request(&self, method: Method, below: &str, body: Body, name: &'static str, repeatable: bool) -> Request {
        let sid: String = url::form_urlencoded::byte_serialize(self.account_sid.as_bytes()).collect();
        Request {
            method,
            url: format!("{}/2010-04-01/Accounts/{sid}{below}", self.base()),
            headers: self.credentials(),
            body,
            name,
            repeatable,
        }
    }

    fn credentials(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", self.account_sid, self.auth_token)));
        let mut value = HeaderValue::from_str(&basic).expect("base64 is visible ASCII");
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        headers
    }
}

impl Adapter for Account {
    fn verify(&self, webhook: Webhook<'_>) -> Result<(), Refused> {
        signature::verify(&self.auth_token, webhook)
    }

    fn parse(&self, body: &[u8]) -> Result<Vec<Told>, Malformed> {
        webhook::parse(body, None)
    }

    /// A webhook that Twilio was told to `GET` has all its fields in the URL.
    fn read(&self, webhook: Webhook<'_>) -> Result<Vec<Told>, Malformed> {
        let reference = signature::query_value(webhook.url, REFERENCE);
        match signature::query(webhook.url) {
            Some(query) if webhook.body.is_empty() => webhook::parse(query.as_bytes(), reference),
            _ => webhook::parse(webhook.body, reference),
        }
    }

    fn render(&self, outgoing: &Outgoing) -> Result<Request, CannotSay> {
        render::render(self, outgoing)
    }

    fn understand(&self, name: &'static str, answer: Answer<'_>) -> Outcome {
        answer::understand(name, answer)
    }

    /// A media URL is all there is to it; see [`Adapter::download_headers`].
    fn media(&self, _: &str) -> Option<Request> {
        None
    }

    fn look_for(&self, outgoing: &Outgoing) -> Option<Request> {
        Some(look::request(self, outgoing, None))
    }

    fn looked(&self, outgoing: &Outgoing, between: (DateTime<Utc>, DateTime<Utc>), answer: Answer<'_>) -> Look {
        look::looked(self, outgoing, between, answer)
    }

    /// Twilio's own answer leads on to another host, signed by itself: the credentials stay here.
    fn download_headers(&self, url: &str) -> HeaderMap {
        let own = url::Url::parse(self.base()).ok().map(|url| url.origin());
        let asked = url::Url::parse(url).ok().map(|url| url.origin());
        match (own, asked) {
            (Some(own), Some(asked)) if own.is_tuple() && own == asked => self.credentials(),
            _ => HeaderMap::new(),
        }
    }
}

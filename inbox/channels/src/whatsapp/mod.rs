//! WhatsApp's Cloud API: <https://developers.facebook.com/documentation/business-messaging/whatsapp>.
//!
//! | file | what |
//! | --- | --- |
//! | [`signature`] | who posted this: `X-Hub-Signature-256`, and the handshake when a webhook is set up |
//! | `webhook` | the envelope: entries, changes, and which of the readers below each goes to |
//! | `message`, `party`, `status` | messages of every kind, who sent them, how far ours have come |
//! | `history`, `events` | what the phone app tells when it is connected; what happens to templates and to the account |
//! | `render` | what we say, as requests, with the limits of Meta's tables |
//! | [`errors`] | Meta's codes, and what they mean for the one who wrote |
//! | [`templates`] | the list of templates, their variables, a filled-in preview |
//! | [`window`] | until when free text may be sent |

mod account;
pub mod errors;
mod events;
mod history;
mod media;
mod message;
mod party;
mod read;
mod render;
pub mod signature;
mod status;
pub mod templates;
mod webhook;
pub mod window;

pub use account::Number;

use crate::adapter::{Adapter, Answer, CannotSay, Malformed, Outcome, Refused, Request, Webhook};
use crate::model::{Outgoing, Told};
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use std::fmt;

/// Where the Graph API is.
pub const API_BASE: &str = "https://graph.facebook.com";

/// The Graph API's version of July 2026, the newest: <https://developers.facebook.com/docs/graph-api/changelog>.
pub const VERSION: &str = "v26.0";

/// One business phone number of a WhatsApp Business Account.
#[derive(Clone)]
pub struct Account {
    /// [`API_BASE`], or what stands in for it; without a slash at its end.
    pub api_base: String,
    /// [`VERSION`], or another.
    pub version: String,
    pub phone_number_id: String,
    pub waba_id: String,
    pub access_token: String,
    /// Signs the webhooks.
    pub app_secret: String,
    /// Ours: Meta shows it when the webhook is set up.
    pub verify_token: String,
    /// What stands on the button that opens a list, in the customers' language; at most 20 characters.
    pub list_label: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("api_base", &self.api_base)
            .field("version", &self.version)
            .field("phone_number_id", &self.phone_number_id)
            .field("waba_id", &self.waba_id)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// `{api_base}/{version}/{path}`.
    fn url(&self, path: &str) -> String {
        format!("{}/{}/{path}", self.api_base.trim_end_matches('/'), self.version.trim_matches('/'))
    }

    /// The headers of every request: the token, marked so that nothing prints it.
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {}", self.access_token.trim())) {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        headers
    }
}

/// The adapter of one account.
#[derive(Debug, Clone)]
pub struct WhatsApp {
    pub account: Account,
}

impl WhatsApp {
    pub fn new(account: Account) -> Self {
        Self { account }
    }
}

impl Adapter for WhatsApp {
    fn verify(&self, webhook: Webhook<'_>) -> Result<(), Refused> {
        signature::verify(&self.account.app_secret, webhook.headers, webhook.body)
    }

    fn parse(&self, body: &[u8]) -> Result<Vec<Told>, Malformed> {
        webhook::parse(body)
    }

    fn render(&self, outgoing: &Outgoing) -> Result<Request, CannotSay> {
        render::render(&self.account, outgoing)
    }

    fn understand(&self, name: &'static str, answer: Answer<'_>) -> Outcome {
        errors::understand(&self.account, name, answer)
    }

    /// The address that comes back is good for five minutes, and wants the token too. It is the provider's word: [`crate::client::Client::download`]
    /// goes nowhere but to HTTPS and to the account's own `api_base`.
    fn media(&self, id: &str) -> Option<Request> {
        Some(media::find(&self.account, id))
    }

    /// `None`: Meta cannot be asked. Its statuses bring our reference back (`biz_opaque_callback_data`), which settles it.
    fn look_for(&self, _outgoing: &Outgoing) -> Option<Request> {
        None
    }
}

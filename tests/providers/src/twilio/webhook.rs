//! What Twilio posts: a message that came (<https://www.twilio.com/docs/messaging/guides/webhook-request>), and how far one of ours has come
//! (<https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks>).

use super::errors::words;
use super::signature::sign;
use super::{Inner, Message, Receipts, Twilio, segments, sid};
use crate::deliver::{Answered, Post, Undelivered};
use chrono::Utc;
use serde::{Deserialize, Serialize};

/// A webhook that the gateway answered.
#[derive(Debug, Clone, Serialize)]
pub struct Delivered {
    /// The message's.
    pub sid: String,
    pub answer: Answered,
}

/// What somebody says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    pub body: String,
    /// Sids of files from [`Twilio::add_file`].
    pub media: Vec<String>,
    /// The number of ours that it came to; the first one of this channel, if it is not said.
    pub to: Option<String>,
    /// The message's sid; a new one if none is given. The same one twice is a duplicate.
    pub sid: Option<String>,
    /// Further fields: `ProfileName`, `ButtonText`, `Latitude` …
    pub more: Vec<(String, String)>,
}

impl Said {
    pub fn text(body: impl Into<String>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }
}

const STOP: [&str; 8] = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"];
const START: [&str; 3] = ["START", "YES", "UNSTOP"];

impl Twilio {
    /// Somebody writes. `from` is a number, or `whatsapp:+1…`.
    pub async fn person_says(&self, from: &str, said: impl Into<Said> + Send) -> Result<Delivered, Undelivered> {
        self.inner.core.deliverer.url().ok_or(Undelivered::NoWebhook)?;
        let post = self.inner.said(from, &said.into());
        let answer = self.inner.core.deliverer.post(&post).await?;
        Ok(Delivered { sid: post.id, answer })
    }

    /// The webhook of a message that is not delivered, signed: for a test that delivers it itself.
    pub fn webhook_of(&self, from: &str, said: impl Into<Said>) -> Post {
        self.inner.said(from, &said.into())
    }

    /// Tells the message's own `StatusCallback` how far it has come: `sent`, `delivered`, `undelivered`, `failed`, `read`. It is so in the list too.
    pub async fn status(&self, sid: &str, status: &str, error_code: Option<u32>) -> Result<Delivered, Undelivered> {
        let post = self.inner.status(sid, status, error_code).ok_or(Undelivered::NoWebhook)?;
        let answer = self.inner.core.deliverer.post(&post).await?;
        Ok(Delivered { sid: post.id, answer })
    }
}

impl Inner {
    /// The message is in the list from now on, and so are STOP and START heeded.
    pub(super) fn said(&self, from: &str, said: &Said) -> Post {
        let is_whatsapp = from.starts_with("whatsapp:");
        let of_channel = |sender: &&String| sender.starts_with("whatsapp:") == is_whatsapp;
        let to = said.to.clone().or_else(|| self.options.senders.iter().find(of_channel).cloned()).unwrap_or_default();
        let sid = said.sid.clone().unwrap_or_else(|| sid(if said.media.is_empty() { "SM" } else { "MM" }));
        let count = segments::count(&said.body);
        let account = &self.options.account_sid;
        let mut form: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: &str| form.push((name.to_owned(), value.to_owned()));
        for place in ["ToCountry", "ToState", "ToCity", "ToZip", "FromCountry", "FromState", "FromCity", "FromZip"] {
            if !is_whatsapp {
                add(place, if place.ends_with("Country") { "US" } else { "" });
            }
        }
        add("SmsMessageSid", &sid);
        add("SmsSid", &sid);
        add("MessageSid", &sid);
        add("AccountSid", account);
        add("SmsStatus", "received");
        add("ApiVersion", "2010-04-01");
        add("NumSegments", &count.to_string());
        add("NumMedia", &said.media.len().to_string());
        add("From", from);
        add("To", &to);
        add("Body", &said.body);
        if let Some(number) = from.strip_prefix("whatsapp:+") {
            add("WaId", number);
        }
        let mut state = self.state();
        for (place, id) in said.media.iter().enumerate() {
            let mime = state.media.get_mut(id).map(|media| {
                media.message.clone_from(&sid);
                media.mime.clone()
            });
            let url = format!("{}/2010-04-01/Accounts/{account}/Messages/{sid}/Media/{id}", self.core.base);
            add(&format!("MediaUrl{place}"), &url);
            add(&format!("MediaContentType{place}"), &mime.unwrap_or_else(|| "application/octet-stream".to_owned()));
        }
        let word = said.body.trim().to_ascii_uppercase();
        let pair = (to.clone(), from.to_owned());
        if STOP.contains(&word.as_str()) && !is_whatsapp {
            add("OptOutType", "STOP");
            state.opted_out.insert(pair);
        } else if START.contains(&word.as_str()) && !is_whatsapp {
            add("OptOutType", "START");
            state.opted_out.remove(&pair);
        }
        form.extend(said.more.iter().cloned());
        state.messages.push(Message {
            seq: 0,
            sid: sid.clone(),
            created: Utc::now(),
            sent: Some(Utc::now()),
            inbound: true,
            from: from.to_owned(),
            to,
            service: None,
            body: said.body.clone(),
            segments: count,
            media: said.media.clone(),
            status: "received".to_owned(),
            error_code: None,
            status_callback: None,
            form: form.clone(),
            answered: true,
        });
        drop(state);
        self.signed(sid, &self.core.deliverer.url().unwrap_or_default(), &form)
    }

    /// `None`: there is no such message, or it has no callback.
    pub(super) fn status(&self, sid: &str, status: &str, error_code: Option<u32>) -> Option<Post> {
        let message = {
            let mut state = self.state();
            let message = state.messages.iter_mut().find(|message| message.sid == sid)?;
            status.clone_into(&mut message.status);
            message.error_code = error_code;
            if status == "sent" {
                message.sent = Some(Utc::now());
            }
            message.clone()
        };
        let url = message.status_callback.clone()?;
        let mut form: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: &str| form.push((name.to_owned(), value.to_owned()));
        add("SmsSid", sid);
        add("SmsStatus", status);
        add("MessageStatus", status);
        add("To", &message.to);
        add("MessageSid", sid);
        add("AccountSid", &self.options.account_sid);
        add("From", &message.from);
        add("ApiVersion", "2010-04-01");
        if let Some(service) = &message.service {
            add("MessagingServiceSid", service);
        }
        if let Some(code) = error_code {
            add("ErrorCode", &code.to_string());
            add("ErrorMessage", words(code));
        }
        if status == "delivered" {
            // The carrier's own receipt: year to minute.
            add("RawDlrDoneDate", &Utc::now().format("%y%m%d%H%M").to_string());
        }
        Some(self.signed(sid.to_owned(), &url, &form))
    }

    pub(super) async fn tell_receipts(&self, sid: &str, up_to: Receipts) {
        for (receipt, status) in [(Receipts::Sent, "sent"), (Receipts::Delivered, "delivered")] {
            if receipt > up_to {
                break;
            }
            if let Some(post) = self.status(sid, status, None) {
                self.core.deliverer.post_until_taken(&post).await;
            }
        }
    }

    fn signed(&self, sid: String, url: &str, form: &[(String, String)]) -> Post {
        // A fragment is for Twilio itself (connection overrides): it is neither sent nor signed.
        let url = url.split('#').next().unwrap_or_default().to_owned();
        let signature = sign(&self.options.auth_token, &url, form);
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish().into_bytes();
        let headers = vec![
            ("content-type", "application/x-www-form-urlencoded; charset=UTF-8".to_owned()),
            ("x-twilio-signature", signature),
            ("i-twilio-idempotency-token", uuid::Uuid::now_v7().to_string()),
            ("user-agent", "TwilioProxy/1.1".to_owned()),
        ];
        Post { id: sid, url, headers, body }
    }
}

//! Webhooks: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview>, the signature and the handshake:
//! <https://developers.facebook.com/docs/graph-api/webhooks/getting-started>.

use super::customer::{Customer, Said};
use super::errors::Refusal;
use super::state::Sent;
use super::{Inner, Receipts, WhatsApp, wamid};
use crate::deliver::{Answered, Post, Undelivered};
use crate::multipart::hex;
use chrono::Utc;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use std::fmt::Write as _;

/// A webhook that the gateway answered.
#[derive(Debug, Clone, Serialize)]
pub struct Delivered {
    /// Of the message that it tells of.
    pub id: String,
    /// As it was signed, but for the escapes.
    pub webhook: Value,
    pub answer: Answered,
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusTold {
    Sent,
    Delivered,
    Read,
    /// A voice message that was listened to.
    Played,
    Failed {
        code: i64,
    },
    Deleted,
}

/// What was done with the phone app (coexistence).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Echo {
    Text { body: String },
    Edit { message_id: String, body: String },
    Revoke { message_id: String },
}

/// The webhook did not say back what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoHandshake {
    #[error(transparent)]
    NoAnswer(#[from] Undelivered),
    #[error("HTTP Status Code = {status}; HTTP Message = {body}")]
    Wrong { status: u16, body: String },
}

impl WhatsApp {
    /// Sets the webhook up as Meta does: with the handshake. It is used from now on only if it is right.
    pub async fn connect(&self, url: &str) -> Result<(), NoHandshake> {
        self.inner.handshake(url, &self.inner.options.verify_token).await?;
        self.inner.core.deliverer.set_url(Some(url.to_owned()));
        Ok(())
    }

    /// A customer does something; the window is open from now on.
    pub async fn customer_says(&self, who: &Customer, said: impl Into<Said> + Send) -> Result<Delivered, Undelivered> {
        let (id, webhook) = self.inner.said(who, &said.into());
        self.inner.deliver(id, webhook).await
    }

    /// Tells how far a message has come. One that this stand-in did not take is told of without its reference.
    pub async fn status(&self, message_id: &str, told: StatusTold) -> Result<Delivered, Undelivered> {
        let sent = self.inner.sent.all().into_iter().find(|sent| sent.id == message_id);
        let refusal = match told {
            StatusTold::Failed { code } => Some(Refusal::new(code, "Failed because a test asked for it.")),
            _ => None,
        };
        let webhook = self.inner.status(message_id, sent.as_ref(), told, refusal.as_ref());
        self.inner.deliver(message_id.to_owned(), webhook).await
    }

    /// Our side does something with the phone app.
    pub async fn echo(&self, to: &str, echo: &Echo) -> Result<Delivered, Undelivered> {
        let id = wamid();
        let (kind, content) = match echo {
            Echo::Text { body } => ("text", json!({ "body": body })),
            Echo::Edit { message_id, body } => {
                let message = json!({ "context": { "id": message_id }, "type": "text", "text": { "body": body } });
                ("edit", json!({ "original_message_id": message_id, "message": message }))
            }
            Echo::Revoke { message_id } => ("revoke", json!({ "original_message_id": message_id })),
        };
        let from = self.inner.options.numbers.first().map(super::Number::digits).unwrap_or_default();
        let echo = json!({
            "from": from, "to": to, "id": id, "timestamp": Utc::now().timestamp().to_string(), "type": kind,
            kind: content,
        });
        let webhook = self.inner.change("smb_message_echoes", json!({ "message_echoes": [echo] }), None);
        self.inner.deliver(id, webhook).await
    }

    /// A template's status is another: `APPROVED`, `REJECTED`, `PAUSED` … It is so in the list too.
    pub async fn template_status(
        &self,
        name: &str,
        language: &str,
        event: &str,
        reason: &str,
    ) -> Result<Delivered, Undelivered> {
        let mut id = Value::from(0);
        for template in &mut self.inner.state().templates {
            if template["name"] == name && template["language"] == language {
                template["status"] = event.into();
                template["rejected_reason"] = reason.into();
                id = template["id"].as_str().and_then(|id| id.parse::<u64>().ok()).into();
            }
        }
        let value = json!({
            "event": event, "message_template_id": id, "message_template_name": name,
            // Webhooks write a language with a stroke that is not the API's.
            "message_template_language": language.replace('_', "-"), "reason": reason,
        });
        self.account_change("message_template_status_update", value).await
    }

    /// A template's quality is another: `GREEN`, `YELLOW`, `RED`.
    pub async fn template_quality(&self, name: &str, language: &str, quality: &str) -> Result<Delivered, Undelivered> {
        let (mut id, mut previous) = (Value::from(0), Value::from("UNKNOWN"));
        for template in &mut self.inner.state().templates {
            if template["name"] == name && template["language"] == language {
                previous = template["quality_score"]["score"].take();
                template["quality_score"]["score"] = quality.into();
                id = template["id"].as_str().and_then(|id| id.parse::<u64>().ok()).into();
            }
        }
        let value = json!({
            "previous_quality_score": previous, "new_quality_score": quality, "message_template_id": id,
            "message_template_name": name, "message_template_language": language.replace('_', "-"),
        });
        self.account_change("message_template_quality_update", value).await
    }

    /// A change of the account, which has no number: `account_update`, `phone_number_quality_update` …
    pub async fn account_change(&self, field: &str, value: Value) -> Result<Delivered, Undelivered> {
        let webhook = envelope(&self.inner.options.waba_id, field, &value, true);
        self.inner.deliver(field.to_owned(), webhook).await
    }

    /// A change of one of the numbers, with its `metadata` put in: `history`, `smb_app_state_sync`, `user_preferences` …
    pub async fn number_change(&self, field: &str, value: Value) -> Result<Delivered, Undelivered> {
        let webhook = self.inner.change(field, value, None);
        self.inner.deliver(field.to_owned(), webhook).await
    }

    /// Any webhook, signed.
    pub async fn deliver(&self, webhook: Value) -> Result<Delivered, Undelivered> {
        self.inner.deliver("webhook".to_owned(), webhook).await
    }

    /// Any body, signed, for a test that delivers it itself: cut, changed, twice.
    pub fn signed(&self, webhook: &Value) -> Post {
        self.inner.signed("webhook".to_owned(), webhook)
    }

    /// A customer's message that is not delivered: its id and the webhook. The window is open from now on.
    pub fn webhook_of(&self, who: &Customer, said: impl Into<Said>) -> (String, Value) {
        self.inner.said(who, &said.into())
    }
}

impl Inner {
    pub(super) async fn handshake(&self, url: &str, verify_token: &str) -> Result<(), NoHandshake> {
        let challenge = (uuid::Uuid::now_v7().as_u128() % 10_000_000_000).to_string();
        let query = [("hub.mode", "subscribe"), ("hub.challenge", &challenge), ("hub.verify_token", verify_token)];
        let answer = self.core.deliverer.get(url, &query).await?;
        if answer.status == 200 && answer.body == challenge {
            return Ok(());
        }
        Err(NoHandshake::Wrong { status: answer.status, body: answer.body })
    }

    pub(super) async fn deliver(&self, id: String, webhook: Value) -> Result<Delivered, Undelivered> {
        self.core.deliverer.url().ok_or(Undelivered::NoWebhook)?;
        let post = self.signed(id, &webhook);
        let answer = self.core.deliverer.post(&post).await?;
        Ok(Delivered { id: post.id, webhook, answer })
    }

    pub(super) fn signed(&self, id: String, webhook: &Value) -> Post {
        let body = escaped(webhook).into_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(self.options.app_secret.as_bytes()).expect("any key does");
        mac.update(&body);
        let signature = format!("sha256={}", hex(&mac.finalize().into_bytes()));
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("x-hub-signature-256", signature),
            ("user-agent", "facebookexternalua".to_owned()),
        ];
        Post { id, url: self.core.deliverer.url().unwrap_or_default(), headers, body }
    }

    /// One change of one number.
    pub(super) fn change(&self, field: &str, value: Value, number: Option<&str>) -> Value {
        let number = number.and_then(|id| self.number(id)).or(self.options.numbers.first());
        let mut whole = Map::from_iter([("messaging_product".to_owned(), Value::from("whatsapp"))]);
        if let Some(number) = number {
            let metadata =
                json!({ "display_phone_number": number.digits(), "phone_number_id": number.phone_number_id });
            whole.insert("metadata".to_owned(), metadata);
        }
        if let Value::Object(value) = value {
            whole.extend(value);
        }
        envelope(&self.options.waba_id, field, &Value::Object(whole), false)
    }

    fn status(&self, id: &str, sent: Option<&Sent>, told: StatusTold, refusal: Option<&Refusal>) -> Value {
        let name = match told {
            StatusTold::Sent => "sent",
            StatusTold::Delivered => "delivered",
            StatusTold::Read => "read",
            StatusTold::Played => "played",
            StatusTold::Failed { .. } => "failed",
            StatusTold::Deleted => "deleted",
        };
        let mut status = json!({ "id": id, "status": name, "timestamp": Utc::now().timestamp().to_string() });
        if let Some(sent) = sent {
            let is_number = sent.to.bytes().all(|byte| byte.is_ascii_digit());
            status[if is_number { "recipient_id" } else { "recipient_user_id" }] = sent.to.as_str().into();
            if let Some(reference) = &sent.reference {
                status["biz_opaque_callback_data"] = reference.as_str().into();
            }
            // Answers within the window cost nothing since prices are per message.
            let is_free = sent.category == "service" || (sent.category == "utility" && self.is_open(&sent.to));
            if matches!(told, StatusTold::Sent | StatusTold::Delivered) {
                status["pricing"] = json!({
                    "billable": !is_free,
                    "pricing_model": "PMP",
                    "type": if is_free { "free_customer_service" } else { "regular" },
                    "category": sent.category,
                });
            }
        }
        if let Some(refusal) = refusal {
            status["errors"] = json!([refusal.told()]);
        }
        let number = sent.map(|sent| sent.phone_number_id.as_str());
        self.change("messages", json!({ "statuses": [status] }), number)
    }

    fn is_open(&self, to: &str) -> bool {
        let day = chrono::TimeDelta::hours(24);
        self.state().last_wrote.get(to).is_some_and(|at| Utc::now() - *at < day)
    }

    pub(super) async fn tell_failed(&self, sent: &Sent, why: &Refusal) {
        let told = StatusTold::Failed { code: why.code };
        let webhook = self.status(&sent.id, Some(sent), told, Some(why));
        self.tell(sent, &webhook).await;
    }

    /// One after the other, each until it is taken.
    pub(super) async fn tell_receipts(&self, sent: &Sent, up_to: Receipts) {
        let all = [
            (Receipts::Sent, StatusTold::Sent),
            (Receipts::Delivered, StatusTold::Delivered),
            (Receipts::Read, StatusTold::Read),
        ];
        for (_, told) in all.into_iter().filter(|(receipt, _)| *receipt <= up_to) {
            let webhook = self.status(&sent.id, Some(sent), told, None);
            self.tell(sent, &webhook).await;
        }
    }

    async fn tell(&self, sent: &Sent, webhook: &Value) {
        if self.core.deliverer.url().is_some() {
            self.core.deliverer.post_until_taken(&self.signed(sent.id.clone(), webhook)).await;
        }
    }
}

fn envelope(account: &str, field: &str, value: &Value, with_time: bool) -> Value {
    let mut entry = json!({ "id": account, "changes": [{ "value": value, "field": field }] });
    if with_time {
        entry["time"] = Utc::now().timestamp().into();
    }
    json!({ "object": "whatsapp_business_account", "entry": [entry] })
}

/// Meta's own JSON: it escapes strokes and all that is not ASCII, and signs it so.
fn escaped(value: &Value) -> String {
    let plain = value.to_string();
    let mut text = String::with_capacity(plain.len());
    for character in plain.chars() {
        match character {
            // Outside of a text there is neither a stroke nor a letter beyond ASCII.
            '/' => text.push_str("\\/"),
            ascii if ascii.is_ascii() => text.push(ascii),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_say_the_same() {
        let value = json!({ "text": "Grüße ⛵ 🚤 a/b \\ \"", "é": 1 });
        let text = escaped(&value);
        assert!(text.is_ascii() && text.contains("\\/") && text.contains("\\ud83d\\udea4"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}

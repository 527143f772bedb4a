//! Refusals: <https://core.telegram.org/bots/api#making-requests>. Only the description tells most of them apart, so it is Telegram's word for word.

use crate::request::Reply;
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    code: u16,
    description: String,
    parameters: Value,
}

impl Refusal {
    fn new(code: u16, description: impl Into<String>) -> Self {
        Self { code, description: description.into(), parameters: Value::Null }
    }

    /// 400.
    pub(super) fn bad(what: impl AsRef<str>) -> Self {
        Self::new(400, format!("Bad Request: {}", what.as_ref()))
    }

    pub(super) fn forbidden(what: &str) -> Self {
        Self::new(403, format!("Forbidden: {what}"))
    }

    pub(super) fn conflict(what: &str) -> Self {
        Self::new(409, format!("Conflict: {what}"))
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized")
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "Not Found")
    }

    pub(super) fn too_many(retry_after: u64) -> Self {
        let parameters = json!({ "retry_after": retry_after });
        Self { parameters, ..Self::new(429, format!("Too Many Requests: retry after {retry_after}")) }
    }

    /// The group became a supergroup.
    pub(super) fn migrated(to: i64) -> Self {
        let parameters = json!({ "migrate_to_chat_id": to });
        Self { parameters, ..Self::bad("group chat was upgraded to a supergroup chat") }
    }

    /// The usual refusal of this code.
    pub(super) fn by_code(code: i64) -> Self {
        match code {
            400 => Self::bad("chat not found"),
            401 => Self::unauthorized(),
            403 => Self::forbidden("bot was blocked by the user"),
            404 => Self::not_found(),
            409 => Self::conflict(OTHER_POLLER),
            429 => Self::too_many(1),
            502 => Self::new(502, "Bad Gateway"),
            other => Self::new(u16::try_from(other).unwrap_or(500), "Internal Server Error"),
        }
    }

    pub(crate) fn reply(&self) -> Reply {
        let mut body = json!({ "ok": false, "error_code": self.code, "description": self.description });
        if !self.parameters.is_null() {
            body["parameters"] = self.parameters.clone();
        }
        Reply::json(self.code, &body)
    }
}

pub(super) const OTHER_POLLER: &str =
    "terminated by other getUpdates request; make sure that only one bot instance is running";
pub(super) const WEBHOOK_ACTIVE: &str =
    "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";

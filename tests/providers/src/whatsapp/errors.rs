//! Meta's errors: <https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes>.

use crate::request::Reply;
use serde_json::{Value, json};
use uuid::Uuid;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: i64,
    pub(crate) details: String,
}

impl Refusal {
    pub(crate) fn new(code: i64, details: impl Into<String>) -> Self {
        Self { code, details: details.into() }
    }

    /// A field that is not there, not known or of the wrong type.
    pub(crate) fn malformed(details: impl Into<String>) -> Self {
        Self::new(100, details)
    }

    /// A value that cannot be.
    pub(crate) fn value(details: impl Into<String>) -> Self {
        Self::new(131_009, details)
    }

    pub(crate) fn reply(&self) -> Reply {
        let (status, title) = known(self.code);
        let kind = if matches!(self.code, 0 | 1 | 2 | 190) { "OAuthException" } else { kind_of(status) };
        let mut error = json!({
            "message": format!("(#{}) {}", self.code, if self.code == 100 { &self.details } else { title }),
            "type": kind,
            "code": self.code,
            "fbtrace_id": trace(),
        });
        if self.code == 190 {
            error["message"] = self.details.as_str().into();
        } else if self.code >= 100_000 {
            error["error_data"] = json!({ "messaging_product": "whatsapp", "details": self.details });
        }
        if self.code == 190 {
            let challenge = "OAuth \"Facebook Platform\" \"invalid_token\" \"The access token is not valid\"";
            return Reply::json(status, &json!({ "error": error })).with("www-authenticate", challenge);
        }
        Reply::json(status, &json!({ "error": error }))
    }

    /// As a status webhook tells it.
    pub(crate) fn told(&self) -> Value {
        let (_, title) = known(self.code);
        json!({
            "code": self.code,
            "title": title,
            "message": title,
            "error_data": { "details": self.details },
            "href": "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes/",
        })
    }
}

/// An object that is not there, or that this token may not see: Graph makes no difference.
pub(crate) fn no_object(method: &str, id: &str) -> Reply {
    let method = method.to_ascii_lowercase();
    Reply::json(
        400,
        &json!({ "error": {
            "message": format!("Unsupported {method} request. Object with ID '{id}' does not exist, cannot be loaded \
                due to missing permissions, or does not support this operation"),
            "type": "GraphMethodException",
            "code": 100,
            "error_subcode": 33,
            "fbtrace_id": trace(),
        } }),
    )
}

fn kind_of(status: u16) -> &'static str {
    if status >= 500 { "FacebookApiException" } else { "OAuthException" }
}

/// What Meta's support asks for.
fn trace() -> String {
    Uuid::now_v7().simple().to_string().chars().rev().take(23).collect()
}

/// HTTP status and title.
fn known(code: i64) -> (u16, &'static str) {
    match code {
        0 => (401, "AuthException"),
        1 => (400, "API Unknown"),
        2 => (503, "API Service"),
        3 => (500, "API Method"),
        4 => (400, "API Too Many Calls"),
        10 => (403, "Permission Denied"),
        190 => (401, "Access token has expired"),
        200..=299 => (403, "API Permission"),
        368 => (403, "Temporarily blocked for policies violations"),
        2200 => (400, "Callback verification failed"),
        80_007 => (400, "Rate limit issues"),
        130_429 => (400, "Rate limit hit"),
        130_472 => (400, "User's number is part of an experiment"),
        130_497 => (403, "Business account is restricted from messaging users in this country."),
        131_000 => (500, "Something went wrong"),
        131_005 => (403, "Access denied"),
        131_008 => (400, "Required parameter is missing"),
        33 | 131_009 => (400, "Parameter value is not valid"),
        131_016 => (500, "Service unavailable"),
        131_021 => (400, "Recipient cannot be sender"),
        131_026 => (400, "Message undeliverable"),
        131_030 => (400, "Recipient phone number not in allowed list"),
        131_031 => (403, "Account has been locked"),
        131_042 => (400, "Business eligibility payment issue"),
        131_045 => (500, "Incorrect certificate"),
        131_047 => (400, "Re-engagement message"),
        131_048 => (400, "Spam rate limit hit"),
        131_049 => (400, "This message was not delivered to maintain healthy ecosystem engagement."),
        131_050 => {
            (400, "Unable to deliver the message. This recipient has chosen to stop receiving marketing messages")
        }
        131_051 => (400, "Unsupported message type"),
        131_052 => (400, "Media download error"),
        131_053 => (400, "Media upload error"),
        131_056 => (400, "(Business Account, Consumer Account) pair rate limit hit"),
        131_057 => (500, "Account in maintenance mode"),
        132_000 => (400, "Template Param Count Mismatch"),
        132_001 => (404, "Template does not Exist"),
        132_005 => (400, "Template Hydrated Text Too Long"),
        132_012 => (400, "Template Parameter Format Mismatch"),
        132_015 => (400, "Template is Paused"),
        132_016 => (400, "Template is Disabled"),
        133_004 => (503, "Server Temporarily Unavailable"),
        133_010 => (400, "Phone number Not Registered"),
        _ => (400, "Invalid parameter"),
    }
}

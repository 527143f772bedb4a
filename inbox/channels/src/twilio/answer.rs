//! What Twilio answered: the message as it was taken, or `{"code","message","status"}` (<https://www.twilio.com/docs/usage/twilios-response>).

use super::errors::failure;
use super::webhook::state;
use crate::adapter::{Answer, Outcome};
use crate::model::{DeliveryState, Failure, ProviderId, Why};
use serde_json::Value;

pub(super) fn understand(name: &'static str, answer: Answer<'_>) -> Outcome {
    let sends = name == "messages.send";
    let told = serde_json::from_slice::<Value>(answer.body).ok().filter(Value::is_object);
    let after = answer.retry_after();
    let word = |key: &str| told.as_ref().and_then(|told| told.get(key)).and_then(Value::as_str);

    match answer.status {
        200..=299 => {
            let Some(told) = &told else {
                return Outcome::Unclear {
                    detail: format!("HTTP {} without an answer that can be read", answer.status),
                };
            };
            if !sends {
                return Outcome::Done { id: None };
            }
            let Some(sid) = word("sid") else {
                return Outcome::Unclear { detail: "a message was taken, but not called by a sid".to_owned() };
            };
            // Refused in the moment in which it was taken.
            if word("status").and_then(state) == Some(DeliveryState::Failed) {
                let code = told.get("error_code").and_then(code).unwrap_or_else(|| "failed".to_owned());
                let detail = word("error_message").unwrap_or_default();
                return Outcome::Failed { failure: failure(&code, detail), after };
            }
            Outcome::Done { id: Some(ProviderId(sid.to_owned())) }
        }
        // It may have been taken before the server lost its way.
        status if status >= 500 && sends => Outcome::Unclear { detail: format!("HTTP {status}") },
        status => {
            let code = told.as_ref().and_then(|told| told.get("code")).and_then(code);
            let detail = word("message").map_or_else(|| format!("HTTP {status}"), str::to_owned);
            let mut failure = match code {
                Some(code) => failure(&code, detail),
                None => Failure { code: status.to_string(), detail, why: Why::Unknown },
            };
            // The status says enough where the code says nothing.
            if failure.why == Why::Unknown {
                failure.why = match status {
                    429 => Why::TooMany,
                    401 | 403 | 404 => Why::Account,
                    413 => Why::NotAccepted,
                    500.. => Why::ProviderDown,
                    _ => Why::Unknown,
                };
            }
            Outcome::Failed { failure, after }
        }
    }
}

/// A number, or a number written as text.
pub(super) fn code(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

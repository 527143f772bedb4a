//! Reading JSON whose shape is only promised: what is missing or of another type is `None`, never an error.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// A text that is not empty.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// An id: Meta writes some as text and some as numbers.
pub(super) fn id(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A number, or one that is written as text.
pub(super) fn number(value: &Value, key: &str) -> Option<f64> {
    let number = match value.get(key)? {
        Value::String(text) => text.trim().parse().ok()?,
        other => other.as_f64()?,
    };
    number.is_finite().then_some(number)
}

pub(super) fn whole(value: &Value, key: &str) -> Option<u64> {
    match value.get(key)? {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64(),
    }
}

/// A list; empty where there is none.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Unix seconds as a number or as text.
pub(super) fn time(value: &Value, key: &str) -> Option<DateTime<Utc>> {
    let seconds = match value.get(key)? {
        Value::String(text) => text.trim().parse().ok()?,
        other => other.as_i64()?,
    };
    // Some partners' proxies send milliseconds: those of this century have thirteen digits.
    if seconds > 100_000_000_000 {
        DateTime::from_timestamp_millis(seconds)
    } else {
        DateTime::from_timestamp(seconds, 0)
    }
}

/// Tells two values apart, whatever the order of their fields.
pub(super) fn digest(value: &Value) -> String {
    let whole = hex(&Sha256::digest(value.to_string()));
    whole.chars().take(24).collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

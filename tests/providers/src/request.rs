//! A request as it came, and the answer to it.

use crate::faults::Fault;
use crate::multipart::{self, Part};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// One request of the gateway's.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    /// Its place among all requests, counted from 1.
    pub seq: usize,
    pub at: DateTime<Utc>,
    /// What was asked for: `messages.send`, `getUpdates`, `media.download`; `unknown` for a path that this provider does not have.
    pub name: String,
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    /// With lower-case names, tokens and all.
    pub headers: Vec<(String, String)>,
    pub body: Payload,
    /// What a test had done to it.
    pub fault: Option<Fault>,
}

/// A body, read by its `Content-Type`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", content = "content", rename_all = "snake_case")]
pub enum Payload {
    Empty,
    Json(Value),
    Form(Vec<(String, String)>),
    Multipart(Vec<Part>),
    /// Neither, or broken; as text.
    Other(String),
    /// The connection was closed before it was read ([`Fault::Drop`]).
    Unread,
}

impl Request {
    /// The first header of this (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }

    /// The path's parts, unescaped.
    pub(crate) fn parts(&self) -> Vec<String> {
        let parts = self.path.split('/').filter(|part| !part.is_empty());
        parts.map(unescape).collect()
    }

    /// Whether the one who asks is told what became of it: not if a test wants the answer lost.
    pub(crate) fn is_answered(&self) -> bool {
        !matches!(self.fault, Some(Fault::NeverAnswer { .. } | Fault::Answer { done: true, .. }))
    }
}

impl Payload {
    pub(crate) fn read(content_type: &str, body: &Bytes) -> Self {
        if body.is_empty() {
            return Self::Empty;
        }
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let read = match kind.as_str() {
            "application/json" => serde_json::from_slice(body).ok().map(Self::Json),
            "application/x-www-form-urlencoded" => {
                Some(Self::Form(url::form_urlencoded::parse(body).into_owned().collect()))
            }
            _ => multipart::boundary(content_type)
                .and_then(|boundary| multipart::parse(&boundary, body))
                .map(Self::Multipart),
        };
        read.unwrap_or_else(|| Self::Other(String::from_utf8_lossy(body).into_owned()))
    }

    pub fn json(&self) -> Option<&Value> {
        if let Self::Json(value) = self { Some(value) } else { None }
    }

    pub fn form(&self) -> &[(String, String)] {
        if let Self::Form(fields) = self { fields } else { &[] }
    }

    pub fn part(&self, name: &str) -> Option<&Part> {
        let Self::Multipart(parts) = self else { return None };
        parts.iter().find(|part| part.name == name)
    }
}

pub(crate) fn first<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn unescape(part: &str) -> String {
    let escaped = part.replace('+', "%2B");
    let mut pairs = url::form_urlencoded::parse(escaped.as_bytes());
    // A bare part is a name without a value, unless it has an equals sign in it.
    match pairs.next() {
        Some((name, value)) if value.is_empty() && !part.contains('=') => name.into_owned(),
        _ => part.to_owned(),
    }
}

/// What a stand-in answers.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub(crate) fn new(status: u16, mime: &str, body: impl Into<Bytes>) -> Self {
        Self { status, headers: vec![("content-type".to_owned(), mime.to_owned())], body: body.into() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_is_unescaped_part_by_part() {
        assert_eq!(unescape("a%20b+c"), "a b+c");
        assert_eq!(unescape("a=b"), "a=b");
        assert_eq!(unescape("x%2Fy"), "x/y");
    }

    proptest! {
        #[test]
        fn any_body_is_read_as_something(kind in "[a-z/;= -]{0,40}", body in prop::collection::vec(any::<u8>(), 0..200)) {
            let body = Bytes::from(body);
            for kind in [kind.as_str(), "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"] {
                prop_assert_eq!(Payload::read(kind, &body) == Payload::Empty, body.is_empty());
            }
        }
    }
}

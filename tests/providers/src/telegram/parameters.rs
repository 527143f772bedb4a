//! A method's parameters, given in the query, as a form, as JSON or with files: <https://core.telegram.org/bots/api#making-requests>. Outside of JSON
//! everything is text, and what has a structure is JSON in that text.

use super::errors::Refusal;
use crate::multipart::Part;
use crate::request::{Payload, Request};
use serde_json::{Map, Value};

#[derive(Debug, Clone, Default)]
pub(super) struct Parameters {
    pub(super) fields: Map<String, Value>,
    pub(super) files: Vec<Part>,
}

impl Parameters {
    pub(super) fn read(request: &Request) -> Result<Self, Refusal> {
        let mut read = Self::default();
        let texts = |pairs: &[(String, String)], into: &mut Map<String, Value>| {
            into.extend(pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))));
        };
        texts(&request.query, &mut read.fields);
        match &request.body {
            Payload::Json(Value::Object(fields)) => read.fields.extend(fields.clone()),
            Payload::Form(fields) => texts(fields, &mut read.fields),
            Payload::Multipart(parts) => {
                for part in parts {
                    if part.file_name.is_some() {
                        read.files.push(part.clone());
                    } else {
                        read.fields.insert(part.name.clone(), part.text().into());
                    }
                }
            }
            Payload::Json(_) | Payload::Other(_) => {
                return Err(Refusal::bad("can't parse request: unsupported or broken body"));
            }
            Payload::Empty | Payload::Unread => {}
        }
        Ok(read)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.fields.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }

    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        match self.fields.get(name)? {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_i64(),
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        match self.fields.get(name)? {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        }
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        match self.fields.get(name) {
            Some(Value::String(text)) => matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "1"),
            Some(other) => other.as_bool().unwrap_or(false),
            None => false,
        }
    }

    /// A list or an object, in JSON or as text that holds JSON.
    pub(super) fn structure(&self, name: &str) -> Result<Option<Value>, Refusal> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => {
                let read = serde_json::from_str(text);
                read.map(Some).map_err(|_| Refusal::bad(format!("can't parse {name}: Can't parse JSON")))
            }
            Some(other) => Ok(Some(other.clone())),
        }
    }

    /// All of them, structures read, for the record.
    pub(super) fn to_json(&self) -> Value {
        let read = |name: &String, value: &Value| match value {
            Value::String(text) if text.starts_with(['{', '[']) && !matches!(name.as_str(), "text" | "caption") => {
                serde_json::from_str(text).unwrap_or_else(|_| value.clone())
            }
            other => other.clone(),
        };
        Value::Object(self.fields.iter().map(|(name, value)| (name.clone(), read(name, value))).collect())
    }
}

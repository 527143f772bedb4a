//! What an entry says.

use std::borrow::Cow;

use serde_json::{Map, Value};
use trunkline_db::UserId;
use trunkline_journal::Ref;
use uuid::Uuid;

use super::Origin;
use crate::auth::{Principal, Via};

/// Longest JSON of `before` or `after`, in bytes; what is longer is left out, and said to be.
const MAX_VALUE_BYTES: usize = 16_384;
/// Longest name or user agent, in characters.
pub(super) const MAX_TEXT_CHARS: usize = 200;
/// Fields with one of these in their names are never kept, whatever a caller hands over.
const SECRET_WORDS: [&str; 6] = ["password", "secret", "token", "ha1", "private_key", "credential"];
/// What stands in place of such a field.
const CONCEALED: &str = "(not kept)";

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub(super) kind: &'static str,
    pub(super) id: Option<Uuid>,
    /// `None`: a user's name of that moment, as the database has it.
    pub(super) name: Option<String>,
    pub(super) via: Option<(&'static str, Uuid)>,
}

impl Actor {
    /// A signed-in user, or a program that acts for one.
    pub fn of(principal: &Principal) -> Self {
        let via = match principal.via {
            Via::SignIn => ("session", principal.session),
            Via::ApiKey(key) => ("api_key", key.uuid()),
        };
        Self { via: Some(via), ..Self::user(principal.user) }
    }

    /// A user who is not signed in yet, or no more.
    pub fn user(user: UserId) -> Self {
        Self { kind: "user", id: Some(user.uuid()), name: None, via: None }
    }

    /// The gateway by itself.
    pub const fn system() -> Self {
        Self { kind: "system", id: None, name: None, via: None }
    }

    /// Somebody at the machine's command line.
    pub const fn command_line() -> Self {
        Self { kind: "command_line", id: None, name: None, via: None }
    }

    /// Somebody who did not say, or could not prove, who it is.
    pub const fn unknown() -> Self {
        Self { kind: "unknown", id: None, name: None, via: None }
    }

    /// In this sign-in.
    #[must_use]
    pub fn in_session(self, session: Uuid) -> Self {
        Self { via: Some(("session", session)), ..self }
    }
}

/// One entry. `before` and `after` are objects with the fields that changed (see [`changed`]); a `name` in them becomes the subject's.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Who did it.
    pub actor: Actor,
    /// What was done, as `noun.verb_past`.
    pub action: &'static str,
    /// To which record. A nil id stands for a record that has none.
    pub subject: Ref,
    /// The fields as they were; none of a record that was made.
    pub before: Option<Value>,
    /// The fields as they are; none of a record that was removed.
    pub after: Option<Value>,
    /// From where.
    pub origin: Origin,
}

impl Entry {
    /// The subject's name, as far as the fields tell it.
    pub(super) fn subject_name(&self) -> Option<String> {
        [&self.after, &self.before].into_iter().flatten().find_map(|value| value.get("name")?.as_str()).map(short)
    }

    pub(super) fn subject_id(&self) -> Option<Uuid> {
        Some(self.subject.id).filter(|id| !id.is_nil())
    }
}

/// The fields that differ between two states of a record, as `before` and `after` of an entry.
pub fn changed(before: &Value, after: &Value) -> (Option<Value>, Option<Value>) {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return (Some(before.clone()), Some(after.clone()));
    };
    let differs = |name: &String| old.get(name) != new.get(name);
    let only = |fields: &Map<String, Value>| -> Value {
        fields.iter().filter(|(name, _)| differs(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    (Some(only(old)), Some(only(new)))
}

/// The text that is kept of a value: without secrets, and not without end.
pub(super) fn kept(value: &Value) -> String {
    let text = concealed(value).to_string();
    if text.len() <= MAX_VALUE_BYTES {
        return text;
    }
    serde_json::json!({ "left_out": format!("{} bytes", text.len()) }).to_string()
}

fn concealed(value: &Value) -> Cow<'_, Value> {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| {
                let secret = SECRET_WORDS.iter().any(|word| name.to_ascii_lowercase().contains(word));
                let value = if secret && !matches!(value, Value::Null | Value::Bool(_)) {
                    Value::from(CONCEALED)
                } else {
                    concealed(value).into_owned()
                };
                (name.clone(), value)
            });
            Cow::Owned(fields.collect())
        }
        Value::Array(items) => Cow::Owned(items.iter().map(|item| concealed(item).into_owned()).collect()),
        plain => Cow::Borrowed(plain),
    }
}

/// At most [`MAX_TEXT_CHARS`] characters, without the control characters that neither PostgreSQL nor a terminal takes well.
pub(super) fn short(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(MAX_TEXT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_changed_is_told() {
        let (before, after) =
            changed(&json!({ "name": "Ann", "role": "admin" }), &json!({ "name": "Anna", "role": "admin" }));
        assert_eq!((before, after), (Some(json!({ "name": "Ann" })), Some(json!({ "name": "Anna" }))));
        let (before, after) = changed(&json!({ "a": 1 }), &json!({ "b": 2 }));
        assert_eq!((before, after), (Some(json!({ "a": 1 })), Some(json!({ "b": 2 }))));
    }

    #[test]
    fn secrets_are_not_kept_however_deep_they_lie() {
        let text = kept(
            &json!({ "settings": [{ "access_token": "hunter2", "Password": ["hunter2"], "must_change_password": true }] }),
        );
        assert_eq!(
            text,
            r#"{"settings":[{"Password":"(not kept)","access_token":"(not kept)","must_change_password":true}]}"#
        );
    }

    #[test]
    fn a_value_without_end_is_left_out() {
        let text = kept(&json!({ "text": "x".repeat(20_000) }));
        assert_eq!(text, r#"{"left_out":"20011 bytes"}"#);
    }

    #[test]
    fn the_subject_is_called_what_it_is_called_now() {
        let entry = |before: Option<Value>, after: Option<Value>| Entry {
            actor: Actor::system(),
            action: "device.created",
            subject: Ref::new("device", Uuid::nil()),
            before,
            after,
            origin: Origin::default(),
        };
        let (old, new) = (Some(json!({ "name": "old" })), Some(json!({ "name": "new" })));
        assert_eq!(entry(old.clone(), new).subject_name().as_deref(), Some("new"));
        assert_eq!(entry(old, None).subject_name().as_deref(), Some("old"));
        assert_eq!(entry(None, None).subject_name(), None);
    }
}

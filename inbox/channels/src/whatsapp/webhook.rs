//! The envelope: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview>. One webhook may carry many entries,
//! an entry many changes, a change many messages and statuses.

use super::message::Setting;
use super::party::Person;
use super::{events, history, message, read, status};
use crate::adapter::Malformed;
use crate::json;
use crate::model::{AccountChange, By, Identity, Level, Told, What};
use chrono::{DateTime, Utc};
use serde_json::Value;

pub(super) fn parse(body: &[u8]) -> Result<Vec<Told>, Malformed> {
    let root: Value = json::read(body)
        .map_err(|error| Malformed { why: error.to_string(), at: format!("byte {}", byte(body, &error)) })?;
    let malformed = |why: &str, at: &str| Malformed { why: why.to_owned(), at: at.to_owned() };
    if !root.is_object() {
        return Err(malformed("an object is expected", "$"));
    }
    let Some(entries) = root.get("entry") else { return Err(malformed("there is no entry", "$.entry")) };
    let entries = entries.as_array().ok_or_else(|| malformed("a list is expected", "$.entry"))?;

    let mut told = Vec::new();
    let object = read::text(&root, "object");
    for entry in entries {
        // Other products of Meta post in the same envelope; so does one that was set up for the wrong product.
        if object.is_some_and(|object| object != "whatsapp_business_account") {
            told.push(unsupported(object.unwrap_or_default(), entry, None, None, entry));
            continue;
        }
        let changes = read::list(entry, "changes");
        if changes.is_empty() {
            told.push(unsupported("entry", entry, None, None, entry));
        }
        for change in changes {
            read_change(entry, change, &mut told);
        }
    }
    Ok(told)
}

/// What every reader of a change is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) field: &'a str,
    pub(super) value: &'a Value,
    /// The WhatsApp Business Account.
    pub(super) account: &'a str,
    pub(super) at: Option<DateTime<Utc>>,
    pub(super) line: Option<&'a str>,
    /// Our number, as digits.
    pub(super) number: Option<&'a str>,
}

impl Change<'_> {
    pub(super) fn told(&self, key: String, at: Option<DateTime<Utc>>, what: What) -> Told {
        Told { at, key, line: self.line.map(str::to_owned), what }
    }

    /// A key for what has no id of its own: the same thing at the same time in the same account.
    pub(super) fn key(&self, what: &str) -> String {
        let at = self.at.map_or(0, |at| at.timestamp());
        format!("{what}:{}:{at}:{}", self.account, read::digest(self.value))
    }
}

fn read_change(entry: &Value, change: &Value, told: &mut Vec<Told>) {
    let value = change.get("value").unwrap_or(&Value::Null);
    // Some samples of Meta's own reference have `field` one level too high or too low.
    let field = [change, value, entry].into_iter().find_map(|place| read::text(place, "field")).unwrap_or("change");
    let metadata = value.get("metadata").unwrap_or(&Value::Null);
    let this = Change {
        field,
        value,
        account: read::text(entry, "id").unwrap_or_default(),
        at: read::time(entry, "time"),
        line: read::text(metadata, "phone_number_id"),
        number: read::text(metadata, "display_phone_number"),
    };
    let before = told.len();

    let contacts = read::list(value, "contacts");
    for item in read::list(value, "messages") {
        let setting = Setting::received(item, contacts, this.line, field == "history");
        message::read(item, &setting, told);
    }
    for item in read::list(value, "message_echoes") {
        history::echo(&this, item, told);
    }
    for item in read::list(value, "history") {
        history::chunk(&this, item, told);
    }
    for item in read::list(value, "state_sync") {
        history::book(&this, item, told);
    }
    for item in read::list(value, "statuses") {
        told.push(status::read(&this, item));
    }
    for item in read::list(value, "user_preferences") {
        told.push(consent(&this, item, contacts));
    }
    for item in read::list(value, "user_id_update") {
        told.push(moved(&this, item));
    }
    for item in read::list(value, "errors") {
        let key = format!("errors:{}", this.key(&read::digest(item)));
        told.push(this.told(key, this.at, events::trouble("errors", item)));
    }
    if told.len() == before {
        told.push(match events::read(&this) {
            Some(event) => event,
            None => unsupported(field, entry, this.at, this.line, change),
        });
    }
}

fn unsupported(what: &str, entry: &Value, at: Option<DateTime<Utc>>, line: Option<&str>, raw: &Value) -> Told {
    Told {
        at: at.or_else(|| read::time(entry, "time")),
        key: format!("raw:{what}:{}", read::digest(raw)),
        line: line.map(str::to_owned),
        what: What::Unsupported { what: what.to_owned(), from: None, chat: None, raw: raw.clone() },
    }
}

/// `user_preferences`: they do (not) want advertising any more.
fn consent(change: &Change<'_>, item: &Value, contacts: &[Value]) -> Told {
    let category = read::text(item, "category").unwrap_or("marketing_messages");
    let wanted = match read::text(item, "value") {
        Some("resume" | "start") => Some(true),
        Some("stop") => Some(false),
        _ => None,
    };
    let mut person = Person::card(item);
    let theirs = contacts.iter().map(Person::card).find(|card| {
        (card.wa_id.is_some() && card.wa_id == person.wa_id)
            || (card.user_id.is_some() && card.user_id == person.user_id)
    });
    if let Some(card) = theirs {
        person = Person { wa_id: person.wa_id.or(card.wa_id), user_id: person.user_id.or(card.user_id), ..card };
    }
    let at = read::time(item, "timestamp").or(change.at);
    let seconds = at.map_or(0, |at| at.timestamp());
    match (person.party(), wanted) {
        (Some(from), Some(wanted)) => {
            let who = person.address().map(|address| address.0).unwrap_or_default();
            let key = format!("consent:{who}:{category}:{wanted}:{seconds}");
            change.told(key, at, What::Consent { from, category: category.to_owned(), wanted })
        }
        (from, _) => {
            let key = format!("consent:{}", read::digest(item));
            let what = "user_preferences".to_owned();
            change.told(key, at, What::Unsupported { what, from, chat: person.address(), raw: item.clone() })
        }
    }
}

/// `user_id_update`, the announced form of what came to be a system message.
fn moved(change: &Change<'_>, item: &Value) -> Told {
    let at = read::time(item, "timestamp").or(change.at);
    let pair = item.get("user_id").filter(|pair| pair.is_object());
    let old = pair.and_then(|pair| read::text(pair, "previous")).or_else(|| read::text(item, "previous_user_id"));
    let new = pair.and_then(|pair| read::text(pair, "current")).or_else(|| read::text(item, "user_id"));
    let body = read::text(item, "detail").unwrap_or_default().to_owned();
    let old = old.map(|old| Identity::WhatsappUser(old.to_owned()));
    let old = old.or_else(|| read::text(item, "wa_id").map(|id| Identity::WhatsappId(id.to_owned())));
    if let (Some(old), Some(new)) = (old, new) {
        let key = format!("moved:{new}:{}", at.map_or(0, |at| at.timestamp()));
        change.told(key, at, What::Moved { old, new: Identity::WhatsappUser(new.to_owned()), body })
    } else {
        let key = format!("moved:{}", read::digest(item));
        let what = "user_id_update".to_owned();
        change.told(key, at, What::Unsupported { what, from: None, chat: None, raw: item.clone() })
    }
}

/// Where the text stopped being JSON.
fn byte(body: &[u8], error: &serde_json::Error) -> usize {
    let lines = body.split_inclusive(|byte| *byte == b'\n');
    lines.take(error.line().saturating_sub(1)).map(<[u8]>::len).sum::<usize>() + error.column()
}

/// Something about the account, in one line.
pub(super) fn account(what: &str, value: String, level: Level, raw: &Value) -> What {
    What::Account(AccountChange { what: what.to_owned(), value, level, raw: raw.clone() })
}

/// Ours, by the number or by its id.
pub(super) fn is_ours(change: &Change<'_>, from: Option<&str>) -> By {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let same = |ours: Option<&str>| match (ours, from) {
        (Some(ours), Some(from)) => ours == from || (!digits(ours).is_empty() && digits(ours) == digits(from)),
        _ => false,
    };
    if same(change.number) || same(change.line) { By::Us } else { By::Customer }
}

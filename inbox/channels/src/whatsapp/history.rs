//! A number that is in the WhatsApp Business app too ("coexistence"): what was written there, what was written before, and its address book.
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/history>,
//! `smb_message_echoes` and `smb_app_state_sync` beside it.

use super::message::Setting;
use super::party::{Person, e164};
use super::webhook::{Change, account, is_ours};
use super::{events, message, read, status};
use crate::model::{Address, By, DeliveryState, Level, Party, ProviderId, Status, Told, What};
use serde_json::Value;

/// A message of ours that was sent, edited or taken back with the phone.
pub(super) fn echo(change: &Change<'_>, item: &Value, told: &mut Vec<Told>) {
    let to = read::text(item, "to").or_else(|| read::text(item, "group_id")).or_else(|| read::text(item, "to_user_id"));
    let to = to.or_else(|| read::text(item, "recipient"));
    let setting = Setting {
        from: us(change, item),
        // As a `wa_id` is written: echoes carry the number as it was dialled.
        chat: to.map(|to| Address(to.trim_start_matches('+').to_owned())),
        by: By::Us,
        history: false,
        line: change.line.map(str::to_owned),
    };
    message::read(item, &setting, told);
}

/// One chunk of what was before the number was connected: how far it has come, then its threads.
pub(super) fn chunk(change: &Change<'_>, item: &Value, told: &mut Vec<Told>) {
    for error in read::list(item, "errors") {
        // 2593109: they chose not to share it.
        let key = format!("history:{}", change.key(&read::digest(error)));
        told.push(change.told(key, change.at, events::trouble("history", error)));
    }
    if let Some(metadata) = item.get("metadata").filter(|metadata| metadata.is_object()) {
        let part = |key: &str| read::whole(metadata, key).unwrap_or(0);
        let (phase, order, progress) = (part("phase"), part("chunk_order"), part("progress"));
        let what = account("history", format!("{progress} %"), Level::Note, metadata);
        told.push(change.told(format!("history:{}:{phase}:{order}:{progress}", change.account), change.at, what));
    }
    for thread in read::list(item, "threads") {
        let card = thread.get("context").unwrap_or(&Value::Null);
        let mut person = Person::card(card);
        person.wa_id = person.wa_id.or_else(|| read::text(thread, "id"));
        for item in read::list(thread, "messages") {
            let by = is_ours(change, read::text(item, "from"));
            let setting = Setting {
                from: if by == By::Us { us(change, item) } else { person.party() },
                chat: person.address(),
                by,
                history: true,
                line: change.line.map(str::to_owned),
            };
            message::read(item, &setting, told);
            told.extend(if by == By::Us { state(change, item, &person) } else { None });
        }
    }
}

/// How far a message of the history had come.
fn state(change: &Change<'_>, item: &Value, to: &Person<'_>) -> Option<Told> {
    let state = status::state(read::text(item.get("history_context")?, "status")?)?;
    let id = read::text(item, "id")?;
    let failure = (state == DeliveryState::Failed).then(super::errors::unnamed);
    let message = ProviderId(id.to_owned());
    let status = Status { message, state, reference: None, to: to.address(), failure, pricing: None };
    let key = format!("status:{id}:history:{state:?}");
    Some(change.told(key, read::time(item, "timestamp"), What::Status(status)))
}

/// A contact of the phone's address book.
pub(super) fn book(change: &Change<'_>, item: &Value, told: &mut Vec<Told>) {
    let contact = item.get("contact").unwrap_or(&Value::Null);
    let at = item.get("metadata").and_then(|metadata| read::time(metadata, "timestamp")).or(change.at);
    let name = read::text(contact, "full_name").or_else(|| read::text(contact, "first_name"));
    let action = read::text(item, "action").unwrap_or("add");
    let key = format!("book:{}", read::digest(item));
    let phone = id_of(contact);
    let what = match (read::text(item, "type"), phone) {
        (Some("contact") | None, Some(phone)) => {
            What::Book { phone, name: name.map(str::to_owned), removed: action == "remove" }
        }
        (sort, _) => {
            let what = format!("state_sync {}", sort.unwrap_or_default());
            What::Unsupported { what, from: None, chat: None, raw: item.clone() }
        }
    };
    told.push(change.told(key, at, what));
}

fn id_of(contact: &Value) -> Option<String> {
    let number = read::id(contact, "phone_number")?;
    Some(e164(&number).unwrap_or(number))
}

/// Our own side of a chat.
fn us(change: &Change<'_>, item: &Value) -> Option<Party> {
    let number = read::text(item, "from").or(change.number);
    Person { number, ..Person::default() }.party()
}

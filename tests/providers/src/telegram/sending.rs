//! `sendMessage` and its like: <https://core.telegram.org/bots/api#sendmessage> and what follows it.

use super::Inner;
use super::errors::Refusal;
use super::parameters::Parameters;
use super::state::{Sent, State};
use crate::fetch::fetch;
use crate::request::Request;
use chrono::Utc;
use serde_json::{Value, json};
use std::sync::Arc;

/// UTF-16 units, bytes.
const TEXT_LIMIT: usize = 4096;
const CAPTION_LIMIT: usize = 1024;
const BUTTON_DATA_LIMIT: usize = 64;
const PHOTO_LIMIT: usize = 10 << 20;
const FILE_LIMIT: usize = 50 << 20;

/// `sendPhoto` takes a `photo`, kept in this folder.
const FILES: [(&str, &str, &str); 8] = [
    ("sendphoto", "photo", "photos"),
    ("senddocument", "document", "documents"),
    ("sendvoice", "voice", "voice"),
    ("sendvideo", "video", "videos"),
    ("sendvideonote", "video_note", "video_notes"),
    ("sendaudio", "audio", "music"),
    ("sendanimation", "animation", "animations"),
    ("sendsticker", "sticker", "stickers"),
];

/// The chat that is meant, if the bot may write there.
pub(super) fn chat(inner: &Inner, parameters: &Parameters) -> Result<i64, Refusal> {
    let given = parameters.text("chat_id").filter(|id| !id.is_empty());
    let given = given.ok_or_else(|| Refusal::bad("chat_id is empty"))?;
    let state = inner.state();
    let id = match given.strip_prefix('@') {
        Some(name) => state.chats.values().find(|chat| chat["username"] == name).and_then(|chat| chat["id"].as_i64()),
        None => given.parse().ok(),
    };
    let id = id.ok_or_else(|| Refusal::bad("chat not found"))?;
    if let Some(new) = state.migrated.get(&id) {
        return Err(Refusal::migrated(*new));
    }
    if state.blocked.contains(&id) {
        return Err(Refusal::forbidden(if id > 0 {
            "bot was blocked by the user"
        } else {
            "bot was kicked from the group chat"
        }));
    }
    if !state.chats.contains_key(&id) {
        return Err(Refusal::bad("chat not found"));
    }
    Ok(id)
}

pub(super) fn send(
    inner: &Arc<Inner>,
    method: &str,
    parameters: &Parameters,
    request: &Request,
) -> Result<Value, Refusal> {
    let lower = method.to_ascii_lowercase();
    let chat = chat(inner, parameters)?;
    let mut message = begin(inner, chat, parameters)?;
    let mut file_id = None;
    if let Some((_, field, folder)) = FILES.iter().find(|(name, ..)| *name == lower) {
        let id = file(inner, parameters, field, field, folder)?;
        message[*field] = inner.state().media(field, &id);
        if *field == "animation" {
            message["document"] = Value::Object(inner.state().told(&id));
        }
        caption(parameters, &mut message)?;
        file_id = Some(id);
    } else {
        match lower.as_str() {
            "sendmessage" => message["text"] = words(parameters)?.into(),
            "sendlocation" => message["location"] = place(parameters)?,
            "sendvenue" => {
                let place = place(parameters)?;
                let (title, address) = (parameters.text("title"), parameters.text("address"));
                let (Some(title), Some(address)) = (title, address) else {
                    return Err(Refusal::bad("venue title and address must be specified"));
                };
                message["venue"] = json!({ "location": place, "title": title, "address": address });
                message["location"] = place;
            }
            "sendcontact" => {
                let filled = |name| parameters.text(name).filter(|text: &String| !text.is_empty());
                let number = filled("phone_number").ok_or_else(|| Refusal::bad("phone_number is empty"))?;
                let first = filled("first_name").ok_or_else(|| Refusal::bad("first_name is empty"))?;
                let mut contact = json!({ "phone_number": number, "first_name": first });
                for name in ["last_name", "vcard"] {
                    if let Some(text) = filled(name) {
                        contact[name] = text.into();
                    }
                }
                message["contact"] = contact;
            }
            _ => return Err(Refusal::not_found()),
        }
    }
    Ok(keep(inner, method, chat, message, file_id, parameters, request))
}

/// <https://core.telegram.org/bots/api#sendmediagroup>: two to ten files that are shown as one.
pub(super) fn media_group(inner: &Arc<Inner>, parameters: &Parameters, request: &Request) -> Result<Value, Refusal> {
    let chat = chat(inner, parameters)?;
    let media = parameters.structure("media")?.unwrap_or(Value::Null);
    let items = media.as_array().ok_or_else(|| Refusal::bad("can't parse media: expected an Array"))?;
    if !(2..=10).contains(&items.len()) {
        return Err(Refusal::bad("media group must include 2-10 items"));
    }
    let album = (uuid::Uuid::now_v7().as_u128() % 100_000_000_000_000_000).to_string();
    let mut messages = Vec::new();
    for item in items {
        let field = item["type"].as_str().unwrap_or_default();
        let known = FILES.iter().find(|(_, name, _)| *name == field && !matches!(field, "voice" | "sticker"));
        let (_, field, folder) = known.ok_or_else(|| Refusal::bad("can't parse InputMedia: wrong type"))?;
        let mut one = Parameters { files: parameters.files.clone(), ..Parameters::default() };
        one.fields.extend(item.as_object().cloned().unwrap_or_default());
        let id = file(inner, &one, "media", field, folder)?;
        let mut message = begin(inner, chat, parameters)?;
        message["media_group_id"] = album.as_str().into();
        message[*field] = inner.state().media(field, &id);
        caption(&one, &mut message)?;
        messages.push((message, id));
    }
    let kept = messages
        .into_iter()
        .map(|(message, id)| keep(inner, "sendMediaGroup", chat, message, Some(id), parameters, request));
    Ok(kept.collect())
}

/// What every message has, and what may be wrong with it.
fn begin(inner: &Inner, chat: i64, parameters: &Parameters) -> Result<Value, Refusal> {
    let state = inner.state();
    let place = state.chats.get(&chat).cloned().unwrap_or_default();
    let mut message = json!({ "from": inner.options.bot(), "chat": place, "date": Utc::now().timestamp() });
    if let Some(connection) = parameters.text("business_connection_id") {
        message["business_connection_id"] = connection.into();
    }
    if let Some(topic) = parameters.integer("message_thread_id") {
        if place["is_forum"] != true {
            return Err(Refusal::bad("message thread not found"));
        }
        message["message_thread_id"] = topic.into();
        message["is_topic_message"] = true.into();
    }
    if let Some(reply) = parameters.structure("reply_parameters")? {
        let of = reply["chat_id"].as_i64().unwrap_or(chat);
        let id = reply["message_id"].as_i64().ok_or_else(|| Refusal::bad("can't parse reply parameters"))?;
        match state.messages.get(&(of, id)) {
            Some(answered) => message["reply_to_message"] = shallow(answered),
            None if reply["allow_sending_without_reply"] == true => {}
            None => return Err(Refusal::bad("message to be replied not found")),
        }
    }
    if let Some(markup) = parameters.structure("reply_markup")? {
        check_keyboard(&markup)?;
        if markup.get("inline_keyboard").is_some() {
            message["reply_markup"] = markup;
        }
    }
    Ok(message)
}

/// A message that is answered does not bring along the one that it answered.
fn shallow(message: &Value) -> Value {
    let mut message = message.clone();
    if let Some(fields) = message.as_object_mut() {
        fields.remove("reply_to_message");
    }
    message
}

pub(super) fn check_keyboard(markup: &Value) -> Result<(), Refusal> {
    let Some(rows) = markup.get("inline_keyboard") else { return Ok(()) };
    let rows = rows.as_array().ok_or_else(|| Refusal::bad("can't parse inline keyboard: expected an Array"))?;
    let mut count = 0;
    for row in rows {
        let row = row.as_array().ok_or_else(|| Refusal::bad("can't parse inline keyboard row: expected an Array"))?;
        for button in row {
            count += 1;
            if button["text"].as_str().unwrap_or_default().is_empty() {
                return Err(Refusal::bad("can't parse inline keyboard button: Text is empty"));
            }
            match button.get("callback_data").map(|data| data.as_str().unwrap_or_default().len()) {
                Some(length) if !(1..=BUTTON_DATA_LIMIT).contains(&length) => {
                    return Err(Refusal::bad("BUTTON_DATA_INVALID"));
                }
                None if !["url", "web_app", "login_url"].iter().any(|kind| button.get(*kind).is_some()) => {
                    return Err(Refusal::bad(
                        "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
                    ));
                }
                _ => {}
            }
        }
    }
    if count > 100 { Err(Refusal::bad("REPLY_MARKUP_TOO_LONG")) } else { Ok(()) }
}

pub(super) fn words(parameters: &Parameters) -> Result<String, Refusal> {
    let text = parameters.text("text").unwrap_or_default();
    if text.trim().is_empty() {
        return Err(Refusal::bad("message text is empty"));
    }
    if text.encode_utf16().count() > TEXT_LIMIT {
        return Err(Refusal::bad("message is too long"));
    }
    // Spaces around it are cut off.
    Ok(text.trim().to_owned())
}

pub(super) fn caption(parameters: &Parameters, message: &mut Value) -> Result<(), Refusal> {
    let Some(caption) = parameters.text("caption").filter(|caption| !caption.is_empty()) else { return Ok(()) };
    if caption.encode_utf16().count() > CAPTION_LIMIT {
        return Err(Refusal::bad("message caption is too long"));
    }
    message["caption"] = caption.into();
    Ok(())
}

fn place(parameters: &Parameters) -> Result<Value, Refusal> {
    let coordinate = |name, limit: f64| parameters.number(name).filter(|number| number.abs() <= limit);
    match (coordinate("latitude", 90.0), coordinate("longitude", 180.0)) {
        (Some(latitude), Some(longitude)) => Ok(json!({ "latitude": latitude, "longitude": longitude })),
        _ => Err(Refusal::bad("wrong latitude or longitude specified")),
    }
}

/// The `file_id` of what is sent: one that is known, a link that is fetched, or a file that came along.
fn file(
    inner: &Arc<Inner>,
    parameters: &Parameters,
    parameter: &str,
    field: &str,
    folder: &str,
) -> Result<String, Refusal> {
    let given = parameters.text(parameter).unwrap_or_default();
    let attached = given.strip_prefix("attach://").unwrap_or(parameter);
    if let Some(part) = parameters.files.iter().find(|part| part.name == attached) {
        if part.content.is_empty() {
            return Err(Refusal::bad("file must be non-empty"));
        }
        let limit = if field == "photo" { PHOTO_LIMIT } else { FILE_LIMIT };
        if part.content.len() > limit {
            return Err(Refusal::bad(format!("file of size {} bytes is too big for a {field}", part.content.len())));
        }
        let mime = part.mime.clone().unwrap_or_else(|| "application/octet-stream".to_owned());
        return Ok(inner.state().add_file(&mime, part.file_name.clone(), part.content.clone(), folder));
    }
    if given.is_empty() {
        return Err(Refusal::bad(format!("there is no {field} in the request")));
    }
    if given.starts_with("http://") || given.starts_with("https://") {
        let (later, url) = (Arc::clone(inner), given.clone());
        inner.core.spawn(async move {
            let actual = later.core.deliverer.actual(&url);
            fetch(url, actual, &later.fetched).await;
        });
        let name = given.rsplit('/').next().map(str::to_owned);
        return Ok(inner.state().add_file("application/octet-stream", name, bytes::Bytes::new(), folder));
    }
    let known = given.strip_suffix("-s").unwrap_or(&given);
    if inner.state().files.contains_key(known) {
        return Ok(known.to_owned());
    }
    Err(Refusal::bad("wrong file identifier/HTTP URL specified"))
}

/// Gives the message its id, and writes it down.
fn keep(
    inner: &Inner,
    method: &str,
    chat: i64,
    mut message: Value,
    file_id: Option<String>,
    parameters: &Parameters,
    request: &Request,
) -> Value {
    let message_id = {
        let mut state = inner.state();
        let id = State::next_message(&mut state, chat);
        message["message_id"] = id.into();
        state.messages.insert((chat, id), message.clone());
        id
    };
    let sent = Sent {
        seq: 0,
        at: Utc::now(),
        method: method.to_owned(),
        chat_id: chat,
        message_id,
        parameters: parameters.to_json(),
        file_id,
        message: message.clone(),
        answered: request.is_answered(),
    };
    inner.sent.push_with(|seq| Sent { seq, ..sent });
    message
}

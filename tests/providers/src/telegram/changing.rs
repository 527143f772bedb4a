//! What is done to messages that are there: <https://core.telegram.org/bots/api#updating-messages>.

use super::Inner;
use super::errors::Refusal;
use super::parameters::Parameters;
use super::sending::{caption, chat, check_keyboard, words};
use serde_json::{Value, json};

/// What a press is answered with, in UTF-16 units.
const PRESSED_LIMIT: usize = 200;

const ACTIONS: [&str; 11] = [
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
];

/// `field` is `text` or `caption`.
pub(super) fn edit(inner: &Inner, parameters: &Parameters, field: &str) -> Result<Value, Refusal> {
    let chat = chat(inner, parameters)?;
    let id = parameters.integer("message_id").ok_or_else(|| Refusal::bad("message identifier is not specified"))?;
    let known = inner.state().messages.get(&(chat, id)).cloned();
    let old = known.ok_or_else(|| Refusal::bad("message to edit not found"))?;
    if old["from"]["id"] != inner.options.bot_id() {
        return Err(Refusal::bad("message can't be edited"));
    }
    let mut new = old.clone();
    if field == "text" {
        if old.get("text").is_none() {
            return Err(Refusal::bad("there is no text in the message to edit"));
        }
        new["text"] = words(parameters)?.into();
    } else {
        if old.get("text").is_some() {
            return Err(Refusal::bad("there is no caption in the message to edit"));
        }
        if let Some(fields) = new.as_object_mut() {
            fields.remove("caption");
        }
        caption(parameters, &mut new)?;
    }
    // Without a keyboard in the request the message has none any more.
    let markup = parameters.structure("reply_markup")?;
    if let Some(markup) = &markup {
        check_keyboard(markup)?;
    }
    if let Some(fields) = new.as_object_mut() {
        fields.remove("reply_markup");
        fields.extend(markup.map(|markup| ("reply_markup".to_owned(), markup)));
    }
    if new == old {
        return Err(Refusal::bad(
            "message is not modified: specified new message content and reply markup are exactly the same as a current \
             content and reply markup of the message",
        ));
    }
    new["edit_date"] = chrono::Utc::now().timestamp().into();
    inner.state().messages.insert((chat, id), new.clone());
    Ok(new)
}

pub(super) fn delete_one(inner: &Inner, parameters: &Parameters) -> Result<Value, Refusal> {
    let chat = chat(inner, parameters)?;
    let id = parameters.integer("message_id").ok_or_else(|| Refusal::bad("message identifier is not specified"))?;
    match inner.state().messages.remove(&(chat, id)) {
        Some(_) => Ok(true.into()),
        None => Err(Refusal::bad("message to delete not found")),
    }
}

/// Those that are not there are passed over.
pub(super) fn delete_many(inner: &Inner, parameters: &Parameters) -> Result<Value, Refusal> {
    let chat = chat(inner, parameters)?;
    let ids = parameters.structure("message_ids")?.unwrap_or(Value::Null);
    let ids: Vec<i64> = ids.as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
    if !(1..=100).contains(&ids.len()) {
        return Err(Refusal::bad("message identifiers are not specified"));
    }
    let mut state = inner.state();
    for id in ids {
        state.messages.remove(&(chat, id));
    }
    Ok(true.into())
}

/// A bot has one reaction to a message; an empty list takes it away.
pub(super) fn react(inner: &Inner, parameters: &Parameters) -> Result<Value, Refusal> {
    let chat = chat(inner, parameters)?;
    let id = parameters.integer("message_id").ok_or_else(|| Refusal::bad("message identifier is not specified"))?;
    let reaction = parameters.structure("reaction")?.unwrap_or_else(|| json!([]));
    let list = reaction.as_array().ok_or_else(|| Refusal::bad("can't parse reaction types: expected an Array"))?;
    let is_known = |one: &Value| match one["type"].as_str() {
        Some("emoji") => one["emoji"].as_str().is_some_and(|emoji| !emoji.is_empty()),
        Some("custom_emoji") => one["custom_emoji_id"].is_string(),
        _ => false,
    };
    if list.len() > 1 || !list.iter().all(is_known) {
        return Err(Refusal::bad("REACTION_INVALID"));
    }
    let mut state = inner.state();
    if !state.messages.contains_key(&(chat, id)) {
        return Err(Refusal::bad("message to react not found"));
    }
    state.reactions.insert((chat, id), reaction);
    Ok(true.into())
}

pub(super) fn answer_press(inner: &Inner, parameters: &Parameters) -> Result<Value, Refusal> {
    let id = parameters.text("callback_query_id").unwrap_or_default();
    let text = parameters.text("text").unwrap_or_default();
    if text.encode_utf16().count() > PRESSED_LIMIT {
        return Err(Refusal::bad("MESSAGE_TOO_LONG"));
    }
    let mut state = inner.state();
    let Some(query) = state.queries.get_mut(&id) else {
        return Err(Refusal::bad("query is too old and response timeout expired or query ID is invalid"));
    };
    *query = Some(parameters.to_json());
    Ok(true.into())
}

pub(super) fn chat_action(inner: &Inner, parameters: &Parameters) -> Result<Value, Refusal> {
    chat(inner, parameters)?;
    match parameters.text("action") {
        Some(action) if ACTIONS.contains(&action.as_str()) => Ok(true.into()),
        _ => Err(Refusal::bad("wrong parameter action in request")),
    }
}

//! What we say, as a request of the Bot API (<https://core.telegram.org/bots/api#available-methods>).

use super::address::{Chat, MessageId};
use super::text::units;
use super::update::{INLINE, PRESS};
use super::{Account, LOCAL_UPLOAD_LIMIT, PUBLIC_UPLOAD_LIMIT};
use crate::adapter::{Body, CannotSay, Request};
use crate::model::{Card, Choice, MediaSort, Outgoing, ProviderId, Say, Upload};
use serde_json::{Map, Value, json};

/// UTF-16 units of a text, of a caption, of what a press is answered with.
pub const TEXT_LIMIT: usize = 4096;
pub const CAPTION_LIMIT: usize = 1024;
pub const PRESSED_LIMIT: usize = 200;
/// Bytes of what a button sends back.
pub const PAYLOAD_LIMIT: usize = 64;
/// Buttons under one message.
pub const CHOICES_LIMIT: usize = 100;
/// A picture may have so many bytes; a larger one goes as a document, which keeps every pixel.
pub const PHOTO_LIMIT: u64 = 10 << 20;
/// Bytes of a file that Telegram fetches by its link.
const URL_LIMIT: u64 = 20 << 20;
const VCARD_LIMIT: usize = 2048;

pub(super) fn render(account: &Account, outgoing: &Outgoing) -> Result<Request, CannotSay> {
    let chat = chat(&outgoing.to.0)?;
    if let Some(query) = &chat.guest {
        return to_guest(account, query, &outgoing.say);
    }
    match &outgoing.say {
        Say::Text { text } => {
            let mut fields = message_to(&chat, outgoing)?;
            fields.insert("text".to_owned(), bounded(text, TEXT_LIMIT)?.into());
            Ok(account.call("sendMessage", Value::Object(fields), false))
        }
        Say::Choices { text, choices } => {
            let mut fields = message_to(&chat, outgoing)?;
            fields.insert("text".to_owned(), bounded(text, TEXT_LIMIT)?.into());
            fields.insert("reply_markup".to_owned(), json!({ "inline_keyboard": keyboard(choices)? }));
            Ok(account.call("sendMessage", Value::Object(fields), false))
        }
        Say::File { sort, file, caption } => {
            let fields = message_to(&chat, outgoing)?;
            send_file(account, fields, *sort, file, caption.as_deref().filter(|caption| !caption.is_empty()))
        }
        Say::Location { latitude, longitude, name, address } => {
            let mut fields = message_to(&chat, outgoing)?;
            fields.insert("latitude".to_owned(), json!(latitude));
            fields.insert("longitude".to_owned(), json!(longitude));
            if name.is_none() && address.is_none() {
                return Ok(account.call("sendLocation", Value::Object(fields), false));
            }
            // A venue wants both; one that we do not have is left empty rather than invented.
            fields.insert("title".to_owned(), name.as_deref().or(address.as_deref()).unwrap_or_default().into());
            fields.insert("address".to_owned(), address.as_deref().unwrap_or_default().into());
            Ok(account.call("sendVenue", Value::Object(fields), false))
        }
        Say::Contacts { cards } => send_contact(account, message_to(&chat, outgoing)?, cards),
        Say::Template { .. } => Err(CannotSay::NoSuchThing("a template")),
        Say::React { message, emoji } => {
            let reaction = emoji.as_deref().map(|emoji| match emoji.strip_prefix("custom_emoji:") {
                Some(id) => json!({ "type": "custom_emoji", "custom_emoji_id": id }),
                None => json!({ "type": "emoji", "emoji": emoji }),
            });
            let message = message_id(message)?;
            if message.business.is_some() {
                return Err(CannotSay::NoSuchThing("a reaction in a business account's name"));
            }
            let fields = json!({
                "chat_id": message.chat,
                "message_id": message.message,
                "reaction": reaction.into_iter().collect::<Vec<_>>(),
            });
            Ok(account.call("setMessageReaction", fields, true))
        }
        Say::Edit { message, text } => edit(account, message, text),
        Say::Delete { message } => {
            let message = message_id(message)?;
            match &message.business {
                Some(business) => {
                    let fields = json!({ "business_connection_id": business, "message_ids": [message.message] });
                    Ok(account.call("deleteBusinessMessages", fields, true))
                }
                None => Ok(account.call("deleteMessage", Value::Object(pointing_at(&message)), true)),
            }
        }
        // A bot shows no read marks of its own; a business account does.
        Say::Read { message } => {
            let message = message_id(message)?;
            if message.business.is_none() {
                return Err(CannotSay::NoSuchThing("a read mark"));
            }
            Ok(account.call("readBusinessMessage", Value::Object(pointing_at(&message)), true))
        }
        Say::Typing { .. } => {
            if chat.direct.is_some() {
                return Err(CannotSay::NoSuchThing("\"is writing\" in a channel's direct messages"));
            }
            let mut fields = place(&chat);
            fields.insert("action".to_owned(), "typing".into());
            Ok(account.call("sendChatAction", Value::Object(fields), true))
        }
        Say::Pressed { press, text } => {
            let id = press.strip_prefix(PRESS).unwrap_or(press);
            let mut fields = json!({ "callback_query_id": id });
            if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
                fields["text"] = bounded(text, PRESSED_LIMIT)?.into();
            }
            Ok(account.call("answerCallbackQuery", fields, true))
        }
    }
}

impl Account {
    /// [`Say::Edit`] for a message with a file: what stands under it is another field. Telegram tells the two apart ("there is no text in the
    /// message to edit"), our model does not.
    pub fn edit_caption(&self, message: &ProviderId, caption: &str) -> Result<Request, CannotSay> {
        let mut fields = pointing_at(&message_id(message)?);
        fields.insert("caption".to_owned(), bounded(caption, CAPTION_LIMIT)?.into());
        Ok(self.call("editMessageCaption", Value::Object(fields), true))
    }
}

fn edit(account: &Account, message: &ProviderId, text: &str) -> Result<Request, CannotSay> {
    let mut fields = match message.0.strip_prefix(INLINE) {
        Some(inline) => Map::from_iter([("inline_message_id".to_owned(), Value::from(inline))]),
        None => pointing_at(&message_id(message)?),
    };
    fields.insert("text".to_owned(), bounded(text, TEXT_LIMIT)?.into());
    Ok(account.call("editMessageText", Value::Object(fields), true))
}

/// The one answer to a guest's question (<https://core.telegram.org/bots/api#answerguestquery>): an article, whose title nobody sees.
fn to_guest(account: &Account, query: &str, say: &Say) -> Result<Request, CannotSay> {
    let (text, choices) = match say {
        Say::Text { text } => (text, None),
        Say::Choices { text, choices } => (text, Some(keyboard(choices)?)),
        Say::Edit { message, text } => return edit(account, message, text),
        _ => return Err(CannotSay::NoSuchThing("anything but text to a guest")),
    };
    let mut result = json!({
        "type": "article",
        "id": "1",
        "title": "Answer",
        "input_message_content": { "message_text": bounded(text, TEXT_LIMIT)? },
    });
    if let Some(keyboard) = choices {
        result["reply_markup"] = json!({ "inline_keyboard": keyboard });
    }
    let fields = json!({ "guest_query_id": query, "result": result });
    Ok(account.call("answerGuestQuery", fields, false))
}

fn chat(written: &str) -> Result<Chat, CannotSay> {
    written.parse().map_err(|_| CannotSay::Address(written.to_owned()))
}

fn message_id(id: &ProviderId) -> Result<MessageId, CannotSay> {
    id.0.parse().map_err(|_| CannotSay::Address(id.0.clone()))
}

fn bounded(text: &str, limit: usize) -> Result<&str, CannotSay> {
    let is = units(text);
    if text.trim().is_empty() {
        Err(CannotSay::Empty)
    } else if is > limit {
        Err(CannotSay::TooLong { limit, is })
    } else {
        Ok(text)
    }
}

fn place(chat: &Chat) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("chat_id".to_owned(), chat.id.into());
    if let Some(topic) = chat.topic {
        fields.insert("message_thread_id".to_owned(), topic.into());
    }
    if let Some(direct) = chat.direct {
        fields.insert("direct_messages_topic_id".to_owned(), direct.into());
    }
    if let Some(business) = &chat.business {
        fields.insert("business_connection_id".to_owned(), business.as_str().into());
    }
    fields
}

fn pointing_at(message: &MessageId) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("chat_id".to_owned(), message.chat.into());
    fields.insert("message_id".to_owned(), message.message.into());
    if let Some(business) = &message.business {
        fields.insert("business_connection_id".to_owned(), business.as_str().into());
    }
    fields
}

/// The place, and what is answered. A message that was deleted meanwhile must not keep the answer back; a press or a join is no message to quote.
fn message_to(chat: &Chat, outgoing: &Outgoing) -> Result<Map<String, Value>, CannotSay> {
    let mut fields = place(chat);
    let Some(id) = &outgoing.reply_to else { return Ok(fields) };
    let Ok(message) = id.0.parse::<MessageId>() else {
        let not_a_message = id.0.starts_with(PRESS) || id.0.contains('/');
        return if not_a_message { Ok(fields) } else { Err(CannotSay::Address(id.0.clone())) };
    };
    let mut reply = json!({ "message_id": message.message, "allow_sending_without_reply": true });
    if message.chat != chat.id {
        // In another chat the answered message is named with its chat; a business account cannot do that.
        if chat.business.is_some() {
            return Ok(fields);
        }
        reply["chat_id"] = message.chat.into();
    }
    fields.insert("reply_parameters".to_owned(), reply);
    Ok(fields)
}

/// One under the other, so that a long title is read whole. Descriptions have no place on a button.
fn keyboard(choices: &[Choice]) -> Result<Vec<Value>, CannotSay> {
    if choices.is_empty() {
        return Err(CannotSay::Empty);
    }
    if choices.len() > CHOICES_LIMIT {
        return Err(CannotSay::TooManyChoices { limit: CHOICES_LIMIT, is: choices.len() });
    }
    choices
        .iter()
        .map(|choice| {
            if choice.title.trim().is_empty() || choice.payload.is_empty() {
                return Err(CannotSay::Empty);
            }
            if choice.payload.len() > PAYLOAD_LIMIT {
                return Err(CannotSay::Field { field: "payload", limit: PAYLOAD_LIMIT });
            }
            Ok(json!([{ "text": choice.title, "callback_data": choice.payload }]))
        })
        .collect()
}

/// What `sendPhoto`, `sendVoice` … take; anything else goes as a document, as the reference says.
fn method(sort: MediaSort, file: &Upload) -> Result<(&'static str, &'static str), CannotSay> {
    let mime = file.mime.split(';').next().unwrap_or_default().trim();
    let document = ("sendDocument", "document");
    Ok(match sort {
        MediaSort::Image => match mime {
            "image/gif" => ("sendAnimation", "animation"),
            "image/jpeg" | "image/png" | "image/webp" if file.size <= PHOTO_LIMIT => ("sendPhoto", "photo"),
            _ => document,
        },
        MediaSort::Voice => match mime {
            "audio/ogg" | "audio/opus" | "audio/mpeg" | "audio/mp4" | "audio/x-m4a" => ("sendVoice", "voice"),
            _ => document,
        },
        MediaSort::Audio => match mime {
            "audio/mpeg" | "audio/mp4" | "audio/x-m4a" => ("sendAudio", "audio"),
            _ => document,
        },
        MediaSort::Video => match mime {
            "video/mp4" => ("sendVideo", "video"),
            _ => document,
        },
        MediaSort::Animation => match mime {
            "video/mp4" | "image/gif" => ("sendAnimation", "animation"),
            _ => document,
        },
        MediaSort::VideoNote => {
            if mime != "video/mp4" {
                return Err(CannotSay::FileType { mime: file.mime.clone(), allowed: &["video/mp4"] });
            }
            ("sendVideoNote", "video_note")
        }
        MediaSort::Sticker => {
            const STICKERS: &[&str] = &["image/webp", "application/x-tgsticker", "video/webm"];
            if !STICKERS.contains(&mime) {
                return Err(CannotSay::FileType { mime: file.mime.clone(), allowed: STICKERS });
            }
            ("sendSticker", "sticker")
        }
        MediaSort::Document => document,
    })
}

fn send_file(
    account: &Account,
    mut fields: Map<String, Value>,
    sort: MediaSort,
    file: &Upload,
    caption: Option<&str>,
) -> Result<Request, CannotSay> {
    let (name, field) = method(sort, file)?;
    if let Some(caption) = caption {
        match sort {
            MediaSort::Sticker => return Err(CannotSay::NoSuchThing("words under a sticker")),
            MediaSort::VideoNote => return Err(CannotSay::NoSuchThing("words under a video note")),
            _ => fields.insert("caption".to_owned(), bounded(caption, CAPTION_LIMIT)?.into()),
        };
    }
    // A file that Telegram has already, or one that it fetches itself, is named in the request.
    if let Some(known) = &file.provider_id {
        fields.insert(field.to_owned(), known.as_str().into());
        return Ok(account.call(name, Value::Object(fields), false));
    }
    let limit = if account.local { LOCAL_UPLOAD_LIMIT } else { PUBLIC_UPLOAD_LIMIT };
    if file.size > limit {
        return Err(CannotSay::TooLarge { limit, is: file.size });
    }
    if file.key.is_empty() {
        let url = file.url.as_deref().ok_or(CannotSay::Empty)?;
        if sort == MediaSort::VideoNote {
            return Err(CannotSay::NoSuchThing("a video note by its link"));
        }
        if file.size > URL_LIMIT {
            return Err(CannotSay::TooLarge { limit: URL_LIMIT, is: file.size });
        }
        fields.insert(field.to_owned(), url.into());
        return Ok(account.call(name, Value::Object(fields), false));
    }
    let fields = fields
        .into_iter()
        .map(|(key, value)| match value {
            Value::String(text) => (key, text),
            other => (key, other.to_string()),
        })
        .collect();
    let mut request = account.call(name, json!({}), false);
    request.body = Body::File {
        fields,
        field,
        key: file.key.clone(),
        file_name: file.file_name.clone(),
        mime: file.mime.clone(),
        size: file.size,
    };
    Ok(request)
}

fn send_contact(account: &Account, mut fields: Map<String, Value>, cards: &[Card]) -> Result<Request, CannotSay> {
    let [card] = cards else {
        return Err(if cards.is_empty() {
            CannotSay::Empty
        } else {
            CannotSay::NoSuchThing("more than one contact in a message")
        });
    };
    let phone = card.phones.first().ok_or(CannotSay::NoSuchThing("a contact without a phone number"))?;
    let (first, last) = match card.name.trim().split_once(' ') {
        Some((first, last)) => (first, last),
        None => (card.name.trim(), ""),
    };
    // `first_name` may not be empty.
    let first = if first.is_empty() { phone.as_str() } else { first };
    fields.insert("phone_number".to_owned(), phone.as_str().into());
    fields.insert("first_name".to_owned(), first.into());
    if !last.is_empty() {
        fields.insert("last_name".to_owned(), last.into());
    }
    if card.phones.len() > 1 || !card.emails.is_empty() || card.organisation.is_some() {
        let vcard = vcard(card);
        if vcard.len() <= VCARD_LIMIT {
            fields.insert("vcard".to_owned(), vcard.into());
        }
    }
    Ok(account.call("sendContact", Value::Object(fields), false))
}

/// RFC 6350 with what our card has. A line break in a value would begin a property of its own: it is escaped.
fn vcard(card: &Card) -> String {
    let escape = |value: &str| {
        value.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "").replace(',', "\\,").replace(';', "\\;")
    };
    let mut lines = vec!["BEGIN:VCARD".to_owned(), "VERSION:3.0".to_owned(), format!("FN:{}", escape(&card.name))];
    lines.extend(card.phones.iter().map(|phone| format!("TEL:{}", escape(phone))));
    lines.extend(card.emails.iter().map(|email| format!("EMAIL:{}", escape(email))));
    lines.extend(card.organisation.iter().map(|organisation| format!("ORG:{}", escape(organisation))));
    lines.push("END:VCARD".to_owned());
    lines.join("\r\n")
}

//! What we say, as requests:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages>.

use super::{Account, media};
use crate::adapter::{Body, CannotSay, Request};
use crate::model::{Address, Card, Choice, MediaSort, Outgoing, Say, TemplateButton, TemplateHeader, Upload};
use http::Method;
use serde_json::{Map, Value, json};

const TEXT: usize = 4096;
const CAPTION: usize = 1024;
/// Under buttons; a list's may be as long as a text.
const BUTTONS_BODY: usize = 1024;
const BUTTONS: usize = 3;
const BUTTON_TITLE: usize = 20;
const BUTTON_ID: usize = 256;
const ROWS: usize = 10;
const ROW_TITLE: usize = 24;
const ROW_ID: usize = 200;
const ROW_DESCRIPTION: usize = 72;

pub(super) fn render(account: &Account, outgoing: &Outgoing) -> Result<Request, CannotSay> {
    let (sort, content) = match &outgoing.say {
        Say::Text { text } => ("text", words(text)?),
        Say::File { sort, file, caption } => {
            let kind = media::accepted(*sort, file)?;
            let Some(id) = &file.provider_id else { return Ok(media::upload(account, file)) };
            (kind, self::file(*sort, file, id, caption.as_deref())?)
        }
        Say::Location { latitude, longitude, name, address } => {
            ("location", location(*latitude, *longitude, name.as_deref(), address.as_deref())?)
        }
        Say::Contacts { cards } => ("contacts", contacts(cards)?),
        Say::Choices { text, choices } => ("interactive", self::choices(account, text, choices)?),
        Say::Template { name, language, header, body, names, buttons } => {
            if let Some(TemplateHeader::File { sort, file }) = header
                && file.provider_id.is_none()
            {
                media::accepted(*sort, file)?;
                return Ok(media::upload(account, file));
            }
            ("template", template(name, language, header.as_ref(), body, names, buttons)?)
        }
        Say::React { message, emoji } => {
            ("reaction", json!({ "message_id": message.0, "emoji": emoji.as_deref().unwrap_or_default() }))
        }
        Say::Read { message } => return Ok(read(account, &message.0, false)),
        Say::Typing { message: Some(message) } => return Ok(read(account, &message.0, true)),
        Say::Typing { message: None } => {
            return Err(CannotSay::NoSuchThing("\"is writing\" before they have written"));
        }
        Say::Edit { .. } => return Err(CannotSay::NoSuchThing("changing a message that was sent")),
        Say::Delete { .. } => return Err(CannotSay::NoSuchThing("taking a message back")),
        Say::Pressed { .. } => return Err(CannotSay::NoSuchThing("answering the press of a button")),
    };
    let mut message = Map::new();
    message.insert("messaging_product".to_owned(), "whatsapp".into());
    recipient(&outgoing.to, &mut message)?;
    message.insert("type".to_owned(), sort.into());
    message.insert(sort.to_owned(), content);
    message.insert("biz_opaque_callback_data".to_owned(), outgoing.reference.as_str().into());
    let reacts = sort == "reaction";
    if let Some(to) = outgoing.reply_to.as_ref().filter(|_| !reacts) {
        message.insert("context".to_owned(), json!({ "message_id": to.0 }));
    }
    let name = if reacts { "messages.react" } else { "messages.send" };
    // The same reaction twice is one.
    Ok(post(account, name, Value::Object(message), reacts))
}

fn post(account: &Account, name: &'static str, body: Value, repeatable: bool) -> Request {
    Request {
        method: Method::POST,
        url: account.url(&format!("{}/messages", account.phone_number_id)),
        headers: account.headers(),
        body: Body::Json(body),
        name,
        repeatable,
    }
}

/// A number goes into `to`, with its plus: without it the business number's country may be put before it. Who is known by their BSUID alone is the
/// `recipient`. A group has a `recipient_type` of its own.
fn recipient(to: &Address, message: &mut Map<String, Value>) -> Result<(), CannotSay> {
    let to = to.0.trim();
    let digits = to.strip_prefix('+').unwrap_or(to);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // Ids of groups are base64 of "capi_group:…".
    let is_group = to.starts_with("Y2FwaV9ncm91c");
    let (sort, field, value) = match (to, is_number, is_group) {
        ("", _, _) => return Err(CannotSay::NoSuchThing("a message to nobody")),
        (_, true, _) => ("individual", "to", format!("+{digits}")),
        (_, _, true) => ("group", "to", to.to_owned()),
        _ => ("individual", "recipient", to.to_owned()),
    };
    message.insert("recipient_type".to_owned(), sort.into());
    message.insert(field.to_owned(), value.into());
    Ok(())
}

/// Also the "is writing" of up to 25 seconds, which the same request switches on.
fn read(account: &Account, message: &str, typing: bool) -> Request {
    let mut body = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": message });
    if typing {
        body["typing_indicator"] = json!({ "type": "text" });
    }
    post(account, if typing { "messages.typing" } else { "messages.read" }, body, true)
}

fn words(text: &str) -> Result<Value, CannotSay> {
    at_most(text, TEXT)?;
    let has_link = text.contains("http://") || text.contains("https://");
    Ok(json!({ "body": text, "preview_url": has_link }))
}

fn file(sort: MediaSort, file: &Upload, id: &str, caption: Option<&str>) -> Result<Value, CannotSay> {
    let mut content = json!({ "id": id });
    let caption = caption.filter(|caption| !caption.is_empty());
    match (sort, caption) {
        (MediaSort::Audio | MediaSort::Voice | MediaSort::Sticker, Some(_)) => {
            return Err(CannotSay::NoSuchThing("text under a sound or a sticker"));
        }
        (_, Some(caption)) => {
            field("caption", caption, CAPTION)?;
            content["caption"] = caption.into();
        }
        (_, None) => {}
    }
    match sort {
        MediaSort::Document => content["filename"] = file.file_name.as_str().into(),
        // Shown as a voice message only as Opus; anything else is played as a file.
        MediaSort::Voice if media::bare(&file.mime) == "audio/ogg" => content["voice"] = true.into(),
        _ => {}
    }
    Ok(content)
}

fn location(latitude: f64, longitude: f64, name: Option<&str>, address: Option<&str>) -> Result<Value, CannotSay> {
    if !(-90.0..=90.0).contains(&latitude) || !(-180.0..=180.0).contains(&longitude) {
        return Err(CannotSay::NoSuchThing("a place that is not on the globe"));
    }
    let mut content = json!({ "latitude": latitude.to_string(), "longitude": longitude.to_string() });
    for (key, value) in [("name", name), ("address", address)] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            content[key] = value.into();
        }
    }
    Ok(content)
}

fn contacts(cards: &[Card]) -> Result<Value, CannotSay> {
    if cards.is_empty() {
        return Err(CannotSay::Empty);
    }
    let cards = cards.iter().map(|card| {
        // Beside the whole name, one part of it must be there.
        let mut content = json!({ "name": { "formatted_name": card.name, "first_name": card.name } });
        let list = |values: &[String], key: &str| values.iter().map(|value| json!({ key: value })).collect::<Vec<_>>();
        if !card.phones.is_empty() {
            content["phones"] = list(&card.phones, "phone").into();
        }
        if !card.emails.is_empty() {
            content["emails"] = list(&card.emails, "email").into();
        }
        if let Some(company) = &card.organisation {
            content["org"] = json!({ "company": company });
        }
        content
    });
    Ok(cards.collect::<Vec<_>>().into())
}

/// Up to three go under the text as buttons; more of them, longer ones or such with a description become a list.
fn choices(account: &Account, text: &str, choices: &[Choice]) -> Result<Value, CannotSay> {
    if choices.is_empty() {
        return Err(CannotSay::Empty);
    }
    let fits = |choice: &Choice| choice.description.is_none() && characters(&choice.title) <= BUTTON_TITLE;
    let as_buttons = choices.len() <= BUTTONS && choices.iter().all(fits);
    at_most(text, if as_buttons { BUTTONS_BODY } else { TEXT })?;
    if choices.len() > ROWS {
        return Err(CannotSay::TooManyChoices { limit: ROWS, is: choices.len() });
    }
    for (place, choice) in choices.iter().enumerate() {
        if choice.title.trim().is_empty() || choice.payload.is_empty() {
            return Err(CannotSay::Empty);
        }
        if choices.iter().take(place).any(|other| other.payload == choice.payload) {
            return Err(CannotSay::NoSuchThing("two choices with one payload"));
        }
        field("title", &choice.title, if as_buttons { BUTTON_TITLE } else { ROW_TITLE })?;
        field("payload", &choice.payload, if as_buttons { BUTTON_ID } else { ROW_ID })?;
        field("description", choice.description.as_deref().unwrap_or_default(), ROW_DESCRIPTION)?;
    }
    if as_buttons {
        let buttons = choices
            .iter()
            .map(|choice| json!({ "type": "reply", "reply": { "id": choice.payload, "title": choice.title } }));
        let buttons: Vec<Value> = buttons.collect();
        return Ok(json!({ "type": "button", "body": { "text": text }, "action": { "buttons": buttons } }));
    }
    field("list_label", &account.list_label, BUTTON_TITLE)?;
    let rows = choices.iter().map(|choice| {
        let mut row = json!({ "id": choice.payload, "title": choice.title });
        if let Some(description) = choice.description.as_deref().filter(|text| !text.is_empty()) {
            row["description"] = description.into();
        }
        row
    });
    let rows: Vec<Value> = rows.collect();
    Ok(json!({
        "type": "list",
        "body": { "text": text },
        "action": { "button": account.list_label, "sections": [{ "rows": rows }] },
    }))
}

fn template(
    name: &str,
    language: &str,
    header: Option<&TemplateHeader>,
    body: &[String],
    names: &[String],
    buttons: &[TemplateButton],
) -> Result<Value, CannotSay> {
    let mut components = Vec::new();
    if let Some(header) = header {
        components.push(json!({ "type": "header", "parameters": [header_parameter(header)?] }));
    }
    if !body.is_empty() {
        let parameters = body.iter().enumerate().map(|(place, value)| {
            let mut parameter = json!({ "type": "text", "text": value });
            if let Some(name) = names.get(place) {
                parameter["parameter_name"] = name.as_str().into();
            }
            parameter
        });
        components.push(json!({ "type": "body", "parameters": parameters.collect::<Vec<_>>() }));
    }
    for button in buttons {
        let parameter = match button.sort.as_str() {
            "quick_reply" => json!({ "type": "payload", "payload": button.value }),
            "copy_code" => json!({ "type": "coupon_code", "coupon_code": button.value }),
            _ => json!({ "type": "text", "text": button.value }),
        };
        components.push(json!({
            "type": "button",
            "sub_type": button.sort,
            "index": button.index.to_string(),
            "parameters": [parameter],
        }));
    }
    let mut content = json!({ "name": name, "language": { "code": language } });
    if !components.is_empty() {
        content["components"] = components.into();
    }
    Ok(content)
}

fn header_parameter(header: &TemplateHeader) -> Result<Value, CannotSay> {
    Ok(match header {
        TemplateHeader::Text { text } => json!({ "type": "text", "text": text }),
        TemplateHeader::File { sort, file } => {
            let kind = media::accepted(*sort, file)?;
            if !matches!(kind, "image" | "video" | "document") {
                return Err(CannotSay::NoSuchThing("a sound or a sticker at the head of a template"));
            }
            let mut content = json!({ "id": file.provider_id });
            if kind == "document" {
                content["filename"] = file.file_name.as_str().into();
            }
            json!({ "type": kind, kind: content })
        }
        TemplateHeader::Location { latitude, longitude, name, address } => {
            json!({ "type": "location", "location": location(*latitude, *longitude, Some(name), Some(address))? })
        }
    })
}

fn characters(text: &str) -> usize {
    text.chars().count()
}

fn at_most(text: &str, limit: usize) -> Result<(), CannotSay> {
    if text.trim().is_empty() {
        return Err(CannotSay::Empty);
    }
    let is = characters(text);
    if is > limit { Err(CannotSay::TooLong { limit, is }) } else { Ok(()) }
}

fn field(field: &'static str, text: &str, limit: usize) -> Result<(), CannotSay> {
    if characters(text) > limit { Err(CannotSay::Field { field, limit }) } else { Ok(()) }
}

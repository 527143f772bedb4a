//! Whether a message's body is one that Meta takes:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages> and one page per kind beside it.

use super::errors::Refusal;
use super::interactive;
use serde_json::{Map, Value};

/// What a body asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// A message of this kind to a number, a BSUID or a group.
    Message { kind: String, to: String, input: String },
    /// A read mark, perhaps with "is writing".
    Read { message_id: String },
}

pub(super) const KINDS: [&str; 11] = [
    "text",
    "image",
    "audio",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "interactive",
    "template",
    "reaction",
];

pub(super) fn check(body: &Value) -> Result<Asked, Refusal> {
    let Some(message) = body.as_object() else { return Err(Refusal::malformed("The body must be a JSON object")) };
    match text(message, "messaging_product")? {
        "whatsapp" => {}
        _ => return Err(Refusal::malformed("Param messaging_product must be one of {WHATSAPP}")),
    }
    if message.contains_key("status") {
        return read(message);
    }
    let kind = match message.get("type") {
        None => "text",
        Some(Value::String(kind)) => kind.as_str(),
        Some(_) => return Err(Refusal::malformed("Param type must be a string")),
    };
    if !KINDS.contains(&kind) {
        let kinds = KINDS.map(str::to_ascii_uppercase).join(", ");
        return Err(Refusal::malformed(format!("Param type must be one of {{{kinds}}} - got \"{kind}\".")));
    }
    let outer =
        ["messaging_product", "recipient_type", "to", "recipient", "type", "context", "biz_opaque_callback_data", kind];
    only(message, &outer, "the message")?;
    let (to, input) = recipient(message)?;
    if let Some(reference) = message.get("biz_opaque_callback_data") {
        let reference = string(reference, "biz_opaque_callback_data")?;
        bounded("biz_opaque_callback_data", reference, 512)?;
    }
    if let Some(context) = message.get("context") {
        let context = object(context, "context")?;
        only(context, &["message_id"], "context")?;
        text(context, "message_id")?;
    }
    let Some(content) = message.get(kind) else {
        return Err(Refusal::malformed(format!("The parameter {kind} is required.")));
    };
    match kind {
        "text" => words(content)?,
        "location" => location(object(content, "location")?)?,
        "contacts" => contacts(content)?,
        "interactive" => interactive::check(object(content, "interactive")?)?,
        "template" => template(object(content, "template")?)?,
        "reaction" => {
            let reaction = object(content, "reaction")?;
            only(reaction, &["message_id", "emoji"], "reaction")?;
            text(reaction, "message_id")?;
            // Empty takes it away.
            string(reaction.get("emoji").unwrap_or(&Value::Null), "reaction['emoji']")?;
        }
        kind => media(kind, object(content, kind)?)?,
    }
    Ok(Asked::Message { kind: kind.to_owned(), to, input })
}

fn read(message: &Map<String, Value>) -> Result<Asked, Refusal> {
    only(message, &["messaging_product", "status", "message_id", "typing_indicator"], "the status")?;
    if text(message, "status")? != "read" {
        return Err(Refusal::malformed("Param status must be one of {READ}"));
    }
    if let Some(typing) = message.get("typing_indicator") {
        let typing = object(typing, "typing_indicator")?;
        only(typing, &["type"], "typing_indicator")?;
        if text(typing, "type")? != "text" {
            return Err(Refusal::malformed("Param typing_indicator['type'] must be one of {TEXT}"));
        }
    }
    Ok(Asked::Read { message_id: text(message, "message_id")?.to_owned() })
}

/// Digits of a number, or another id; and as it was written.
fn recipient(message: &Map<String, Value>) -> Result<(String, String), Refusal> {
    let sort = match message.get("recipient_type") {
        None => "individual",
        Some(sort) => string(sort, "recipient_type")?,
    };
    match (sort, message.contains_key("to"), message.contains_key("recipient")) {
        ("individual", true, _) => {
            let to = text(message, "to")?;
            let digits: String = to.chars().filter(|c| !matches!(c, '+' | ' ' | '-' | '(' | ')')).collect();
            if (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                Ok((digits, to.to_owned()))
            } else {
                Err(Refusal::value(format!("{to:?} is not a phone number")))
            }
        }
        ("individual", false, true) => {
            let user = text(message, "recipient")?;
            // A business-scoped user id: a country's two letters, a dot, letters and digits.
            let is_user = user.split_once('.').is_some_and(|(country, id)| {
                country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()) && !id.is_empty()
            });
            if !is_user {
                return Err(Refusal::value(format!("{user:?} is not a user id")));
            }
            Ok((user.to_owned(), user.to_owned()))
        }
        ("group", true, _) => {
            let group = text(message, "to")?;
            Ok((group.to_owned(), group.to_owned()))
        }
        ("individual" | "group", ..) => Err(Refusal::malformed("The parameter to is required.")),
        _ => Err(Refusal::malformed("Param recipient_type must be one of {INDIVIDUAL, GROUP}")),
    }
}

fn words(content: &Value) -> Result<(), Refusal> {
    let content = object(content, "text")?;
    only(content, &["body", "preview_url"], "text")?;
    bounded("text['body']", text(content, "body")?, 4096)?;
    match content.get("preview_url") {
        None | Some(Value::Bool(_)) => Ok(()),
        Some(_) => Err(Refusal::malformed("Param text['preview_url'] must be a boolean.")),
    }
}

fn media(kind: &str, content: &Map<String, Value>) -> Result<(), Refusal> {
    let allowed: &[&str] = match kind {
        "document" => &["id", "link", "caption", "filename"],
        "image" | "video" => &["id", "link", "caption"],
        "audio" => &["id", "link", "voice"],
        _ => &["id", "link"],
    };
    only(content, allowed, kind)?;
    match (content.get("id"), content.get("link")) {
        (Some(id), None) => string(id, "id").map(drop)?,
        (None, Some(link)) => {
            let link = string(link, "link")?;
            if !link.starts_with("https://") && !link.starts_with("http://") {
                return Err(Refusal::value(format!("Param {kind}['link'] is not a valid URI.")));
            }
        }
        _ => return Err(Refusal::malformed(format!("Exactly one of {kind}['id'] and {kind}['link'] is required."))),
    }
    if let Some(caption) = content.get("caption") {
        bounded("caption", string(caption, "caption")?, 1024)?;
    }
    if let Some(name) = content.get("filename") {
        bounded("filename", string(name, "filename")?, 240)?;
    }
    match content.get("voice") {
        None | Some(Value::Bool(_)) => Ok(()),
        Some(_) => Err(Refusal::malformed("Param audio['voice'] must be a boolean.")),
    }
}

fn location(place: &Map<String, Value>) -> Result<(), Refusal> {
    only(place, &["latitude", "longitude", "name", "address"], "location")?;
    for (name, limit) in [("latitude", 90.0), ("longitude", 180.0)] {
        let degrees = match place.get(name) {
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => text.parse().ok(),
            _ => return Err(Refusal::malformed(format!("The parameter location['{name}'] is required."))),
        };
        if !degrees.is_some_and(|degrees: f64| degrees.abs() <= limit) {
            return Err(Refusal::value(format!("location['{name}'] is not on the globe")));
        }
    }
    for name in ["name", "address"] {
        if let Some(value) = place.get(name) {
            bounded(name, string(value, name)?, 1000)?;
        }
    }
    Ok(())
}

fn contacts(content: &Value) -> Result<(), Refusal> {
    let Some(cards) = content.as_array().filter(|cards| !cards.is_empty()) else {
        return Err(Refusal::malformed("Param contacts must be a non-empty array."));
    };
    for card in cards {
        let card = object(card, "contacts")?;
        only(card, &["name", "phones", "emails", "org", "addresses", "urls", "birthday"], "contacts")?;
        let name = object(card.get("name").unwrap_or(&Value::Null), "contacts['name']")?;
        text(name, "formatted_name")?;
        let parts = ["first_name", "last_name", "middle_name", "suffix", "prefix"];
        if !parts.iter().any(|part| name.contains_key(*part)) {
            return Err(Refusal::malformed("One more part of contacts['name'] than formatted_name is required."));
        }
        for (list, keys) in [("phones", &["phone", "type", "wa_id"][..]), ("emails", &["email", "type"][..])] {
            let Some(items) = card.get(list) else { continue };
            let items =
                items.as_array().ok_or_else(|| Refusal::malformed(format!("Param {list} must be an array.")))?;
            for item in items {
                only(object(item, list)?, keys, list)?;
            }
        }
    }
    Ok(())
}

fn template(template: &Map<String, Value>) -> Result<(), Refusal> {
    only(template, &["name", "language", "components"], "template")?;
    bounded("template['name']", text(template, "name")?, 512)?;
    let language = object(template.get("language").unwrap_or(&Value::Null), "template['language']")?;
    only(language, &["code", "policy"], "template['language']")?;
    text(language, "code")?;
    let components = match template.get("components") {
        None => return Ok(()),
        Some(Value::Array(components)) => components,
        Some(_) => return Err(Refusal::malformed("Param template['components'] must be an array.")),
    };
    for component in components {
        let component = object(component, "template['components']")?;
        only(component, &["type", "sub_type", "index", "parameters"], "template['components']")?;
        match text(component, "type")? {
            "header" | "body" => {}
            "button" => {
                text(component, "sub_type")?;
                let index = component.get("index").unwrap_or(&Value::Null);
                let index = index.as_u64().or_else(|| index.as_str()?.parse().ok());
                if index.is_none_or(|index| index > 9) {
                    return Err(Refusal::malformed("Param template['components']['index'] must be 0 to 9."));
                }
            }
            other => return Err(Refusal::malformed(format!("{other:?} is not a component of a template."))),
        }
        let parameters = component.get("parameters").and_then(Value::as_array);
        let parameters = parameters
            .filter(|list| !list.is_empty())
            .ok_or_else(|| Refusal::malformed("A component's parameters must be a non-empty array."))?;
        for parameter in parameters {
            let parameter = object(parameter, "parameters")?;
            let kind = text(parameter, "type")?;
            let kinds =
                ["text", "currency", "date_time", "image", "video", "document", "location", "payload", "coupon_code"];
            if !kinds.contains(&kind) {
                return Err(Refusal::malformed(format!("{kind:?} is not a type of parameter.")));
            }
            only(parameter, &["type", "parameter_name", kind], "parameters")?;
            let content = parameter.get(kind).unwrap_or(&Value::Null);
            match kind {
                "image" | "video" | "document" => media(kind, object(content, kind)?)?,
                "location" => location(object(content, kind)?)?,
                "currency" | "date_time" => drop(object(content, kind)?),
                _ => drop(text(parameter, kind)?),
            }
        }
    }
    Ok(())
}

pub(super) fn object<'a>(value: &'a Value, name: &str) -> Result<&'a Map<String, Value>, Refusal> {
    value.as_object().ok_or_else(|| Refusal::malformed(format!("Param {name} must be a JSON object.")))
}

pub(super) fn string<'a>(value: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    value.as_str().ok_or_else(|| Refusal::malformed(format!("Param {name} must be a string.")))
}

/// A text that is there and not empty.
pub(super) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refusal> {
    let missing = || Refusal::malformed(format!("The parameter {name} is required."));
    let text = string(object.get(name).ok_or_else(missing)?, name)?;
    if text.is_empty() { Err(missing()) } else { Ok(text) }
}

pub(super) fn bounded(name: &str, text: &str, limit: usize) -> Result<(), Refusal> {
    if text.chars().count() > limit {
        return Err(Refusal::malformed(format!("Param {name} must be at most {limit} characters long.")));
    }
    Ok(())
}

/// Graph refuses what it does not know: a misspelt name is found at once.
pub(super) fn only(object: &Map<String, Value>, allowed: &[&str], of: &str) -> Result<(), Refusal> {
    match object.keys().find(|key| !allowed.contains(&key.as_str())) {
        Some(key) => Err(Refusal::malformed(format!("Unexpected key \"{key}\" on param \"{of}\"."))),
        None => Ok(()),
    }
}

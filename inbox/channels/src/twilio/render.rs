//! What we say, as a new message (<https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource>).

use super::address::WHATSAPP;
use super::{Account, REFERENCE};
use crate::adapter::{Body, CannotSay, Request};
use crate::model::{Outgoing, Say, Upload};
use http::Method;
use serde_json::{Map, Value};

/// Characters of a text, counted as UTF-16 units.
pub const TEXT_LIMIT: usize = 1600;
/// Bytes of an MMS's files.
pub const MEDIA_LIMIT: u64 = 5 << 20;
/// Bytes of a file on WhatsApp.
pub const WHATSAPP_MEDIA_LIMIT: u64 = 16 << 20;
/// Seconds.
pub const VALIDITY_LIMIT: u32 = 36_000;
/// What carriers are given (<https://www.twilio.com/docs/messaging/guides/accepted-mime-types>).
pub const ACCEPTED_FILES: &[&str] = &[
    "image/*",
    "audio/*",
    "video/*",
    "application/pdf",
    "application/vcard",
    "text/vcard",
    "text/x-vcard",
    "text/csv",
    "text/rtf",
    "text/richtext",
    "text/calendar",
    "text/directory",
];

pub(super) fn render(account: &Account, outgoing: &Outgoing) -> Result<Request, CannotSay> {
    let to = &outgoing.to.0;
    let whatsapp = to.starts_with(WHATSAPP);
    if to.trim().is_empty() || to == WHATSAPP {
        return Err(CannotSay::Address(to.clone()));
    }
    let mut fields: Vec<(&'static str, String)> = vec![("To", to.clone()), sender(account, whatsapp)];
    match &outgoing.say {
        Say::Text { text } => fields.push(("Body", bounded(text)?)),
        Say::File { file, caption, .. } => {
            if let Some(caption) = caption.as_deref().filter(|caption| !caption.is_empty()) {
                fields.push(("Body", bounded(caption)?));
            }
            fields.push(("MediaUrl", link(file, whatsapp)?));
        }
        Say::Template { name, header, body, names, buttons, .. } => {
            if !name.starts_with("HX") {
                return Err(CannotSay::NoSuchThing("a template that is not named by its Content SID (HX…)"));
            }
            if header.is_some() || !buttons.is_empty() {
                return Err(CannotSay::NoSuchThing(
                    "a header or a button apart from the template's numbered variables",
                ));
            }
            fields.push(("ContentSid", name.clone()));
            if !body.is_empty() {
                // Numbered from 1, where they have no names.
                let variable = |(at, value): (usize, &String)| {
                    let name = names.get(at).cloned().unwrap_or_else(|| (at + 1).to_string());
                    (name, Value::from(value.clone()))
                };
                let variables: Map<String, Value> = body.iter().enumerate().map(variable).collect();
                fields.push(("ContentVariables", Value::Object(variables).to_string()));
            }
        }
        Say::Location { latitude, longitude, name, address } if whatsapp => {
            let label = name.as_deref().or(address.as_deref()).unwrap_or("Location");
            fields.push(("Body", bounded(label)?));
            // The bar begins the label.
            fields.push(("PersistentAction", format!("geo:{latitude},{longitude}|{}", label.replace('|', "/"))));
        }
        Say::Location { .. } => return Err(CannotSay::NoSuchThing("a location in an SMS")),
        Say::Contacts { .. } => return Err(CannotSay::NoSuchThing("a contact")),
        Say::Choices { .. } => return Err(CannotSay::NoSuchThing("a choice of buttons")),
        Say::React { .. } => return Err(CannotSay::NoSuchThing("a reaction")),
        Say::Edit { .. } => return Err(CannotSay::NoSuchThing("a change of what was sent")),
        Say::Delete { .. } => return Err(CannotSay::NoSuchThing("taking back what was sent")),
        Say::Read { .. } => return Err(CannotSay::NoSuchThing("a read mark")),
        Say::Typing { .. } => return Err(CannotSay::NoSuchThing("\"is writing\"")),
        Say::Pressed { .. } => return Err(CannotSay::NoSuchThing("an answer to a press")),
    }
    if let Some(callback) = &account.status_callback {
        fields.push(("StatusCallback", with_reference(callback, &outgoing.reference)));
    }
    if let Some(seconds) = account.validity_period {
        fields.push(("ValidityPeriod", seconds.clamp(1, VALIDITY_LIMIT).to_string()));
    }
    let form = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(account.request(Method::POST, "/Messages.json", Body::Form(form), "messages.send", false))
}

pub(super) fn sender(account: &Account, whatsapp: bool) -> (&'static str, String) {
    if account.sends_by_service() {
        return ("MessagingServiceSid", account.from.clone());
    }
    // Both ends of a message are on one channel.
    let from = match (whatsapp, account.from.strip_prefix(WHATSAPP)) {
        (true, None) => format!("{WHATSAPP}{}", account.from),
        (false, Some(number)) => number.to_owned(),
        _ => account.from.clone(),
    };
    ("From", from)
}

fn bounded(text: &str) -> Result<String, CannotSay> {
    let is = text.encode_utf16().count();
    if text.trim().is_empty() {
        Err(CannotSay::Empty)
    } else if is > TEXT_LIMIT {
        Err(CannotSay::TooLong { limit: TEXT_LIMIT, is })
    } else {
        Ok(text.to_owned())
    }
}

fn link(file: &Upload, whatsapp: bool) -> Result<String, CannotSay> {
    let limit = if whatsapp { WHATSAPP_MEDIA_LIMIT } else { MEDIA_LIMIT };
    if file.size > limit {
        return Err(CannotSay::TooLarge { limit, is: file.size });
    }
    let mime = file.mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let taken = whatsapp
        || ACCEPTED_FILES.iter().any(|allowed| match allowed.strip_suffix('*') {
            Some(family) => mime.starts_with(family),
            None => mime == *allowed,
        });
    if !taken {
        return Err(CannotSay::FileType { mime: file.mime.clone(), allowed: ACCEPTED_FILES });
    }
    file.url.clone().ok_or(CannotSay::NoSuchThing("a file without a link that Twilio can fetch it by"))
}

/// A reference has nothing in it that a query would have to escape; what is not of that form is escaped all the same.
fn with_reference(callback: &str, reference: &str) -> String {
    let (url, fragment) = match callback.split_once('#') {
        Some((url, fragment)) => (url, Some(fragment)),
        None => (callback, None),
    };
    let mark = if url.contains('?') { '&' } else { '?' };
    let reference: String = url::form_urlencoded::byte_serialize(reference.as_bytes()).collect();
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{url}{mark}{REFERENCE}={reference}{fragment}")
}

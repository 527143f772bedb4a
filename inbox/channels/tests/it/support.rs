//! What the tests of several adapters share.

#![allow(clippy::format_push_string, reason = "a line that is put together for a person to read")]

use crate::fixtures;
use http::HeaderMap;
use serde_json::Value;
use std::path::Path;
use trunkline_channels::adapter::{Answer, Body, Request};
use trunkline_channels::model::{Content, Identity, Media, MediaAt, Message, Outgoing, Party, Say, Upload, What};

/// What others recorded of a provider, by name; `None` where it is not at hand.
pub(crate) fn recorded(provider: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let files = fixtures::walk(provider);
    let named = files.into_iter().map(|(name, body)| (name.trim_end_matches(".json").to_owned(), body));
    Some(named.collect::<Vec<_>>()).filter(|files| !files.is_empty())
}

/// `[{"name","is":[…],…}]`
pub(crate) fn samples(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(file);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// One line that says what was told.
pub(crate) fn line(what: &What) -> String {
    match what {
        What::Message(message) => message_line(message),
        What::Edited { content, .. } => format!("edited {}", content_line(content)),
        What::Deleted { messages, .. } => {
            format!("deleted {}", messages.iter().map(|id| id.0.as_str()).collect::<Vec<_>>().join(" "))
        }
        What::Reacted { message, from, emoji, chat } => {
            let who = from.as_ref().map_or("nobody", |_| chat.0.as_str());
            format!("reacted {} {who} [{}]", message.0, emoji.join(" "))
        }
        What::Status(status) => {
            let mut line = format!("status {} {:?}", status.message.0, status.state);
            if let Some(failure) = &status.failure {
                line += &format!(" {} {:?}", failure.code, failure.why);
            }
            if let Some(reference) = &status.reference {
                line += &format!(" ref {reference}");
            }
            line
        }
        What::Moved { old, new, .. } => format!("moved {} {}", identity(old), identity(new)),
        What::Consent { from, category, wanted } => format!("consent {} {category} {wanted}", first(from)),
        What::Member { chat, who, ours, joined, .. } => {
            let ours = if *ours { " ours" } else { "" };
            format!("member {} {} {}{ours}", chat.0, first(who), if *joined { "joined" } else { "left" })
        }
        What::Account(change) => format!("account {} {} {:?}", change.what, change.value, change.level),
        What::Ignored { what } => format!("ignored {what}"),
        What::Unsupported { what, chat, .. } => match chat {
            Some(chat) if !what.contains(' ') || what.contains("status ") => format!("unsupported {what} {}", chat.0),
            _ => format!("unsupported {what}"),
        },
        other => format!("{other:?}"),
    }
}

fn message_line(message: &Message) -> String {
    let by = match format!("{:?}", message.by).to_lowercase().as_str() {
        "customer" if message.id.0.starts_with("SM") => String::new(),
        by => format!("{by} "),
    };
    let mut line = format!("message {by}{} ", message.chat.0);
    for identity in &message.from.identities {
        if let Identity::WhatsappUser(user) = identity {
            line += &format!("{user} ");
        }
    }
    line += &content_line(&message.content);
    if let Some(name) = message.from.name.as_ref().filter(|_| message.id.0.starts_with("SM")) {
        line += &format!(" named {name}");
    }
    if let Some(reply) = &message.reply_to {
        line += &format!(" reply {}", reply.0);
    }
    if message.forwarded {
        line += " forwarded";
    }
    if let Some(album) = &message.album {
        line += if album.starts_with("SM") { " album" } else { " album " };
        line += if album.starts_with("SM") { "" } else { album };
    }
    if let Some(source) = message.referral.as_ref().and_then(|referral| referral.source.as_ref()) {
        line += &format!(" by {source}");
    }
    line
}

pub(crate) fn content_line(content: &Content) -> String {
    match content {
        Content::Text { text } => format!("text: {text}"),
        Content::Media(media) => media_line(media),
        Content::Location { latitude, longitude, name, address } => {
            let mut line = format!("location {latitude} {longitude}");
            if let (Some(name), Some(address)) = (name, address) {
                line += &format!(" {name}, {address}");
            }
            line
        }
        Content::Contacts { cards } => {
            let [card] = cards.as_slice() else { return format!("{} contacts", cards.len()) };
            let organisation = card.organisation.as_deref().unwrap_or_default();
            format!("contact {} {} {} {organisation}", card.name, card.phones.join(","), card.emails.join(","))
        }
        Content::Choice { title, payload } => format!("choice {title} [{payload}]"),
        Content::Form { name, answers } => format!("form {} {answers}", name.as_deref().unwrap_or_default()),
        Content::Command { name, argument } => format!("command: {name} [{argument}]"),
        Content::Notice { what, text } => format!("notice {what}: {text}"),
        other => format!("{other:?}"),
    }
}

fn media_line(media: &Media) -> String {
    let at = match &media.at {
        MediaAt::Id(at) | MediaAt::Url(at) => at,
        MediaAt::Gone => "gone",
    };
    let mut line = format!("media {:?} {at} {}", media.sort, media.mime.as_deref().unwrap_or_default());
    if let Some(size) = media.size {
        line += &format!(" {size}");
    }
    if let Some(name) = &media.file_name {
        line += &format!(" {name}");
    }
    if let Some(caption) = &media.caption {
        line += &format!(": {caption}");
    }
    line
}

fn first(party: &Party) -> String {
    identity(party.identities.first().expect("a party is never without an identity"))
}

fn identity(identity: &Identity) -> String {
    match identity {
        Identity::Phone(value)
        | Identity::WhatsappId(value)
        | Identity::WhatsappUser(value)
        | Identity::Username(value) => value.clone(),
        Identity::TelegramId(id) => id.to_string(),
    }
}

pub(crate) fn outgoing(to: &str, say: Say) -> Outgoing {
    Outgoing {
        to: trunkline_channels::model::Address(to.to_owned()),
        say,
        reply_to: None,
        reference: "attempt-7".to_owned(),
    }
}

pub(crate) fn text(text: &str) -> Say {
    Say::Text { text: text.to_owned() }
}

pub(crate) fn upload(mime: &str, size: u64) -> Upload {
    Upload {
        key: "blobs/1".to_owned(),
        mime: mime.to_owned(),
        file_name: "file.bin".to_owned(),
        size,
        url: None,
        provider_id: None,
    }
}

pub(crate) fn answer<'a>(status: u16, headers: &'a HeaderMap, body: &'a str) -> Answer<'a> {
    Answer { status, headers, body: body.as_bytes() }
}

pub(crate) fn json_of(request: &Request) -> &Value {
    match &request.body {
        Body::Json(value) => value,
        other => panic!("not JSON: {other:?}"),
    }
}

pub(crate) fn form_of(request: &Request) -> Vec<(&str, &str)> {
    match &request.body {
        Body::Form(fields) => fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        other => panic!("not a form: {other:?}"),
    }
}

/// 10,000 levels of JSON.
pub(crate) fn deep_json(before: &str, after: &str) -> Vec<u8> {
    format!("{before}{}{}{after}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes()
}

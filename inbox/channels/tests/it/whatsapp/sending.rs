//! Requests: what is WhatsApp's alone.

use super::samples::{adapter, id, outgoing};
use super::{file, sent};
use crate::fixtures::walk;
use serde_json::Value;
use std::collections::BTreeSet;
use trunkline_channels::Adapter as _;
use trunkline_channels::model::{Address, Card, Choice, MediaSort, Outgoing, Say};

#[test]
fn a_number_a_user_and_a_group_are_addressed_each_in_its_way() {
    let to = |address: &str| {
        let text = Say::Text { text: "Hello".to_owned() };
        let request = adapter().render(&Outgoing { to: Address(address.to_owned()), ..outgoing(text) });
        let body = sent(&request.unwrap()).clone();
        (body["recipient_type"].clone(), body.get("to").cloned(), body.get("recipient").cloned())
    };
    let individual = || Value::from("individual");
    assert_eq!(to("491700000001"), (individual(), Some("+491700000001".into()), None));
    assert_eq!(to("+491700000001"), (individual(), Some("+491700000001".into()), None));
    assert_eq!(to("DE.13491208655302741918"), (individual(), None, Some("DE.13491208655302741918".into())));
    assert_eq!(to("Y2FwaV9ncm91cDox"), ("group".into(), Some("Y2FwaV9ncm91cDox".into()), None));
}

#[test]
fn another_api_base_and_version_are_used() {
    let mut whatsapp = adapter();
    whatsapp.account.api_base = "http://127.0.0.1:9/".to_owned();
    whatsapp.account.version = "v30.0".to_owned();
    let request = whatsapp.media("55/../x?y").unwrap();
    assert_eq!(request.url, "http://127.0.0.1:9/v30.0/55%2F..%2Fx%3Fy?phone_number_id=100200300");
}

/// Fields of ours that the reference's sample of the same type has not, by their paths.
fn strange(ours: &Value, theirs: &Value, path: &str, found: &mut BTreeSet<String>) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (key, value) in ours {
                match theirs.get(key) {
                    Some(other) => strange(value, other, &format!("{path}.{key}"), found),
                    None => {
                        found.insert(format!("{path}.{key}"));
                    }
                }
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            for (one, other) in ours.iter().zip(theirs) {
                strange(one, other, path, found);
            }
        }
        _ if std::mem::discriminant(ours) != std::mem::discriminant(theirs) => {
            found.insert(format!("{path}: {ours} for {theirs}"));
        }
        _ => {}
    }
}

#[test]
fn requests_have_the_shape_of_the_references_samples() {
    let text = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or("").to_owned();
    let mut compared = 0;
    for (name, body) in walk("whatsapp_outbound") {
        let theirs: Value = serde_json::from_slice(&body).unwrap();
        let caption = theirs
            .pointer("/image/caption")
            .or(theirs.pointer("/video/caption"))
            .or(theirs.pointer("/document/caption"));
        let caption = caption.and_then(Value::as_str);
        let say = match (theirs["type"].as_str(), theirs["status"].as_str()) {
            (Some("text"), _) => Say::Text { text: text(&theirs, "/text/body") },
            (Some("image"), _) => file(MediaSort::Image, "image/png", caption),
            (Some("video"), _) => file(MediaSort::Video, "video/mp4", caption),
            (Some("audio"), _) => file(MediaSort::Voice, "audio/ogg", None),
            (Some("document"), _) => file(MediaSort::Document, "application/pdf", caption),
            (Some("sticker"), _) => file(MediaSort::Sticker, "image/webp", None),
            (Some("location"), _) => Say::Location {
                latitude: text(&theirs, "/location/latitude").parse().unwrap(),
                longitude: text(&theirs, "/location/longitude").parse().unwrap(),
                name: Some(text(&theirs, "/location/name")),
                address: Some(text(&theirs, "/location/address")),
            },
            (Some("contacts"), _) => Say::Contacts {
                cards: vec![Card {
                    name: text(&theirs, "/contacts/0/name/formatted_name"),
                    phones: vec![text(&theirs, "/contacts/0/phones/0/phone")],
                    emails: vec![text(&theirs, "/contacts/0/emails/0/email")],
                    organisation: Some(text(&theirs, "/contacts/0/org/company")),
                }],
            },
            (Some("reaction"), _) => Say::React {
                message: id(&text(&theirs, "/reaction/message_id")),
                emoji: Some(text(&theirs, "/reaction/emoji")),
            },
            (Some("interactive"), _) if theirs["interactive"]["type"] == "button" => {
                let buttons = theirs["interactive"]["action"]["buttons"].as_array().unwrap().iter();
                let choices = buttons.map(|button| Choice {
                    title: text(button, "/reply/title"),
                    payload: text(button, "/reply/id"),
                    description: None,
                });
                Say::Choices { text: text(&theirs, "/interactive/body/text"), choices: choices.collect() }
            }
            (Some("interactive"), _) if theirs["interactive"]["type"] == "list" => {
                let rows = theirs["interactive"]["action"]["sections"][0]["rows"].as_array().unwrap().iter();
                let choices = rows.map(|row| Choice {
                    title: "A row".to_owned(),
                    payload: text(row, "/id"),
                    description: Some(text(row, "/description")),
                });
                Say::Choices { text: text(&theirs, "/interactive/body/text"), choices: choices.collect() }
            }
            (Some("template"), _) => {
                let body = theirs["template"]["components"][0]["parameters"].as_array().unwrap();
                let names = body.iter().map(|one| text(one, "/parameter_name")).filter(|name| !name.is_empty());
                Say::Template {
                    name: text(&theirs, "/template/name"),
                    language: text(&theirs, "/template/language/code"),
                    header: None,
                    body: body.iter().map(|one| text(one, "/text")).collect(),
                    names: names.collect(),
                    buttons: vec![],
                }
            }
            (None, Some("read")) if theirs.get("typing_indicator").is_some() => {
                Say::Typing { message: Some(id("wamid.1")) }
            }
            (None, Some("read")) => Say::Read { message: id("wamid.1") },
            _ => continue,
        };
        let request = adapter().render(&outgoing(say)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut found = BTreeSet::new();
        strange(sent(&request), &theirs, "", &mut found);
        // Samples leave out what is optional.
        found.retain(|path| !matches!(path.as_str(), ".biz_opaque_callback_data" | ".recipient_type"));
        assert!(found.is_empty(), "{name}: {found:?}");
        compared += 1;
    }
    println!("{compared} requests compared");
}

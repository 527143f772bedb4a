//! Messages with buttons or a list:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-reply-buttons-messages>,
//! `interactive-list-messages`.

use super::check::{bounded, object, only, string, text};
use super::errors::Refusal;
use serde_json::{Map, Value};
use std::collections::HashSet;

pub(super) fn check(interactive: &Map<String, Value>) -> Result<(), Refusal> {
    only(interactive, &["type", "header", "body", "footer", "action"], "interactive")?;
    let kind = text(interactive, "type")?;
    let (body_limit, header_kinds): (_, &[&str]) = match kind {
        "button" => (1024, &["text", "image", "video", "document"]),
        "list" => (4096, &["text"]),
        other => {
            return Err(Refusal::malformed(format!(
                "Param interactive['type'] must be one of {{BUTTON, LIST}} - got \"{other}\"."
            )));
        }
    };
    let body = object(interactive.get("body").unwrap_or(&Value::Null), "interactive['body']")?;
    only(body, &["text"], "interactive['body']")?;
    bounded("interactive['body']['text']", text(body, "text")?, body_limit)?;
    if let Some(footer) = interactive.get("footer") {
        let footer = object(footer, "interactive['footer']")?;
        bounded("interactive['footer']['text']", text(footer, "text")?, 60)?;
    }
    if let Some(header) = interactive.get("header") {
        let header = object(header, "interactive['header']")?;
        let sort = text(header, "type")?;
        if !header_kinds.contains(&sort) {
            return Err(Refusal::malformed(format!("A header of type {sort:?} does not go with a {kind}.")));
        }
        if sort == "text" {
            bounded("interactive['header']['text']", text(header, "text")?, 60)?;
        }
    }
    let action = object(interactive.get("action").unwrap_or(&Value::Null), "interactive['action']")?;
    if kind == "button" { buttons(action) } else { list(action) }
}

fn buttons(action: &Map<String, Value>) -> Result<(), Refusal> {
    only(action, &["buttons"], "interactive['action']")?;
    let buttons = array(action, "buttons")?;
    if buttons.len() > 3 {
        return Err(Refusal::value("Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3"));
    }
    let (mut ids, mut titles) = (HashSet::new(), HashSet::new());
    for button in buttons {
        let button = object(button, "buttons")?;
        only(button, &["type", "reply"], "buttons")?;
        if text(button, "type")? != "reply" {
            return Err(Refusal::malformed("Param buttons['type'] must be one of {REPLY}."));
        }
        let reply = object(button.get("reply").unwrap_or(&Value::Null), "reply")?;
        only(reply, &["id", "title"], "reply")?;
        let (id, title) = (text(reply, "id")?, text(reply, "title")?);
        bounded("reply['id']", id, 256)?;
        bounded("reply['title']", title, 20)?;
        if !ids.insert(id) || !titles.insert(title) {
            return Err(Refusal::value("Duplicated reply button id or title"));
        }
    }
    Ok(())
}

fn list(action: &Map<String, Value>) -> Result<(), Refusal> {
    only(action, &["button", "sections"], "interactive['action']")?;
    bounded("interactive['action']['button']", text(action, "button")?, 20)?;
    let sections = array(action, "sections")?;
    if sections.len() > 10 {
        return Err(Refusal::value("Invalid sections count. Min allowed sections: 1, Max allowed sections: 10"));
    }
    let mut ids = HashSet::new();
    for section in sections {
        let section = object(section, "sections")?;
        only(section, &["title", "rows"], "sections")?;
        // Needed only to tell several apart.
        if sections.len() > 1 || section.contains_key("title") {
            bounded("sections['title']", text(section, "title")?, 24)?;
        }
        for row in array(section, "rows")? {
            let row = object(row, "rows")?;
            only(row, &["id", "title", "description"], "rows")?;
            let id = text(row, "id")?;
            bounded("rows['id']", id, 200)?;
            bounded("rows['title']", text(row, "title")?, 24)?;
            if let Some(description) = row.get("description") {
                bounded("rows['description']", string(description, "rows['description']")?, 72)?;
            }
            if !ids.insert(id) {
                return Err(Refusal::value("Duplicated row id"));
            }
        }
    }
    if ids.len() > 10 {
        return Err(Refusal::value("Total row count exceed max allowed count: 10"));
    }
    Ok(())
}

fn array<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], Refusal> {
    let items = object.get(name).and_then(Value::as_array).filter(|items| !items.is_empty());
    items.map(Vec::as_slice).ok_or_else(|| Refusal::malformed(format!("Param {name} must be a non-empty array.")))
}

//! Message templates: the list, their variables, a preview that is filled in.
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview>

use super::{Account, read};
use crate::adapter::{Body, Malformed, Request};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub id: String,
    pub name: String,
    /// `en_US`: what a message is sent with.
    pub language: String,
    /// `APPROVED`, `PENDING`, `REJECTED`, `PAUSED`, `DISABLED` …
    pub status: String,
    /// `MARKETING`, `UTILITY`, `AUTHENTICATION`.
    pub category: String,
    /// `GREEN`, `YELLOW`, `RED`; absent while it is not known.
    pub quality: Option<String>,
    pub rejected: Option<String>,
    /// Whether its variables have names (`{{first_name}}`) and not numbers.
    pub named: bool,
    pub components: Vec<Component>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// `header`, `body`, `footer`, `buttons`, `carousel` …, in lower case.
    pub sort: String,
    /// Of a header: `text`, `image`, `video`, `document`, `location`.
    pub format: Option<String>,
    pub text: Option<String>,
    /// Each once, in the order in which they are first used.
    pub variables: Vec<String>,
    /// Meta's example for each variable, as its author gave it.
    pub examples: Vec<String>,
    pub buttons: Vec<Button>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// Its place among the template's buttons, from 0: a message names it so.
    pub index: usize,
    /// `quick_reply`, `url`, `phone_number`, `copy_code`, `flow`, `otp` …
    pub sort: String,
    pub text: String,
    pub url: Option<String>,
    /// Of the address.
    pub variables: Vec<String>,
    pub examples: Vec<String>,
}

/// One page of the account's templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub templates: Vec<Template>,
    /// For [`list`]; `None`: it was the last.
    pub next: Option<String>,
}

/// Asks for a page; `after` is the last page's [`Page::next`].
pub fn list(account: &Account, after: Option<&str>) -> Request {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair(
        "fields",
        "id,name,language,status,category,quality_score,rejected_reason,parameter_format,components",
    );
    query.append_pair("limit", "100");
    if let Some(after) = after {
        query.append_pair("after", after);
    }
    Request {
        method: Method::GET,
        url: account.url(&format!("{}/message_templates?{}", account.waba_id, query.finish())),
        headers: account.headers(),
        body: Body::Empty,
        name: "templates.list",
        repeatable: true,
    }
}

/// Reads a page. A template that cannot be read is left out, the others stay.
pub fn parse(body: &[u8]) -> Result<Page, Malformed> {
    let malformed = |why: String, at: &str| Malformed { why, at: at.to_owned() };
    let body: Value = serde_json::from_slice(body).map_err(|error| malformed(error.to_string(), "$"))?;
    let Some(data) = body.get("data").and_then(Value::as_array) else {
        return Err(malformed("a list is expected".to_owned(), "$.data"));
    };
    let paging = body.get("paging").unwrap_or(&Value::Null);
    // `cursors.after` stands on the last page too; only `next` says that there is more.
    let next = read::text(paging, "next").and(paging.get("cursors")).and_then(|cursors| read::text(cursors, "after"));
    Ok(Page { templates: data.iter().filter_map(template).collect(), next: next.map(str::to_owned) })
}

fn template(value: &Value) -> Option<Template> {
    let owned = |key: &str| read::text(value, key).map(str::to_owned);
    let components: Vec<Component> = read::list(value, "components").iter().map(component).collect();
    let quality = value.get("quality_score").and_then(|score| read::text(score, "score"));
    let is_word = |name: &String| name.parse::<u32>().is_err();
    Some(Template {
        id: read::id(value, "id").unwrap_or_default(),
        name: owned("name")?,
        language: owned("language")?,
        status: owned("status").unwrap_or_default().to_ascii_uppercase(),
        category: owned("category").unwrap_or_default().to_ascii_uppercase(),
        quality: quality.filter(|score| *score != "UNKNOWN").map(str::to_owned),
        rejected: owned("rejected_reason").filter(|reason| reason != "NONE"),
        named: owned("parameter_format").map_or_else(
            || components.iter().flat_map(|component| &component.variables).any(is_word),
            |format| format.eq_ignore_ascii_case("named"),
        ),
        components,
    })
}

fn component(value: &Value) -> Component {
    let text = read::text(value, "text").map(str::to_owned);
    let example = value.get("example").unwrap_or(&Value::Null);
    let buttons = read::list(value, "buttons").iter().enumerate();
    Component {
        sort: read::text(value, "type").unwrap_or_default().to_ascii_lowercase(),
        format: read::text(value, "format").map(str::to_ascii_lowercase),
        variables: variables(text.as_deref().unwrap_or_default()),
        examples: examples(example),
        text,
        buttons: buttons.map(|(index, button)| self::button(index, button)).collect(),
    }
}

fn button(index: usize, value: &Value) -> Button {
    let url = read::text(value, "url").map(str::to_owned);
    let sort = read::text(value, "type").unwrap_or_default().to_ascii_lowercase();
    let example = value.get("example").unwrap_or(&Value::Null);
    let mut variables = variables(url.as_deref().unwrap_or_default());
    // The code itself is what is to be given.
    if sort == "copy_code" {
        variables.push("1".to_owned());
    }
    let mut examples = Vec::new();
    flatten(example, &mut examples);
    Button { index, sort, text: read::text(value, "text").unwrap_or_default().to_owned(), url, variables, examples }
}

/// `body_text` is a list in a list, `header_text` a list, the named ones lists of objects.
fn examples(example: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for key in ["body_text_named_params", "header_text_named_params"] {
        found.extend(read::list(example, key).iter().filter_map(|one| read::text(one, "example").map(str::to_owned)));
    }
    for key in ["body_text", "header_text"] {
        if found.is_empty() {
            flatten(example.get(key).unwrap_or(&Value::Null), &mut found);
        }
    }
    found
}

/// The texts of a list, or of the first list in it: further ones are other examples of the same.
fn flatten(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => match items.first() {
            Some(first @ Value::Array(_)) => flatten_flat(first, found),
            _ => flatten_flat(value, found),
        },
        _ => {}
    }
}

fn flatten_flat(value: &Value, found: &mut Vec<String>) {
    found.extend(value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
}

/// The variables of a text, `{{1}}` or `{{first_name}}`: each once, as they first come.
pub fn variables(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for piece in pieces(text) {
        if let Piece::Variable(name) = piece
            && !found.iter().any(|known| known == name)
        {
            found.push(name.to_owned());
        }
    }
    found
}

/// What will be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Header, body and footer, one under the other; a header that is a file is left out.
    pub text: String,
    /// `header.1`, `body.first_name`, `button.0.1`: what is yet to be given. They stay in the text as they are.
    pub missing: Vec<String>,
}

/// Fills a template in. `values` is by the same names as [`Preview::missing`].
pub fn fill(template: &Template, values: &BTreeMap<String, String>) -> Preview {
    let mut lines = Vec::new();
    let mut missing: Vec<String> = Vec::new();
    let value = |name: &str| values.get(name).filter(|value| !value.trim().is_empty());
    for component in &template.components {
        let mut line = String::new();
        for piece in pieces(component.text.as_deref().unwrap_or_default()) {
            match piece {
                Piece::Text(text) => line.push_str(text),
                Piece::Variable(name) => {
                    let full = format!("{}.{name}", component.sort);
                    if let Some(value) = value(&full) {
                        line.push_str(value);
                    } else {
                        line.push_str("{{");
                        line.push_str(name);
                        line.push_str("}}");
                        missing.push(full);
                    }
                }
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        let asks_file = component.sort == "header"
            && matches!(component.format.as_deref(), Some("image" | "video" | "document" | "location"));
        if asks_file && value("header.file").is_none() {
            missing.push("header.file".to_owned());
        }
        for button in &component.buttons {
            let names = button.variables.iter().map(|name| format!("button.{}.{name}", button.index));
            missing.extend(names.filter(|name| value(name).is_none()));
        }
    }
    let mut seen = Vec::new();
    missing.retain(|name| {
        let is_new = !seen.contains(name);
        seen.push(name.clone());
        is_new
    });
    Preview { text: lines.join("\n"), missing }
}

enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// A text and its variables in turn. Braces without a plain name between them are text.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut from = 0;
        while let Some((before, after)) = rest.get(from..).and_then(|tail| tail.split_once("{{")) {
            let start = from + before.len();
            let end = after.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ' ')).unwrap_or(after.len());
            let (name, close) = after.split_at(end);
            if name.trim().is_empty() || name.trim().contains(' ') || !close.starts_with("}}") {
                from = start + 1;
                continue;
            }
            if start > 0 {
                let (head, tail) = rest.split_at(start);
                rest = tail;
                return Some(Piece::Text(head));
            }
            rest = rest.get(name.len() + 4..).unwrap_or_default();
            return Some(Piece::Variable(name.trim()));
        }
        Some(Piece::Text(std::mem::take(&mut rest)))
    })
}

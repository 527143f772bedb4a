//! The account's templates: the list with its pages, and whether a message fits one of them.
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview>

use super::errors::Refusal;
use crate::request::{Reply, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// A template as the list gives it, for a test to begin with: `body` with `{{1}}` or `{{name}}` for its variables.
pub fn template(name: &str, language: &str, body: &str) -> Value {
    let named = variables(body).iter().any(|variable| variable.parse::<u32>().is_err());
    let mut component = json!({ "type": "BODY", "text": body });
    let examples: Vec<String> = variables(body).iter().map(|variable| format!("example of {variable}")).collect();
    if named {
        let examples = variables(body).into_iter().zip(examples);
        let examples: Vec<Value> =
            examples.map(|(name, example)| json!({ "param_name": name, "example": example })).collect();
        component["example"] = json!({ "body_text_named_params": examples });
    } else if !examples.is_empty() {
        component["example"] = json!({ "body_text": [examples] });
    }
    json!({
        "id": super::number_id(),
        "name": name,
        "language": language,
        "status": "APPROVED",
        "category": "UTILITY",
        "parameter_format": if named { "NAMED" } else { "POSITIONAL" },
        "quality_score": { "score": "GREEN", "date": 1_790_000_000 },
        "rejected_reason": "NONE",
        "components": [component],
    })
}

/// A page of the list. Cursors are opaque to the caller: here, the base64 of a place.
pub(super) fn list(templates: &[Value], request: &Request, base: &str) -> Reply {
    let wanted = |template: &&Value| {
        ["name", "language", "status", "category"].iter().all(|key| {
            let field = template.get(*key).and_then(Value::as_str).unwrap_or_default();
            request.query(key).is_none_or(|query| match *key {
                // A part of the name is enough.
                "name" => field.contains(query),
                _ => field.eq_ignore_ascii_case(query),
            })
        })
    };
    let found: Vec<&Value> = templates.iter().filter(wanted).collect();
    let limit = request.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(25_usize).clamp(1, 250);
    let place = |name: &str| {
        let bytes = STANDARD.decode(request.query(name)?).ok()?;
        String::from_utf8(bytes).ok()?.parse::<usize>().ok()
    };
    let start = match (place("after"), place("before")) {
        (Some(after), _) => after + 1,
        (None, Some(before)) => before.saturating_sub(limit),
        (None, None) => 0,
    };
    let page: Vec<Value> =
        found.iter().skip(start).take(limit).map(|template| chosen(template, request.query("fields"))).collect();
    if page.is_empty() {
        return Reply::json(200, &json!({ "data": [] }));
    }
    let cursor = |place: usize| STANDARD.encode(place.to_string());
    let end = start + page.len();
    let mut paging = json!({ "cursors": { "before": cursor(start), "after": cursor(end - 1) } });
    if end < found.len() {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let kept = request.query.iter().filter(|(name, _)| name != "after" && name != "before");
        query.extend_pairs(kept).append_pair("after", &cursor(end - 1));
        paging["next"] = format!("{base}{}?{}", request.path, query.finish()).into();
    }
    Reply::json(200, &json!({ "data": page, "paging": paging }))
}

/// The fields that were asked for, and the id.
pub(super) fn chosen(object: &Value, fields: Option<&str>) -> Value {
    let Some(fields) = fields.filter(|fields| !fields.is_empty()) else { return object.clone() };
    let wanted: Vec<&str> = fields.split(',').map(str::trim).collect();
    let all = object.as_object().into_iter().flatten();
    let kept = all.filter(|(name, _)| *name == "id" || wanted.contains(&name.as_str()));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

/// Whether the account has this template and the message fills it in.
pub(super) fn fits(templates: &[Value], message: &Value) -> Result<String, Refusal> {
    let word = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (name, language) = (word(message, "name"), word(&message["language"], "code"));
    let found = templates.iter().find(|one| word(one, "name") == name && word(one, "language") == language);
    let Some(template) = found else {
        return Err(Refusal::new(132_001, format!("template name ({name}) does not exist in {language}")));
    };
    match word(template, "status").as_str() {
        "APPROVED" => {}
        "PAUSED" => return Err(Refusal::new(132_015, format!("template name ({name}) is paused"))),
        "DISABLED" => return Err(Refusal::new(132_016, format!("template name ({name}) is disabled"))),
        _ => return Err(Refusal::new(132_001, format!("template name ({name}) is not approved in {language}"))),
    }
    let no_components = Vec::new();
    let sent = message.get("components").and_then(Value::as_array).unwrap_or(&no_components);
    let parameters_of = |kind: &str| {
        let mine = sent.iter().filter(|one| word(one, "type").eq_ignore_ascii_case(kind));
        mine.flat_map(|one| one["parameters"].as_array().into_iter().flatten()).collect::<Vec<&Value>>()
    };
    let named = word(template, "parameter_format").eq_ignore_ascii_case("named");
    for component in template["components"].as_array().into_iter().flatten() {
        let kind = word(component, "type").to_ascii_lowercase();
        let wanted = variables(&word(component, "text"));
        match (kind.as_str(), word(component, "format").to_ascii_lowercase().as_str()) {
            ("header", format @ ("image" | "video" | "document" | "location")) => {
                let given = parameters_of("header");
                if given.len() != 1 || word(given[0], "type") != format {
                    let details = format!("header: Format mismatch, expected {}", format.to_ascii_uppercase());
                    return Err(Refusal::new(132_012, details));
                }
            }
            ("header" | "body", _) => {
                let given = parameters_of(&kind);
                if given.len() != wanted.len() {
                    let (is, expected) = (given.len(), wanted.len());
                    let details = format!(
                        "{kind}: number of localizable_params ({is}) does not match the expected number of params \
                         ({expected})"
                    );
                    return Err(Refusal::new(132_000, details));
                }
                let names: Vec<String> = given.iter().map(|one| word(one, "parameter_name")).collect();
                if let Some(missing) = wanted.iter().find(|name| named && !names.contains(name)) {
                    return Err(Refusal::new(132_012, format!("{kind}: Parameter name {missing} is missing")));
                }
            }
            ("buttons", _) => buttons(component, sent)?,
            _ => {}
        }
    }
    Ok(word(template, "category").to_ascii_lowercase())
}

/// Buttons with something to fill in need a component of their own in the message.
fn buttons(component: &Value, sent: &[Value]) -> Result<(), Refusal> {
    for (place, button) in component["buttons"].as_array().into_iter().flatten().enumerate() {
        let kind = button["type"].as_str().unwrap_or_default().to_ascii_lowercase();
        let url = button["url"].as_str().unwrap_or_default();
        let is_wanting = kind == "copy_code" || (kind == "url" && !variables(url).is_empty());
        let is_given = sent.iter().any(|one| {
            let index = one["index"].as_u64().or_else(|| one["index"].as_str()?.parse().ok());
            one["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("button")) && index == Some(place as u64)
        });
        if is_wanting && !is_given {
            let details = format!("Button at index {place} of type {kind} requires a parameter");
            return Err(Refusal::new(131_008, details));
        }
    }
    Ok(())
}

/// `{{1}}`, `{{first_name}}`: each once, as they first come.
fn variables(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for piece in text.split("{{").skip(1) {
        let Some((name, _)) = piece.split_once("}}") else { continue };
        let name = name.trim().to_owned();
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if is_name && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(parameters: &Value) -> Value {
        json!({ "name": "hi", "language": { "code": "en" }, "components": [{ "type": "body", "parameters": parameters }] })
    }

    #[test]
    fn a_message_fills_in_every_variable() {
        let known = [template("hi", "en", "Hello {{1}}, {{2}} and {{1}} again")];
        let two = message(&json!([{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }]));
        assert_eq!(fits(&known, &two).as_deref(), Ok("utility"));
        let one = message(&json!([{ "type": "text", "text": "a" }]));
        assert_eq!(fits(&known, &one).unwrap_err().code, 132_000);
    }

    #[test]
    fn named_variables_go_by_their_names() {
        let known = [template("hi", "en", "Hello {{first_name}}")];
        let given = |name: &str| message(&json!([{ "type": "text", "text": "a", "parameter_name": name }]));
        assert!(fits(&known, &given("first_name")).is_ok());
        assert_eq!(fits(&known, &given("name")).unwrap_err().code, 132_012);
    }

    #[test]
    fn a_template_that_is_paused_or_unknown_is_refused() {
        let mut paused = template("hi", "en", "Hello");
        paused["status"] = "PAUSED".into();
        let message = json!({ "name": "hi", "language": { "code": "en" } });
        assert_eq!(fits(&[paused], &message).unwrap_err().code, 132_015);
        assert_eq!(fits(&[template("hi", "de", "Hallo")], &message).unwrap_err().code, 132_001);
    }
}

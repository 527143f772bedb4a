//! Renders the documents as one plain HTML page.

use std::fmt::Write as _;

use serde_json::Value;

use super::ground_rules;

/// The page's style sheet: a file of its own, since nothing inline is let through.
pub(super) const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--accent:#2563eb}\
body{font:15px/1.55 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}\
code,pre{font:13px/1.5 ui-monospace,monospace}pre{background:var(--soft);padding:.8rem;overflow:auto;border-radius:6px}\
h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}table{border-collapse:collapse;width:100%}\
td,th{border-bottom:1px solid var(--line);padding:.3rem .6rem .3rem 0;text-align:left;vertical-align:top}\
details{border:1px solid var(--line);border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}summary{cursor:pointer}\
summary b{display:inline-block;min-width:4.2rem;color:var(--accent)}.p{float:right;opacity:.7}\
@media(prefers-color-scheme:dark){:root{--accent:#7aa2ff}}";

/// The page.
pub(super) fn render(document: &Value, stream: &Value) -> String {
    let mut out = String::with_capacity(64 * 1024);
    let title = text(&document["info"]["title"]);
    let _ = write!(
        out,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title} API</title><link rel=stylesheet href=/dev/page.css><h1>{title} API <small>{}</small></h1><p>{}</p>\
         <p>For programs: <a href=/dev/openapi.json>OpenAPI</a>, <a href=/dev/asyncapi.json>AsyncAPI</a> (the stream).</p><h2>Ground rules</h2><table>",
        text(&document["info"]["version"]),
        prose(&document["info"]["description"]),
    );
    for rule in ground_rules().as_array().into_iter().flatten() {
        let _ = write!(out, "<tr><th>{}<td>{}", text(&rule[0]), prose(&rule[1]));
    }
    out.push_str("</table>");
    for tag in document["tags"].as_array().into_iter().flatten() {
        operations(&mut out, document, tag);
    }
    stream_section(&mut out, stream);
    out.push_str("<h2>Types</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        schema_section(&mut out, name, schema);
    }
    out.push_str("</html>");
    out
}

fn operations(out: &mut String, document: &Value, tag: &Value) {
    let mut rows = String::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let tagged = operation["tags"].as_array().is_some_and(|tags| tags.contains(&tag["name"]));
            if tagged {
                operation_section(&mut rows, method, path, operation);
            }
        }
    }
    if !rows.is_empty() {
        let _ = write!(out, "<h2>{}</h2><p>{}</p>{rows}", text(&tag["name"]), prose(&tag["description"]));
    }
}

fn operation_section(out: &mut String, method: &str, path: &str, operation: &Value) {
    let _ = write!(
        out,
        "<details><summary><b>{}</b> <code>{}</code> {} <span class=p>{}</span></summary><p>{}</p>",
        escape(&method.to_uppercase()),
        escape(path),
        text(&operation["summary"]),
        text(&operation["x-permission"]),
        prose(&operation["description"]),
    );
    if let Some(parameters) = operation["parameters"].as_array().filter(|parameters| !parameters.is_empty()) {
        out.push_str("<table>");
        for parameter in parameters {
            let _ = write!(
                out,
                "<tr><td><code>{}</code><td>{}<td>{}",
                text(&parameter["name"]),
                text(&parameter["in"]),
                prose(&parameter["description"])
            );
        }
        out.push_str("</table>");
    }
    if let Some(schema) = first_schema(&operation["requestBody"]) {
        let _ = write!(out, "<p>Body: {}", type_name(schema));
    }
    out.push_str("<table>");
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        // What every operation may answer stands among the ground rules.
        if !response["$ref"].is_null() {
            continue;
        }
        let body = first_schema(response).map(type_name).unwrap_or_default();
        let _ = write!(out, "<tr><td>{}<td>{}<td>{body}", escape(status), prose(&response["description"]));
    }
    out.push_str("</table></details>");
}

fn first_schema(holder: &Value) -> Option<&Value> {
    holder["content"].as_object()?.values().next().map(|media| &media["schema"])
}

fn schema_section(out: &mut String, name: &str, schema: &Value) {
    let _ = write!(
        out,
        "<details id=\"{0}\"><summary><code>{0}</code> {1}</summary><table>",
        escape(name),
        prose(&schema["description"])
    );
    for (property, shape) in schema["properties"].as_object().into_iter().flatten() {
        let _ = write!(
            out,
            "<tr><td><code>{}</code><td>{}<td>{}",
            escape(property),
            type_name(shape),
            prose(&shape["description"])
        );
    }
    if let Some(values) = schema["enum"].as_array() {
        let names: Vec<String> = values.iter().map(|value| format!("<code>{}</code>", text(value))).collect();
        let _ = write!(out, "<tr><td>One of<td>{}", names.join(", "));
    }
    out.push_str("</table></details>");
}

/// A schema in a word or two, linked where it has a name.
fn type_name(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("<a href=\"#{0}\">{0}</a>", escape(name));
    }
    if let Some(variants) = schema["oneOf"].as_array() {
        return variants.iter().map(type_name).collect::<Vec<_>>().join(" or ");
    }
    if !schema["items"].is_null() {
        return format!("list of {}", type_name(&schema["items"]));
    }
    let name = match &schema["type"] {
        Value::Array(names) => names.iter().map(text).collect::<Vec<_>>().join(" or "),
        other => text(other),
    };
    match schema["format"].as_str() {
        Some(format) => format!("{name} ({})", escape(format)),
        None => name,
    }
}

fn stream_section(out: &mut String, stream: &Value) {
    let _ = write!(out, "<h2>The stream</h2><p>{}</p><table>", prose(&stream["info"]["description"]));
    for (name, message) in stream["components"]["messages"].as_object().into_iter().flatten() {
        let example = serde_json::to_string(&message["examples"][0]["payload"]).unwrap_or_default();
        let _ = write!(
            out,
            "<tr><td><b>{}</b><td>{}<br><code>{}</code>",
            escape(name),
            prose(&message["summary"]),
            escape(&example)
        );
    }
    out.push_str("</table>");
}

fn text(value: &Value) -> String {
    value.as_str().map(escape).unwrap_or_default()
}

/// Escaped text in which `…` between backticks is code and an empty line a paragraph.
fn prose(value: &Value) -> String {
    let escaped = text(value);
    let mut out = String::with_capacity(escaped.len());
    for (index, part) in escaped.split('`').enumerate() {
        if index % 2 == 1 {
            let _ = write!(out, "<code>{part}</code>");
        } else {
            out.push_str(&part.replace("\n\n", "<br>"));
        }
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_in_a_document_stays_text() {
        let document = json!({"info": {"title": "<script>", "version": "1", "description": "a `b` & c"}});
        let page = render(&document, &json!({}));
        assert!(!page.contains("<script>"));
        assert!(page.contains("a <code>b</code> &amp; c"));
    }

    #[test]
    fn the_page_names_every_operation_and_every_stream_message() {
        let document = serde_json::to_value(crate::http::openapi()).unwrap();
        let stream: Value = serde_json::from_str(super::super::ASYNCAPI).unwrap();
        let page = render(&document, &stream);
        for path in document["paths"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("<code>{}</code>", escape(path))), "{path}");
        }
        for name in stream["components"]["messages"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("<b>{name}</b>")), "{name}");
        }
    }
}

//! `events/`: the payload of each event and the enum over all of them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use super::models::field_source;
use super::values::{Enums, field_enum_source};
use super::{GeneratedFile, file};
use crate::names::{field_name, snake_case};
use crate::swagger::{Api, Field};

/// Payload structs per file, so that a file stays readable.
const GROUPS: &[(&str, &str)] = &[
    ("application", "Application"),
    ("bridge", "Bridge"),
    ("channel", "Channel"),
    ("call", "Call"),
    ("playback", "Playback"),
    ("recording", "Recording"),
    ("stasis", "Stasis"),
];

/// An event's name and its fields by name.
type Payload<'a> = (&'a str, BTreeMap<&'a str, &'a Field>);

/// The files of `events/`.
pub(super) fn files(api: &Api, _enums: &Enums) -> Result<Vec<GeneratedFile>> {
    let models = api.models();
    let mut groups: BTreeMap<&str, Vec<Payload<'_>>> = BTreeMap::new();
    let mut payloads = Vec::new();
    for name in api.events() {
        let (_, model) = models.get(name).with_context(|| format!("the event {name} has no model"))?;
        let mut fields: BTreeMap<&str, &Field> =
            model.fields.iter().map(|(name, field)| (name.as_str(), field)).collect();
        for base in ["Event", "Message"] {
            if let Some((_, base)) = models.get(base) {
                for (name, field) in base.fields.iter().filter(|(name, _)| name.as_str() != "type") {
                    fields.entry(name).or_insert(field);
                }
            }
        }
        let group = GROUPS.iter().find(|(_, prefix)| name.starts_with(prefix)).map_or("other", |(group, _)| *group);
        payloads.push((name, fields.clone()));
        groups.entry(group).or_default().push((name, fields));
    }

    let mut files = Vec::new();
    let mut module = String::from("//! What each event carries.\n\n");
    let mut exports = String::new();
    for (group, events) in &groups {
        let mut uses = BTreeSet::new();
        let mut structs = String::new();
        for (name, fields) in events {
            emit!(
                structs,
                "/// The event `{name}`.\n#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]\n#[non_exhaustive]\npub struct {name} {{\n"
            );
            let mut enums = String::new();
            for (field_name, field) in fields {
                structs.push_str(&field_source(api, name, field_name, field, &mut uses)?);
                if !field.values.is_empty() {
                    enums.push_str(&field_enum_source(name, field_name, &field.values));
                }
            }
            structs.push_str("}\n\n");
            structs.push_str(&enums);
        }
        let mut body = format!("//! Events of the group `{group}`.\n\nuse serde::{{Deserialize, Serialize}};\n\n");
        if !uses.is_empty() {
            let list: Vec<String> = uses.into_iter().collect();
            emit!(body, "use crate::generated::models::{{{}}};\n\n", list.join(", "));
        }
        body.push_str(&structs);
        files.push(file(&format!("events/payload/{group}.rs"), &body));
        emit!(module, "mod {group};\n");
        emit!(exports, "pub use {group}::*;\n");
    }
    files.push(file("events/payload/mod.rs", &format!("{module}\n{exports}")));
    files.push(file("events/mod.rs", &enum_source(&payloads)));
    Ok(files)
}

fn enum_source(payloads: &[Payload<'_>]) -> String {
    let mut out = String::from(
        "//! The enum over all events.\n\npub mod payload;\n\nuse chrono::{DateTime, Utc};\nuse serde_json::value::RawValue;\n\n\
         use crate::event::UnknownEvent;\nuse crate::generated::models::{Bridge, Channel};\n\n\
         /// One event from Asterisk, typed. What this version of the crate does not know is kept in\n\
         /// [`Event::Unknown`], with its whole text.\n\
         #[derive(Debug, Clone)]\n\
         #[expect(clippy::large_enum_variant, reason = \"an event travels boxed; a second box per payload would cost more\")]\n\
         #[non_exhaustive]\npub enum Event {\n",
    );
    for (name, _) in payloads {
        emit!(out, "    /// `{name}`\n    {name}(payload::{name}),\n");
    }
    out.push_str("    /// An event whose name or shape this version does not know.\n    Unknown(UnknownEvent),\n}\n\n");

    out.push_str("impl Event {\n");
    out.push_str(
        "    /// Names of all events that have a variant, sorted.\n    pub const KINDS: &'static [&'static str] = &[\n",
    );
    for (name, _) in payloads {
        emit!(out, "        {name:?},\n");
    }
    out.push_str("    ];\n\n");

    out.push_str("    /// Parses `text` as the event `kind`; `None` where no variant has that name.\n    pub(crate) fn parse_kind(kind: &str, text: &str) -> Option<serde_json::Result<Self>> {\n        Some(match kind {\n");
    for (name, _) in payloads {
        emit!(out, "            {name:?} => serde_json::from_str(text).map(Self::{name}),\n");
    }
    out.push_str("            _ => return None,\n        })\n    }\n\n");

    out.push_str("    /// The event's name, as Asterisk writes it in `type`.\n    pub fn kind(&self) -> &str {\n        match self {\n");
    for (name, _) in payloads {
        emit!(out, "            Self::{name}(_) => {name:?},\n");
    }
    out.push_str("            Self::Unknown(event) => &event.kind,\n        }\n    }\n\n");

    getter(
        &mut out,
        payloads,
        "application",
        "The application that the event was sent to; `None` for an unknown event.",
        "&str",
        "application",
        |_| "Some(&event.application)".to_owned(),
    );
    getter(
        &mut out,
        payloads,
        "timestamp",
        "When it happened, by Asterisk's clock.",
        "DateTime<Utc>",
        "timestamp",
        |_| "event.timestamp".to_owned(),
    );
    getter(
        &mut out,
        payloads,
        "asterisk_id",
        "The Asterisk that sent it (its `entityid`).",
        "&str",
        "asterisk_id",
        |_| "event.asterisk_id.as_deref()".to_owned(),
    );
    for (field, model) in [("channel", "Channel"), ("bridge", "Bridge")] {
        getter(
            &mut out,
            payloads,
            field,
            &format!("The payload's field `{field}`, where there is one."),
            &format!("&{model}"),
            field,
            |described| {
                if described.required { format!("Some(&event.{field})") } else { format!("event.{field}.as_deref()") }
            },
        );
    }
    for (function, model) in [("for_each_channel", "Channel"), ("for_each_bridge", "Bridge")] {
        emit!(
            out,
            "    /// Calls `visit` with every `{model}` that stands directly in the payload.\n    pub fn {function}<'a>(&'a self, mut visit: impl FnMut(&'a {model})) {{\n        match self {{\n"
        );
        for (name, fields) in payloads {
            let mut arm = String::new();
            for (field_name_on_wire, field) in fields.iter().filter(|(_, field)| field.data_type == model) {
                let field_name = field_name(field_name_on_wire);
                if field.required {
                    emit!(arm, "visit(&event.{field_name});");
                } else {
                    emit!(arm, "if let Some(found) = event.{field_name}.as_deref() {{ visit(found); }}");
                }
            }
            if !arm.is_empty() {
                emit!(out, "            Self::{name}(event) => {{ {arm} }}\n");
            }
        }
        out.push_str("            _ => {}\n        }\n    }\n\n");
    }
    out.push_str("    /// The event as JSON, with its `type`.\n    pub fn to_json(&self) -> serde_json::Result<Box<RawValue>> {\n        match self {\n");
    for (name, _) in payloads {
        emit!(out, "            Self::{name}(event) => crate::event::tagged({name:?}, event),\n");
    }
    out.push_str("            Self::Unknown(event) => Ok(event.raw.clone()),\n        }\n    }\n}\n\n");
    for (name, _) in payloads {
        emit!(
            out,
            "impl From<payload::{name}> for Event {{\n    fn from({}: payload::{name}) -> Self {{\n        Self::{name}({})\n    }}\n}}\n\n",
            snake_case(name),
            snake_case(name)
        );
    }
    out
}

/// A method that reads one field of whichever payload has it.
fn getter(
    out: &mut String,
    payloads: &[Payload<'_>],
    function: &str,
    doc: &str,
    returns: &str,
    field: &str,
    read: impl Fn(&Field) -> String,
) {
    emit!(out, "    /// {doc}\n    pub fn {function}(&self) -> Option<{returns}> {{\n        match self {{\n");
    let mut everywhere = true;
    for (name, fields) in payloads {
        match fields.get(field) {
            Some(described) => emit!(out, "            Self::{name}(event) => {},\n", read(described)),
            None => everywhere = false,
        }
    }
    let rest = if everywhere { "Self::Unknown(_)" } else { "_" };
    emit!(out, "            {rest} => None,\n        }}\n    }}\n\n");
}

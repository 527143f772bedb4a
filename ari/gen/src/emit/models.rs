//! `models/RESOURCE.rs`: one struct per model. Events have files of their own.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::values::{Enums, field_enum_source};
use super::{GeneratedFile, file, list_item};
use crate::names::{field_enum, field_name, snake_case};
use crate::swagger::{Api, Field, Model};

/// Models whose `Debug` is written by hand because a field may hold a password.
const DEBUG_BY_HAND: &[&str] = &["ConfigTuple"];

/// The files of `models/`.
pub(super) fn files(api: &Api, _enums: &Enums) -> Result<Vec<GeneratedFile>> {
    let events: BTreeSet<&str> = api.events().into_iter().collect();
    let mut files = Vec::new();
    let mut module = String::from("//! The models, one file per resource of the api-docs.\n\n");
    let mut exports = String::new();
    for resource in &api.resources {
        let own: Vec<(&String, &Model)> =
            resource.models.iter().filter(|(name, _)| !events.contains(name.as_str())).collect();
        if own.is_empty() {
            continue;
        }
        let name = snake_case(&resource.name);
        let mut body = format!("//! Models of the resource `{}`.\n\n", resource.name);
        body.push_str("use serde::{Deserialize, Serialize};\n\n");
        let mut uses = BTreeSet::new();
        let mut structs = String::new();
        for (model_name, model) in own {
            structs.push_str(&model_source(api, model_name, model, &mut uses)?);
        }
        uses.retain(|used| !resource.models.contains_key(used));
        if !uses.is_empty() {
            let list: Vec<String> = uses.into_iter().collect();
            emit!(body, "use crate::generated::models::{{{}}};\n\n", list.join(", "));
        }
        body.push_str(&structs);
        files.push(file(&format!("models/{name}.rs"), &body));
        emit!(module, "mod {name};\n");
        emit!(exports, "pub use {name}::*;\n");
    }
    module.push('\n');
    module.push_str(&exports);
    module.push_str("\n#[doc(no_inline)]\npub use super::events::payload::*;\n");
    files.push(file("models/mod.rs", &module));
    Ok(files)
}

fn model_source(api: &Api, name: &str, model: &Model, uses: &mut BTreeSet<String>) -> Result<String> {
    let derives = if DEBUG_BY_HAND.contains(&name) {
        "Clone, Default, PartialEq, Deserialize, Serialize"
    } else {
        "Debug, Clone, Default, PartialEq, Deserialize, Serialize"
    };
    let fields: Vec<(&str, &Field)> = all_fields(api, name, model);
    let mut enums = String::new();
    let mut out = format!("/// The model `{name}`.\n#[derive({derives})]\n#[non_exhaustive]\npub struct {name} {{\n");
    for (field_name, field) in fields {
        out.push_str(&field_source(api, name, field_name, field, uses)?);
        if !field.values.is_empty() {
            enums.push_str(&field_enum_source(name, field_name, &field.values));
        }
    }
    out.push_str("}\n\n");
    out.push_str(&enums);
    Ok(out)
}

/// A model's own fields and those of the models that it extends.
fn all_fields<'a>(api: &'a Api, name: &str, model: &'a Model) -> Vec<(&'a str, &'a Field)> {
    let models = api.models();
    let mut fields: Vec<(&str, &Field)> = model.fields.iter().map(|(name, field)| (name.as_str(), field)).collect();
    for (parent_name, (_, parent)) in &models {
        if parent.sub_types.iter().any(|sub| sub == name) {
            for (field_name, field) in all_fields(api, parent_name, parent) {
                if !fields.iter().any(|(known, _)| *known == field_name) {
                    fields.push((field_name, field));
                }
            }
        }
    }
    fields
}

/// One field with its doc line and serde attributes. What Asterisk may leave out never breaks parsing: required text
/// and lists become empty, the rest is an `Option`.
pub(super) fn field_source(
    api: &Api,
    model: &str,
    name: &str,
    field: &Field,
    uses: &mut BTreeSet<String>,
) -> Result<String> {
    let rust_name = field_name(name);
    let mut attributes = Vec::new();
    if rust_name != name {
        attributes.push(format!("rename = {name:?}"));
    }
    attributes.push("default".to_owned());
    let kind = rust_type(api, model, name, field)?;
    if let Some(used) = kind.uses {
        uses.insert(used);
    }
    if let Some(deserializer) = kind.deserializer {
        attributes.push(format!("deserialize_with = \"crate::lenient::{deserializer}\""));
    }
    if kind.rust.starts_with("Option<") {
        attributes.push("skip_serializing_if = \"Option::is_none\"".to_owned());
    }
    let presence = if field.required { "always sent, say the api-docs" } else { "not always sent" };
    let doc = format!("`{name}`: `{}`, {presence}.", field.data_type);
    Ok(format!("    /// {doc}\n    #[serde({})]\n    pub {rust_name}: {},\n", attributes.join(", "), kind.rust))
}

struct RustType {
    rust: String,
    deserializer: Option<&'static str>,
    uses: Option<String>,
}

fn rust_type(api: &Api, model: &str, name: &str, field: &Field) -> Result<RustType> {
    let plain = |rust: &str| {
        if field.required {
            RustType { rust: rust.to_owned(), deserializer: Some("or_default"), uses: None }
        } else {
            RustType { rust: format!("Option<{rust}>"), deserializer: None, uses: None }
        }
    };
    if !field.values.is_empty() {
        return Ok(plain(&field_enum(model, name)));
    }
    Ok(match field.data_type.as_str() {
        "string" => plain("String"),
        "int" | "long" => plain("i64"),
        "double" | "float" => plain("f64"),
        "boolean" => plain("bool"),
        "object" | "containers" => RustType {
            rust: "serde_json::Map<String, serde_json::Value>".to_owned(),
            deserializer: Some("or_default"),
            uses: None,
        },
        "Date" => RustType {
            rust: "Option<chrono::DateTime<chrono::Utc>>".to_owned(),
            deserializer: Some("timestamp"),
            uses: None,
        },
        other => match list_item(other) {
            Some("string") => RustType { rust: "Vec<String>".to_owned(), deserializer: Some("or_default"), uses: None },
            Some("object") => {
                RustType { rust: "Vec<serde_json::Value>".to_owned(), deserializer: Some("or_default"), uses: None }
            }
            Some(item) => {
                known(api, item)?;
                RustType { rust: format!("Vec<{item}>"), deserializer: Some("or_default"), uses: Some(item.to_owned()) }
            }
            None => {
                known(api, other)?;
                let uses = Some(other.to_owned());
                if field.required {
                    RustType { rust: other.to_owned(), deserializer: Some("or_default"), uses }
                } else {
                    RustType { rust: format!("Option<Box<{other}>>"), deserializer: None, uses }
                }
            }
        },
    })
}

fn known(api: &Api, model: &str) -> Result<()> {
    if !api.models().contains_key(model) {
        bail!("the api-docs name the type {model:?}, which is neither a model nor a type that the generator knows");
    }
    Ok(())
}

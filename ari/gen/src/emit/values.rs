//! Enums for the lists of allowed values.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::names::{field_enum, parameter_enum, variant_name};
use crate::swagger::Api;

/// All enums, by name.
pub(super) struct Enums {
    parameters: BTreeMap<String, (Vec<String>, Vec<String>)>,
}

impl Enums {
    /// Gathers the enums of parameters and checks that each name stands for one list of values.
    pub(super) fn collect(api: &Api) -> Result<Self> {
        let mut parameters: BTreeMap<String, (Vec<String>, Vec<String>)> = BTreeMap::new();
        for resource in &api.resources {
            for operation in &resource.operations {
                for parameter in operation.parameters.iter().filter(|parameter| !parameter.values.is_empty()) {
                    let name = parameter_enum(&operation.nickname, &parameter.name);
                    let user = format!("`{} {}`", operation.method, operation.path);
                    let entry =
                        parameters.entry(name.clone()).or_insert_with(|| (parameter.values.clone(), Vec::new()));
                    if entry.0 != parameter.values {
                        bail!("two lists of values would share the name {name}: give one of them another name");
                    }
                    if !entry.1.contains(&user) {
                        entry.1.push(user);
                    }
                }
            }
        }
        Ok(Self { parameters })
    }

    /// `values.rs`: what parameters may say.
    pub(super) fn parameter_source(&self) -> String {
        let mut out = String::from("//! Values that parameters of operations may take.\n\n");
        for (name, (values, users)) in &self.parameters {
            emit!(
                out,
                "/// A value for {}.\n#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]\n#[non_exhaustive]\npub enum {name} {{\n",
                users.join(", ")
            );
            for value in values {
                emit!(out, "    /// `{value}`\n    {},\n", variant_name(value));
            }
            out.push_str("}\n\n");
            emit!(
                out,
                "impl {name} {{\n    /// The word on the wire.\n    pub const fn as_str(self) -> &'static str {{\n        match self {{\n"
            );
            for value in values {
                emit!(out, "            Self::{} => {value:?},\n", variant_name(value));
            }
            out.push_str("        }\n    }\n}\n\n");
            emit!(
                out,
                "impl std::fmt::Display for {name} {{\n    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{\n        f.write_str(self.as_str())\n    }}\n}}\n\n"
            );
        }
        out
    }
}

/// The enum of one model's field: known words and `Other` for what a later Asterisk may say.
pub(super) fn field_enum_source(model: &str, field: &str, values: &[String]) -> String {
    let name = field_enum(model, field);
    let mut out = format!(
        "/// What `{model}.{field}` may say.\n#[derive(Debug, Clone, PartialEq, Eq, Hash)]\n#[non_exhaustive]\npub enum {name} {{\n"
    );
    for value in values {
        emit!(out, "    /// `{value}`\n    {},\n", variant_name(value));
    }
    out.push_str("    /// A word that the api-docs did not list; empty where Asterisk left the field out.\n    Other(String),\n}\n\n");
    emit!(
        out,
        "impl {name} {{\n    /// The word on the wire.\n    pub fn as_str(&self) -> &str {{\n        match self {{\n"
    );
    for value in values {
        emit!(out, "            Self::{} => {value:?},\n", variant_name(value));
    }
    out.push_str("            Self::Other(word) => word,\n        }\n    }\n}\n\n");
    emit!(out, "impl From<&str> for {name} {{\n    fn from(word: &str) -> Self {{\n        match word {{\n");
    for value in values {
        emit!(out, "            {value:?} => Self::{},\n", variant_name(value));
    }
    out.push_str("            other => Self::Other(other.to_owned()),\n        }\n    }\n}\n\n");
    emit!(out, "crate::lenient::word_enum!({name});\n\n");
    out
}

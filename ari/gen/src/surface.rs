//! The api-docs as a set of lines, one per thing that generated code depends on. Two versions are compared by
//! comparing the sets: a line that is gone was removed or changed, a line that is new was added.

use std::collections::BTreeSet;

use crate::swagger::{Api, Place};

/// Every operation, parameter, model, field, value and event, sorted.
pub fn lines(api: &Api) -> Vec<String> {
    let mut lines = BTreeSet::new();
    for resource in &api.resources {
        for operation in &resource.operations {
            let name = format!("{}.{}", resource.name, operation.nickname);
            lines.insert(format!("operation {name} {} {} -> {}", operation.method, operation.path, operation.response));
            for parameter in &operation.parameters {
                let place = match parameter.place {
                    Place::Path => "path",
                    Place::Query => "query",
                    Place::Body => "body",
                };
                let required = if parameter.required { "required" } else { "optional" };
                let list = if parameter.multiple { " list" } else { "" };
                lines.insert(format!(
                    "parameter {name} {} {place} {}{list} {required}",
                    parameter.name, parameter.data_type
                ));
                for value in &parameter.values {
                    lines.insert(format!("value {name} {} {value}", parameter.name));
                }
            }
        }
        for (name, model) in &resource.models {
            lines.insert(format!("model {name}"));
            for (field_name, field) in &model.fields {
                // Whether a field is required is left out: parsing does not depend on it.
                lines.insert(format!("field {name}.{field_name} {}", field.data_type));
                for value in &field.values {
                    lines.insert(format!("value {name}.{field_name} {value}"));
                }
            }
        }
    }
    for event in api.events() {
        lines.insert(format!("event {event}"));
    }
    lines.into_iter().collect()
}

/// What an installed Asterisk's api-docs have that the generated code does not know, and the other way round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// Generated, but gone or changed there: code may fail against that Asterisk.
    pub missing: Vec<String>,
    /// New there, or the new form of something changed: worth a regeneration, breaks nothing.
    pub added: Vec<String>,
}

/// Compares the generated surface with `api`.
pub fn drift(generated: &[&str], api: &Api) -> Drift {
    let installed = lines(api);
    let there: BTreeSet<&str> = installed.iter().map(String::as_str).collect();
    let here: BTreeSet<&str> = generated.iter().copied().collect();
    Drift {
        missing: here.difference(&there).map(|line| (*line).to_owned()).collect(),
        added: there.difference(&here).map(|line| (*line).to_owned()).collect(),
    }
}

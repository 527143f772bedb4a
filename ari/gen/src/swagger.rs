//! The api-docs as Asterisk ships them: Swagger 1.1/1.2 resource listings, one JSON file per resource.
//!
//! Only what the generator needs is read. Prose (`description`, `summary`, `notes`) is left out on purpose: it is
//! covered by Asterisk's licence, and the documentation that we generate is made from names and types.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// All resources of one Asterisk, in the order of their names.
#[derive(Debug, Clone, PartialEq)]
pub struct Api {
    /// One entry per api-docs file.
    pub resources: Vec<Resource>,
}

/// One api-docs file, e.g. `channels.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// The file's stem: `channels`, `deviceStates` …
    pub name: String,
    /// Its operations, in the order of the file.
    pub operations: Vec<Operation>,
    /// Its models by name.
    pub models: BTreeMap<String, Model>,
}

/// One HTTP operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// Path below the ARI root, e.g. `/channels/{channelId}`.
    pub path: String,
    /// The name that Asterisk gives it, e.g. `originateWithId`.
    pub nickname: String,
    /// `void`, `binary`, a model or `List[model]`.
    pub response: String,
    /// Releases in which it first appeared, one per branch.
    pub since: Vec<String>,
    /// True for `GET /events`, which is a WebSocket upgrade and no plain request.
    pub upgrade: bool,
    /// Parameters in the order of the file.
    pub parameters: Vec<Parameter>,
    /// Documented error statuses, sorted.
    pub errors: Vec<u16>,
}

/// Where a parameter travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// A segment of the path.
    Path,
    /// The query string.
    Query,
    /// The JSON body.
    Body,
}

/// One parameter of an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Name on the wire.
    pub name: String,
    /// Where it travels.
    pub place: Place,
    /// `string`, `int`, `long`, `boolean`, `containers`, `object`.
    pub data_type: String,
    /// Must be given; a path parameter always must.
    pub required: bool,
    /// A comma-separated list.
    pub multiple: bool,
    /// The values allowed, if the api-docs list them.
    pub values: Vec<String>,
}

/// One model: an answer's body, a part of one, or an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Names of the models that extend this one (`Message` and `Event` have some).
    pub sub_types: Vec<String>,
    /// Fields in the order of their names.
    pub fields: BTreeMap<String, Field>,
}

/// One field of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// `string`, `int`, `Date`, `List[Channel]` …
    pub data_type: String,
    /// What the api-docs say; Asterisk leaves some of these out all the same.
    pub required: bool,
    /// The values allowed, if the api-docs list them.
    pub values: Vec<String>,
}

impl Api {
    /// Reads every resource that `resources.json` lists. `folder` holds it; the api-docs lie beside it or in its
    /// sub-folder `api-docs`.
    pub fn load(folder: &Path) -> Result<Self> {
        let listing: raw::Listing = read_json(&folder.join("resources.json"))?;
        let mut resources = Vec::new();
        for entry in &listing.apis {
            let name = entry
                .path
                .rsplit('/')
                .next()
                .and_then(|file| file.strip_suffix(".{format}"))
                .with_context(|| format!("resources.json lists {:?}, expected …/NAME.{{format}}", entry.path))?;
            let path = [folder.join("api-docs"), folder.to_owned()]
                .into_iter()
                .map(|place| place.join(format!("{name}.json")))
                .find(|path| path.is_file())
                .with_context(|| format!("{name}.json is listed in resources.json but not beside it"))?;
            let document: raw::Document = read_json(&path)?;
            resources.push(document.into_resource(name));
        }
        if resources.is_empty() {
            bail!("{} lists no resources", folder.join("resources.json").display());
        }
        resources.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { resources })
    }

    /// Every model with the resource that it stands in, by name.
    pub fn models(&self) -> BTreeMap<&str, (&Resource, &Model)> {
        self.resources
            .iter()
            .flat_map(|resource| resource.models.iter().map(move |(name, model)| (name.as_str(), (resource, model))))
            .collect()
    }

    /// Names of the events (the sub-types of `Event`), sorted.
    pub fn events(&self) -> Vec<&str> {
        let mut events: Vec<&str> = self
            .models()
            .get("Event")
            .map(|(_, model)| model.sub_types.iter().map(String::as_str).collect())
            .unwrap_or_default();
        events.sort_unstable();
        events
    }

    /// Number of operations over all resources.
    pub fn operation_count(&self) -> usize {
        self.resources.iter().map(|resource| resource.operations.len()).sum()
    }
}

/// The folder with `resources.json` somewhere below an installed prefix, searched breadth first, at most eight
/// levels deep. Symbolic links are not followed.
pub fn find_api_docs(prefix: &Path) -> Option<PathBuf> {
    let mut level = vec![prefix.to_owned()];
    for _ in 0..8 {
        let mut next = Vec::new();
        for folder in level {
            let is_api = folder.join("resources.json").is_file()
                && (folder.join("channels.json").is_file() || folder.join("api-docs/channels.json").is_file());
            if is_api {
                return Some(folder);
            }
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            next.extend(
                entries
                    .filter_map(Result::ok)
                    .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                    .map(|entry| entry.path()),
            );
        }
        next.sort();
        level = next;
    }
    None
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not an api-docs file", path.display()))
}

/// The files' own shape, forgiving about what is missing.
mod raw {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::Value;

    use super::{Field, Model, Operation, Parameter, Place, Resource};

    #[derive(Deserialize)]
    pub(super) struct Listing {
        pub(super) apis: Vec<ListingEntry>,
    }

    #[derive(Deserialize)]
    pub(super) struct ListingEntry {
        pub(super) path: String,
    }

    #[derive(Deserialize)]
    pub(super) struct Document {
        #[serde(default)]
        apis: Vec<RawApi>,
        #[serde(default)]
        models: BTreeMap<String, RawModel>,
    }

    #[derive(Deserialize)]
    struct RawApi {
        path: String,
        #[serde(default)]
        operations: Vec<RawOperation>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct RawOperation {
        http_method: String,
        nickname: String,
        response_class: String,
        #[serde(default)]
        since: Vec<String>,
        upgrade: Option<String>,
        #[serde(default)]
        parameters: Vec<RawParameter>,
        #[serde(default)]
        error_responses: Vec<RawError>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct RawParameter {
        name: String,
        param_type: Place,
        data_type: String,
        #[serde(default)]
        required: bool,
        #[serde(default)]
        allow_multiple: bool,
        allowable_values: Option<RawValues>,
    }

    /// A status: a number, in two places of the api-docs a string.
    #[derive(Deserialize)]
    struct RawError {
        code: Value,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct RawValues {
        #[serde(default)]
        values: Vec<String>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct RawModel {
        #[serde(default)]
        sub_types: Vec<String>,
        #[serde(default)]
        properties: BTreeMap<String, RawField>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct RawField {
        r#type: String,
        #[serde(default)]
        required: bool,
        allowable_values: Option<RawValues>,
    }

    fn listed(values: Option<RawValues>) -> Vec<String> {
        values.map(|values| values.values).unwrap_or_default()
    }

    impl Document {
        pub(super) fn into_resource(self, name: &str) -> Resource {
            let operations = self
                .apis
                .into_iter()
                .flat_map(|api| {
                    let path = api.path;
                    api.operations.into_iter().map(move |operation| operation.into_operation(path.clone()))
                })
                .collect();
            let models = self.models.into_iter().map(|(name, model)| (name, model.into_model())).collect();
            Resource { name: name.to_owned(), operations, models }
        }
    }

    impl RawOperation {
        fn into_operation(self, path: String) -> Operation {
            let mut errors: Vec<u16> = self
                .error_responses
                .iter()
                .filter_map(|error| match &error.code {
                    Value::Number(code) => code.as_u64().and_then(|code| u16::try_from(code).ok()),
                    Value::String(code) => code.parse().ok(),
                    _ => None,
                })
                .collect();
            errors.sort_unstable();
            errors.dedup();
            let mut since = self.since;
            since.sort_by_key(|version| version.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>());
            Operation {
                method: self.http_method,
                path,
                nickname: self.nickname,
                response: self.response_class,
                since,
                upgrade: self.upgrade.as_deref() == Some("websocket"),
                parameters: self
                    .parameters
                    .into_iter()
                    .map(|parameter| Parameter {
                        required: parameter.required || parameter.param_type == Place::Path,
                        name: parameter.name,
                        place: parameter.param_type,
                        data_type: parameter.data_type,
                        multiple: parameter.allow_multiple,
                        values: listed(parameter.allowable_values),
                    })
                    .collect(),
                errors,
            }
        }
    }

    impl RawModel {
        fn into_model(self) -> Model {
            let fields = self
                .properties
                .into_iter()
                .map(|(name, field)| {
                    let values = listed(field.allowable_values);
                    (name, Field { data_type: field.r#type, required: field.required, values })
                })
                .collect();
            Model { sub_types: self.sub_types, fields }
        }
    }
}

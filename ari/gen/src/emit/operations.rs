//! `operations/RESOURCE.rs`: for each operation a function that makes the request (pure, so that a state machine can
//! speak in requests), a struct for its optional parameters, and a method of the client's group that sends it.

use anyhow::{Result, bail};

use super::values::Enums;
use super::{GeneratedFile, file, list_item, since};
use crate::names::{field_name, function_name, parameter_enum, pascal_case, snake_case};
use crate::swagger::{Api, Operation, Parameter, Place, Resource};

/// The files of `operations/`.
pub(super) fn files(api: &Api, _enums: &Enums) -> Result<Vec<GeneratedFile>> {
    let mut files = Vec::new();
    let mut module = String::from("//! The operations, one file per resource of the api-docs.\n\n");
    let mut groups = String::from("impl crate::Client {\n");
    for resource in &api.resources {
        let name = snake_case(&resource.name);
        files.extend(resource_files(api, resource, &name)?);
        emit!(module, "pub mod {name};\n");
        emit!(
            groups,
            "    /// Operations of the resource `{}`.\n    pub fn {name}(&self) -> {name}::{}<'_> {{\n        {name}::{}::new(self)\n    }}\n\n",
            resource.name,
            pascal_case(&resource.name),
            pascal_case(&resource.name)
        );
    }
    groups.push_str("}\n");
    files.push(file("operations/mod.rs", &format!("{module}\n{groups}")));
    Ok(files)
}

/// A resource with more operations than this gets a folder: the group, the parameters, the requests.
const OPERATIONS_PER_FILE: usize = 15;

fn resource_files(api: &Api, resource: &Resource, name: &str) -> Result<Vec<GeneratedFile>> {
    let mut functions = String::new();
    let mut structs = String::new();
    let mut methods = String::new();
    for operation in &resource.operations {
        functions.push_str(&function_source(api, operation)?);
        structs.push_str(&parameters_source(operation)?);
        methods.push_str(&method_source(api, operation)?);
    }
    let group = pascal_case(&resource.name);
    let group_source = format!(
        "/// Sends operations of the resource `{}`; got from [`Client`].\n#[derive(Debug, Clone, Copy)]\npub struct {group}<'a> {{\n    client: &'a Client,\n}}\n\n\
         impl<'a> {group}<'a> {{\n    pub(crate) const fn new(client: &'a Client) -> Self {{\n        Self {{ client }}\n    }}\n\n{methods}}}\n\n",
        resource.name
    );
    let about = |what: &str| format!("//! {what} of the resource `{}`.\n\n", resource.name);
    if resource.operations.len() <= OPERATIONS_PER_FILE {
        let body = format!("{group_source}{structs}{functions}");
        let text = format!("{}{}{body}", about("Operations"), imports(&body));
        return Ok(vec![file(&format!("operations/{name}.rs"), &text)]);
    }
    let modules = "mod params;\nmod requests;\n\n";
    let exports = "pub use params::*;\npub use requests::*;\n\n";
    let group_text = format!("{}{modules}{}{exports}{group_source}", about("Operations"), imports(&group_source));
    let params_text = format!("{}{}{structs}", about("Optional parameters"), imports(&structs));
    let with_params = resource.operations.iter().filter(|operation| has_options(operation));
    let params: Vec<String> = with_params.map(struct_name).collect();
    let requests_text = format!(
        "{}{}use super::params::{{{}}};\n\n{functions}",
        about("Requests"),
        imports(&functions),
        params.join(", ")
    );
    Ok(vec![
        file(&format!("operations/{name}/mod.rs"), &group_text),
        file(&format!("operations/{name}/params.rs"), &params_text),
        file(&format!("operations/{name}/requests.rs"), &requests_text),
    ])
}

/// The imports that `body` needs.
fn imports(body: &str) -> String {
    let mut out = String::new();
    for (word, import) in [
        ("Future<", "use std::future::Future;\n\n"),
        ("body::", "use crate::body;\n"),
        ("model::", "use crate::generated::models as model;\n"),
        ("values::", "use crate::generated::values;\n"),
        ("Request::", "use crate::request::{Method, Path, Request};\n"),
        ("Client", "use crate::{Client, Error};\n"),
    ] {
        if body.contains(word) {
            out.push_str(import);
        }
    }
    out.push('\n');
    out
}

fn struct_name(operation: &Operation) -> String {
    pascal_case(&operation.nickname)
}

fn optional(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation.parameters.iter().filter(|parameter| !parameter.required)
}

fn required(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation.parameters.iter().filter(|parameter| parameter.required)
}

fn has_options(operation: &Operation) -> bool {
    optional(operation).next().is_some()
}

/// `channel_id: &str, endpoint: &str, params: OriginateWithId`
fn arguments(operation: &Operation) -> Result<String> {
    let mut arguments = Vec::new();
    for parameter in required(operation) {
        arguments.push(format!("{}: {}", field_name(&parameter.name), argument_type(operation, parameter)?));
    }
    if has_options(operation) {
        arguments.push(format!("params: {}", struct_name(operation)));
    }
    Ok(arguments.join(", "))
}

fn argument_type(operation: &Operation, parameter: &Parameter) -> Result<String> {
    if parameter.place == Place::Body {
        return Ok(format!("&{}", body_type(operation, parameter)?));
    }
    if !parameter.values.is_empty() {
        return Ok(format!("values::{}", parameter_enum(&operation.nickname, &parameter.name)));
    }
    Ok(match (parameter.data_type.as_str(), parameter.multiple) {
        ("string", true) => "&[&str]".to_owned(),
        ("string", false) => "&str".to_owned(),
        ("int" | "long", false) => "i64".to_owned(),
        ("boolean", false) => "bool".to_owned(),
        (other, _) => bail!("{}: parameter {} has the unknown type {other}", operation.nickname, parameter.name),
    })
}

/// The JSON body's type: what it holds is known from the parameter's name.
fn body_type(operation: &Operation, parameter: &Parameter) -> Result<&'static str> {
    Ok(match (operation.nickname.as_str(), parameter.name.as_str(), parameter.data_type.as_str()) {
        ("userEvent", "variables", _) | (_, "filter", "object") => "serde_json::Map<String, serde_json::Value>",
        (_, "variables", "containers") => "body::Variables",
        (_, "fields", "containers") => "[model::ConfigTuple]",
        (nickname, name, data_type) => {
            bail!("{nickname}: body {name} has the unknown type {data_type}")
        }
    })
}

fn body_call(operation: &Operation, parameter: &Parameter) -> &'static str {
    match (operation.nickname.as_str(), parameter.name.as_str()) {
        ("userEvent", _) => "body::user_event",
        (_, "filter") => "body::filter",
        (_, "fields") => "body::fields",
        _ if operation.path.starts_with("/bridges") => "body::bridge_variables",
        _ => "body::variables",
    }
}

fn response_type(api: &Api, operation: &Operation) -> Result<(String, &'static str)> {
    if operation.upgrade {
        return Ok(("()".to_owned(), "empty"));
    }
    Ok(match operation.response.as_str() {
        "void" => ("()".to_owned(), "empty"),
        "binary" => ("bytes::Bytes".to_owned(), "binary"),
        other => {
            let model = list_item(other).unwrap_or(other);
            if !api.models().contains_key(model) {
                bail!("{}: the answer's type {other} is no model", operation.nickname);
            }
            let rust =
                if list_item(other).is_some() { format!("Vec<model::{model}>") } else { format!("model::{model}") };
            (rust, "json")
        }
    })
}

fn errors(operation: &Operation) -> String {
    if operation.errors.is_empty() {
        return String::new();
    }
    let codes: Vec<String> = operation.errors.iter().map(u16::to_string).collect();
    format!(" Documented errors: {}.", codes.join(", "))
}

fn function_source(api: &Api, operation: &Operation) -> Result<String> {
    let (answer, kind) = response_type(api, operation)?;
    let purpose = if operation.upgrade { " Opens the event WebSocket; not sent as a plain request." } else { "" };
    let mut out = format!(
        "/// The request `{} {}`.{purpose}{}{}\npub fn {}({}) -> Request<{answer}> {{\n",
        operation.method,
        operation.path,
        since(&operation.since),
        errors(operation),
        function_name(&operation.nickname),
        arguments(operation)?
    );
    let mut path = String::from("Path::new()");
    for segment in operation.path.trim_matches('/').split('/') {
        if let Some(name) = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}')) {
            emit!(path, ".segment({})", field_name(name));
        } else {
            emit!(path, ".literal({segment:?})");
        }
    }
    let method = pascal_case(&operation.method.to_lowercase());
    let mut beside_path = operation.parameters.iter().filter(|parameter| parameter.place != Place::Path).peekable();
    if beside_path.peek().is_none() {
        emit!(out, "    Request::{kind}(Method::{method}, {path})\n}}\n\n");
        return Ok(out);
    }
    if has_options(operation) {
        let names: Vec<String> = optional(operation).map(|parameter| field_name(&parameter.name)).collect();
        emit!(out, "    let {} {{ {} }} = params;\n", struct_name(operation), names.join(", "));
    }
    emit!(out, "    let mut request = Request::{kind}(Method::{method}, {path});\n");
    for parameter in beside_path {
        let name = field_name(&parameter.name);
        let statement = |value: &str, reference: &str| {
            if parameter.place == Place::Body {
                format!("request.set_body({}({reference}{value}));", body_call(operation, parameter))
            } else if parameter.multiple {
                format!("request.add_list({:?}, {reference}{value});", parameter.name)
            } else {
                format!("request.add({:?}, {value});", parameter.name)
            }
        };
        if parameter.required {
            emit!(out, "    {}\n", statement(&name, ""));
        } else {
            emit!(out, "    if let Some(value) = {name} {{ {} }}\n", statement("value", "&"));
        }
    }
    out.push_str("    request\n}\n\n");
    Ok(out)
}

fn parameters_source(operation: &Operation) -> Result<String> {
    if !has_options(operation) {
        return Ok(String::new());
    }
    let name = struct_name(operation);
    let function = function_name(&operation.nickname);
    let mut fields = String::new();
    let mut setters = String::new();
    for parameter in optional(operation) {
        let field = field_name(&parameter.name);
        let (stored, accepted, stores) = option_type(operation, parameter)?;
        let words =
            if parameter.values.is_empty() { String::new() } else { format!(": {}", quoted(&parameter.values)) };
        let doc = format!("`{}` ({}){words}.", parameter.name, parameter.data_type);
        emit!(fields, "    /// {doc}\n    pub {field}: Option<{stored}>,\n");
        emit!(
            setters,
            "    /// Sets `{}`.\n    #[must_use]\n    pub fn {field}(mut self, {field}: {accepted}) -> Self {{\n        self.{field} = Some({});\n        self\n    }}\n\n",
            parameter.name,
            stores.replace("VALUE", &field)
        );
    }
    let all_small = optional(operation)
        .all(|parameter| !parameter.multiple && (!parameter.values.is_empty() || !is_on_heap(&parameter.data_type)));
    let copy = if all_small { ", Copy" } else { "" };
    Ok(format!(
        "/// Optional parameters of `{function}`.\n#[derive(Debug, Clone{copy}, Default, PartialEq)]\n#[non_exhaustive]\npub struct {name} {{\n{fields}}}\n\nimpl {name} {{\n{setters}}}\n\n"
    ))
}

/// Text and bodies, unlike numbers and the words of an enum.
fn is_on_heap(data_type: &str) -> bool {
    !matches!(data_type, "int" | "long" | "boolean")
}

fn quoted(values: &[String]) -> String {
    values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
}

/// How an optional parameter is stored, what its setter takes, and how one becomes the other.
fn option_type(operation: &Operation, parameter: &Parameter) -> Result<(String, String, &'static str)> {
    if parameter.place == Place::Body {
        return Ok(match body_type(operation, parameter)? {
            "[model::ConfigTuple]" => (
                "Vec<model::ConfigTuple>".to_owned(),
                "impl IntoIterator<Item = model::ConfigTuple>".to_owned(),
                "VALUE.into_iter().collect()",
            ),
            plain => (plain.to_owned(), format!("impl Into<{plain}>"), "VALUE.into()"),
        });
    }
    if !parameter.values.is_empty() {
        let name = format!("values::{}", parameter_enum(&operation.nickname, &parameter.name));
        return Ok(if parameter.multiple {
            (format!("Vec<{name}>"), format!("impl IntoIterator<Item = {name}>"), "VALUE.into_iter().collect()")
        } else {
            (name.clone(), name, "VALUE")
        });
    }
    Ok(match (parameter.data_type.as_str(), parameter.multiple) {
        ("string", false) => ("String".to_owned(), "impl Into<String>".to_owned(), "VALUE.into()"),
        ("string", true) => (
            "Vec<String>".to_owned(),
            "impl IntoIterator<Item = impl Into<String>>".to_owned(),
            "VALUE.into_iter().map(Into::into).collect()",
        ),
        ("int" | "long", false) => ("i64".to_owned(), "i64".to_owned(), "VALUE"),
        ("boolean", false) => ("bool".to_owned(), "bool".to_owned(), "VALUE"),
        (other, _) => bail!("{}: parameter {} has the unknown type {other}", operation.nickname, parameter.name),
    })
}

fn method_source(api: &Api, operation: &Operation) -> Result<String> {
    if operation.upgrade {
        return Ok(String::new());
    }
    let (answer, _) = response_type(api, operation)?;
    let arguments = arguments(operation)?;
    let mut names: Vec<String> = required(operation).map(|parameter| field_name(&parameter.name)).collect();
    if has_options(operation) {
        names.push("params".to_owned());
    }
    let name = function_name(&operation.nickname);
    let separator = if arguments.is_empty() { "" } else { ", " };
    Ok(format!(
        "    /// `{} {}`.{}{}\n    pub fn {name}(&self{separator}{arguments}) -> impl Future<Output = Result<{answer}, Error>> + Send + use<> {{\n        self.client.execute({name}({}))\n    }}\n\n",
        operation.method,
        operation.path,
        since(&operation.since),
        errors(operation),
        names.join(", ")
    ))
}

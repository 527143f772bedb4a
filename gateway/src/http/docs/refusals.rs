//! The answers that any operation may give, whatever it is for: an operation's own list names what is particular to it.

use utoipa::openapi::path::Operation;
use utoipa::openapi::{ComponentsBuilder, ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};

use super::super::PROBLEM_JSON;

/// Status, name among the document's components, and what it means.
const REFUSALS: [(&str, &str, &str); 9] = [
    ("400", "Unreadable", "The request cannot be read"),
    ("401", "SignInFirst", "Not signed in"),
    ("403", "NotAllowed", "Not allowed, or sent by another site's page"),
    ("409", "InConflict", "The Idempotency-Key is in use, or was used for another request"),
    ("413", "TooLarge", "The body is too large"),
    ("415", "NotJson", "The body is not JSON"),
    ("422", "DoesNotFit", "The body does not fit; every field is named"),
    ("429", "TooMany", "Too many requests; Retry-After says when to come again"),
    ("503", "Unavailable", "A dependency is away; try again later"),
];

/// Adds them to each operation that may give them and does not speak of them itself.
pub(super) fn complete(document: &mut OpenApi) {
    let components = document.components.get_or_insert_with(|| ComponentsBuilder::new().build());
    for (_, name, meaning) in REFUSALS {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new().description(meaning).content(PROBLEM_JSON, content).build();
        components.responses.insert(name.to_owned(), RefOr::T(response));
    }
    for item in document.paths.paths.values_mut() {
        let reading = item.get.as_mut().map(|operation| (operation, false));
        let writing = [&mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        let writing = writing.into_iter().filter_map(|one| one.as_mut().map(|operation| (operation, true)));
        for (operation, writes) in reading.into_iter().chain(writing) {
            for (status, name, _) in REFUSALS {
                if may_give(operation, writes, status) {
                    let said = operation.responses.responses.entry(status.to_owned());
                    said.or_insert_with(|| RefOr::Ref(Ref::from_response_name(name)));
                }
            }
        }
    }
}

fn may_give(operation: &Operation, writes: bool, status: &str) -> bool {
    let permission = operation.extensions.as_ref().and_then(|all| all.get("x-permission"));
    let public = permission.is_some_and(|permission| permission == "public");
    let repeatable = operation.parameters.iter().flatten().any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.name.eq_ignore_ascii_case("idempotency-key"),
        RefOr::Ref(_) => false,
    });
    match status {
        "401" => !public,
        "403" => !public || writes,
        "409" => repeatable,
        "413" | "415" | "422" => operation.request_body.is_some(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn every_operation_names_what_it_may_answer() {
        let document = serde_json::to_value(crate::http::openapi()).unwrap();
        let answers = |path: &str, method: &str| -> Vec<String> {
            document["paths"][path][method]["responses"].as_object().unwrap().keys().cloned().collect()
        };
        assert_eq!(answers("/api/v1/queues", "get"), ["200", "400", "401", "403", "429", "503"]);
        assert_eq!(
            answers("/api/v1/auth/login", "post"),
            ["200", "400", "401", "403", "413", "415", "422", "429", "503"]
        );
        let own = &document["paths"]["/api/v1/auth/login"]["post"]["responses"]["401"];
        assert!(own["description"].is_string() && own["$ref"].is_null(), "what an operation says itself stays: {own}");
        let shared = document["paths"]["/api/v1/queues"]["get"]["responses"]["429"]["$ref"].as_str().unwrap();
        let target = document.pointer(shared.trim_start_matches('#')).and_then(Value::as_object).unwrap();
        assert_eq!(target["content"]["application/problem+json"]["schema"]["$ref"], "#/components/schemas/Problem");
    }
}

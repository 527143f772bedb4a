//! The guard: before any handler of the API runs, the operation's own line of the OpenAPI document is looked up and held to.
//!
//! `x-permission` says who may: the name of a [`Permission`], or one of
//! - `public`: everybody,
//! - `signed-in`: whoever has a valid token or key,
//! - `person`: a person who signed in; an API key is refused.
//!
//! `x-rate-limit` names the [`Class`] of its limits; `api` when it is absent. `x-credential` names a query parameter that stands in
//! for the header (a ticket, a link's key); the operation's handler redeems it and asks for the permission itself.
//!
//! So the document and what is done cannot differ, and an operation that names no permission is refused to everybody.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use http::Method;
use serde_json::Value;
use utoipa::openapi::OpenApi;

use super::{AppError, ClientAddress, Permission, authenticate, bearer};
use crate::auth::{Principal, Via};
use crate::limits::{self, Class, Verdict};
use crate::state::AppState;

/// Whom an operation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    Everybody,
    SignedIn,
    Person,
    Holders(Permission),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Operation {
    who: For,
    class: Class,
    /// A query parameter that stands in for the header.
    credential: Option<String>,
}

/// All operations by path and method, as the document has them.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    state: AppState,
    operations: Arc<HashMap<String, HashMap<Method, Operation>>>,
}

/// Why an operation's line cannot be read. It is refused to everybody until somebody mends it; a test finds it before.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum LineError {
    #[error("x-permission is missing")]
    Missing,
    #[error("x-permission names no permission: {0}")]
    Unknown(String),
    #[error("x-rate-limit names no class: {0}")]
    Class(String),
}

impl Operation {
    fn read(line: &Value) -> Result<Self, LineError> {
        let who = match line["x-permission"].as_str().ok_or(LineError::Missing)? {
            "public" => For::Everybody,
            "signed-in" => For::SignedIn,
            "person" => For::Person,
            name => For::Holders(Permission::parse(name).ok_or_else(|| LineError::Unknown(name.to_owned()))?),
        };
        let class = match line["x-rate-limit"].as_str() {
            None => Class::Api,
            Some(name) => Class::parse(name).ok_or_else(|| LineError::Class(name.to_owned()))?,
        };
        Ok(Self { who, class, credential: line["x-credential"].as_str().map(str::to_owned) })
    }
}

impl Guard {
    /// Reads the document.
    pub(super) fn new(state: AppState, document: &OpenApi) -> Self {
        let document = serde_json::to_value(document).unwrap_or_default();
        let mut operations: HashMap<String, HashMap<Method, Operation>> = HashMap::new();
        for (path, method, line) in lines(&document) {
            match Operation::read(line) {
                Ok(operation) => {
                    operations.entry(path.to_owned()).or_default().insert(method, operation);
                }
                Err(error) => tracing::error!(%method, path, %error, "an operation is refused to everybody"),
            }
        }
        Self { state, operations: Arc::new(operations) }
    }

    fn operation(&self, request: &Request) -> Option<&Operation> {
        let path = request.extensions().get::<MatchedPath>()?;
        // HEAD is GET without the body.
        let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        self.operations.get(path.as_str())?.get(method)
    }

    /// Lets the request in, with its principal, or says why not. Also gives the limit that is nearest to its end.
    async fn admit(&self, request: &mut Request) -> Result<Option<Verdict>, AppError> {
        let Some(operation) = self.operation(request) else {
            return Err(AppError::internal(anyhow::anyhow!("the route has no line in the OpenAPI document")));
        };
        let state = &self.state;
        let ClientAddress(address) = ClientAddress::of(state, request.extensions(), request.headers())?;
        let by_address = state.limits.address(operation.class, address).await?;
        if operation.who == For::Everybody {
            return Ok(by_address);
        }
        let Some(token) = bearer(request.headers()) else {
            let elsewhere = operation.credential.as_deref().is_some_and(|name| has_parameter(request, name));
            return if elsewhere {
                Ok(by_address)
            } else {
                Err(AppError::unauthorized("send `Authorization: Bearer <access token or API key>`"))
            };
        };
        let principal = authenticate(state, token, address)?;
        let by_user = count(state, operation.class, &principal, address).await?;
        match operation.who {
            For::Everybody | For::SignedIn => {}
            For::Person => principal.require_person()?,
            For::Holders(permission) => principal.require(permission)?,
        }
        request.extensions_mut().insert(principal);
        Ok(limits::tighter(by_address, by_user))
    }
}

/// Counts a request of somebody who is known.
async fn count(
    state: &AppState,
    class: Class,
    principal: &Principal,
    address: std::net::IpAddr,
) -> Result<Option<Verdict>, AppError> {
    let Via::ApiKey(id) = principal.via else {
        return state.limits.user(class, principal.tenant, principal.user).await;
    };
    let key = state.roster.key_of(principal.tenant, id);
    let per_second = key.as_ref().and_then(|key| key.facts.per_second);
    let verdict = state.limits.key(class, principal.tenant, id, per_second).await;
    if let Some(key) = key {
        key.uses.count(address, verdict.is_err(), Utc::now());
    }
    verdict
}

fn has_parameter(request: &Request, name: &str) -> bool {
    let query = request.uri().query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).any(|(parameter, _)| parameter == name)
}

/// Every operation of a document: path, method, line.
fn lines(document: &Value) -> impl Iterator<Item = (&str, Method, &Value)> {
    document["paths"].as_object().into_iter().flatten().flat_map(|(path, item)| {
        let operations = item.as_object().into_iter().flatten();
        operations.filter_map(move |(method, line)| Some((path.as_str(), method.to_uppercase().parse().ok()?, line)))
    })
}

/// The layer.
pub(super) async fn guard(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    match guard.admit(&mut request).await {
        Ok(verdict) => {
            let mut response = next.run(request).await;
            if let Some(verdict) = verdict {
                limits::describe(&verdict, response.headers_mut());
            }
            response
        }
        Err(error) => error.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_operation_of_the_document_can_be_read() {
        let document = serde_json::to_value(crate::http::openapi()).unwrap();
        let mut other_credentials = Vec::new();
        for (path, method, line) in lines(&document) {
            let operation = Operation::read(line).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
            if let Some(parameter) = operation.credential {
                other_credentials.push(format!("{method} {path} ?{parameter}="));
            }
        }
        // Each of these redeems what it is given, and asks for its permission itself.
        insta::assert_snapshot!(other_credentials.join("\n"), @r"
        GET /api/v1/events ?ticket=
        GET /api/v1/recordings/{id}/audio ?key=
        GET /api/v1/stream ?ticket=
        ");
    }

    #[test]
    fn a_line_that_says_nothing_lets_nobody_in() {
        assert_eq!(Operation::read(&json!({})), Err(LineError::Missing));
        let unknown = json!({ "x-permission": "calls:everything" });
        assert_eq!(Operation::read(&unknown), Err(LineError::Unknown("calls:everything".to_owned())));
        let unknown = json!({ "x-permission": "public", "x-rate-limit": "none" });
        assert_eq!(Operation::read(&unknown), Err(LineError::Class("none".to_owned())));
    }
}

//! The documentation: `/dev` for people, `/dev/openapi.json` and `/dev/asyncapi.json` for programs.

mod page;
mod refusals;

use std::sync::LazyLock;

use axum::response::{Html, IntoResponse};
use axum::routing::get;
use axum::{Json, Router};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName};
use serde_json::{Value, json};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, SecurityRequirement};

use super::router::openapi;
use crate::state::AppState;

/// The stream's document, kept by hand beside the code that speaks it.
const ASYNCAPI: &str = include_str!("asyncapi.json");

static PAGE: LazyLock<String> = LazyLock::new(|| {
    let document = serde_json::to_value(openapi()).unwrap_or_default();
    let stream: Value = serde_json::from_str(ASYNCAPI).unwrap_or_default();
    page::render(&document, &stream)
});

/// The page has a style sheet and nothing else: neither scripts nor anything from elsewhere.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Another version may be serving tomorrow.
const NOT_KEPT: (HeaderName, &str) = (CACHE_CONTROL, "no-cache");

/// Routes of the documentation, open to all.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/dev", get(documentation))
        .route("/dev/page.css", get(async || ([(CONTENT_TYPE, "text/css; charset=utf-8"), NOT_KEPT], page::STYLE)))
        .route("/dev/openapi.json", get(async || Json(openapi())))
        .route("/dev/asyncapi.json", get(async || ([(CONTENT_TYPE, "application/json")], ASYNCAPI)))
}

async fn documentation() -> impl IntoResponse {
    ([(CONTENT_SECURITY_POLICY, POLICY), NOT_KEPT], Html(PAGE.as_str()))
}

/// The document before the routes are put in.
pub(super) fn skeleton() -> OpenApi {
    let tag = |name: &str, description: &str| TagBuilder::new().name(name).description(Some(description)).build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Trunkline")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Calls, agents, recordings and the journal of everything that happens. Times are RFC 3339 in UTC, ids UUIDv7, \
                     phone numbers E.164. Errors are `application/problem+json` (RFC 9457). Every POST takes `Idempotency-Key`.",
                ))
                .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
                .build(),
        )
        .tags(Some([
            tag("sign-in", "Access tokens, refresh, the signed-in user"),
            tag("calls", "Running calls and the record of ended ones"),
            tag("recordings", "What was said"),
            tag("agents", "Who takes work, in which state, on which phones"),
            tag("queues", "Where calls wait"),
            tag("telephony", "Numbers, where they lead, and the trunks that they come by"),
            tag("channels", "Connected WhatsApp numbers, Telegram bots and SMS senders, and what their providers told"),
            tag("conversations", "Conversations, their messages, and what makes answering quick"),
            tag("contacts", "The people who call and write: who they are, and what was said with them"),
            tag("reports", "Figures of calls and agents, as tables and files"),
            tag("people", "Roles, teams, and what each may do"),
            tag("api-keys", "A program's way in"),
            tag("setup", "A tenant of one's own, and an end of the demo"),
            tag("jobs", "What is done in the background"),
            tag("administration", "Settings, sites, what was used, and who did what"),
            tag("platform", "The tenants of this installation, for those who run it"),
            tag("events", "The journal: read it back, or live"),
        ]))
        .build()
}

/// Adds what holds for all operations.
pub(super) fn complete(document: &mut OpenApi) {
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build());
    let components = document.components.get_or_insert_with(|| ComponentsBuilder::new().build());
    components.add_security_scheme("bearer", bearer);
    document.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], _>("bearer", [])]);
    refusals::complete(document);
}

/// What the page says of the ground rules; `json!` keeps it beside the tests.
pub(super) fn ground_rules() -> Value {
    json!([
        [
            "Sign in",
            "POST /api/v1/auth/login gives an access token for 15 minutes and sets a refresh cookie; POST /api/v1/auth/refresh trades the cookie for a new pair. Send the token as `Authorization: Bearer …`."
        ],
        [
            "Errors",
            "application/problem+json with type, code, title, status, detail and, for bad input, errors: [{field, message}]. A 5xx carries a request_id that the server's log has too. Every operation may answer with 400, 429 and 503, all but public ones with 401 and 403, and those that take a body with 413, 415 and 422; the lists below name what is particular to each."
        ],
        [
            "Lists",
            "?limit= (default 50, at most 200) and ?cursor= give {items, next_cursor, as_of_seq}: the answer holds everything up to as_of_seq of the journal, so the list and the events after it have no hole and no double."
        ],
        [
            "Repeating a POST",
            "Send Idempotency-Key: the same request within 24 hours gets the first answer again, another body under the same key is 409, one in flight is 409 in-progress."
        ],
        [
            "Permissions",
            "Each operation names the permission it takes as x-permission; GET /api/v1/me lists yours. `public`: everybody; `signed-in`: whoever has a token or key; `person`: an API key is refused."
        ],
        [
            "API keys",
            "Send `Authorization: Bearer tlk_…` in place of an access token. A key acts for the member who made it, with the permissions it was given, as far as its maker still has them."
        ],
        [
            "Limits",
            "RateLimit-Policy and RateLimit tell of the limit that is nearest to its end: `\"user\";q=2000;w=2` and `\"user\";r=1999;t=1`. Beyond it: 429 with Retry-After."
        ],
    ])
}

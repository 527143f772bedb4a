//! `/api/v1/dialing`: rules, and what would become of a call.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::DateTime;
use trunkline_dialing::Rules;
use trunkline_journal::Outcome;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{CheckNumber, Checked, DialingRules};
use super::{lists_http, service};
use crate::audit::Origin;
use crate::auth::Principal;
use crate::http::idempotency::IdempotentJson;
use crate::http::{AppError, IfMatch, Json, Problem, tagged};
use crate::roles::Asking;
use crate::state::AppState;

/// Routes of outbound calls' rules and lists.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_dialing, set_dialing))
        .routes(routes!(check_number))
        .merge(lists_http::router())
}

fn shown(rules: &DialingRules) -> Response {
    tagged(rules.updated_at.unwrap_or(DateTime::UNIX_EPOCH), rules)
}

/// See what may be called
///
/// The rules that count, set or not, and the numbers that can be shown.
#[utoipa::path(
    get, path = "/dialing", tag = "calls", operation_id = "getDialingRules",
    responses((status = 200, description = "The rules", body = DialingRules)),
    extensions(("x-permission" = json!("dialing:read")))
)]
async fn get_dialing(State(state): State<AppState>, principal: Principal) -> Result<Response, AppError> {
    let mut tx = state.db.tenant(principal.tenant).await?;
    let rules = service::rules(&mut tx).await?;
    tx.commit().await?;
    Ok(shown(&rules))
}

/// Say what may be called
///
/// All rules at once. What is not allowed is denied: without anything else, the own country's ordinary numbers and no others. Costly kinds (premium,
/// shared cost, satellite, personal) stay denied until they are opened by name, whatever prefix is allowed. Caller ids are numbers of the company's own.
#[utoipa::path(
    put, path = "/dialing", tag = "calls", operation_id = "setDialingRules", request_body = Rules,
    params(("If-Match" = Option<String>, Header, description = "The ETag that was seen")),
    responses(
        (status = 200, description = "The rules as they are now", body = DialingRules),
        (status = 412, description = "Changed since they were read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("dialing:manage")))
)]
async fn set_dialing(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    seen: IfMatch,
    Json(wanted): Json<Rules>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, wanted, seen) = (asking.clone(), wanted.clone(), seen.clone());
            Box::pin(async move {
                let (rules, event) = service::set_rules(tx, &asking, &seen, &wanted).await?;
                Ok(Outcome::new(rules).events(event))
            })
        })
        .await?;
    // The next call goes by them.
    let wanted = &committed.value.rules;
    state
        .calls
        .goes_by(|directory| directory.dialing.get(&by.tenant).is_some_and(|policy| policy.rules == *wanted))
        .await;
    Ok(shown(&committed.value))
}

/// Ask whether a number may be called
///
/// What the number is, and which rule denies it, in words. Nothing is dialled and nothing is counted.
#[utoipa::path(
    post, path = "/dialing/check", tag = "calls", operation_id = "checkNumber", request_body = CheckNumber,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 200, description = "What would become of it", body = Checked),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:dial")))
)]
async fn check_number(
    State(state): State<AppState>,
    IdempotentJson(idempotency, wanted): IdempotentJson<CheckNumber>,
) -> Result<Response, AppError> {
    let by = idempotency.principal();
    let answer = idempotency
        .outside(&state, async {
            let mut tx = state.db.tenant(by.tenant).await?;
            let checked: Checked = service::check(&mut tx, &by, &wanted).await?;
            tx.commit().await?;
            Ok((http::StatusCode::OK, checked))
        })
        .await?;
    Ok(answer.into_response())
}

//! `POST /api/v1/calls`: click to call.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use trunkline_calls::DialRefusal;
use trunkline_calls::center::DialWish;
use trunkline_db::{AgentId, CallId, DeviceId, QueueId};
use trunkline_journal::Outcome;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::auth::Principal;
use crate::callbacks;
use crate::http::idempotency::IdempotentJson;
use crate::http::{AppError, Permission, Problem};
use crate::state::AppState;

/// Longest number that is looked at, in characters.
const MAX_NUMBER: usize = 64;

/// Routes of calls out.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(place_call))
}

/// Body of `POST /calls`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PlaceCall {
    /// The number as somebody typed or clicked it, without a country's code one of the tenant's own country; or a colleague's extension. This or
    /// `to_agent_id`.
    #[schema(required = false, min_length = 1, max_length = 64)]
    to: Option<String>,
    /// A colleague, with or without an extension.
    #[schema(required = false)]
    to_agent_id: Option<Uuid>,
    /// The queue on whose behalf: its number is shown, and its members see the call.
    #[schema(value_type = Option<Uuid>)]
    queue_id: Option<QueueId>,
    /// The row of the worklist for which the call is made: it becomes the caller's, and the call counts for it whatever number is dialled.
    callback_id: Option<Uuid>,
    /// The phone to ring: a device's id, or `softphone` for this sign-in's browser. Absent: all of the agent's phones ring.
    from_device: Option<String>,
    /// Whether the phone is to answer by itself, as far as it can. Absent: yes, where `from_device` says which one.
    auto_answer: Option<bool>,
}

/// A call that was begun.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct PlacedCall {
    /// The call; what becomes of it comes with its events.
    #[schema(value_type = Uuid)]
    id: CallId,
}

/// Call a number or a colleague
///
/// The user's own phone rings first; when it is picked up the number is dialled, and the agent hears what the network says. Answered when the call's
/// record is in the database: nobody is dialled without one. What may be called is said by `/dialing`; a rule that denies is told as 409 `call-denied`
/// with the rule in words.
///
/// A colleague's phones ring for 30 s; such a call asks for no rules and no minutes, and is not recorded.
#[utoipa::path(
    post, path = "/calls", tag = "calls", operation_id = "placeCall", request_body = PlaceCall,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The agent's phone rings", body = PlacedCall),
        (status = 403, description = "Only agents call", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such queue or colleague, or no such phone of the user's", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Denied (`call-denied`), no phone is signed in (`phone-away`), the agent is on a call (`on-a-call`), so is the colleague (`target-busy`), or no phone of theirs is signed in (`target-away`), there is no trunk (`no-trunk`), the month's minutes are used up (`limit-reached`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Asterisk or the database is away", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:dial")))
)]
async fn place_call(
    State(state): State<AppState>,
    IdempotentJson(idempotency, wanted): IdempotentJson<PlaceCall>,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::CallsDial)?;
    if wanted.to.is_some() == wanted.to_agent_id.is_some() {
        return Err(AppError::invalid_field("to", "must be given, or to_agent_id"));
    }
    check_number("to", wanted.to.as_deref().unwrap_or_default())?;
    idempotency
        .outside(&state, async {
            let wish = DialWish {
                call: CallId::new(),
                tenant: principal.tenant,
                agent: principal.user.into(),
                phone: phone(&state, &principal, wanted.from_device.as_deref())?,
                auto_answer: wanted.auto_answer.unwrap_or(wanted.from_device.is_some()),
                queue: wanted.queue_id,
                to: wanted.to.unwrap_or_default(),
                colleague: wanted.to_agent_id.map(AgentId),
            };
            let id = wish.call;
            match state.calls.dial(wish).await {
                Ok(()) => {
                    if let Some(callback) = wanted.callback_id {
                        link(&state, &principal, callback, id).await;
                    }
                    Ok((StatusCode::CREATED, PlacedCall { id }))
                }
                Err(refusal) => Err(refused(refusal)),
            }
        })
        .await
}

/// The call is for a row of the worklist. It goes on without: the number says the same.
async fn link(state: &AppState, principal: &Principal, callback: Uuid, call: CallId) {
    let (by, sight) = (AgentId::from(principal.user), state.roster.sight(principal));
    let linked = state.journal.command::<_, AppError, _>(principal.tenant, move |tx| {
        let sight = sight.clone();
        Box::pin(async move {
            let event = callbacks::link(tx, callback, call, by, &sight).await?;
            Ok(Outcome::new(()).events(event))
        })
    });
    if let Err(error) = linked.await {
        tracing::warn!(%callback, %call, ?error, "a call could not be noted with the row of the worklist for which it is made");
    }
}

/// The user name of the phone that is to ring; none: all of the agent's.
fn phone(state: &AppState, principal: &Principal, device: Option<&str>) -> Result<Option<String>, AppError> {
    match device {
        None => Ok(None),
        Some("softphone") => {
            let username = state.calls.softphones().username_of(principal.session);
            username.map(Some).ok_or_else(|| refused(DialRefusal::PhoneAway))
        }
        Some(id) => {
            let id: Uuid = id.parse().map_err(|_| {
                AppError::invalid_field("from_device", "must be a device's id, or softphone for this browser")
            })?;
            let agent = principal.user.into();
            let username = state.calls.username_of_device(principal.tenant, agent, DeviceId::from(id));
            username.map(Some).ok_or_else(|| AppError::not_found("phone"))
        }
    }
}

/// Refuses what is too long to be looked at.
pub(super) fn check_number(field: &'static str, number: &str) -> Result<(), AppError> {
    if number.chars().count() > MAX_NUMBER {
        return Err(AppError::invalid_field(field, format!("must have at most {MAX_NUMBER} characters")));
    }
    Ok(())
}

/// What is said of a call that was not begun.
pub(super) fn refused(refusal: DialRefusal) -> AppError {
    match refusal {
        DialRefusal::Denied { words, .. } => AppError::conflict("call-denied", words),
        DialRefusal::NoAgent => AppError::forbidden(DialRefusal::NoAgent.to_string()),
        DialRefusal::NoQueue => AppError::not_found("queue"),
        DialRefusal::NoColleague => AppError::not_found("colleague"),
        DialRefusal::ColleagueBusy => AppError::conflict("target-busy", DialRefusal::ColleagueBusy.to_string()),
        DialRefusal::ColleagueAway => AppError::conflict("target-away", DialRefusal::ColleagueAway.to_string()),
        DialRefusal::PhoneAway => AppError::conflict("phone-away", DialRefusal::PhoneAway.to_string()),
        DialRefusal::OnACall => AppError::conflict("on-a-call", DialRefusal::OnACall.to_string()),
        DialRefusal::NoTrunk => AppError::conflict("no-trunk", DialRefusal::NoTrunk.to_string()),
        DialRefusal::Spent => AppError::conflict("limit-reached", DialRefusal::Spent.to_string()),
        DialRefusal::NotWritten => AppError::unavailable("database", DialRefusal::NotWritten),
        DialRefusal::Unavailable => AppError::unavailable("call control", DialRefusal::Unavailable),
    }
}

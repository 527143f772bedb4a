//! `/api/v1/test-calls`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Mutex;
use trunkline_db::QueueId;
use trunkline_journal::Ref;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::customer::{self, Refused};
use super::store;
use crate::audit::{self, Actor, Origin};
use crate::http::idempotency::IdempotentJson;
use crate::http::{AppError, Permission, Problem};
use crate::state::AppState;
use crate::tenants;

/// One at a time, so that those that are counted are all that there are. Held while Asterisk answers, which is milliseconds.
static PLACING: Mutex<()> = Mutex::const_new(());

/// Routes of test calls.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(place_test_call))
}

/// Body of `POST /test-calls`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
struct PlaceTestCall {
    /// The queue to call.
    #[schema(value_type = uuid::Uuid)]
    queue_id: QueueId,
}

/// A test call on its way.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct TestCall {
    /// Number of the simulated customer, by which to know the call.
    from: String,
    /// Number called: one of the queue's.
    to: String,
}

/// Place a test call
///
/// A simulated customer calls the queue and is treated as any other: waits, rings, is recorded. Once answered it says
/// hello, and after a beep repeats what it hears, so that both directions can be heard. It hangs up by itself after two minutes. At most three at once.
#[utoipa::path(
    post, path = "/test-calls", tag = "calls", operation_id = "placeTestCall", request_body = PlaceTestCall,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 202, description = "The customer is calling; the call comes with its own events", body = TestCall),
        (status = 403, description = "Test calls are for admins and managers", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such queue", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "No number leads to the queue, three are running, the month's minutes are used up (`limit-reached`), or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Asterisk is away", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:test")))
)]
async fn place_test_call(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<PlaceTestCall>,
) -> Result<Response, AppError> {
    let principal = idempotency.principal();
    principal.require(Permission::CallsTest)?;
    idempotency
        .outside(&state, async {
            let mut tx = state.db.tenant(principal.tenant).await?;
            let number = store::number_of_queue(&mut tx, wanted.queue_id).await?;
            tenants::require_minutes(&mut tx).await?;
            tx.commit().await?;
            let count = |result: &str| state.metrics.test_calls.with_label_values(&[result]).inc();
            let to = number.ok_or_else(|| AppError::not_found("queue"))?.ok_or_else(|| {
                count("refused");
                AppError::conflict("queue-without-number", "no number leads to this queue; give it one first")
            })?;
            let away = || AppError::unavailable("telephony", anyhow::anyhow!("not connected to Asterisk"));
            let asterisk = state.calls.asterisk().ok_or_else(away)?;
            let from = customer::some_caller();
            let placing = PLACING.lock().await;
            let placed = customer::call(&asterisk.client, &asterisk.app, principal.tenant, &to, &from).await;
            drop(placing);
            match placed {
                Ok(()) => {
                    let entry = audit::Entry {
                        actor: Actor::of(&principal),
                        action: "test_call.placed",
                        subject: Ref::new("queue", wanted.queue_id),
                        before: None,
                        after: Some(json!({ "from": from, "to": to })),
                        origin,
                    };
                    state.late_audit.note(principal.tenant, entry);
                    count("placed");
                    tracing::info!(tenant = %principal.tenant, queue = %wanted.queue_id, from, to, "a test call was placed");
                    Ok((StatusCode::ACCEPTED, TestCall { from, to }))
                }
                Err(refused @ Refused::TooMany) => {
                    count("refused");
                    Err(AppError::conflict("too-many-test-calls", format!("{refused}; hang one up, or wait for its end")))
                }
                Err(error @ Refused::Asterisk(_)) => {
                    count("failed");
                    Err(AppError::unavailable("telephony", error))
                }
            }
        })
        .await
}

//! `/api/v1/notices`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use trunkline_db::QueueId;
use trunkline_journal::{Fault, Kind, NewEvent, Ref, Scope};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::audit::{self, Origin};
use crate::auth::member_and_tenant;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, Permission, Problem};
use crate::queues;
use crate::roles::Asking;
use crate::state::AppState;

/// Somebody tells something. Who it is for is said by its scope: the tenant, or the queue.
const SENT: Kind = Kind::from_static("notice.sent");
/// Longest text, in characters.
const MAX_TEXT: usize = 500;

/// Body of `POST /notices`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct SendNotice {
    /// What is to be read.
    #[schema(min_length = 1, max_length = 500)]
    text: String,
    /// For the queue's members alone. Absent: for everybody of the tenant.
    #[schema(value_type = Option<Uuid>)]
    queue_id: Option<QueueId>,
}

/// A notice that was sent.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct SentNotice {
    /// The notice, as its event names it.
    id: Uuid,
}

/// Routes of notices.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(send_notice))
}

/// Tell everybody something
///
/// Comes as the event `notice.sent` to everybody of the tenant, or to the queue's members and those who see all. Written into the audit log.
#[utoipa::path(
    post, path = "/notices", tag = "agents", operation_id = "sendNotice", request_body = SendNotice,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "It was sent", body = SentNotice),
        (status = 409, description = "The Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit, or there is no such queue", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("notices:send")))
)]
async fn send_notice(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<SendNotice>,
) -> Result<Response, AppError> {
    let by = idempotency.principal();
    by.require(Permission::NoticesSend)?;
    let text = wanted.text.trim().to_owned();
    if !(1..=MAX_TEXT).contains(&text.chars().count()) {
        return Err(AppError::invalid_field("text", format!("must have 1 to {MAX_TEXT} characters")));
    }
    let mut tx = state.db.system().await?;
    let (sender, _) = member_and_tenant(&mut tx, &by).await?;
    tx.commit().await?;
    let asking = Asking { by, origin };
    let answer = idempotency
        .command(&state, move |tx| {
            let (asking, text, sender, queue) = (asking.clone(), text.clone(), sender.name.clone(), wanted.queue_id);
            Box::pin(async move {
                if let Some(queue) = queue
                    && queues::store::count_queues(tx, &[queue]).await? == 0
                {
                    return Err(Fault::from(AppError::invalid_field("queue_id", "there is no such queue")));
                }
                let id = Uuid::now_v7();
                let subject = Ref::new("notice", id);
                let after = json!({ "text": text, "queue_id": queue });
                audit::append(tx, asking.entry("notice.sent", subject.clone(), None, Some(after))).await?;
                let mut data = json!({ "id": id, "text": text, "by": { "id": by.user, "name": sender } });
                if let Some(queue) = queue {
                    data["queue_id"] = json!(queue);
                }
                let event = NewEvent::new(SENT, subject, data).actor(Ref::new("user", by.user));
                let event = match queue {
                    Some(queue) => event.scopes([Scope::Queue(queue)]),
                    None => event.scopes([Scope::Tenant]),
                };
                Ok((Effect { status: StatusCode::CREATED, body: SentNotice { id }, value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

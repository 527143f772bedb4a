//! `/api/v1/channel-accounts/{id}/staff-chats`: the staff's groups.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use trunkline_db::ChannelAccountId;
use trunkline_journal::Ref;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::Kind;
use super::staff::{WINDOW, code};
use super::staff_store as store;
use crate::audit::{self, Origin};
use crate::auth::Principal;
use crate::http::idempotency::Idempotency;
use crate::http::{AppError, Path, Problem};
use crate::roles::Asking;
use crate::state::AppState;

/// A linked group.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct StaffChat {
    /// Telegram's chat.
    pub(super) chat: String,
    /// Its name.
    pub(super) title: Option<String>,
    /// Since when.
    pub(super) linked_at: DateTime<Utc>,
    /// What it is not told of: `leads`, `sla`, `surveys`, `channels`. The group itself says so (`/mute`, `/unmute`).
    pub(super) muted: Vec<String>,
}

/// The linked groups of an account.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct StaffChats {
    /// The groups.
    items: Vec<StaffChat>,
}

/// How a group is linked.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct LinkCode {
    /// To be written in the group, where the bot is a member: `/link CODE`.
    command: String,
    /// The code.
    code: String,
    /// Until when it is good.
    expires_at: DateTime<Utc>,
}

/// Routes of the staff's groups.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_staff_chats, create_staff_chat_code)).routes(routes!(delete_staff_chat))
}

fn telegram(state: &AppState, by: &Principal, id: ChannelAccountId) -> Result<(), AppError> {
    let account = state.channels.get(id).filter(|one| one.tenant == by.tenant);
    match account.ok_or_else(|| AppError::not_found("channel account"))?.kind {
        Kind::Telegram => Ok(()),
        _ => Err(AppError::conflict("no-groups", "only Telegram's bots can be members of a group")),
    }
}

/// List the staff's groups of an account
#[utoipa::path(
    get, path = "/channel-accounts/{id}/staff-chats", tag = "channels", operation_id = "listStaffChats",
    params(("id" = Uuid, Path, description = "The account")),
    responses(
        (status = 200, description = "Linked groups", body = StaffChats),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The channel has no groups", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("channels:manage")))
)]
async fn list_staff_chats(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ChannelAccountId>,
) -> Result<axum::Json<StaffChats>, AppError> {
    telegram(&state, &principal, id)?;
    let mut tx = state.db.tenant(principal.tenant).await?;
    let items = store::list(&mut tx, id).await?;
    tx.commit().await?;
    Ok(axum::Json(StaffChats { items }))
}

/// Get a code that links a group
///
/// Whoever writes `/link CODE` in a group where the bot is a member makes it one of the staff's: it is told of new leads, missed service
/// levels, poor survey answers and channels that stop, and may ask `/stats` and `/leads`.
#[utoipa::path(
    post, path = "/channel-accounts/{id}/staff-chats", tag = "channels", operation_id = "createStaffChatCode",
    params(
        ("id" = Uuid, Path, description = "The account"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 201, description = "The code", body = LinkCode),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The channel has no groups, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("channels:manage")))
)]
async fn create_staff_chat_code(
    State(state): State<AppState>,
    Path(id): Path<ChannelAccountId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    telegram(&state, &idempotency.principal(), id)?;
    let window = Utc::now().timestamp() / WINDOW;
    let code = code(&state, id, window);
    // Good to the end of the next stretch.
    let expires_at = DateTime::from_timestamp((window + 2) * WINDOW, 0).unwrap_or_default();
    let made = async { Ok((StatusCode::CREATED, LinkCode { command: format!("/link {code}"), code, expires_at })) };
    idempotency.outside(&state, made).await
}

/// Unlink a group
#[utoipa::path(
    delete, path = "/channel-accounts/{id}/staff-chats/{chat}", tag = "channels", operation_id = "deleteStaffChat",
    params(("id" = Uuid, Path, description = "The account"), ("chat" = String, Path, description = "The chat")),
    responses(
        (status = 204, description = "Unlinked"),
        (status = 404, description = "No such account, or it is not linked", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The channel has no groups", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("channels:manage")))
)]
async fn delete_staff_chat(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path((id, chat)): Path<(ChannelAccountId, String)>,
) -> Result<Response, AppError> {
    telegram(&state, &by, id)?;
    let asking = Asking { by, origin };
    let mut tx = state.db.tenant(by.tenant).await?;
    if !store::unlink(&mut tx, id, &chat).await? {
        return Err(AppError::not_found("linked group"));
    }
    let subject = Ref::new("channel_account", id.uuid());
    audit::append(
        &mut tx,
        asking.entry("channel_account.staff_unlinked", subject, Some(json!({ "chat": chat })), None),
    )
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

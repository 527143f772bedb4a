//! `/api/v1/channel-accounts`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use trunkline_channels::adapter::{Body, Outcome};
use trunkline_channels::client::NoFiles;
use trunkline_channels::model::{Address, Outgoing, Say};
use trunkline_db::ChannelAccountId;
use trunkline_journal::Outcome as Committing;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::connect::{self, AccountChecked};
use super::model::{ChannelAccount, CreateChannelAccount, UpdateChannelAccount};
use super::{service, store};
use crate::audit::{self, Origin};
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, Idempotency, IdempotentJson};
use crate::http::{AppError, IfMatch, Json, Page, PageQuery, Path, Permission, Problem, Query, tagged};
use crate::roles::Asking;
use crate::state::AppState;

/// Routes of channel accounts.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_channel_accounts, create_channel_account))
        .routes(routes!(get_channel_account, update_channel_account, delete_channel_account))
        .routes(routes!(check_channel_account))
        .routes(routes!(send_test_message))
}

/// List channel accounts
///
/// By name, with how each does. Secrets are never shown.
#[utoipa::path(
    get, path = "/channel-accounts", tag = "channels", operation_id = "listChannelAccounts", params(PageQuery),
    responses((status = 200, description = "Accounts", body = Page<ChannelAccount>)),
    extensions(("x-permission" = json!("channels:read")))
)]
async fn list_channel_accounts(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<ChannelAccount>>, AppError> {
    let (limit, after) = (page.limit()?, page.position::<(String, ChannelAccountId)>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let rows = store::list(&mut tx, after.as_ref(), i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    let shown = |row| service::view(&state, row).map(|account| for_eyes_of(account, &principal));
    let accounts = rows.into_iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    Ok(axum::Json(Page::new(accounts, limit, as_of_seq, |one: &ChannelAccount| (one.name.clone(), one.id))))
}

/// Who only reads accounts needs no token with which a webhook is set up.
fn for_eyes_of(mut account: ChannelAccount, principal: &Principal) -> ChannelAccount {
    if !principal.may(Permission::ChannelsManage) {
        account.verify_token = None;
    }
    account
}

/// Connect an account
///
/// The settings are those of its type; docs/integrators.md has them all. Whether the provider knows the account is found out at once, and shows in
/// its `health`; `POST …/check` says it in words.
#[utoipa::path(
    post, path = "/channel-accounts", tag = "channels", operation_id = "createChannelAccount", request_body = CreateChannelAccount,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The account", body = ChannelAccount),
        (status = 409, description = "There are too many, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit; each setting with what was expected", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("channels:manage")))
)]
async fn create_channel_account(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<CreateChannelAccount>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let tenant = asking.by.tenant;
    let within = state.clone();
    let answer = idempotency
        .command(&state, move |tx| {
            let (state, asking, wanted) = (within.clone(), asking.clone(), wanted.clone());
            Box::pin(async move {
                let (account, event) = service::create(&state, tx, &asking, &wanted).await?;
                Ok((Effect { status: StatusCode::CREATED, body: account, value: () }, vec![event]))
            })
        })
        .await?;
    // The provider may post to it before the notification of our own change has come round.
    state.channels.refresh(&state, Some(tenant)).await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

async fn find(state: &AppState, principal: &Principal, id: ChannelAccountId) -> Result<store::Row, AppError> {
    let mut tx = state.db.tenant(principal.tenant).await?;
    let row = store::find(&mut tx, id).await?;
    tx.commit().await?;
    row.filter(|row| row.removed_at.is_none()).ok_or_else(|| AppError::not_found("channel account"))
}

/// Get an account
#[utoipa::path(
    get, path = "/channel-accounts/{id}", tag = "channels", operation_id = "getChannelAccount",
    params(("id" = Uuid, Path, description = "The account")),
    responses(
        (status = 200, description = "The account", body = ChannelAccount),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("channels:read")))
)]
async fn get_channel_account(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ChannelAccountId>,
) -> Result<Response, AppError> {
    let account = for_eyes_of(service::view(&state, find(&state, &principal, id).await?)?, &principal);
    Ok(tagged(account.updated_at, &account))
}

/// Change an account
///
/// Settings that are not named stay as they are, secrets among them.
#[utoipa::path(
    patch, path = "/channel-accounts/{id}", tag = "channels", operation_id = "updateChannelAccount", request_body = UpdateChannelAccount,
    params(
        ("id" = Uuid, Path, description = "The account"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
    ),
    responses(
        (status = 200, description = "The account as it is now", body = ChannelAccount),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("channels:manage")))
)]
async fn update_channel_account(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<ChannelAccountId>,
    seen: IfMatch,
    Json(wanted): Json<UpdateChannelAccount>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let within = state.clone();
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (state, asking, wanted, seen) = (within.clone(), asking.clone(), wanted.clone(), seen.clone());
            Box::pin(async move {
                let (account, event) = service::update(&state, tx, &asking, id, &seen, &wanted).await?;
                Ok(Committing::new(account).events(event))
            })
        })
        .await?;
    state.channels.refresh(&state, Some(by.tenant)).await?;
    Ok(tagged(committed.value.updated_at, &committed.value))
}

/// Remove an account
///
/// Its conversations stay, and so does what its provider told. Its secrets do not.
#[utoipa::path(
    delete, path = "/channel-accounts/{id}", tag = "channels", operation_id = "deleteChannelAccount",
    params(("id" = Uuid, Path, description = "The account")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("channels:manage")))
)]
async fn delete_channel_account(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<ChannelAccountId>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let connected = state.channels.get(id).filter(|one| one.tenant == by.tenant);
    let within = state.clone();
    state
        .journal
        .command(by.tenant, move |tx| {
            let (state, asking) = (within.clone(), asking.clone());
            Box::pin(async move { Ok(Committing::new(()).event(service::remove(&state, tx, &asking, id).await?)) })
        })
        .await?;
    state.channels.refresh(&state, Some(by.tenant)).await?;
    if let Some(connected) = connected {
        tokio::spawn(connect::say_goodbye(state.clone(), connected));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Check an account
///
/// Asks the provider whether the token is good and whether it knows where to post to, and tells it where that is not known.
#[utoipa::path(
    post, path = "/channel-accounts/{id}/check", tag = "channels", operation_id = "checkChannelAccount",
    params(
        ("id" = Uuid, Path, description = "The account"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "What was found", body = AccountChecked),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("channels:manage")))
)]
async fn check_channel_account(
    State(state): State<AppState>,
    Path(id): Path<ChannelAccountId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    let by = idempotency.principal();
    find(&state, &by, id).await?;
    state.channels.refresh(&state, Some(by.tenant)).await?;
    let account = state.channels.get(id).ok_or_else(|| AppError::not_found("channel account"))?;
    let checking = async {
        let (checked, _) = connect::check(&state, &account).await.map_err(AppError::internal)?;
        Ok((StatusCode::OK, checked))
    };
    idempotency.outside(&state, checking).await
}

/// Body of `POST /channel-accounts/{id}/test-message`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct TestMessage {
    /// To whom, as the provider wants it: a number in E.164, a chat of Telegram's.
    #[schema(min_length = 1, max_length = 256)]
    to: String,
}

/// What came of a test message.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct TestResult {
    /// The provider took it.
    sent: bool,
    /// In words.
    detail: String,
    /// The provider's id of the message.
    provider_id: Option<String>,
    /// When.
    at: DateTime<Utc>,
}

/// Send a test message
///
/// One text, at once and outside of any conversation; says what the provider answered.
#[utoipa::path(
    post, path = "/channel-accounts/{id}/test-message", tag = "channels", operation_id = "sendChannelTestMessage",
    request_body = TestMessage,
    params(
        ("id" = Uuid, Path, description = "The account"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 200, description = "What the provider answered", body = TestResult),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The account is disabled, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It cannot be sent to that address", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("channels:manage")))
)]
async fn send_test_message(
    State(state): State<AppState>,
    Path(id): Path<ChannelAccountId>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<TestMessage>,
) -> Result<Response, AppError> {
    let by = idempotency.principal();
    find(&state, &by, id).await?;
    state.channels.refresh(&state, Some(by.tenant)).await?;
    let account = state.channels.get(id).ok_or_else(|| AppError::not_found("channel account"))?;
    if !account.enabled {
        return Err(AppError::conflict("disabled", "the account is disabled: nothing is sent by it"));
    }
    let to = wanted.to.trim().to_owned();
    if to.is_empty() || to.len() > 256 || to.chars().any(char::is_control) {
        return Err(AppError::invalid_field("to", "must have from 1 to 256 characters"));
    }
    let say = Say::Text { text: format!("A test message of {} by Trunkline", account.name) };
    let outgoing = Outgoing { to: Address(to.clone()), say, reply_to: None, reference: Uuid::now_v7().to_string() };
    let request =
        account.adapter.render(&outgoing).map_err(|error| AppError::invalid_field("to", error.to_string()))?;
    debug_assert!(!matches!(request.body, Body::File { .. }), "a text has no file");
    let asking = Asking { by, origin };
    let sending = async {
        let entry = asking.entry("channel_account.tested", service::subject(id), None, Some(json!({ "to": to })));
        let mut tx = state.db.tenant(by.tenant).await?;
        audit::append(&mut tx, entry).await?;
        tx.commit().await?;
        let name = request.name;
        let (sent, detail, provider_id) = match state.channels.client().send(request, &NoFiles).await {
            Ok(reply) => match account.adapter.understand(name, reply.answer()) {
                Outcome::Done { id } => (true, "the provider took it".to_owned(), id.map(|id| id.0)),
                Outcome::Failed { failure, .. } => (false, format!("{} ({})", failure.detail, failure.code), None),
                Outcome::Unclear { detail } => (false, format!("it may have been sent: {detail}"), None),
                Outcome::Uploaded { .. } | Outcome::Found { .. } => {
                    (false, "the answer is none to this".to_owned(), None)
                }
            },
            Err(error) => (false, error.to_string(), None),
        };
        Ok((StatusCode::OK, TestResult { sent, detail, provider_id, at: Utc::now() }))
    };
    idempotency.outside(&state, sending).await
}

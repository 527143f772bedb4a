//! `/api/v1/hook-tokens` and `/api/v1/hooks`.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SubsecRound as _, Utc};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;
use trunkline_db::{TenantTx, UserId};
use trunkline_journal::{Fault, Kind, NewEvent, Outcome, Ref, Scope};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::answers::{Status, variables};
use super::ask::{Ask, Hook};
use super::metrics::Via;
use super::tokens::{Holder, MARK};
use super::tokens_store as store;
use crate::api_keys::{NewSecret, random_prefix};
use crate::audit::{self, Origin};
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, Json, Page, PageQuery, Path, Problem, Query};
use crate::roles::{Asking, checked_name};
use crate::state::AppState;

const CREATED: Kind = Kind::from_static("hook_token.created");
const REVOKED: Kind = Kind::from_static("hook_token.revoked");

/// Most tokens of a tenant.
const MAX_TOKENS: i64 = 50;

/// Routes of hooks for people.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_hook_tokens, create_hook_token))
        .routes(routes!(revoke_hook_token))
        .routes(routes!(describe_hooks))
        .routes(routes!(try_hook))
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct HookToken {
    /// The token.
    pub(super) id: Uuid,
    /// What it is for.
    pub(super) name: String,
    /// The open part of `tlh_<prefix>_<secret>`.
    pub(super) prefix: String,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// Who made it.
    #[schema(value_type = Uuid)]
    pub(super) created_by: UserId,
    /// When it was last used; up to a minute behind.
    pub(super) last_used_at: Option<DateTime<Utc>>,
}

/// A token with its secret.
#[derive(Clone, Serialize, utoipa::ToSchema)]
pub(super) struct NewHookToken {
    /// For `Authorization: Bearer`, or the parameter `token`. In this answer and nowhere else.
    token: String,
    /// The token.
    hook_token: HookToken,
}

/// Body of `POST /hook-tokens`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateHookToken {
    /// What it is for; at most 60 characters.
    #[schema(min_length = 1, max_length = 60)]
    name: String,
}

/// What the hooks are, and where they are asked.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct Hooks {
    /// Address and port of FastAGI; null when it is off.
    agi: Option<String>,
    /// The address of the hooks over HTTP; the hook's name comes behind it.
    url: String,
    /// Past it the answer is what memory knows, in milliseconds.
    deadline_ms: u64,
    /// Each of them.
    items: Vec<HookInfo>,
}

/// A hook.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct HookInfo {
    /// Its name.
    hook: Hook,
    /// What it sets, in order.
    variables: Vec<HookVariable>,
}

/// A channel variable of a hook.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct HookVariable {
    /// Its name.
    name: &'static str,
    /// Its value when nobody answers.
    fallback: &'static str,
}

/// Body of `POST /hooks/try`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct TryHook {
    /// Which one.
    hook: Hook,
    /// The number that was called.
    called: Option<String>,
    /// Who calls.
    from: Option<String>,
    /// A queue's extension, in place of the number's.
    queue: Option<String>,
    /// The event's name.
    name: Option<String>,
    /// The event's text.
    text: Option<String>,
}

/// What a hook answered.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct TriedHook {
    /// Which one.
    hook: Hook,
    /// How it went.
    status: Status,
    /// How long it took, in milliseconds.
    took_ms: f64,
    /// What it sets.
    variables: BTreeMap<String, String>,
}

fn subject(id: Uuid) -> Ref {
    Ref::new("hook_token", id)
}

fn event(kind: Kind, token: &HookToken, by: &Principal) -> NewEvent {
    let data = json!({ "name": token.name, "prefix": token.prefix });
    NewEvent::new(kind, subject(token.id), data)
        .actor(Ref::new("user", by.user))
        .scopes([Scope::Agent(token.created_by.into())])
}

/// List hook tokens
///
/// Newest first, without those that were revoked.
#[utoipa::path(
    get, path = "/hook-tokens", tag = "telephony", operation_id = "listHookTokens", params(PageQuery),
    responses((status = 200, description = "Tokens, without secrets", body = Page<HookToken>)),
    extensions(("x-permission" = json!("telephony:read")))
)]
async fn list_hook_tokens(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<HookToken>>, AppError> {
    let (limit, before) = (page.limit()?, page.position::<Uuid>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let tokens = store::list(&mut tx, before, i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(tokens, limit, as_of_seq, |token: &HookToken| token.id)))
}

/// Make a hook token
///
/// It opens the tenant's dialplan hooks over HTTP, and nothing else. The secret is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/hook-tokens", tag = "telephony", operation_id = "createHookToken", request_body = CreateHookToken,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The token with its secret", body = NewHookToken),
        (status = 409, description = "Too many tokens, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn create_hook_token(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<CreateHookToken>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let answer = idempotency
        .command(&state, move |tx| {
            let (asking, wanted) = (asking.clone(), wanted.clone());
            Box::pin(async move {
                let (token, event) = create(tx, &asking, &wanted).await?;
                Ok((Effect { status: StatusCode::CREATED, body: token, value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(mut response, ()) | Answer::Repeated(mut response)) = answer;
    // Good at once: what is answered works.
    state.hooks.tokens().refresh(&state.db).await?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn create(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    wanted: &CreateHookToken,
) -> Result<(NewHookToken, NewEvent), Fault<AppError>> {
    let name = checked_name(&wanted.name)?;
    if store::count(tx).await? >= MAX_TOKENS {
        return Err(AppError::conflict(
            "too-many-tokens",
            format!("at most {MAX_TOKENS} tokens can be used at a time"),
        )
        .into());
    }
    let secret = NewSecret::random();
    let hook_token = HookToken {
        id: Uuid::now_v7(),
        name,
        prefix: random_prefix(),
        created_at: Utc::now().trunc_subsecs(6),
        created_by: asking.by.user,
        last_used_at: None,
    };
    store::insert(tx, &hook_token, &secret.hash).await?;
    let after = json!({ "name": hook_token.name, "prefix": hook_token.prefix });
    audit::append(tx, asking.entry("hook_token.created", subject(hook_token.id), None, Some(after))).await?;
    let event = event(CREATED, &hook_token, &asking.by);
    Ok((NewHookToken { token: secret.marked(MARK, &hook_token.prefix), hook_token }, event))
}

/// Revoke a hook token
///
/// It is refused from now on: dialplans that send it go on by their fallback.
#[utoipa::path(
    delete, path = "/hook-tokens/{id}", tag = "telephony", operation_id = "revokeHookToken",
    params(("id" = uuid::Uuid, Path, description = "The token")),
    responses(
        (status = 204, description = "Revoked"),
        (status = 404, description = "No such token, or revoked before", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn revoke_hook_token(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<Uuid>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    state
        .journal
        .command(by.tenant, move |tx| {
            let asking = asking.clone();
            Box::pin(async move {
                let token = store::lock(tx, id).await?;
                let token = token.ok_or_else(|| Fault::from(AppError::not_found("hook token")))?;
                store::revoke(tx, id).await?;
                let before = json!({ "name": token.name, "prefix": token.prefix });
                audit::append(tx, asking.entry("hook_token.revoked", subject(id), Some(before), None)).await?;
                Ok(Outcome::new(()).event(event(REVOKED, &token, &asking.by)))
            })
        })
        .await?;
    // Refused here whatever becomes of the next reading; other nodes are told by the database.
    state.hooks.tokens().forget(id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Describe the dialplan hooks
///
/// Where they are asked, and which channel variables each of them sets.
#[utoipa::path(
    get, path = "/hooks", tag = "telephony", operation_id = "describeHooks",
    responses((status = 200, description = "The hooks", body = Hooks)),
    extensions(("x-permission" = json!("telephony:read")))
)]
async fn describe_hooks(State(state): State<AppState>) -> axum::Json<Hooks> {
    let config = &state.config.hooks;
    let items = Hook::ALL.into_iter().map(|hook| HookInfo {
        hook,
        variables: variables(hook).iter().map(|(name, fallback)| HookVariable { name, fallback }).collect(),
    });
    axum::Json(Hooks {
        agi: config.listen.map(|listen| listen.to_string()),
        url: format!("{}/hooks/dialplan/", state.config.public_url.as_str().trim_end_matches('/')),
        deadline_ms: u64::try_from(config.deadline.as_millis()).unwrap_or(u64::MAX),
        items: items.collect(),
    })
}

/// Try a dialplan hook
///
/// Asks it as a dialplan would, and shows what it sets. An `event` is written into the journal.
#[utoipa::path(
    post, path = "/hooks/try", tag = "telephony", operation_id = "tryHook", request_body = TryHook,
    responses(
        (status = 200, description = "What it sets", body = TriedHook),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn try_hook(
    State(state): State<AppState>,
    principal: Principal,
    Json(wanted): Json<TryHook>,
) -> axum::Json<TriedHook> {
    let received = Instant::now();
    let given = [
        ("called", wanted.called),
        ("from", wanted.from),
        ("queue", wanted.queue),
        ("name", wanted.name),
        ("text", wanted.text),
    ];
    let ask = Ask::of_pairs(given.into_iter().filter_map(|(key, value)| Some((key, value?))));
    let holder = Holder { tenant: principal.tenant, id: Uuid::nil(), maker: principal.user };
    let answer = state.hooks.answer(&state, wanted.hook, &ask, Some(&holder), (Via::Panel, received)).await;
    axum::Json(TriedHook {
        hook: wanted.hook,
        status: answer.status,
        took_ms: (received.elapsed().as_secs_f64() * 10_000.0).round() / 10.0,
        variables: answer.vars.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    })
}

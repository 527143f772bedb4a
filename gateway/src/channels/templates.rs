//! WhatsApp's message templates: read from Meta, shown to whoever writes.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use trunkline_channels::Adapter as _;
use trunkline_channels::adapter::Outcome;
use trunkline_channels::client::NoFiles;
use trunkline_channels::whatsapp::templates::{self, Template};
use trunkline_db::ChannelAccountId;
use trunkline_jobs::{Done, Failure, Job, NewJob};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::apply::account_of;
use super::health::{self, Change};
use super::settings::Provider;
use super::{jobs, store, templates_store};
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, Idempotency};
use crate::http::{AppError, Page, PageQuery, Path, Problem, Query};
use crate::state::AppState;

/// Most templates of an account: Meta's own limit is 6,000.
const MAX_TEMPLATES: usize = 10_000;

/// A message template.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct MessageTemplate {
    /// Its name.
    pub(super) name: String,
    /// `en_US`: what a message is sent with.
    pub(super) language: String,
    /// `MARKETING`, `UTILITY`, `AUTHENTICATION`.
    pub(super) category: String,
    /// `APPROVED`, `PENDING`, `REJECTED`, `PAUSED` …; only approved ones can be sent.
    pub(super) status: String,
    /// `GREEN`, `YELLOW`, `RED`; null: not known.
    pub(super) quality: Option<String>,
    /// Why it was rejected or paused.
    pub(super) reason: Option<String>,
    /// Header, body, footer and buttons with their variables.
    #[schema(value_type = Vec<Object>)]
    pub(super) components: Value,
    /// When Meta was last asked.
    pub(super) synced_at: DateTime<Utc>,
}

/// A job that reads an account's templates.
pub(super) fn job(id: ChannelAccountId) -> NewJob {
    NewJob::new(jobs::TEMPLATES, json!({ "account_id": id })).key(format!("templates/{id}")).max_attempts(10)
}

/// Reads all pages, and only then changes what is known.
pub(super) async fn run(state: AppState, job: Job) -> Result<Done, Failure> {
    let (Some(tenant), Some(id)) = (job.tenant, account_of(&job)) else {
        return Err(Failure::dead("the job names no account"));
    };
    let Some(account) = state.channels.get(id).filter(|one| one.tenant == tenant) else { return Ok(Done) };
    let Provider::Whatsapp(whatsapp) = &account.provider else { return Ok(Done) };
    let (mut read, mut after): (Vec<Template>, Option<String>) = (Vec::new(), None);
    loop {
        let request = templates::list(&whatsapp.account, after.as_deref());
        let reply = state.channels.client().send(request, &NoFiles).await.map_err(Failure::retry)?;
        match whatsapp.understand("templates.list", reply.answer()) {
            Outcome::Done { .. } => {}
            Outcome::Failed { failure, after } => {
                if let Some(change) = Change::of(&failure) {
                    health::change(&state, tenant, id, change).await.map_err(Failure::retry)?;
                }
                let words = format!("{} ({})", failure.detail, failure.code);
                return Err(match after {
                    _ if !failure.why.is_temporary() => Failure::dead(words),
                    Some(after) => Failure::retry_after(words, after),
                    None => Failure::retry(words),
                });
            }
            _ => return Err(Failure::retry("the provider's answer cannot be read")),
        }
        let page = templates::parse(&reply.body).map_err(Failure::retry)?;
        read.extend(page.templates);
        match page.next {
            // A page that leads to itself would never end.
            Some(next) if after.as_ref() != Some(&next) && read.len() < MAX_TEMPLATES => after = Some(next),
            _ => break,
        }
    }
    let mut tx = state.db.tenant(tenant).await?;
    for template in &read {
        templates_store::set(&mut tx, id, template).await?;
    }
    templates_store::forget_others(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Done)
}

/// Routes of templates.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_templates)).routes(routes!(sync_templates))
}

async fn check(state: &AppState, by: &Principal, id: ChannelAccountId) -> Result<(), AppError> {
    let mut tx = state.db.tenant(by.tenant).await?;
    let row = store::find(&mut tx, id).await?;
    tx.commit().await?;
    row.filter(|row| row.removed_at.is_none()).map(drop).ok_or_else(|| AppError::not_found("channel account"))
}

/// List an account's templates
///
/// As the provider last told, by name and language.
#[utoipa::path(
    get, path = "/channel-accounts/{id}/templates", tag = "channels", operation_id = "listTemplates",
    params(("id" = Uuid, Path, description = "The account"), PageQuery),
    responses(
        (status = 200, description = "Templates", body = Page<MessageTemplate>),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("channels:read")))
)]
async fn list_templates(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ChannelAccountId>,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<MessageTemplate>>, AppError> {
    let (limit, after) = (page.limit()?, page.position::<(String, String)>()?);
    check(&state, &principal, id).await?;
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let found = templates_store::list(&mut tx, id, after.as_ref(), i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    let position = |one: &MessageTemplate| (one.name.clone(), one.language.clone());
    Ok(axum::Json(Page::new(found, limit, as_of_seq, position)))
}

/// What was begun.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct Syncing {
    /// The job that does it.
    #[schema(value_type = Uuid)]
    job_id: trunkline_db::JobId,
}

/// Read an account's templates anew
#[utoipa::path(
    post, path = "/channel-accounts/{id}/templates/sync", tag = "channels", operation_id = "syncTemplates",
    params(
        ("id" = Uuid, Path, description = "The account"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h"),
    ),
    responses(
        (status = 202, description = "It was begun", body = Syncing),
        (status = 404, description = "No such account", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("channels:manage")))
)]
async fn sync_templates(
    State(state): State<AppState>,
    Path(id): Path<ChannelAccountId>,
    idempotency: Idempotency,
) -> Result<Response, AppError> {
    check(&state, &idempotency.principal(), id).await?;
    let answer = idempotency
        .command(&state, move |tx| {
            Box::pin(async move {
                let job_id = trunkline_jobs::enqueue(tx, job(id)).await?;
                Ok((Effect { status: StatusCode::ACCEPTED, body: Syncing { job_id }, value: () }, Vec::new()))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

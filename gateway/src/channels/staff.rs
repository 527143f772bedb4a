//! A group of the staff's at Telegram: linked with a code, told what happens, asked for figures.
//!
//! A linked group is no customer's chat: nothing that is written in it becomes a conversation.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trunkline_channels::adapter::Outcome;
use trunkline_channels::client::NoFiles;
use trunkline_channels::model::{Address, Content, Message, Outgoing, Say, Told, What};
use trunkline_channels::telegram::staff::{self, Lead, News, Period, StaffCommand};
use trunkline_db::{ChannelAccountId, DbError, TenantTx};
use trunkline_jobs::{Done, Failure, Job, NewJob};
use trunkline_journal::{NewEvent, Ref};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::apply::{account_of, digest};
use super::health::{self, Change};
use super::model::Kind;
use super::registry::Connected;
use super::{apply_store, jobs, staff_store as store};
use crate::audit::{self, Origin};
use crate::auth::Principal;
use crate::http::idempotency::Idempotency;
use crate::http::{AppError, Path, Problem};
use crate::roles::Asking;
use crate::state::AppState;

/// For so long a code is good, in seconds; in the stretch after it too.
const WINDOW: i64 = 900;
/// Letters of a code: none that is taken for another.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Letters in a code: 60 bits.
const LENGTH: usize = 12;

/// The code by which a group is linked to an account, in this stretch of time.
fn code(state: &AppState, id: ChannelAccountId, window: i64) -> String {
    let mac = state.keys.hash_opaque(&format!("staff-chat/{id}/{window}"));
    mac.iter().take(LENGTH).map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
}

fn is_code(state: &AppState, id: ChannelAccountId, given: &str) -> bool {
    let now = Utc::now().timestamp() / WINDOW;
    let given = given.trim().to_ascii_uppercase();
    [now, now - 1].into_iter().any(|window| {
        let code = code(state, id, window);
        bool::from(subtle::ConstantTimeEq::ct_eq(code.as_bytes(), given.as_bytes()))
    })
}

/// What a job of the staff's is to say.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
enum Saying {
    Text { text: String },
    Stats { period: String },
    Leads { count: usize },
}

fn job(account: ChannelAccountId, chat: &str, saying: &Saying) -> NewJob {
    let payload = json!({ "account_id": account, "chat": chat, "saying": saying });
    NewJob::new(jobs::STAFF, payload).key(format!("staff/{account}")).max_attempts(8)
}

/// Whether this is the staff's and no customer's; then it is done with.
pub(super) async fn took(
    state: &AppState,
    tx: &mut TenantTx<'_>,
    account: &Connected,
    told: &Told,
) -> Result<bool, DbError> {
    let What::Message(message) = &told.what else { return Ok(false) };
    // Customers write in chats of two.
    if account.kind != Kind::Telegram || !message.chat.0.starts_with('-') {
        return Ok(false);
    }
    let title = message.title.as_deref();
    let is_linked = store::is_linked(tx, account.id, &message.chat.0).await?;
    let command = match &message.content {
        Content::Command { name, argument } => Some(StaffCommand::read(name, argument)),
        _ => None,
    };
    let links = matches!(&command, Some(StaffCommand::Link { .. } | StaffCommand::Misspelt { .. }));
    if !is_linked && !links {
        return Ok(false);
    }
    // Told twice, it is answered once.
    if message.history
        || !apply_store::is_new(tx, account.id, &digest(account.id, &format!("staff:{}", told.key))).await?
    {
        return Ok(true);
    }
    let Some(command) = command else { return Ok(true) };
    let saying = match command {
        StaffCommand::Link { code } if is_code(state, account.id, &code) => {
            store::link(tx, account.id, &message.chat.0, title).await?;
            text(&format!("This group is linked to {}.\n{}", account.name, StaffCommand::help()))
        }
        StaffCommand::Link { .. } => {
            text("This code is not good any more. A new one is in the settings of the channel.")
        }
        StaffCommand::Misspelt { usage } => text(usage),
        StaffCommand::Unlink => {
            store::unlink(tx, account.id, &message.chat.0).await?;
            text("This group is not linked any more.")
        }
        StaffCommand::Help => text(&StaffCommand::help()),
        StaffCommand::Stats { period } => Saying::Stats { period: word(period).to_owned() },
        StaffCommand::Leads { count } => Saying::Leads { count },
        StaffCommand::Other => return Ok(true),
    };
    trunkline_jobs::enqueue(tx, job(account.id, &answer_to(message), &saying)).await?;
    Ok(true)
}

fn answer_to(message: &Message) -> String {
    message.chat.0.clone()
}

fn text(text: &str) -> Saying {
    Saying::Text { text: text.to_owned() }
}

const fn word(period: Period) -> &'static str {
    match period {
        Period::Today => "today",
        Period::Yesterday => "yesterday",
        Period::Week => "week",
        Period::Month => "month",
    }
}

/// Tells every linked group of the tenant's, once the transaction is committed.
pub async fn notify(tx: &mut TenantTx<'_>, news: &News) -> Result<(), DbError> {
    for (account, chat) in store::all(tx).await? {
        trunkline_jobs::enqueue(tx, job(account, &chat, &text(&news.words()))).await?;
    }
    Ok(())
}

/// Of what was received: somebody who was never met before is a lead.
pub(super) async fn tell(tx: &mut TenantTx<'_>, account: &Connected, events: &[NewEvent]) -> Result<(), DbError> {
    for event in events.iter().filter(|event| event.kind.as_str() == "conversation.opened") {
        let conversation = &event.data["conversation"];
        let is_new = events.iter().any(|other| {
            other.kind.as_str() == "contact.created"
                && conversation["contact"]["id"].as_str() == Some(other.subject.id.to_string().as_str())
        });
        if !is_new {
            continue;
        }
        let words = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let lead = Lead {
            name: words(&conversation["contact"]["name"]).unwrap_or_else(|| "Somebody".to_owned()),
            channel: channel(account.kind).to_owned(),
            age_seconds: 0,
            preview: words(&conversation["last"]["text"]),
            link: None,
        };
        notify(tx, &News::NewLead(lead)).await?;
    }
    Ok(())
}

const fn channel(kind: Kind) -> &'static str {
    match kind {
        Kind::Whatsapp => "WhatsApp",
        Kind::Telegram => "Telegram",
        Kind::Twilio => "SMS",
    }
}

/// When a period begins and ends.
fn stretch(period: Period, now: DateTime<Utc>, zone: chrono_tz::Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let local = now.with_timezone(&zone).date_naive();
    let midnight = |days: i64| {
        let day = local - TimeDelta::days(days);
        // A midnight that a change of the clocks leaves out is the first moment after it.
        let at = day.and_hms_opt(0, 0, 0).unwrap_or_default();
        at.and_local_timezone(zone).earliest().map_or_else(|| at.and_utc(), |at| at.to_utc())
    };
    match period {
        Period::Today => (midnight(0), now),
        Period::Yesterday => (midnight(1), midnight(0)),
        Period::Week => (midnight(6), now),
        Period::Month => (midnight(29), now),
    }
}

/// Says it.
pub(super) async fn run(state: AppState, job: Job) -> Result<Done, Failure> {
    let (Some(tenant), Some(id)) = (job.tenant, account_of(&job)) else {
        return Err(Failure::dead("the job names no account"));
    };
    let saying: Saying = Saying::deserialize(&job.payload["saying"]).map_err(Failure::dead)?;
    let Some(chat) = job.payload["chat"].as_str() else { return Err(Failure::dead("the job names no chat")) };
    let account = state.channels.get(id).filter(|one| one.tenant == tenant && one.enabled);
    let Some(account) = account else { return Ok(Done) };
    let text = match saying {
        Saying::Text { text } => text,
        Saying::Stats { period } => {
            let period = match period.as_str() {
                "yesterday" => Period::Yesterday,
                "week" => Period::Week,
                "month" => Period::Month,
                _ => Period::Today,
            };
            let mut tx = state.db.system().await?;
            let zone = store::time_zone(&mut tx, tenant).await?;
            tx.commit().await?;
            let zone = zone.and_then(|zone| zone.parse().ok()).unwrap_or(chrono_tz::Tz::UTC);
            let (from, to) = stretch(period, Utc::now(), zone);
            let mut tx = state.db.tenant(tenant).await?;
            let stats = store::stats(&mut tx, from, to).await?;
            tx.commit().await?;
            stats.words(period)
        }
        Saying::Leads { count } => {
            let mut tx = state.db.tenant(tenant).await?;
            let leads = store::leads(&mut tx, i64::try_from(count).unwrap_or(10)).await?;
            tx.commit().await?;
            staff::leads(&leads)
        }
    };
    let outgoing = Outgoing {
        to: Address(chat.to_owned()),
        say: Say::Text { text },
        reply_to: None,
        reference: job.id.to_string(),
    };
    let request = account.adapter.render(&outgoing).map_err(Failure::dead)?;
    let name = request.name;
    let reply = match state.channels.client().send(request, &NoFiles).await {
        Ok(reply) => reply,
        Err(error) if error.is_safe_to_repeat() => return Err(Failure::retry(error)),
        // Better not at all than twice.
        Err(error) => return Err(Failure::dead(format!("it may have been said: {error}"))),
    };
    match account.adapter.understand(name, reply.answer()) {
        Outcome::Done { .. } => Ok(Done),
        Outcome::Failed { failure, after } => {
            if let Some(change) = Change::of(&failure) {
                health::change(&state, tenant, id, change).await.map_err(Failure::retry)?;
            }
            let words = format!("{} ({})", failure.detail, failure.code);
            Err(match after {
                Some(after) if failure.why.is_temporary() => Failure::retry_after(words, after),
                _ if failure.why.is_temporary() => Failure::retry(words),
                _ => Failure::dead(words),
            })
        }
        _ => Err(Failure::dead("it may have been said: the answer cannot be read")),
    }
}

/// A linked group.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct StaffChat {
    /// Telegram's chat.
    pub(super) chat: String,
    /// Its name.
    pub(super) title: Option<String>,
    /// Since when.
    pub(super) linked_at: DateTime<Utc>,
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
/// Whoever writes `/link CODE` in a group where the bot is a member makes it one of the staff's: it is told of new leads and of trouble, and may ask
/// `/stats` and `/leads`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_of_the_companys_days() {
        let zone: chrono_tz::Tz = "Europe/Rome".parse().unwrap();
        let now = "2026-03-29T21:30:00Z".parse().unwrap();
        let text = |period| {
            let (from, to) = stretch(period, now, zone);
            (from.to_rfc3339(), to.to_rfc3339())
        };
        // The clocks went forward that morning.
        assert_eq!(text(Period::Today).0, "2026-03-28T23:00:00+00:00");
        assert_eq!(
            text(Period::Yesterday),
            ("2026-03-27T23:00:00+00:00".to_owned(), "2026-03-28T23:00:00+00:00".to_owned())
        );
        assert_eq!(text(Period::Week).0, "2026-03-22T23:00:00+00:00");
    }
}

//! A group of the staff's at Telegram: linked with a code, told what happens, asked for figures.
//!
//! A linked group is no customer's chat: nothing that is written in it becomes a conversation.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trunkline_channels::adapter::Outcome;
use trunkline_channels::client::NoFiles;
use trunkline_channels::model::{Address, Content, Identity, Message, Outgoing, Say, Told, What};
use trunkline_channels::telegram::staff::{self, Lead, News, Period, StaffCommand};
use trunkline_db::{ChannelAccountId, DbError, TenantTx};
use trunkline_jobs::{Done, Failure, Job, NewJob};
use trunkline_journal::NewEvent;
use uuid::Uuid;

use super::apply::{account_of, digest};
use super::health::{self, Change};
use super::model::Kind;
use super::moved::follow;
use super::registry::Connected;
use super::{apply_store, jobs, staff_store as store};
use crate::state::AppState;

/// For so long a code is good, in seconds; in the stretch after it too.
pub(super) const WINDOW: i64 = 900;
/// Letters of a code: none that is taken for another.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Of 5: an answer up to here is one that somebody should look at.
const NOT_CONTENT: i16 = 2;
/// Letters in a code: 60 bits.
const LENGTH: usize = 12;

/// The code by which a group is linked to an account, in this stretch of time.
pub(super) fn code(state: &AppState, id: ChannelAccountId, window: i64) -> String {
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
    if let (Kind::Telegram, What::Moved { old: Identity::TelegramId(old), new: Identity::TelegramId(new), .. }) =
        (account.kind, &told.what)
    {
        return store::move_chat(tx, account.id, &old.to_string(), &new.to_string()).await;
    }
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
    // A group that is not linked is heard in this alone.
    let links = matches!(&message.content, Content::Command { name, .. } if name == "link");
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
        StaffCommand::Hear { topic, wanted } => {
            store::hear(tx, account.id, &message.chat.0, topic.word(), wanted).await?;
            let word = topic.word();
            text(&if wanted { format!("News of {word} come again.") } else { format!("No more news of {word}.") })
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

/// Tells every linked group of the tenant's that wants to know, once the transaction is committed.
pub(crate) async fn notify(tx: &mut TenantTx<'_>, news: &News) -> Result<(), DbError> {
    for (account, chat) in store::all(tx, news.topic().word()).await? {
        trunkline_jobs::enqueue(tx, job(account, &chat, &text(&news.words()))).await?;
    }
    Ok(())
}

/// Where a conversation is in the panel.
fn link(state: &AppState, conversation: Uuid) -> String {
    format!("{}/inbox?c={conversation}", state.config.public_url.as_str().trim_end_matches('/'))
}

/// A service level was missed; `conversation` is as its event tells it.
pub(crate) async fn missed(
    state: &AppState,
    tx: &mut TenantTx<'_>,
    (id, conversation): (Uuid, &Value),
    goal: &str,
) -> Result<(), DbError> {
    let name = conversation["contact"]["name"].as_str().unwrap_or("Somebody").to_owned();
    notify(tx, &News::SlaBreached { name, target: goal.replace('_', " "), link: Some(link(state, id)) }).await
}

/// A survey was answered; who is content is no news.
pub(crate) async fn surveyed(
    state: &AppState,
    tx: &mut TenantTx<'_>,
    conversation: Uuid,
    score: i16,
    comment: &str,
) -> Result<(), DbError> {
    if score > NOT_CONTENT {
        return Ok(());
    }
    let name = store::contact_of(tx, conversation).await?.unwrap_or_else(|| "Somebody".to_owned());
    let comment = Some(comment.trim().to_owned()).filter(|comment| !comment.is_empty());
    notify(tx, &News::Survey { name, score, comment, link: Some(link(state, conversation)) }).await
}

/// Of what was received: somebody who was never met before is a lead.
///
/// And the provider may have told that the account has stopped.
pub(super) async fn tell(
    state: &AppState,
    tx: &mut TenantTx<'_>,
    account: &Connected,
    events: &[NewEvent],
) -> Result<(), DbError> {
    for event in events.iter().filter(|event| event.kind.as_str() == "channel_account.health_changed") {
        let problem = &event.data["health"]["problem"];
        // Told now, and not while something else changed.
        let is_news = problem["level"] == "stopped"
            && problem["at"].as_str().and_then(|at| at.parse::<DateTime<Utc>>().ok()).map(|at| at.timestamp_millis())
                == Some(event.at.timestamp_millis());
        if let (true, Some(reason)) = (is_news, problem["detail"].as_str()) {
            let stopped = News::ChannelStopped { account: account.name.clone(), reason: reason.to_owned() };
            notify(tx, &stopped).await?;
        }
    }
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
            preview: first_words(event.subject.id, events),
            link: Some(link(state, event.subject.id)),
        };
        notify(tx, &News::NewLead(lead)).await?;
    }
    Ok(())
}

/// What they wrote when they opened a conversation.
fn first_words(conversation: Uuid, events: &[NewEvent]) -> Option<String> {
    let is_first = |event: &&NewEvent| {
        event.kind.as_str() == "message.received"
            && event.data["conversation_id"].as_str() == Some(conversation.to_string().as_str())
    };
    let text = events.iter().find(is_first)?.data["preview"].as_str()?;
    Some(text.to_owned()).filter(|text| !text.is_empty())
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
    say(&state, &account, Address(chat.to_owned()), text, job.id.to_string()).await
}

/// Says a text in a group; if that moved, where it is now.
async fn say(
    state: &AppState,
    account: &Arc<Connected>,
    to: Address,
    text: String,
    reference: String,
) -> Result<Done, Failure> {
    let mut outgoing = Outgoing { to, say: Say::Text { text }, reply_to: None, reference };
    let mut has_moved = false;
    loop {
        let request = account.adapter.render(&outgoing).map_err(Failure::dead)?;
        let name = request.name;
        let reply = match state.channels.client().send(request, &NoFiles).await {
            Ok(reply) => reply,
            Err(error) if error.is_safe_to_repeat() => return Err(Failure::retry(error)),
            // Better not at all than twice.
            Err(error) => return Err(Failure::dead(format!("it may have been said: {error}"))),
        };
        let (failure, after) = match account.adapter.understand(name, reply.answer()) {
            Outcome::Done { .. } => return Ok(Done),
            Outcome::Failed { failure, after } => (failure, after),
            _ => return Err(Failure::dead("it may have been said: the answer cannot be read")),
        };
        if !has_moved
            && let Some(there) = follow(state, account, &outgoing.to, &failure).await.map_err(Failure::retry)?
        {
            (outgoing.to, has_moved) = (there, true);
            continue;
        }
        if let Some(change) = Change::of(&failure) {
            health::change(state, account.tenant, account.id, change).await.map_err(Failure::retry)?;
        }
        let words = format!("{} ({})", failure.detail, failure.code);
        return Err(match after {
            Some(after) if failure.why.is_temporary() => Failure::retry_after(words, after),
            _ if failure.why.is_temporary() => Failure::retry(words),
            _ => Failure::dead(words),
        });
    }
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

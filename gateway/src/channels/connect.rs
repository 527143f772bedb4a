//! Asks a provider whether it knows an account, and tells it where we are.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use trunkline_channels::adapter::Request;
use trunkline_channels::client::{NoFiles, Reply, SendError};
use trunkline_channels::model::Why;
use trunkline_channels::{Adapter, adapter::Outcome, telegram, twilio, whatsapp};
use trunkline_jobs::{Done, Failure, Job};

use super::apply::account_of;
use super::health::{self, Change};
use super::model::Kind;
use super::registry::Connected;
use super::settings::Provider;
use super::store;
use crate::state::AppState;

/// Deliveries that Telegram may make at once.
const CONNECTIONS: u8 = 40;

/// One thing that was asked, with what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct Finding {
    /// `token`, `webhook`, `number`, `bot`.
    pub(super) what: &'static str,
    /// It is as it should be.
    pub(super) good: bool,
    /// In words.
    pub(super) detail: String,
}

/// What a provider said of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct AccountChecked {
    /// Everything is as it should be.
    pub(super) good: bool,
    /// One by one.
    pub(super) findings: Vec<Finding>,
}

/// What a check found, and what is to be remembered of it.
#[derive(Debug, Default)]
struct Report {
    findings: Vec<Finding>,
    changes: Vec<Change>,
    username: Option<String>,
    token_expires_at: Option<DateTime<Utc>>,
    /// It may be otherwise in a moment.
    again: Option<Duration>,
}

impl Report {
    fn good(&mut self, what: &'static str, detail: impl Into<String>) {
        self.findings.push(Finding { what, good: true, detail: detail.into() });
    }

    fn bad(&mut self, what: &'static str, detail: impl Into<String>) {
        self.findings.push(Finding { what, good: false, detail: detail.into() });
    }

    /// A request that was not taken.
    fn refused(&mut self, what: &'static str, outcome: Outcome) {
        match outcome {
            Outcome::Failed { failure, after } => {
                if failure.why.is_temporary() {
                    self.again = Some(after.unwrap_or(Duration::from_secs(5)));
                }
                let named = if failure.why == Why::Money { "money" } else { "account" };
                let stopped = !failure.why.is_temporary();
                let detail = format!("{} ({})", failure.detail, failure.code);
                self.changes.push(Change::Trouble {
                    what: if stopped { named } else { "provider" }.to_owned(),
                    detail: detail.clone(),
                    stopped,
                    receiving: false,
                });
                self.bad(what, detail);
            }
            Outcome::Unclear { detail } => {
                self.again = Some(Duration::from_secs(5));
                self.bad(what, format!("the provider's answer cannot be read: {detail}"));
            }
            _ => self.bad(what, "the provider's answer is not one to this question"),
        }
    }

    fn away(&mut self, what: &'static str, error: &SendError) {
        self.again = Some(Duration::from_secs(5));
        let detail = format!("the provider cannot be reached: {error}");
        self.changes.push(Change::Trouble {
            what: "provider".to_owned(),
            detail: detail.clone(),
            stopped: false,
            receiving: false,
        });
        self.bad(what, detail);
    }
}

/// Whether the provider can post to us at all.
pub(super) fn is_reachable(state: &AppState) -> bool {
    state.config.public_url.scheme() == "https"
}

async fn send(state: &AppState, request: Request) -> Result<Reply, SendError> {
    state.channels.client().send(request, &NoFiles).await
}

async fn check_whatsapp(state: &AppState, account: &Connected, whatsapp: &whatsapp::WhatsApp, report: &mut Report) {
    let number = match send(state, whatsapp.account.check()).await {
        Ok(reply) => match whatsapp.understand("account.check", reply.answer()) {
            Outcome::Done { .. } => whatsapp.account.read_check(reply.answer()),
            other => return report.refused("token", other),
        },
        Err(error) => return report.away("token", &error),
    };
    report.changes.push(Change::Works(Some("account")));
    let number =
        number.map(|number| [number.name, number.display].into_iter().flatten().collect::<Vec<_>>().join(", "));
    report.good("token", "the access token is good");
    report
        .good("number", number.filter(|number| !number.is_empty()).unwrap_or_else(|| "the number is known".to_owned()));
    // Not everybody's token may ask this: what it does not tell is not known.
    if let Ok(reply) = send(state, whatsapp.account.token()).await {
        report.token_expires_at = whatsapp.account.read_token(reply.answer());
    }
    if !is_reachable(state) {
        report.bad("webhook", "public_url is not https: Meta posts nothing to it");
        return;
    }
    match send(state, whatsapp.account.subscribe(&account.webhook_url)).await {
        Ok(reply) => match whatsapp.understand("account.subscribe", reply.answer()) {
            Outcome::Done { .. } => report.good("webhook", "Meta posts this account's webhooks to us"),
            Outcome::Failed { failure, .. } => report
                .bad("webhook", format!("set it up in Meta's app dashboard: {} ({})", failure.detail, failure.code)),
            _ => report.bad("webhook", "set it up in Meta's app dashboard"),
        },
        Err(error) => report.away("webhook", &error),
    }
}

async fn check_telegram(state: &AppState, account: &Connected, bot: &telegram::Account, report: &mut Report) {
    match send(state, bot.get_me()).await {
        Ok(reply) => match bot.read_me(reply.answer()) {
            Ok(me) => {
                report.changes.push(Change::Works(Some("account")));
                let name = me.username.as_ref().map_or_else(|| me.name.clone(), |name| format!("@{name}"));
                report.good("token", format!("the bot is {name}"));
                report.username = me.username;
            }
            Err(outcome) => return report.refused("token", *outcome),
        },
        Err(error) => return report.away("token", &error),
    }
    if !account.enabled {
        return;
    }
    if !is_reachable(state) {
        match send(state, bot.delete_webhook()).await {
            Ok(reply) => match bot.understand("deleteWebhook", reply.answer()) {
                Outcome::Done { .. } => {
                    report.changes.push(Change::Polls);
                    report.good("webhook", "Telegram is asked for what is new, since public_url is not https");
                }
                other => report.refused("webhook", other),
            },
            Err(error) => report.away("webhook", &error),
        }
        return;
    }
    match send(state, bot.set_webhook(&account.webhook_url, CONNECTIONS)).await {
        Ok(reply) => match bot.understand("setWebhook", reply.answer()) {
            Outcome::Done { .. } => {}
            other => return report.refused("webhook", other),
        },
        Err(error) => return report.away("webhook", &error),
    }
    match send(state, bot.get_webhook_info()).await {
        Ok(reply) => match bot.read_webhook_info(reply.answer()) {
            Ok(info) if info.url == account.webhook_url => {
                report.changes.push(Change::Verified);
                let waiting = if info.pending > 0 { format!("; {} updates wait", info.pending) } else { String::new() };
                report.good("webhook", format!("Telegram posts to us{waiting}"));
            }
            Ok(info) => report.bad("webhook", format!("Telegram posts to another address: {}", info.url)),
            Err(outcome) => report.refused("webhook", *outcome),
        },
        Err(error) => report.away("webhook", &error),
    }
}

async fn check_twilio(state: &AppState, account: &Connected, twilio: &twilio::Account, report: &mut Report) {
    match send(state, twilio.check()).await {
        Ok(reply) => match twilio.understand("account", reply.answer()) {
            Outcome::Done { .. } => {
                report.changes.push(Change::Works(Some("account")));
                report.good("token", "the account's SID and auth token are good");
            }
            other => return report.refused("token", other),
        },
        Err(error) => return report.away("token", &error),
    }
    // What the number's own settings say is another product's interface, and not everybody who speaks Twilio's has it.
    report.good("webhook", format!("set the number's \"a message comes in\" to {}", account.webhook_url));
}

/// Asks, and keeps what is learnt.
pub(super) async fn check(state: &AppState, account: &Connected) -> anyhow::Result<(AccountChecked, Option<Duration>)> {
    let mut report = Report::default();
    match &account.provider {
        Provider::Whatsapp(whatsapp) => check_whatsapp(state, account, whatsapp, &mut report).await,
        Provider::Telegram(bot) => check_telegram(state, account, bot, &mut report).await,
        Provider::Twilio(twilio) => check_twilio(state, account, twilio, &mut report).await,
    }
    if report.findings.iter().all(|finding| finding.good) {
        report.changes.push(Change::Works(Some("provider")));
        report.changes.push(Change::Works(Some("webhook")));
    }
    report.changes.push(Change::Token(report.token_expires_at));
    for change in report.changes {
        health::change(state, account.tenant, account.id, change).await?;
    }
    if let Some(username) = report.username {
        let mut tx = state.db.tenant(account.tenant).await?;
        store::set_username(&mut tx, account.id, &username).await?;
        tx.commit().await?;
    }
    let good = report.findings.iter().all(|finding| finding.good);
    Ok((AccountChecked { good, findings: report.findings }, report.again))
}

/// The job of a new or changed account.
pub(super) async fn run(state: AppState, job: Job) -> Result<Done, Failure> {
    let (Some(tenant), Some(id)) = (job.tenant, account_of(&job)) else {
        return Err(Failure::dead("the job names no account"));
    };
    // The change that made the job may not have reached this node's memory yet.
    state.channels.refresh(&state, Some(tenant)).await?;
    let Some(account) = state.channels.get(id) else { return Ok(Done) };
    let (checked, again) = check(&state, &account).await.map_err(Failure::retry)?;
    if let (Some(after), false) = (again, checked.good) {
        let words: Vec<String> = checked
            .findings
            .into_iter()
            .filter(|one| !one.good)
            .map(|one| format!("{}: {}", one.what, one.detail))
            .collect();
        return Err(Failure::retry_after(words.join("; "), after));
    }
    if account.kind == Kind::Whatsapp && checked.findings.iter().any(|one| one.what == "token" && one.good) {
        let mut tx = state.db.tenant(tenant).await?;
        trunkline_jobs::enqueue(&mut tx, super::templates::job(id)).await?;
        tx.commit().await?;
    }
    Ok(Done)
}

/// A removed bot: Telegram need not post to us any more. What cannot be said now is not said: it gets 404s, and gives up.
pub(super) async fn say_goodbye(state: AppState, account: std::sync::Arc<Connected>) {
    if let Provider::Telegram(bot) = &account.provider
        && let Err(error) = send(&state, bot.delete_webhook()).await
    {
        tracing::debug!(account = %account.id, %error, "the webhook of a removed bot stays set");
    }
}

//! What was stored becomes conversations: the job `inbound.apply` of an account, in the order of arrival.
//!
//! - A command of the journal applies a few webhooks: rows, events, and that they were applied, commit together or not at all.
//! - A webhook that cannot be read has failed, and says where. One that fails by our own fault waits and is tried again, and what comes
//!   later in the same chats waits with it; everything else goes on. After [`TRIES`] it has failed, and may be replayed.

use std::collections::{BTreeSet, HashSet};
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use trunkline_channels::Webhook;
use trunkline_channels::model::{Told, What};
use trunkline_conversations::{Shown, receive};
use trunkline_db::{ChannelAccountId, DbError, TenantTx};
use trunkline_jobs::{Done, Failure, Job, NewJob};
use trunkline_journal::{CommandError, Fault, NewEvent, Outcome};

use super::apply_store::{self as store, Piece};
use super::health::{self, Change};
use super::jobs;
use super::registry::{self, Connected};
use super::{press, staff};
use crate::state::AppState;

/// Attempts that a webhook has when it fails by our own fault.
const TRIES: i32 = 5;
/// The longest pause between two of them, in seconds.
const LONGEST_PAUSE: i64 = 30;
/// Webhooks that are read at once.
const PIECES: i64 = 50;
/// Things of one command: each makes a few events, and a command has room for 500.
const TOLD_AT_ONCE: usize = 25;
/// After so long a run gives way to others, and goes on as another job.
const LONGEST_RUN: Duration = Duration::from_secs(45);
/// Longest words of a failure that are kept, in characters.
const MAX_ERROR: usize = 1_000;

/// The address of what was not posted, but asked for.
pub(super) const POLLED: &str = "poll:getUpdates";

/// The account that a job is about.
pub(super) fn account_of(job: &Job) -> Option<ChannelAccountId> {
    job.payload.get("account_id")?.as_str()?.parse().ok()
}

/// A job that applies what waits.
pub(super) fn job(id: ChannelAccountId) -> NewJob {
    NewJob::new(jobs::APPLY, json!({ "account_id": id })).key(format!("inbound/{id}")).priority(5).max_attempts(1000)
}

/// Applies what waits at one account.
pub(super) async fn run(state: AppState, job: Job) -> Result<Done, Failure> {
    let (Some(tenant), Some(id)) = (job.tenant, account_of(&job)) else {
        return Err(Failure::dead("the job names no account"));
    };
    let Some(account) = registry::load(&state, tenant, id).await? else { return Ok(Done) };
    let mut run = Run { state: &state, account, blocked: HashSet::new() };
    let (began, mut after) = (Instant::now(), 0);
    loop {
        let mut tx = state.db.tenant(tenant).await?;
        let pieces = store::waiting(&mut tx, id, after, PIECES).await?;
        tx.commit().await?;
        let Some(last) = pieces.last() else { return Ok(Done) };
        after = last.seq;
        run.apply(pieces).await?;
        if began.elapsed() > LONGEST_RUN {
            let mut tx = state.db.tenant(tenant).await?;
            trunkline_jobs::enqueue(&mut tx, self::job(id)).await?;
            tx.commit().await?;
            return Ok(Done);
        }
    }
}

/// After a pause: has what waits applied.
pub(super) async fn again(state: AppState, job: Job) -> Result<Done, Failure> {
    let (Some(tenant), Some(id)) = (job.tenant, account_of(&job)) else {
        return Err(Failure::dead("the job names no account"));
    };
    let mut tx = state.db.tenant(tenant).await?;
    trunkline_jobs::enqueue(&mut tx, self::job(id)).await?;
    tx.commit().await?;
    Ok(Done)
}

/// A webhook that was read.
struct Readied {
    piece: Piece,
    told: Vec<Told>,
    chats: BTreeSet<String>,
}

/// One thing of a webhook, with the account whose it is.
#[derive(Clone)]
pub(super) struct Thing {
    pub(super) account: Arc<Connected>,
    pub(super) told: Arc<Told>,
}

/// Some of a webhook's things; with the last of them it is done.
#[derive(Clone)]
struct Step {
    piece: Arc<Piece>,
    things: Vec<Thing>,
    /// What is to be seen of those before.
    shown: Shown,
    is_last: bool,
}

/// What is to be tried again, and why.
enum Trouble {
    /// The database: everything waits.
    Away(String),
    /// Our own fault.
    Ours(String),
}

struct Run<'a> {
    state: &'a AppState,
    account: Arc<Connected>,
    /// Chats in which something waits: what comes later in them waits too.
    blocked: HashSet<String>,
}

impl Run<'_> {
    async fn apply(&mut self, pieces: Vec<Piece>) -> Result<(), Failure> {
        let mut group: Vec<Readied> = Vec::new();
        for piece in pieces {
            let readied = match read(&self.account, &piece) {
                Ok(told) => {
                    let chats = told.iter().filter_map(|told| chat_of(&told.what)).map(str::to_owned).collect();
                    Readied { piece, told, chats }
                }
                Err(error) => {
                    self.fail(&piece, &error).await?;
                    continue;
                }
            };
            if !readied.piece.is_due || readied.chats.iter().any(|chat| self.blocked.contains(chat)) {
                self.blocked.extend(readied.chats);
                continue;
            }
            let things: usize = group.iter().map(|one| one.told.len().max(1)).sum();
            if !group.is_empty() && things + readied.told.len() > TOLD_AT_ONCE {
                self.apply_group(std::mem::take(&mut group)).await?;
                if readied.chats.iter().any(|chat| self.blocked.contains(chat)) {
                    self.blocked.extend(readied.chats);
                    continue;
                }
            }
            group.push(readied);
        }
        self.apply_group(group).await
    }

    /// Together; where that fails by our own fault one by one, so that only the one that does it waits.
    async fn apply_group(&mut self, group: Vec<Readied>) -> Result<(), Failure> {
        if group.is_empty() {
            return Ok(());
        }
        let alone = group.len() == 1;
        let steps: Vec<Vec<Step>> = group.into_iter().map(|one| self.steps(one)).collect();
        if !alone {
            match self.command(steps.iter().flatten().cloned().collect()).await {
                Ok(_) => return Ok(()),
                Err(Trouble::Away(error)) => return Err(Failure::retry_after(error, Duration::from_secs(1))),
                Err(Trouble::Ours(error)) => tracing::debug!(%error, "webhooks are applied one by one"),
            }
        }
        'webhooks: for steps in steps {
            let Some(piece) = steps.first().map(|step| Arc::clone(&step.piece)) else { continue };
            let chats: Vec<String> = steps
                .iter()
                .flat_map(|step| &step.things)
                .filter_map(|thing| chat_of(&thing.told.what))
                .map(str::to_owned)
                .collect();
            if chats.iter().any(|chat| self.blocked.contains(chat)) {
                self.blocked.extend(chats);
                continue;
            }
            let mut shown = Shown::Ignored;
            for mut step in steps {
                step.shown = shown;
                match self.command(vec![step]).await {
                    Ok(seen) => shown = shown.max(seen),
                    Err(Trouble::Away(error)) => return Err(Failure::retry_after(error, Duration::from_secs(1))),
                    Err(Trouble::Ours(error)) => {
                        self.blocked.extend(chats);
                        self.put_off(&piece, &error).await?;
                        continue 'webhooks;
                    }
                }
            }
        }
        Ok(())
    }

    /// A webhook's things, in pieces that fit into a command.
    fn steps(&self, readied: Readied) -> Vec<Step> {
        let piece = Arc::new(readied.piece);
        let things: Vec<Thing> =
            readied.told.into_iter().map(|told| Thing { account: self.owner(&told), told: Arc::new(told) }).collect();
        if things.is_empty() {
            return vec![Step { piece, things, shown: Shown::Ignored, is_last: true }];
        }
        let count = things.chunks(TOLD_AT_ONCE).len();
        let step = |(at, things): (usize, &[Thing])| Step {
            piece: Arc::clone(&piece),
            things: things.to_vec(),
            shown: Shown::Ignored,
            is_last: at + 1 == count,
        };
        things.chunks(TOLD_AT_ONCE).enumerate().map(step).collect()
    }

    /// Whose a thing is: one webhook may tell of several of the tenant's lines.
    fn owner(&self, told: &Told) -> Arc<Connected> {
        let line = told.line.as_deref().filter(|line| self.account.line().is_some_and(|own| own != *line));
        let other = line.and_then(|line| self.state.channels.of_line(self.account.tenant, self.account.kind, line));
        other.unwrap_or_else(|| Arc::clone(&self.account))
    }

    /// One command: everything in it, or nothing.
    async fn command(&self, steps: Vec<Step>) -> Result<Shown, Trouble> {
        let state = self.state.clone();
        let (tenant, steps) = (self.account.tenant, Arc::new(steps));
        let within = Arc::clone(&steps);
        let committed = self.state.journal.command::<_, Infallible, _>(tenant, move |tx| {
            let (state, steps) = (state.clone(), Arc::clone(&within));
            Box::pin(async move {
                let (mut events, mut seen) = (Vec::<NewEvent>::new(), Vec::with_capacity(steps.len()));
                let mut worst = Shown::Ignored;
                for step in steps.iter() {
                    let mut shown = step.shown;
                    for thing in &step.things {
                        let (was, happened) =
                            one(&state, tx, thing, step.piece.received_at).await.map_err(Fault::Db)?;
                        shown = shown.max(was);
                        events.extend(happened);
                    }
                    worst = worst.max(shown);
                    if step.is_last {
                        store::applied(tx, &step.piece, word(shown)).await.map_err(Fault::Db)?;
                    }
                    seen.push(shown);
                }
                // Once for all of them: the account is one row.
                if let Some(newest) = steps.iter().rfind(|step| step.is_last) {
                    events.extend(received(tx, &newest.piece).await.map_err(Fault::Db)?);
                }
                let messages = events.iter().filter(|event| event.kind.as_str() == "message.received").count();
                Ok(Outcome::new((worst, seen, messages)).events(events))
            })
        });
        match committed.await {
            Ok(committed) => {
                let (worst, seen, messages) = committed.value;
                self.state.conversations.metrics().received(self.account.account.channel, messages as u64);
                for (step, shown) in steps.iter().zip(seen).filter(|(step, _)| step.is_last) {
                    self.count(&step.piece, word(shown));
                }
                Ok(worst)
            }
            Err(error @ (CommandError::Unavailable(_) | CommandError::Unknown)) => {
                Err(Trouble::Away(error.to_string()))
            }
            Err(CommandError::Db(error)) if error.is_unavailable() || error.is_contention() => {
                Err(Trouble::Away(error.to_string()))
            }
            Err(error) => Err(Trouble::Ours(error.to_string())),
        }
    }

    fn count(&self, piece: &Piece, word: &'static str) {
        let metrics = self.state.channels.metrics();
        metrics.applied.with_label_values(&[self.account.kind.as_str(), word]).inc();
        let age = (Utc::now() - piece.received_at).to_std().unwrap_or_default();
        metrics.applied_seconds.observe(age.as_secs_f64());
    }

    /// Nothing will come of it, however often it is tried.
    async fn fail(&self, piece: &Piece, error: &str) -> Result<(), Failure> {
        tracing::warn!(webhook = %piece.id, account = %self.account.id, %error, "a webhook cannot be applied; it is kept and can be replayed");
        let mut tx = self.state.db.tenant(self.account.tenant).await?;
        store::failed(&mut tx, piece, &shortened(error)).await?;
        tx.commit().await?;
        self.count(piece, "failed");
        Ok(())
    }

    /// It waits a moment, or has failed for good.
    async fn put_off(&self, piece: &Piece, error: &str) -> Result<(), Failure> {
        let tries = piece.tries + 1;
        if tries >= TRIES {
            return self.fail(piece, error).await;
        }
        let pause = TimeDelta::seconds((1_i64 << tries.clamp(0, 10)).min(LONGEST_PAUSE));
        tracing::warn!(webhook = %piece.id, account = %self.account.id, %error, tries, "a webhook could not be applied; trying again");
        let mut tx = self.state.db.tenant(self.account.tenant).await?;
        let retry_at = Utc::now() + pause;
        store::put_off(&mut tx, piece, retry_at, &shortened(error)).await?;
        let job = NewJob::new(jobs::AGAIN, json!({ "account_id": self.account.id }));
        // A moment later than the webhook, which is not to be met before it is due.
        trunkline_jobs::enqueue(&mut tx, job.run_at(retry_at + TimeDelta::milliseconds(50))).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// One thing: what is to be seen of it, and what happened.
pub(super) async fn one(
    state: &AppState,
    tx: &mut TenantTx<'_>,
    thing: &Thing,
    received_at: chrono::DateTime<Utc>,
) -> Result<(Shown, Vec<NewEvent>), DbError> {
    let Thing { account, told } = thing;
    if staff::took(state, tx, account, told).await? {
        return Ok((Shown::Applied, Vec::new()));
    }
    let received = receive(tx, &account.account, told, received_at).await?;
    let mut events = received.events;
    if !events.is_empty() {
        press::answer(tx, account, told, received_at).await?;
    }
    staff::tell(state, tx, account, &events).await?;
    if let Some(change) = learnt(&told.what) {
        events.extend(health::apply(tx, account.id, &change).await?);
    }
    Ok((received.shown, events))
}

/// The provider told something: it knows the webhook.
async fn received(tx: &mut TenantTx<'_>, piece: &Piece) -> Result<Vec<NewEvent>, DbError> {
    let webhook = store::received(tx, piece.account, piece.received_at).await?;
    let change = match webhook.as_deref() {
        Some("verified") => return Ok(Vec::new()),
        Some("polling") if piece.url == POLLED => return Ok(Vec::new()),
        _ if piece.url == POLLED => Change::Polls,
        _ => Change::Verified,
    };
    health::apply(tx, piece.account, &change).await
}

/// What something says of the account itself, beside what receiving makes of it.
fn learnt(what: &What) -> Option<Change> {
    match what {
        What::Status(status) => status.failure.as_ref().and_then(Change::of),
        _ => None,
    }
}

const fn word(shown: Shown) -> &'static str {
    match shown {
        Shown::Ignored => "ignored",
        Shown::Applied => "applied",
        Shown::Unsupported => "unsupported",
    }
}

/// In which chat something was told.
fn chat_of(what: &What) -> Option<&str> {
    match what {
        What::Message(message) => Some(&message.chat.0),
        What::Edited { chat, .. }
        | What::Deleted { chat, .. }
        | What::Reacted { chat, .. }
        | What::Member { chat, .. } => Some(&chat.0),
        What::Status(status) => status.to.as_ref().map(|to| to.0.as_str()),
        What::Unsupported { chat, .. } => chat.as_ref().map(|chat| chat.0.as_str()),
        _ => None,
    }
}

/// How `inbound_told` knows what was told: as receiving writes it.
pub(super) fn digest(account: ChannelAccountId, key: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(account.uuid().as_bytes());
    hash.update(key.as_bytes());
    hash.finalize().into()
}

/// Reads a stored webhook. A reader that panics must not take the account's others with it.
pub(super) fn read(account: &Connected, piece: &Piece) -> Result<Vec<Told>, String> {
    let headers = headers(&piece.headers);
    let webhook = Webhook { url: &piece.url, headers: &headers, body: &piece.body };
    match catch_unwind(AssertUnwindSafe(|| account.adapter.read(webhook))) {
        Ok(Ok(told)) => Ok(told),
        Ok(Err(malformed)) => Err(malformed.to_string()),
        Err(_) => Err("the reader of this channel broke down over it".to_owned()),
    }
}

fn headers(kept: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in kept.as_object().into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
        if let (Ok(name), Some(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
    headers
}

fn shortened(error: &str) -> String {
    error.chars().filter(|letter| *letter != '\0').take(MAX_ERROR).collect()
}

//! Sending: what was written goes to its provider once, in the order of its chat.
//!
//! A message of ours is a row; a job (`message.send`, one at a time per chat) brings it to the provider. An attempt is committed before its request is
//! made, and its id goes along as the reference. So after any crash it is known what may have been sent: an attempt that was begun and not ended is
//! `uncertain`, and nothing sends it again by itself. A provider that can be asked is asked (`message.look`); a status that brings the reference
//! back ([`settle`]) settles it too.

mod outgoing;
mod pace;
mod states;
pub(crate) mod store;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_channels::model::{DeliveryState, Failure, Outgoing, ProviderId, Status, Why};
use trunkline_db::{ChannelAccountId, ConversationId, DbError, MessageId, TenantTx};
use trunkline_jobs::NewJob;
use trunkline_journal::NewEvent;
use uuid::Uuid;

use crate::change::Actor;
use crate::messages;
use crate::model::{Channel, FailureView, MessageState};

pub use outgoing::upload_of;
pub use pace::{Pace, Rate};
pub use states::advance;
pub use store::File;

/// Brings a message to its provider: `{message_id}`.
pub const SEND: &str = "message.send";
/// Asks a provider what became of an attempt that it did not answer: `{attempt_id}`.
pub const LOOK: &str = "message.look";
/// Changes at the provider what it has of ours: a reaction, another text, that it is taken back.
pub const ACT: &str = "message.act";
/// A message's time has come: `{message_id}`.
pub const DUE: &str = "message.due";

/// For so long after it was written a message can be taken back.
pub const UNDO: TimeDelta = TimeDelta::seconds(5);
/// How often it is tried while the provider is away or wants to be left alone: about a day.
const ATTEMPTS: u16 = 25;
/// A provider's list has what was sent after a moment.
const LOOK_AFTER: TimeDelta = TimeDelta::seconds(20);

/// The key of a chat's jobs: one runs at a time, in their order.
pub fn key(conversation: ConversationId) -> String {
    format!("chat/{conversation}")
}

/// Has a message sent: now, or when its time has come.
pub async fn enqueue(tx: &mut TenantTx<'_>, message: MessageId) -> Result<(), DbError> {
    let Some(row) = store::find(tx, message).await? else { return Ok(()) };
    let payload = json!({ "message_id": message });
    let wait = row.send_at.filter(|at| row.state == MessageState::Scheduled && *at > Utc::now());
    let job = match wait {
        // Within the seconds of undo it keeps its place in the chat.
        Some(at) if at <= Utc::now() + UNDO => NewJob::new(SEND, payload).key(key(row.conversation)).run_at(at),
        // Nobody waits for what is to be sent tomorrow.
        Some(at) => NewJob::new(DUE, payload).run_at(at),
        None => NewJob::new(SEND, payload).key(key(row.conversation)),
    };
    trunkline_jobs::enqueue(tx, job.max_attempts(ATTEMPTS)).await?;
    Ok(())
}

/// What [`begin`] found.
#[derive(Debug)]
pub enum Begun {
    /// It is not to be sent: it was taken back, sent, or is not there.
    Nothing,
    /// Its time has not come.
    NotYet(DateTime<Utc>),
    /// An attempt was begun by somebody who did not live to tell of its end: it may have been sent.
    Lost(Uuid),
    /// The attempt is written: once this is committed, the request may be made.
    Attempt(Box<Attempt>),
}

/// One attempt to send a message.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The attempt.
    pub id: Uuid,
    /// The message.
    pub message: MessageId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Over which account.
    pub account: ChannelAccountId,
    /// By which way.
    pub channel: Channel,
    /// When the message was written.
    pub written_at: DateTime<Utc>,
    /// When it was begun.
    pub began_at: DateTime<Utc>,
    /// What is to be said.
    pub outgoing: Outgoing,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// The provider took it.
    Sent(Option<ProviderId>),
    /// It was surely not taken, and is to be tried again.
    Again {
        /// Nothing left us.
        not_sent: bool,
        /// What went wrong.
        detail: String,
    },
    /// It was not taken, and is not tried again by itself.
    Failed(Failure),
    /// It may have been taken.
    Uncertain(String),
}

/// Whom a message goes by, for those who must ask for room first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// Over which account.
    pub account: ChannelAccountId,
    /// In which conversation.
    pub conversation: ConversationId,
    /// By which way.
    pub channel: Channel,
}

/// The way of a message that waits to be sent.
pub async fn way(tx: &mut TenantTx<'_>, message: MessageId) -> Result<Option<Way>, DbError> {
    let Some(row) = store::find(tx, message).await? else { return Ok(None) };
    let Some(account) = row.account else { return Ok(None) };
    let waits = matches!(row.state, MessageState::Scheduled | MessageState::Queued | MessageState::Sending);
    Ok(waits.then_some(Way { account, conversation: row.conversation, channel: row.channel }))
}

/// Begins an attempt.
pub async fn begin(
    tx: &mut TenantTx<'_>,
    message: MessageId,
    now: DateTime<Utc>,
) -> Result<(Begun, Vec<NewEvent>), DbError> {
    let mut events = Vec::new();
    let Some(row) = store::lock(tx, message).await? else { return Ok((Begun::Nothing, events)) };
    let Some(account) = row.account else { return Ok((Begun::Nothing, events)) };
    match row.state {
        MessageState::Scheduled => {
            if let Some(at) = row.send_at.filter(|at| *at > now) {
                return Ok((Begun::NotYet(at), events));
            }
            messages::release(tx, message, now).await?;
            let event = messages::tell(tx, message, row.conversation, messages::QUEUED, Actor::System, now).await?;
            events.extend(event);
        }
        MessageState::Queued => {}
        MessageState::Sending => {
            if let Some(open) = store::open_attempt(tx, message).await? {
                let lost = "the attempt was begun, and nobody knows how it ended".to_owned();
                events.extend(end(tx, open, Ended::Uncertain(lost), now).await?);
                return Ok((Begun::Lost(open), events));
            }
        }
        _ => return Ok((Begun::Nothing, events)),
    }
    let id = store::begin(tx, message, now).await?;
    let outgoing = outgoing::of(tx, message, id).await?;
    let Some(outgoing) = outgoing else {
        let failure = Failure {
            code: "content".to_owned(),
            detail: "there is nothing in it that can be sent".to_owned(),
            why: Why::NotAccepted,
        };
        events.extend(end(tx, id, Ended::Failed(failure), now).await?);
        return Ok((Begun::Nothing, events));
    };
    let attempt = Attempt {
        id,
        message,
        conversation: row.conversation,
        account,
        channel: row.channel,
        written_at: row.at,
        began_at: now,
        outgoing,
    };
    Ok((Begun::Attempt(Box::new(attempt)), events))
}

/// Ends an attempt. What is known already, by a status that was quicker than the answer, stands.
pub async fn end(
    tx: &mut TenantTx<'_>,
    attempt: Uuid,
    ended: Ended,
    now: DateTime<Utc>,
) -> Result<Option<NewEvent>, DbError> {
    let Some(message) = store::message_of(tx, attempt).await? else { return Ok(None) };
    let Some(row) = store::lock(tx, message).await? else { return Ok(None) };
    let next = match &ended {
        Ended::Sent(id) => {
            store::end(tx, attempt, "sent", id.as_ref().map(|id| id.0.as_str()), None, now).await?;
            store::name(tx, message, id.as_ref()).await?;
            advance(row.state, DeliveryState::Sent)
        }
        Ended::Again { not_sent, detail } => {
            let outcome = if *not_sent { "not_sent" } else { "failed" };
            store::end(tx, attempt, outcome, None, Some(detail), now).await?;
            (row.state == MessageState::Sending).then_some(MessageState::Queued)
        }
        Ended::Failed(failure) => {
            store::end(tx, attempt, "failed", None, Some(&failure.detail), now).await?;
            (row.state == MessageState::Sending).then_some(MessageState::Failed)
        }
        Ended::Uncertain(detail) => {
            store::end(tx, attempt, "uncertain", None, Some(detail), now).await?;
            (row.state == MessageState::Sending).then_some(MessageState::Uncertain)
        }
    };
    let Some(next) = next else { return Ok(None) };
    let failure = match &ended {
        Ended::Failed(failure) => Some(view_of(failure)),
        _ => None,
    };
    if next == MessageState::Uncertain {
        look_later(tx, attempt, now).await?;
    }
    change(tx, message, &row, next, failure.as_ref(), None, now, next != MessageState::Queued).await
}

/// Has the provider asked what became of an attempt.
async fn look_later(tx: &mut TenantTx<'_>, attempt: Uuid, now: DateTime<Utc>) -> Result<(), DbError> {
    let job = NewJob::new(LOOK, json!({ "attempt_id": attempt })).run_at(now + LOOK_AFTER).max_attempts(6);
    trunkline_jobs::enqueue(tx, job).await?;
    Ok(())
}

/// A failure as the API shows it.
pub fn view_of(failure: &Failure) -> FailureView {
    let cut = |text: &str, most: usize| text.chars().filter(|sign| *sign != '\0').take(most).collect::<String>();
    let retry = !matches!(failure.why, Why::NotAccepted | Why::NoSuchRecipient | Why::Refused);
    FailureView { code: cut(&failure.code, 64), detail: cut(&failure.detail, 1000), why: failure.why, retry }
}

/// A status of the provider's settles how far a message of ours is: by the reference of the attempt where it comes back, by the provider's id otherwise.
/// `None`: it is of no message that is known. `Some(None)`: it is that far already.
pub async fn settle(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    status: &Status,
    at: DateTime<Utc>,
) -> Result<Option<Option<NewEvent>>, DbError> {
    let attempt = status.reference.as_deref().and_then(|reference| Uuid::try_parse(reference).ok());
    let by_attempt = match attempt {
        Some(attempt) => store::message_of(tx, attempt).await?,
        None => None,
    };
    let found = match by_attempt {
        Some(message) => Some(message),
        None => store::named(tx, account, &status.message).await?,
    };
    let Some(message) = found else { return Ok(None) };
    let Some(row) = store::lock(tx, message).await? else { return Ok(None) };
    if row.account != Some(account) {
        return Ok(None);
    }
    if let (Some(attempt), Some(_)) = (attempt, by_attempt) {
        let failed = status.state == DeliveryState::Failed;
        let detail = status.failure.as_ref().map(|failure| failure.detail.as_str());
        let outcome = if failed { "failed" } else { "sent" };
        store::settle(tx, attempt, outcome, &status.message, detail, at).await?;
        // Another attempt was made since: that this one failed says nothing of the message.
        if failed && !store::is_newest(tx, message, attempt).await? {
            return Ok(Some(None));
        }
    }
    if row.provider_id.is_none() {
        store::name(tx, message, Some(&status.message)).await?;
    }
    let Some(next) = advance(row.state, status.state) else { return Ok(Some(None)) };
    let failure = status.failure.as_ref().filter(|_| next == MessageState::Failed).map(view_of);
    let pricing = status.pricing.as_ref().map(|pricing| json!(pricing));
    let event = change(tx, message, &row, next, failure.as_ref(), pricing, at, true).await?;
    Ok(Some(event))
}

#[expect(clippy::too_many_arguments, reason = "one change of a message, in its parts")]
async fn change(
    tx: &mut TenantTx<'_>,
    message: MessageId,
    before: &store::Row,
    next: MessageState,
    failure: Option<&FailureView>,
    pricing: Option<serde_json::Value>,
    at: DateTime<Utc>,
    tell: bool,
) -> Result<Option<NewEvent>, DbError> {
    store::put_state(tx, message, next, failure, pricing, at).await?;
    if states::is_taken(next) && !states::is_taken(before.state) {
        store::taken(tx, before.account, at).await?;
    }
    if !tell {
        return Ok(None);
    }
    messages::tell(tx, message, before.conversation, states::kind(next), Actor::System, at).await
}

/// An attempt that had no answer, for whoever asks the provider about it.
#[derive(Debug, Clone)]
pub struct Doubt {
    /// The attempt, with what was said.
    pub attempt: Attempt,
    /// When it was given up.
    pub ended_at: DateTime<Utc>,
}

/// What is not known of an attempt; `None`: it is known by now.
pub async fn doubt(tx: &mut TenantTx<'_>, attempt: Uuid) -> Result<Option<Doubt>, DbError> {
    let Some(message) = store::message_of(tx, attempt).await? else { return Ok(None) };
    let Some(row) = store::find(tx, message).await? else { return Ok(None) };
    let Some((began_at, ended_at)) = store::uncertain(tx, attempt).await? else { return Ok(None) };
    let (MessageState::Uncertain, Some(account)) = (row.state, row.account) else { return Ok(None) };
    let Some(outgoing) = outgoing::of(tx, message, attempt).await? else { return Ok(None) };
    let attempt = Attempt {
        id: attempt,
        message,
        conversation: row.conversation,
        account,
        channel: row.channel,
        written_at: row.at,
        began_at,
        outgoing,
    };
    Ok(Some(Doubt { attempt, ended_at }))
}

/// The provider says that an attempt was not taken: its message is sent after all.
pub async fn not_there(tx: &mut TenantTx<'_>, attempt: Uuid, now: DateTime<Utc>) -> Result<Option<NewEvent>, DbError> {
    let Some(message) = store::message_of(tx, attempt).await? else { return Ok(None) };
    let Some(row) = store::lock(tx, message).await? else { return Ok(None) };
    if row.state != MessageState::Uncertain || !store::is_newest(tx, message, attempt).await? {
        return Ok(None);
    }
    store::overrule(tx, attempt, "not_sent").await?;
    again(tx, message, &row, Actor::System, now).await
}

/// A person has it sent again: what failed, or what may have been sent. `None`: it is neither.
pub async fn resend(
    tx: &mut TenantTx<'_>,
    message: MessageId,
    from: MessageState,
    by: Actor,
    now: DateTime<Utc>,
) -> Result<Option<NewEvent>, DbError> {
    let Some(row) = store::lock(tx, message).await? else { return Ok(None) };
    if row.state != from || !matches!(from, MessageState::Failed | MessageState::Uncertain) {
        return Ok(None);
    }
    again(tx, message, &row, by, now).await
}

async fn again(
    tx: &mut TenantTx<'_>,
    message: MessageId,
    row: &store::Row,
    by: Actor,
    now: DateTime<Utc>,
) -> Result<Option<NewEvent>, DbError> {
    store::put_state(tx, message, MessageState::Queued, None, None, now).await?;
    enqueue(tx, message).await?;
    messages::tell(tx, message, row.conversation, messages::QUEUED, by, now).await
}

/// A message that waits is taken back. `None`: it does not wait any more.
pub async fn undo(
    tx: &mut TenantTx<'_>,
    message: MessageId,
    by: Actor,
    now: DateTime<Utc>,
) -> Result<Option<NewEvent>, DbError> {
    let Some(row) = store::lock(tx, message).await? else { return Ok(None) };
    if row.state != MessageState::Scheduled {
        return Ok(None);
    }
    store::put_state(tx, message, MessageState::Canceled, None, None, now).await?;
    messages::tell(tx, message, row.conversation, messages::CANCELED, by, now).await
}

//! The jobs of messages: outside requests, with no transaction open.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use serde::Deserialize;
use trunkline_channels::adapter::{CannotSay, Look, Outcome, Request};
use trunkline_channels::client::SendError;
use trunkline_channels::model::{Address, Failure as Refusal, Outgoing, ProviderId, Say, Why};
use trunkline_conversations::commands::{self, Act, Placed};
use trunkline_conversations::receive;
use trunkline_conversations::send::{self, Attempt, Begun, Ended};
use trunkline_db::{MessageId, TenantId};
use trunkline_jobs::{Done, Failure, Job};
use trunkline_journal::{CommandError, Fault, NewEvent, Outcome as Commanded};
use uuid::Uuid;

use super::compose;
use crate::channels::{Connected, Provider, follow, health};
use crate::http::AppError;
use crate::state::AppState;

/// For so long a handler waits for its turn; what has to wait longer comes back later.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// An account that is not known here yet: this process has just begun.
const ACCOUNT_AWAY: Duration = Duration::from_secs(3);
/// How often the end of an attempt is written when the database is away for a moment.
const WRITES: u32 = 20;
/// Most snoozed conversations that come back at once.
const MOST_WOKEN: i64 = 200;

#[derive(Debug, Deserialize)]
struct OfMessage {
    message_id: MessageId,
}

#[derive(Debug, Deserialize)]
struct OfAttempt {
    attempt_id: Uuid,
}

#[derive(Debug, Deserialize)]
struct OfAct {
    message_id: MessageId,
    act: Act,
    before: serde_json::Value,
}

fn payload<T: serde::de::DeserializeOwned>(job: &Job) -> Result<(TenantId, T), Failure> {
    let tenant = job.tenant.ok_or_else(|| Failure::dead("the job belongs to no tenant"))?;
    let payload = serde_json::from_value(job.payload.clone()).map_err(Failure::dead)?;
    Ok((tenant, payload))
}

fn later(error: CommandError<AppError>) -> Failure {
    match error {
        CommandError::Rejected(error) => Failure::retry(format!("{error:?}")),
        other => Failure::retry(format!("{other:?}")),
    }
}

/// The account, if it is connected.
async fn connected(
    state: &AppState,
    tenant: TenantId,
    account: trunkline_db::ChannelAccountId,
) -> Result<Option<Arc<Connected>>, Failure> {
    if let Some(found) = state.channels.get(account).filter(|found| found.tenant == tenant) {
        return Ok(Some(found));
    }
    let mut tx = state.db.tenant(tenant).await?;
    let gone = send::is_gone(&mut tx, account).await?;
    tx.commit().await?;
    if gone { Ok(None) } else { Err(Failure::retry_after("the account is not known here yet", ACCOUNT_AWAY)) }
}

/// Brings a message to its provider.
pub(super) async fn send(state: AppState, job: Job) -> Result<Done, Failure> {
    let (tenant, OfMessage { message_id }) = payload(&job)?;
    let mut tx = state.db.tenant(tenant).await?;
    let way = send::way(&mut tx, message_id).await?;
    tx.commit().await?;
    let Some(way) = way else { return Ok(Done) };
    let connected = connected(&state, tenant, way.account).await?;
    while let Err(wait) = state.conversations.take(way) {
        if wait > LONGEST_WAIT {
            return Err(Failure::retry_after("the account has sent as much as it may for the moment", wait));
        }
        tokio::time::sleep(wait).await;
    }
    let begun = state
        .journal
        .command(tenant, move |tx| {
            Box::pin(async move {
                let (begun, events) = send::begin(tx, message_id, Utc::now()).await.map_err(Fault::<AppError>::Db)?;
                Ok(Commanded::new(begun).events(events))
            })
        })
        .await
        .map_err(later)?
        .value;
    let attempt = match begun {
        Begun::Nothing => return Ok(Done),
        Begun::NotYet(at) => {
            let wait = (at - Utc::now()).to_std().unwrap_or_default();
            return Err(Failure::retry_after("its time has not come", wait));
        }
        Begun::Lost(_) => {
            state.conversations.metrics().ended(way.channel, "uncertain", None);
            return Ok(Done);
        }
        Begun::Attempt(attempt) => attempt,
    };
    let (ended, after) = match &connected {
        Some(connected) if connected.enabled => request(&state, connected, &attempt).await,
        _ => (failed(Why::Account, "account", "the account is not connected"), None),
    };
    finish(&state, tenant, connected.as_deref(), &attempt, ended, after, job.is_last_attempt).await
}

/// Says it, and what became of it.
async fn request(state: &AppState, connected: &Arc<Connected>, attempt: &Attempt) -> (Ended, Option<Duration>) {
    let _open = state.conversations.metrics().request();
    let mut outgoing = attempt.outgoing.clone();
    compose::link(state, &mut outgoing);
    let files = compose::Stored(state);
    // An upload, the message, and once more where the chat is now.
    for _ in 0..4 {
        let request = match connected.adapter.render(&outgoing) {
            Ok(request) => request,
            Err(cannot) => return (not_accepted(&cannot), None),
        };
        let (name, repeatable) = (request.name, request.repeatable);
        let reply = match state.channels.client().send(request, &files).await {
            Ok(reply) => reply,
            Err(SendError::NotSent(cause)) => {
                return (Ended::Again { not_sent: true, detail: cause.to_string() }, None);
            }
            Err(SendError::NoAnswer(cause)) if repeatable => {
                return (Ended::Again { not_sent: false, detail: cause.to_string() }, None);
            }
            Err(SendError::NoAnswer(cause)) => return (Ended::Uncertain(cause.to_string()), None),
        };
        match connected.adapter.understand(name, reply.answer()) {
            Outcome::Done { id } => return (Ended::Sent(id), None),
            Outcome::Uploaded { media } => compose::uploaded(&mut outgoing, media),
            Outcome::Failed { failure, after } if failure.why.is_temporary() => {
                let detail = format!("{} ({})", failure.detail, failure.code);
                return (Ended::Again { not_sent: false, detail }, after);
            }
            Outcome::Failed { failure, .. } => match follow(state, connected, &outgoing.to, &failure).await {
                Ok(Some(there)) => {
                    outgoing.to = there;
                    // What it answers stands in a chat that is no more.
                    outgoing.reply_to = None;
                }
                Ok(None) => return (Ended::Failed(failure), None),
                Err(error) => return (Ended::Again { not_sent: true, detail: error.to_string() }, None),
            },
            Outcome::Unclear { detail } if repeatable => {
                return (Ended::Again { not_sent: false, detail }, None);
            }
            Outcome::Unclear { detail } => return (Ended::Uncertain(detail), None),
            Outcome::Found { .. } => {
                return (failed(Why::Unknown, "answer", "an answer to another question"), None);
            }
        }
    }
    (failed(Why::Unknown, "upload", "the provider asked for the file again, or the chat has moved again"), None)
}

fn failed(why: Why, code: &str, detail: &str) -> Ended {
    Ended::Failed(Refusal { code: code.to_owned(), detail: detail.to_owned(), why })
}

fn not_accepted(cannot: &CannotSay) -> Ended {
    failed(Why::NotAccepted, "content", &cannot.to_string())
}

/// Writes how an attempt ended. It is written, or the attempt stays open, and is uncertain to whoever finds it.
async fn finish(
    state: &AppState,
    tenant: TenantId,
    connected: Option<&Connected>,
    attempt: &Attempt,
    ended: Ended,
    after: Option<Duration>,
    is_last: bool,
) -> Result<Done, Failure> {
    let again = match &ended {
        Ended::Again { detail, .. } => Some(detail.clone()),
        _ => None,
    };
    let ended = match ended {
        Ended::Again { detail, .. } if is_last => failed(Why::ProviderDown, "given_up", &detail),
        ended => ended,
    };
    if let Some(pause) = after {
        state.conversations.close(attempt.account, pause);
    }
    let trouble = match &ended {
        Ended::Failed(failure) => health::Change::of(failure),
        _ => None,
    };
    let result = match &ended {
        Ended::Sent(_) => "sent",
        Ended::Again { .. } => "retried",
        Ended::Failed(_) => "failed",
        Ended::Uncertain(_) => "uncertain",
    };
    let took = (Utc::now() - attempt.written_at).to_std().ok().filter(|_| result == "sent");
    state.conversations.metrics().ended(attempt.channel, result, took);
    write(state, tenant, connected, attempt.id, attempt.message, &ended).await?;
    let learnt = match (trouble, result) {
        (Some(change), _) => health::change(state, tenant, attempt.account, change).await,
        (None, "sent") => health::sent(state, tenant, attempt.account).await,
        _ => Ok(()),
    };
    // How the account does is told beside: what became of the message stands whatever becomes of this.
    if let Err(error) = learnt {
        tracing::warn!(account = %attempt.account, ?error, "an account's health could not be written");
    }
    match (again, ended) {
        (Some(error), Ended::Again { .. }) => Err(Failure::Retry { error, after }),
        _ => Ok(Done),
    }
}

async fn write(
    state: &AppState,
    tenant: TenantId,
    connected: Option<&Connected>,
    attempt: Uuid,
    message: MessageId,
    ended: &Ended,
) -> Result<(), Failure> {
    let account = connected.map(|connected| connected.account.clone());
    let mut tries = 0;
    loop {
        let (ended, account) = (ended.clone(), account.clone());
        let written = state
            .journal
            .command(tenant, move |tx| {
                let (ended, account) = (ended.clone(), account.clone());
                Box::pin(async move {
                    let id = match &ended {
                        Ended::Sent(id) => id.clone(),
                        _ => None,
                    };
                    let event = send::end(tx, attempt, ended, Utc::now()).await?;
                    let mut events: Vec<NewEvent> = event.into_iter().collect();
                    // What the provider told of it before it had answered waits for this.
                    if let (Some(id), Some(account)) = (id, account) {
                        receive::catch_up(tx, &account, message, &id.0, &mut events).await?;
                    }
                    Ok::<_, Fault<AppError>>(Commanded::new(()).events(events))
                })
            })
            .await;
        match written {
            Ok(_) => return Ok(()),
            Err(error) if error.is_unavailable() && tries < WRITES => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            Err(error) => return Err(later(error)),
        }
    }
}

/// Asks the provider what became of an attempt that it did not answer.
pub(super) async fn look(state: AppState, job: Job) -> Result<Done, Failure> {
    let (tenant, OfAttempt { attempt_id }) = payload(&job)?;
    let mut tx = state.db.tenant(tenant).await?;
    let doubt = send::doubt(&mut tx, attempt_id).await?;
    tx.commit().await?;
    let Some(doubt) = doubt else { return Ok(Done) };
    let Some(connected) = connected(&state, tenant, doubt.attempt.account).await? else { return Ok(Done) };
    let mut outgoing = doubt.attempt.outgoing.clone();
    compose::link(&state, &mut outgoing);
    // Some cannot be asked: their statuses bring the reference back, or a person decides.
    let Some(request) = connected.adapter.look_for(&outgoing) else { return Ok(Done) };
    let reply = state.channels.client().send(request, &compose::Stored(&state)).await.map_err(Failure::retry)?;
    let between = (doubt.attempt.began_at, doubt.ended_at);
    let look = connected.adapter.looked(&outgoing, between, reply.answer());
    let (account, message) = (connected.account.clone(), doubt.attempt.message);
    match look {
        Look::Unclear { detail } if job.is_last_attempt => {
            tracing::info!(attempt = %attempt_id, detail, "it stays uncertain whether a message was sent");
            Ok(Done)
        }
        Look::Unclear { detail } => Err(Failure::retry(detail)),
        Look::Sent { id } => {
            command(&state, tenant, move |tx| {
                let (id, account) = (id.clone(), account.clone());
                Box::pin(async move {
                    let mut events: Vec<NewEvent> =
                        send::found(tx, attempt_id, &id, Utc::now()).await?.into_iter().collect();
                    receive::catch_up(tx, &account, message, &id.0, &mut events).await?;
                    Ok(events)
                })
            })
            .await
        }
        Look::NotThere => {
            command(&state, tenant, move |tx| {
                Box::pin(async move { Ok(send::not_there(tx, attempt_id, Utc::now()).await?.into_iter().collect()) })
            })
            .await
        }
    }
}

type Events<'t> = futures_util::future::BoxFuture<'t, Result<Vec<NewEvent>, Fault<AppError>>>;

async fn command<F>(state: &AppState, tenant: TenantId, run: F) -> Result<Done, Failure>
where
    F: for<'t> Fn(&'t mut trunkline_db::TenantTx<'_>) -> Events<'t> + Send + Sync + 'static,
{
    let run = Arc::new(run);
    state
        .journal
        .command(tenant, move |tx| {
            let run = Arc::clone(&run);
            Box::pin(async move {
                let events = run(tx).await?;
                Ok(Commanded::new(()).events(events))
            })
        })
        .await
        .map_err(later)?;
    Ok(Done)
}

/// Changes at the provider what it has of ours.
pub(super) async fn act(state: AppState, job: Job) -> Result<Done, Failure> {
    let (tenant, OfAct { message_id, act, before }) = payload(&job)?;
    let mut tx = state.db.tenant(tenant).await?;
    let placed = commands::placed(&mut tx, message_id).await?;
    tx.commit().await?;
    let Some(placed) = placed else { return Ok(Done) };
    let refused = match connected(&state, tenant, placed.account).await? {
        None => Some("the account is not connected".to_owned()),
        Some(connected) => match act_request(&connected, &placed, &act) {
            Err(cannot) => Some(cannot.to_string()),
            Ok(request) => match ask(&state, &connected, request).await {
                Ok(()) => None,
                Err(Failure::Dead { error }) => Some(error),
                Err(failure) if job.is_last_attempt => Some(failure.error().to_owned()),
                Err(failure) => return Err(failure),
            },
        },
    };
    let Some(why) = refused else { return Ok(Done) };
    tracing::info!(message = %message_id, why, "a provider did not take a change of a message");
    command(&state, tenant, move |tx| {
        let (act, before) = (act.clone(), before.clone());
        Box::pin(async move {
            let event = commands::act_refused(tx, message_id, &act, &before, Utc::now()).await?;
            Ok(event.into_iter().collect())
        })
    })
    .await
}

/// The request of a change.
pub(super) fn act_request(connected: &Connected, placed: &Placed, act: &Act) -> Result<Request, CannotSay> {
    let message = ProviderId(placed.provider_id.clone());
    let say = match act {
        Act::React { emoji } => Say::React { message, emoji: emoji.clone() },
        // What stands under a file is another field there.
        Act::Edit { text } if placed.kind == "media" => {
            if let Provider::Telegram(telegram) = &connected.provider {
                return telegram.edit_caption(&message, text);
            }
            Say::Edit { message, text: text.clone() }
        }
        Act::Edit { text } => Say::Edit { message, text: text.clone() },
        Act::Delete => Say::Delete { message },
    };
    connected.adapter.render(&quiet(&placed.address, say))
}

/// What makes no message of its own.
fn quiet(address: &str, say: Say) -> Outgoing {
    Outgoing { to: Address(address.to_owned()), say, reply_to: None, reference: Uuid::now_v7().to_string() }
}

async fn ask(state: &AppState, connected: &Connected, request: Request) -> Result<(), Failure> {
    let name = request.name;
    let reply = state.channels.client().send(request, &compose::Stored(state)).await.map_err(Failure::retry)?;
    match connected.adapter.understand(name, reply.answer()) {
        Outcome::Failed { failure, after } if failure.why.is_temporary() => {
            Err(Failure::Retry { error: failure.detail, after })
        }
        Outcome::Failed { failure, .. } => Err(Failure::dead(format!("{} ({})", failure.detail, failure.code))),
        Outcome::Unclear { detail } => Err(Failure::retry(detail)),
        _ => Ok(()),
    }
}

/// Tells the provider something that is not worth trying again: a read mark, "is writing".
pub(super) fn mention(state: &AppState, connected: Arc<Connected>, address: &str, say: Say) {
    let Ok(request) = connected.adapter.render(&quiet(address, say)) else { return };
    let state = state.clone();
    tokio::spawn(async move {
        if let Err(failure) = ask(&state, &connected, request).await {
            tracing::debug!(account = %connected.id, error = failure.error(), "a provider did not take a passing word");
        }
    });
}

/// A message's time has come: it goes behind what its chat has to say already.
pub(super) async fn due(state: AppState, job: Job) -> Result<Done, Failure> {
    let (tenant, OfMessage { message_id }) = payload(&job)?;
    let mut tx = state.db.tenant(tenant).await?;
    send::enqueue(&mut tx, message_id).await?;
    tx.commit().await?;
    Ok(Done)
}

/// Brings back what is snoozed until now.
pub(super) async fn wake(state: AppState) -> Result<Done, Failure> {
    let now = Utc::now();
    for (tenant, id) in commands::to_wake(&state.db, now, MOST_WOKEN).await? {
        command(&state, tenant, move |tx| {
            Box::pin(async move { Ok(commands::wake(tx, id, now).await?.into_iter().collect()) })
        })
        .await?;
    }
    Ok(Done)
}

//! Conversations at the edge: the list, the threads, what people do in them, and the jobs that bring our messages to their providers.
//!
//! | file | what |
//! | --- | --- |
//! | `list_http` | the list, one conversation, its thread |
//! | `write_http` | writing, and what is done with a message afterwards |
//! | `open_http` | conversations that we begin |
//! | `state_http` | whose it is, where it stands, what one has read and drafted |
//! | `presence` | who looks and who writes, kept in memory and told by signals |
//! | `transcript` | a conversation as a file |
//! | `sending` | the jobs |
//! | `calls_consumer` | the journal's calls as lines of conversations; `call_thread` says how |

mod call_thread;
pub mod calls_consumer;
mod calls_store;
mod compose;
mod list_http;
mod metrics;
mod open_http;
mod presence;
mod sending;
mod state_http;
mod stored;
mod transcript;
mod voicemail_thread;
mod write_http;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus::Registry;
use trunkline_calls::Sight;
use trunkline_conversations::send::Pace;
use trunkline_conversations::{Actor, Conversation, list};
use trunkline_db::{AgentId, ChannelAccountId, ConversationId, MessageId, TenantTx};
use trunkline_jobs::{Schedule, Worker};
use trunkline_journal::Fault;
use utoipa_axum::router::OpenApiRouter;

pub use metrics::{MessageMetrics, ThreadMetrics};
use presence::Presence;

use crate::http::AppError;
use crate::state::AppState;

/// Brings back what is snoozed until now.
const WAKE: &str = "conversation.wake";
/// How often it is looked for.
const WAKE_EVERY: Duration = Duration::from_secs(10);

/// Kinds that show in metrics under their own names.
pub(crate) const KINDS: [&str; 5] = [
    trunkline_conversations::send::SEND,
    trunkline_conversations::send::LOOK,
    trunkline_conversations::send::ACT,
    trunkline_conversations::send::DUE,
    WAKE,
];

/// What is kept in memory of conversations. Each lock is held for a look, never across an await.
#[derive(Debug)]
pub struct Conversations {
    pace: Mutex<Pace>,
    presence: Mutex<Presence>,
    began: Instant,
    metrics: MessageMetrics,
}

impl Conversations {
    /// Nobody looks, nothing was sent.
    pub fn new(registry: &Registry) -> Self {
        Self {
            pace: Mutex::default(),
            presence: Mutex::default(),
            began: Instant::now(),
            metrics: MessageMetrics::register(registry),
        }
    }

    /// Figures of messages.
    pub fn metrics(&self) -> &MessageMetrics {
        &self.metrics
    }

    fn clock(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Takes a place for one message, or says how long to wait.
    fn take(&self, way: trunkline_conversations::send::Way) -> Result<(), Duration> {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.take(way.account, way.conversation, way.channel, self.clock())
    }

    /// The provider wants to be left alone.
    fn close(&self, account: ChannelAccountId, pause: Duration) {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).close(account, self.clock(), pause);
    }

    fn presence(&self) -> std::sync::MutexGuard<'_, Presence> {
        self.presence.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Routes of conversations and their messages.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(list_http::router())
        .merge(open_http::router())
        .merge(write_http::router())
        .merge(state_http::router())
        .merge(presence::router())
        .merge(transcript::router())
}

/// The worker with the handlers of messages.
pub(crate) fn handle(worker: Worker, state: &AppState) -> Worker {
    let (sending, looking, acting, due, waking) =
        (state.clone(), state.clone(), state.clone(), state.clone(), state.clone());
    let send = trunkline_conversations::send::SEND;
    worker
        .handle_within(send, Duration::from_mins(10), move |job| sending::send(sending.clone(), job))
        .handle(trunkline_conversations::send::LOOK, move |job| sending::look(looking.clone(), job))
        .handle(trunkline_conversations::send::ACT, move |job| sending::act(acting.clone(), job))
        .handle(trunkline_conversations::send::DUE, move |job| sending::due(due.clone(), job))
        .handle(WAKE, move |_| sending::wake(waking.clone()))
        .schedule(Schedule::every("conversations-wake", WAKE_EVERY, WAKE))
}

/// One conversation in somebody's sight; 404 otherwise.
async fn visible(tx: &mut TenantTx<'_>, sight: &Sight, id: ConversationId) -> Result<Conversation, Fault<AppError>> {
    Ok(list::one(tx, sight, id).await?.ok_or_else(|| AppError::not_found("conversation"))?)
}

/// The conversation of a message, if it is in somebody's sight.
async fn visible_of(tx: &mut TenantTx<'_>, sight: &Sight, id: MessageId) -> Result<Conversation, Fault<AppError>> {
    let conversation = trunkline_conversations::commands::conversation_of(tx, id).await?;
    let found = match conversation {
        Some(conversation) => list::one(tx, sight, conversation).await?,
        None => None,
    };
    Ok(found.ok_or_else(|| AppError::not_found("message"))?)
}

/// A person as the one who does something.
fn by(agent: AgentId) -> Actor {
    Actor::Person(agent)
}

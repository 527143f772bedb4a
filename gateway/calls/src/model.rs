//! A call as it is remembered: its row, its legs, its recording, and how calls end.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::{AgentId, CallId, DeviceId, QueueId, RecordingId, TenantId};

use crate::flow::walk::{Media, Place, Step};
use crate::names::{Part, ResourceName};

/// Who called whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// A customer called in through a trunk.
    Inbound,
    /// An agent called out.
    Outbound,
    /// A phone of the house called an extension of the house.
    Internal,
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// It came in and nothing was decided yet.
    New,
    /// It waits with music.
    Queued,
    /// An agent's phones ring.
    Ringing,
    /// The parties talk.
    Active,
    /// It is over.
    Ended,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// They talked; the customer hung up.
    CompletedCustomer,
    /// They talked; the agent hung up.
    CompletedAgent,
    /// The customer hung up while waiting in a queue.
    AbandonedQueue,
    /// The customer hung up in an announcement or menu.
    AbandonedIvr,
    /// Nobody answered.
    NoAnswer,
    /// The called party was busy.
    Busy,
    /// The called party refused.
    Rejected,
    /// The called party could not be reached.
    Unreachable,
    /// The number called does not exist here.
    InvalidNumber,
    /// The caller is blocked.
    Blocked,
    /// It came outside opening hours.
    OutOfHours,
    /// The queue was too long or the wait too long.
    Overflow,
    /// It went to voicemail.
    Voicemail,
    /// The customer asked to be called back.
    Callback,
    /// The customer was to be called back, and somebody of the house was quicker, or it was called off.
    Withdrawn,
    /// It was handed to somebody outside.
    Transferred,
    /// Something on our side or the network's broke.
    Failed,
    /// Asterisk lost it: it restarted, and what became of the call is not known.
    Lost,
}

/// A stretch of time in which Asterisk could not tell us what happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CallGap {
    /// The last moment of which we know.
    pub from: DateTime<Utc>,
    /// When we were told again.
    pub to: DateTime<Utc>,
    /// `gateway_restart`, `connection_lost`.
    pub reason: String,
}

/// The name of an Asterisk server: ids of channels and bridges are one server's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Server(Arc<str>);

impl Server {
    /// The name of the only server of an installation that names none.
    pub const ONLY: &str = "asterisk";

    /// The server of this name.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(Arc::from(name.as_ref()))
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new(Self::ONLY)
    }
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A call's row (the CDR).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRow {
    /// The call's id.
    pub id: CallId,
    /// Who called whom.
    pub direction: Direction,
    /// The calling number, E.164 where it can be told, else as received.
    pub from_number: String,
    /// The called number or extension.
    pub to_number: String,
    /// Where the call stands.
    pub state: CallState,
    /// The queue it waits or waited in.
    pub queue_id: Option<QueueId>,
    /// The agent who answered.
    pub agent_id: Option<AgentId>,
    /// The Asterisk server on which it is.
    #[serde(default)]
    pub server: Server,
    /// Asterisk's id of the customer's channel.
    pub customer_channel: String,
    /// Asterisk's id of the bridge in which they talk.
    pub bridge_id: String,
    /// Since when the agent's phone holds the customer.
    #[serde(default)]
    pub held_since: Option<DateTime<Utc>>,
    /// When it came in.
    pub started_at: DateTime<Utc>,
    /// When it began to wait.
    pub queued_at: Option<DateTime<Utc>>,
    /// When an agent answered.
    pub answered_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub end_reason: Option<EndReason>,
    /// Q.850 cause (ITU-T Q.850 §2.2.5) of the customer's leg.
    pub cause: Option<i16>,
    /// SIP response code of the customer's leg, where the technology gave one.
    pub sip_code: Option<i16>,
    /// The end was not seen: `ended_at` and `end_reason` are the best guess.
    pub estimated: bool,
    /// Stretches in which Asterisk could not tell us what happened.
    pub gaps: Vec<CallGap>,
    /// Its recording.
    pub recording_id: Option<RecordingId>,
    /// Where it is before it waits for an agent.
    #[serde(default)]
    pub way: Option<Way>,
    /// Whether the caller agreed to be recorded, where a flow asked or said so.
    #[serde(default)]
    pub may_record: Option<bool>,
    /// What a flow added to its priority.
    #[serde(default)]
    pub priority: i16,
}

impl CallRow {
    /// A call that begins, of which nothing else is known: on which server, and by which channel its customer is there or will be.
    pub(crate) fn begun(
        (id, direction): (CallId, Direction),
        (server, customer_channel): (Server, String),
        started_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            direction,
            from_number: String::new(),
            to_number: String::new(),
            state: CallState::New,
            queue_id: None,
            agent_id: None,
            server,
            customer_channel,
            bridge_id: ResourceName::new(id, Part::Bridge).to_string(),
            held_since: None,
            started_at,
            queued_at: None,
            answered_at: None,
            ended_at: None,
            end_reason: None,
            cause: None,
            sip_code: None,
            estimated: false,
            gaps: Vec::new(),
            recording_id: None,
            way: None,
            may_record: None,
            priority: 0,
        }
    }
}

/// Where a call is before it waits for an agent, so that it can go on from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// In a flow.
    Flow(Place),
    /// Its caller leaves a message.
    Voicemail(Leaving),
}

/// A message that is being left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// Whose inbox has it.
    pub queue_id: QueueId,
    /// The greeting.
    pub say: Vec<Media>,
    /// How long it may be, in seconds.
    pub max_seconds: u32,
    /// Since when it is written; none: the greeting is said.
    pub since: Option<DateTime<Utc>>,
}

/// A message that a caller left: Asterisk has it until it is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoicemailRow {
    /// Of which call.
    pub call_id: CallId,
    /// Whose inbox has it.
    pub queue_id: QueueId,
    /// On which server it is.
    pub server: Server,
    /// Under which name.
    pub name: String,
    /// When it began.
    pub at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub length_ms: i64,
}

/// A caller who is to be called back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackRow {
    /// Who called by this call.
    pub call_id: CallId,
    /// Whose agents call back.
    pub queue_id: QueueId,
    /// The number.
    pub number: String,
    /// When it was asked for.
    pub at: DateTime<Utc>,
}

/// Whose leg it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LegKind {
    /// The customer's.
    Customer,
    /// One of an agent's phones.
    Agent,
    /// Somebody outside to whom the call is handed.
    Outside,
}

/// One party's side of a call: an Asterisk channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Leg {
    /// Asterisk's id of the channel.
    pub id: String,
    /// Whose leg it is.
    pub kind: LegKind,
    /// The agent rung; of a leg to the outside, who had it dialled.
    pub agent_id: Option<AgentId>,
    /// The phone rung.
    pub device_id: Option<DeviceId>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it was answered.
    pub answered_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Q.850 cause.
    pub cause: Option<i16>,
    /// The number dialled, of a leg to the outside.
    #[serde(default)]
    pub number: Option<String>,
}

/// What became of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// It is being written.
    Recording,
    /// It can be played.
    Ready,
    /// It broke; what was written may still be there.
    Failed,
}

/// A recording's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingRow {
    /// The recording's id.
    pub id: RecordingId,
    /// The call it is of.
    pub call_id: CallId,
    /// What became of it.
    pub state: RecordingState,
    /// The file, relative to the recordings folder.
    pub path: String,
    /// When its first sample was heard.
    pub started_at: DateTime<Utc>,
    /// When it was closed.
    pub ended_at: Option<DateTime<Utc>>,
    /// Its length in milliseconds.
    pub duration_ms: Option<i64>,
    /// The file's length in bytes.
    pub bytes: Option<i64>,
    /// Silence that stands for what was not heard: `[{from_ms, to_ms, reason}]`.
    pub gaps: serde_json::Value,
    /// RTP packets that never came or that a stalled disk cost.
    pub lost_packets: i64,
    /// Why it failed.
    pub error: Option<String>,
}

/// A call that was running when its gateway stopped, as the database remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCall {
    /// Whose call it is.
    pub tenant: TenantId,
    /// Its row.
    pub row: CallRow,
    /// Its legs.
    pub legs: Vec<Leg>,
    /// Its recording, finished or not.
    pub recording: Option<RecordingRow>,
}

/// One thing that happened, as the journal will have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Happening {
    /// Chosen here, so that writing it twice can be noticed.
    pub id: trunkline_db::EventId,
    /// `call.answered`, `recording.ready`, …
    pub kind: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What it is about.
    pub subject: Subject,
    /// Who did it, if an agent did.
    pub actor: Option<AgentId>,
    /// The queue whose members may see it.
    pub queue: Option<QueueId>,
    /// The agents who may see it.
    pub agents: Vec<AgentId>,
    /// The details.
    pub data: serde_json::Value,
}

/// What a happening is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A call.
    Call(CallId),
    /// A recording.
    Recording(RecordingId),
    /// The tenant's telephony as a whole.
    Telephony(TenantId),
    /// An agent.
    Agent(AgentId),
}

/// What an agent is doing. What they asked for is their [`AgentState`](crate::AgentState).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentActivity {
    /// Waits for work.
    Available,
    /// Has work in hand.
    OnContact,
    /// Finishes what a contact left to do.
    WrapUp,
    /// Pauses.
    Paused,
    /// Not at work.
    #[default]
    Offline,
    /// No phone of theirs has been there for a while.
    Unreachable,
}

/// An agent as they are now, as far as call control knows better than the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRow {
    /// The agent.
    pub id: AgentId,
    /// What they are doing.
    pub activity: AgentActivity,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Call control itself paused them, for this reason.
    pub paused: Option<String>,
}

/// What a call left an agent to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrapUpRow {
    /// The call.
    pub call_id: CallId,
    /// The agent.
    pub agent_id: AgentId,
    /// The queue whose rules hold.
    pub queue_id: QueueId,
    /// When it began.
    pub began_at: DateTime<Utc>,
    /// When its time is up.
    pub until: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// No disposition is missing. Only read: whoever takes a disposition writes it.
    pub disposed: bool,
}

/// What has to be remembered of one step of one call: written in one transaction, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Whose it is.
    pub tenant: TenantId,
    /// What happened, in order.
    pub happenings: Vec<Happening>,
    /// The call's row as it is now.
    pub call: Option<CallRow>,
    /// The call's legs that changed.
    pub legs: Vec<(CallId, Leg)>,
    /// The recording's row as it is now.
    pub recording: Option<RecordingRow>,
    /// An agent who was on a call until now: what `longest idle` goes by after a restart.
    pub last_contact: Option<(AgentId, DateTime<Utc>)>,
    /// An agent who does something else now.
    #[serde(default)]
    pub agent: Option<AgentRow>,
    /// Wrap-ups that began or ended.
    #[serde(default)]
    pub wrap_ups: Vec<WrapUpRow>,
    /// What was decided on the call's way, and why.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// A message that was left.
    #[serde(default)]
    pub voicemail: Option<VoicemailRow>,
    /// Somebody who is to be called back.
    #[serde(default)]
    pub callback: Option<CallbackRow>,
}

impl Record {
    /// Nothing yet, of this tenant.
    pub fn of(tenant: TenantId) -> Self {
        Self {
            tenant,
            happenings: Vec::new(),
            call: None,
            legs: Vec::new(),
            recording: None,
            last_contact: None,
            agent: None,
            wrap_ups: Vec::new(),
            steps: Vec::new(),
            voicemail: None,
            callback: None,
        }
    }
}

/// The words of a closed set, the same in the database, the journal and the API.
macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// The word on the wire and in the database.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// The value that a word stands for.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant),+];
        }
    };
}

words!(Direction { Inbound = "inbound", Outbound = "outbound", Internal = "internal" });
words!(CallState { New = "new", Queued = "queued", Ringing = "ringing", Active = "active", Ended = "ended" });
words!(AgentActivity {
    Available = "available",
    OnContact = "on_contact",
    WrapUp = "wrap_up",
    Paused = "paused",
    Offline = "offline",
    Unreachable = "unreachable",
});
words!(LegKind { Customer = "customer", Agent = "agent", Outside = "outside" });
words!(RecordingState { Recording = "recording", Ready = "ready", Failed = "failed" });
words!(EndReason {
    CompletedCustomer = "completed_customer",
    CompletedAgent = "completed_agent",
    AbandonedQueue = "abandoned_queue",
    AbandonedIvr = "abandoned_ivr",
    NoAnswer = "no_answer",
    Busy = "busy",
    Rejected = "rejected",
    Unreachable = "unreachable",
    InvalidNumber = "invalid_number",
    Blocked = "blocked",
    OutOfHours = "out_of_hours",
    Overflow = "overflow",
    Voicemail = "voicemail",
    Callback = "callback",
    Withdrawn = "withdrawn",
    Transferred = "transferred",
    Failed = "failed",
    Lost = "lost",
});

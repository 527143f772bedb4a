//! What goes into the core and what comes out of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use trunkline_db::{AgentId, CallId, ConversationId, QueueId, RecordingId, TenantId, TrunkId};
use trunkline_dialing::Rule;

use super::chats::ChatRecord;
use super::commands::{Ask, TransferKind, TransferStep, TransferTo};
use super::missed::MissedCall;
pub use super::request::{Answers, HangupWhy, RecorderCommand, Refusal, Reply, Request};
use crate::Sight;
use crate::directory::Directory;
use crate::flow::walk::{Answer, Fetch};
use crate::model::{Record, Server};
use crate::{AgentState, By, CallCommandError, DialRefusal};

/// A channel as Asterisk describes it, as far as call control cares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelView {
    /// The server it is on.
    pub server: Server,
    /// Asterisk's id, or the one we chose.
    pub id: String,
    /// Asterisk's name for it, which begins with technology and endpoint.
    pub name: String,
    /// `Up`, `Ring`, `Ringing`, `Down`, …
    pub state: String,
    /// The calling number as received.
    pub caller_number: String,
    /// The dialplan application that runs the channel: `Stasis` while it is ours.
    pub app_name: String,
    /// That application's arguments, as one comma-separated text.
    pub app_data: String,
}

impl ChannelView {
    /// Whether both are the same channel, whatever else has changed.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.server, &self.id) == (&other.server, &other.id)
    }

    /// Whether the channel was answered.
    pub fn is_up(&self) -> bool {
        self.state == "Up"
    }
}

/// A bridge as Asterisk describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BridgeView {
    /// Asterisk's id, or the one we chose.
    pub id: String,
    /// The channels in it.
    pub channels: Vec<String>,
}

/// All that Asterisk had at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AsteriskSnapshot {
    /// Which server's.
    pub server: Server,
    /// Every channel, ours or not.
    pub channels: Vec<ChannelView>,
    /// Every bridge, ours or not.
    pub bridges: Vec<BridgeView>,
}

/// How a channel ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ending {
    /// Q.850 cause.
    pub cause: Option<i16>,
    /// SIP response code.
    pub sip_code: Option<i16>,
}

/// What Asterisk reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A channel entered our application (`StasisStart`).
    Entered {
        /// The channel.
        channel: ChannelView,
        /// The arguments the dialplan gave.
        args: Vec<String>,
    },
    /// A party hung up, or we did (`ChannelHangupRequest`).
    HangupRequested {
        /// The channel's id.
        channel: String,
        /// How.
        ending: Ending,
    },
    /// A channel left our application but may live on (`StasisEnd`).
    Left {
        /// The channel's id.
        channel: String,
    },
    /// A channel is gone (`ChannelDestroyed`).
    Destroyed {
        /// The channel's id.
        channel: String,
        /// How.
        ending: Ending,
    },
    /// A party's phone put the other on hold, or took it back.
    Hold {
        /// The channel's id.
        channel: String,
        /// Whether it is on hold now.
        held: bool,
    },
    /// A leg that we dial got on (`Dial`).
    Dialling {
        /// The channel's id.
        channel: String,
        /// How far.
        progress: DialProgress,
    },
    /// A party pressed a key (`ChannelDtmfReceived`).
    Dtmf {
        /// The channel's id.
        channel: String,
        /// Which.
        digit: char,
    },
    /// A party's phone asks to hand its call on (REFER; `ChannelTransfer`).
    Refer {
        /// The channel's id.
        channel: String,
        /// What it dialled for that.
        to: String,
        /// The phone's own channel in another call, by which it asked before.
        second: Option<String>,
    },
    /// A message that a caller left is over (`RecordingFinished`, `RecordingFailed`).
    MessageTaken {
        /// The recording's name.
        name: String,
    },
    /// What was played to a customer is over (`PlaybackFinished`).
    Played {
        /// Its id.
        playback: String,
    },
    /// A phone registered or vanished.
    Endpoint {
        /// The endpoint's name, which is the phone's user name.
        username: String,
        /// Whether it can ring.
        online: bool,
    },
}

/// How far a leg that we dial has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialProgress {
    /// It rings there.
    Ringing,
    /// The network says something by itself: a tone, an announcement.
    Speaking,
    /// Somebody answered.
    Answered,
}

/// An agent wants to call somebody outside, or a colleague.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialWish {
    /// The call's id, chosen by who asks.
    pub call: CallId,
    /// Whose agent.
    pub tenant: TenantId,
    /// The agent.
    pub agent: AgentId,
    /// What they typed or clicked.
    pub to: String,
    /// A colleague, in place of that.
    pub colleague: Option<AgentId>,
    /// On behalf of which queue.
    pub queue: Option<QueueId>,
    /// The phone that they want to use, by its user name; else all of theirs ring.
    pub phone: Option<String>,
    /// Their phone answers by itself: they asked for the call a moment ago, and have the phone in their hand.
    pub auto_answer: bool,
}

/// What goes in.
#[derive(Debug, Clone)]
pub enum Input {
    /// A server reported something.
    Report(Server, Report),
    /// A server does not answer.
    Away(Server),
    /// From then till now a server could not tell us anything.
    Gap {
        /// Which.
        server: Server,
        /// The last moment of which we know.
        from: DateTime<Utc>,
        /// `gateway_restart` or `connection_lost`.
        reason: &'static str,
    },
    /// What a server has now, after a connection came about.
    Snapshot(AsteriskSnapshot),
    /// Somebody called and gave up while no gateway was connected.
    Missed(MissedCall),
    /// A request of ours was answered.
    Answered {
        /// The call it was for.
        call: CallId,
        /// The request.
        request: Request,
        /// The answer.
        result: Result<Reply, Refusal>,
    },
    /// The configuration changed.
    Directory(Arc<Directory>),
    /// It was read as [`Output::ReadDirectory`] asked, and is as it was then or newer.
    DirectoryRead {
        /// The reading.
        reading: u64,
    },
    /// An agent, or a manager for them, chose a state.
    AgentState {
        /// The agent's tenant.
        tenant: TenantId,
        /// The agent.
        agent: AgentId,
        /// The new state.
        state: AgentState,
        /// Why.
        reason: Option<String>,
        /// Who chose it.
        by: By,
    },
    /// An agent said what a call came to.
    Disposed {
        /// The agent's tenant.
        tenant: TenantId,
        /// The agent.
        agent: AgentId,
        /// The call.
        call: CallId,
    },
    /// The machine's clock was set: what it says now is later by this much than the time that went by.
    ClockSet {
        /// By how much; negative when it was set back.
        by: TimeDelta,
    },
    /// Somebody wants both parties hung up.
    Hangup {
        /// Whose call.
        tenant: TenantId,
        /// The call.
        call: CallId,
        /// What who wants it sees.
        sight: Sight,
    },
    /// Somebody wants a call handed on.
    Transfer {
        /// Whose call.
        tenant: TenantId,
        /// The call.
        call: CallId,
        /// What who wants it sees.
        sight: Sight,
        /// How.
        kind: TransferKind,
        /// To whom.
        to: TransferTo,
    },
    /// Somebody goes on with an attended transfer.
    TransferStep {
        /// Whose call.
        tenant: TenantId,
        /// The call.
        call: CallId,
        /// What who wants it sees.
        sight: Sight,
        /// How it goes on.
        step: TransferStep,
    },
    /// An agent wants to call somebody outside. Answered by [`Output::DialAnswered`].
    Dial(DialWish),
    /// The database has the record of an outbound call.
    Committed {
        /// The call.
        call: CallId,
    },
    /// Somebody took who is to be called back, or decided that nobody does it.
    CallbackSettled {
        /// Whose customer.
        tenant: TenantId,
        /// Their number.
        number: String,
    },
    /// Somebody wants one more agent in a call.
    Conference {
        /// Whose call.
        tenant: TenantId,
        /// The call.
        call: CallId,
        /// What who wants it sees.
        sight: Sight,
        /// Who is to join.
        agent: AgentId,
    },
    /// Somebody asks something of a running call.
    Ask {
        /// Whose call.
        tenant: TenantId,
        /// The call.
        call: CallId,
        /// What who asks sees.
        sight: Sight,
        /// What they ask.
        ask: Ask,
    },
    /// An agent's phone wants its running call on a new leg.
    Reattach {
        /// Whose call.
        tenant: TenantId,
        /// The call.
        call: CallId,
        /// The agent who talks in it.
        by: AgentId,
        /// The phone to ring.
        username: String,
    },
    /// What the records say of a chat that changed.
    Chat(ChatRecord),
    /// What the records say of all chats of a tenant that wait for an agent or are in an agent's hand. What is known and not
    /// among them is over.
    Chats {
        /// The tenant.
        tenant: TenantId,
        /// Those chats.
        all: Vec<ChatRecord>,
    },
    /// [`Output::AssignChat`] or [`Output::MoveChat`] was carried out, or the records had something against it: this is what
    /// they say now.
    ChatSettled(ChatRecord),
    /// A recording goes on in a file that an earlier life of the gateway left paused: so it is.
    FoundPaused {
        /// The recording.
        recording: RecordingId,
    },
    /// A recording was closed or broke.
    Recorded {
        /// The recording.
        recording: RecordingId,
        /// What became of it.
        outcome: RecordingOutcome,
    },
    /// What is known of who calls, as a flow's variables: the answer to [`Output::WhoCalls`].
    CallerKnown {
        /// The call.
        call: CallId,
        /// The variables.
        facts: BTreeMap<String, String>,
    },
    /// A program elsewhere answered a flow, or did not: [`Output::Fetch`].
    Fetched {
        /// The call.
        call: CallId,
        /// The answer, or why there is none.
        answer: Result<Answer, String>,
    },
    /// Time went by.
    Tick,
}

/// What became of a recording.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordingOutcome {
    /// It is complete.
    Ready {
        /// Its length in milliseconds.
        duration_ms: i64,
        /// The file's length in bytes.
        bytes: i64,
        /// `[{from_ms, to_ms, reason}]`.
        gaps: serde_json::Value,
        /// Packets lost.
        lost_packets: i64,
    },
    /// It broke, and this is why.
    Failed(String),
}

/// What comes out.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Ask a server; requests for one call in order.
    Request {
        /// Which.
        server: Server,
        /// The call it is for; `None` for what belongs to no call we know.
        call: Option<CallId>,
        /// The request.
        request: Request,
    },
    /// Read the directory again, from now on; what changed comes first, then [`Input::DirectoryRead`].
    ReadDirectory {
        /// The reading. A later one answers for the earlier ones too.
        reading: u64,
    },
    /// Remember this.
    Record(Box<Record>),
    /// Remember this, and say when the database has it ([`Input::Committed`]).
    RecordFirst(CallId, Box<Record>),
    /// An agent's wish to call was taken up or refused.
    DialAnswered {
        /// The call.
        call: CallId,
        /// What became of it.
        result: Result<(), DialRefusal>,
    },
    /// Give a chat to an agent, if it is still open and nobody's; then say what the records have ([`Input::ChatSettled`]).
    AssignChat {
        /// Whose.
        tenant: TenantId,
        /// The chat.
        chat: ConversationId,
        /// The agent.
        agent: AgentId,
        /// In which queue it waited.
        queue: QueueId,
        /// How long, in milliseconds, in all queues.
        waited_ms: u64,
    },
    /// Have a chat wait in another queue, if it is still open and nobody's; then say what the records have
    /// ([`Input::ChatSettled`]).
    MoveChat {
        /// Whose.
        tenant: TenantId,
        /// The chat.
        chat: ConversationId,
        /// From where.
        from: QueueId,
        /// To where.
        to: QueueId,
        /// Why, in the journal's word.
        why: &'static str,
    },
    /// Nobody will be found for a chat: its queue is no more. It is left to who looks at the list.
    ChatLeft {
        /// Whose.
        tenant: TenantId,
        /// The chat.
        chat: ConversationId,
        /// The queue.
        queue: QueueId,
        /// Why, in the journal's word.
        why: &'static str,
    },
    /// A trunk has as many calls as it may, and one more was refused.
    LineFull(TrunkId),
    /// A rule denied a call, for the metrics.
    Denied(Rule),
    /// The toll-fraud guard gave an alarm, for the metrics.
    Alarm(Rule),
    /// Look up who calls; answered by [`Input::CallerKnown`]. A flow goes on without after a moment.
    WhoCalls {
        /// The call.
        call: CallId,
        /// Whose.
        tenant: TenantId,
        /// The calling number.
        number: String,
    },
    /// Ask a program elsewhere for a flow; answered by [`Input::Fetched`].
    Fetch {
        /// The call.
        call: CallId,
        /// How.
        fetch: Fetch,
    },
    /// Record audio.
    Recorder(RecorderCommand),
    /// A command was carried out or refused.
    CommandAnswered(Result<(), CallCommandError>),
    /// A call ended, for the metrics.
    Finished(FinishedCall),
}

/// A finished call's figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FinishedCall {
    /// The call.
    pub call: CallId,
    /// Whether an agent called somebody outside.
    pub is_outbound: bool,
    /// How it ended.
    pub reason: crate::model::EndReason,
    /// From queueing to answer, in milliseconds.
    pub wait_ms: Option<i64>,
    /// From answer to end, in milliseconds.
    pub talk_ms: Option<i64>,
}

//! What a conversation and its messages look like from outside: in the API, and in the journal's events.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_channels::model::{MediaSort, Why};
use trunkline_db::{
    AgentId, AttachmentId, CallId, ChannelAccountId, ContactId, ConversationId, LabelId, MessageId, QueueId, TeamId,
};
use utoipa::ToSchema;
use uuid::Uuid;

/// By which way they reach us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// WhatsApp.
    Whatsapp,
    /// Telegram.
    Telegram,
    /// SMS and MMS.
    Sms,
    /// Calls.
    Call,
}

/// Where a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ConversationState)]
pub enum State {
    /// To be worked on.
    Open,
    /// We wait for somebody.
    Pending,
    /// To come back by itself.
    Snoozed,
    /// Done.
    Resolved,
}

/// Whose a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MessageDirection)]
pub enum Direction {
    /// Theirs.
    In,
    /// Ours.
    Out,
    /// Among ourselves.
    Note,
    /// A line that tells what happened.
    Event,
}

/// How far a message is. Theirs, notes and events are `received`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// It is there.
    Received,
    /// To be sent later, or still within the seconds of undo.
    Scheduled,
    /// It waits for its turn.
    Queued,
    /// The provider is being asked.
    Sending,
    /// The provider took it.
    Sent,
    /// It is on their device.
    Delivered,
    /// They saw it.
    Read,
    /// It was not sent, for the reason beside.
    Failed,
    /// It may have been sent: the provider did not answer, and cannot be asked.
    Uncertain,
    /// It was taken back before it was sent.
    Canceled,
}

/// A contact in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContactShort {
    /// The contact.
    #[schema(value_type = Uuid)]
    pub id: ContactId,
    /// The contact that stands for the person: after a merge another than `id`.
    #[schema(value_type = Uuid)]
    pub person_id: ContactId,
    /// The person's name.
    pub name: String,
    /// They were blocked.
    pub blocked: bool,
}

/// What the list shows of the newest message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// The message.
    #[schema(value_type = Option<Uuid>)]
    pub message_id: Option<MessageId>,
    /// Whose.
    pub direction: Direction,
    /// What sort of message: `text`, `media`, `call` …
    pub kind: String,
    /// At most 200 characters.
    pub text: String,
    /// How far it is, if it is ours.
    pub state: Option<MessageState>,
    /// Which of us, or who of theirs, said it.
    pub author_id: Option<Uuid>,
}

/// The nearest goal of a service level that is not met yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SlaView {
    /// `first_reply`, `next_reply` or `resolution`.
    pub goal: String,
    /// When it is due; absent while the clock stands.
    pub due_at: Option<DateTime<Utc>>,
    /// It was missed.
    pub breached: bool,
}

/// A conversation, as a line of the list and as `data.conversation` of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Conversation {
    /// The conversation.
    #[schema(value_type = Uuid)]
    pub id: ConversationId,
    /// By which way.
    pub channel: Channel,
    /// Over which account; none: calls.
    #[schema(value_type = Option<Uuid>)]
    pub account_id: Option<ChannelAccountId>,
    /// With whom.
    pub contact: ContactShort,
    /// Where an answer goes, as the provider wants it; a number, for calls.
    pub address: String,
    /// A group's name.
    pub title: Option<String>,
    /// Where it stands.
    pub state: State,
    /// When it comes back.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Whose work it is: the queue.
    #[schema(value_type = Option<Uuid>)]
    pub queue_id: Option<QueueId>,
    /// The team.
    #[schema(value_type = Option<Uuid>)]
    pub team_id: Option<TeamId>,
    /// The agent.
    #[schema(value_type = Option<Uuid>)]
    pub agent_id: Option<AgentId>,
    /// 0 none, 1 low, 2 normal, 3 high, 4 urgent.
    #[schema(minimum = 0, maximum = 4)]
    pub priority: i16,
    /// It is spam.
    pub spam: bool,
    /// Its labels.
    #[schema(value_type = Vec<Uuid>)]
    pub label_ids: Vec<LabelId>,
    /// The newest message.
    pub last: Preview,
    /// When it came: the list's order.
    pub last_at: DateTime<Utc>,
    /// The newest message of theirs.
    pub last_in_at: Option<DateTime<Utc>>,
    /// Since when they wait for an answer.
    pub waiting_since: Option<DateTime<Utc>>,
    /// What we owe.
    pub sla: Option<SlaView>,
    /// When it began.
    pub opened_at: DateTime<Utc>,
    /// When it was resolved.
    pub resolved_at: Option<DateTime<Utc>>,
    /// A call that runs now.
    #[schema(value_type = Option<Uuid>)]
    pub call_id: Option<CallId>,
    /// Rises with each change: the newer of two is the one with the higher.
    pub version: i64,
}

/// Whose a conversation is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignee {
    /// An agent.
    #[schema(value_type = Option<Uuid>)]
    pub agent_id: Option<AgentId>,
    /// A team.
    #[schema(value_type = Option<Uuid>)]
    pub team_id: Option<TeamId>,
    /// A queue: its agents are offered the conversation.
    #[schema(value_type = Option<Uuid>)]
    pub queue_id: Option<QueueId>,
}

/// Who wrote a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Author {
    /// What they are.
    #[serde(rename = "type")]
    pub kind: AuthorType,
    /// The agent or the contact.
    pub id: Option<Uuid>,
    /// Their name, as it was then.
    pub name: Option<String>,
}

/// What the writer of a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthorType {
    /// A customer.
    Contact,
    /// One of us.
    Agent,
    /// A bot of ours.
    Bot,
    /// Trunkline itself: automatic replies.
    System,
    /// One of us, in the provider's own app.
    App,
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailureView {
    /// The provider's code.
    pub code: String,
    /// The provider's words.
    pub detail: String,
    /// What it means.
    #[schema(value_type = String)]
    pub why: Why,
    /// Sending it again by hand may help.
    pub retry: bool,
}

/// Where a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentState {
    /// It is being fetched.
    Wanted,
    /// It is here.
    Stored,
    /// Too large, or not what it says it is.
    Refused,
    /// The provider has it no more.
    Gone,
    /// It could not be fetched.
    Failed,
}

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttachmentView {
    /// The attachment: `GET /attachments/{id}` is its file, `/attachments/{id}/thumbnail` a small picture of it.
    #[schema(value_type = Uuid)]
    pub id: AttachmentId,
    /// What sort of file the message says it is.
    #[schema(value_type = String)]
    pub sort: MediaSort,
    /// Where it is.
    pub state: AttachmentState,
    /// What it is, as far as was found out.
    pub mime: Option<String>,
    /// Its name.
    pub file_name: Option<String>,
    /// Bytes.
    pub bytes: Option<i64>,
    /// Seconds, of sound and video.
    pub seconds: Option<i32>,
    /// Pixels.
    pub width: Option<i32>,
    /// Pixels.
    pub height: Option<i32>,
    /// There is a thumbnail.
    pub thumbnail: bool,
    /// Why it is not here.
    pub error: Option<String>,
}

/// What somebody put under a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reaction {
    /// `contact` or `us`.
    pub by: String,
    /// The signs.
    pub emoji: Vec<String>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MessageView {
    /// The message.
    #[schema(value_type = Uuid)]
    pub id: MessageId,
    /// Its conversation.
    #[schema(value_type = Uuid)]
    pub conversation_id: ConversationId,
    /// Whose.
    pub direction: Direction,
    /// By whom.
    pub author: Author,
    /// `text`, `media`, `location`, `contacts`, `choice`, `choices`, `form`, `order`, `command`, `notice`, `template`, `call`, `unsupported`; of events
    /// what happened: `assigned`, `resolved` …
    pub kind: String,
    /// What a person reads: the text, the caption, a template's filled text.
    pub text: String,
    /// The rest of it, by `kind` (docs/integrators.md).
    #[schema(value_type = Object)]
    pub content: serde_json::Value,
    /// Its files.
    pub attachments: Vec<AttachmentView>,
    /// The message that it answers.
    #[schema(value_type = Option<Uuid>)]
    pub reply_to: Option<MessageId>,
    /// They passed it on.
    pub forwarded: bool,
    /// Messages of one album carry the same.
    pub album: Option<String>,
    /// How far it is.
    pub state: MessageState,
    /// Why it was not sent.
    pub failure: Option<FailureView>,
    /// When it is to be sent.
    pub send_at: Option<DateTime<Utc>>,
    /// When it was changed by its writer.
    pub edited_at: Option<DateTime<Utc>>,
    /// When it was taken back by its writer.
    pub deleted_at: Option<DateTime<Utc>>,
    /// What was put under it.
    pub reactions: Vec<Reaction>,
    /// Older than the connection.
    pub history: bool,
    /// The call that it tells of.
    #[schema(value_type = Option<Uuid>)]
    pub call_id: Option<CallId>,
    /// When it was said.
    pub at: DateTime<Utc>,
}

/// A label of conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Label {
    /// The label.
    #[schema(value_type = Uuid)]
    pub id: LabelId,
    /// Its name, unlike any other's.
    pub name: String,
    /// `grey`, `red`, `orange`, `yellow`, `green`, `teal`, `blue`, `purple` or `pink`.
    pub colour: String,
}

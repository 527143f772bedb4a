//! What the API shows of agents and devices.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_calls::model::AgentActivity;
use trunkline_calls::queueing::SkillLevel;
use trunkline_db::{AgentId, CallId, DeviceId, QueueId};

use crate::calls::AgentState;

/// A user who takes work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Agent {
    /// The agent; the same id as the user's.
    #[schema(value_type = uuid::Uuid)]
    pub id: AgentId,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// What colleagues dial to reach them.
    pub extension: Option<String>,
    /// Whether the agent wants work.
    pub state: AgentState,
    /// Why, in the agent's words.
    pub reason: Option<String>,
    /// Since when.
    pub state_since: DateTime<Utc>,
    /// Whether one of the agent's phones is registered; without one there are no offers.
    pub reachable: bool,
    /// What the agent is doing.
    pub activity: AgentActivity,
    /// Since when.
    pub activity_since: DateTime<Utc>,
    /// What the agent has to finish of a call that is over.
    pub wrap_up: Option<WrapUp>,
    /// What the agent can do, and how well.
    pub skills: Vec<SkillLevel>,
    /// How many chats the router gives them at once, beside a call.
    pub chat_capacity: u8,
}

/// What a call left an agent to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct WrapUp {
    /// The call.
    #[schema(value_type = uuid::Uuid)]
    pub call_id: CallId,
    /// The queue by whose rules.
    #[schema(value_type = uuid::Uuid)]
    pub queue_id: QueueId,
    /// When its time is up; a disposition that is required may make it longer.
    pub until: DateTime<Utc>,
    /// The agent said what the call came to.
    pub disposed: bool,
}

/// Body of `PUT /agents/{id}/skills`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetSkills {
    /// All that the agent can do; what is left out the agent can't.
    #[schema(max_items = 100)]
    pub skills: Vec<SkillLevel>,
}

/// Body of `PUT /agents/{id}/chat-capacity`.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetChatCapacity {
    /// How many chats the router gives the agent at once.
    #[schema(maximum = 50)]
    pub chat_capacity: u8,
}

/// Body of `PUT /agents/{id}/extension`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetExtension {
    /// 2 to 6 digits that no other agent and no queue has, and not 600, which is the echo test; null: none.
    #[schema(pattern = "^[0-9]{2,6}$")]
    pub extension: Option<String>,
}

/// Body of `PUT /agents/me/state`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct SetState {
    /// The wanted state.
    pub state: AgentState,
    /// Why; at most 200 characters.
    #[schema(required = false, max_length = 200)]
    pub reason: Option<String>,
}

/// Body of `POST /agents/{id}/devices`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct CreateDevice {
    /// A name for people, such as "desk phone"; at most 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
}

/// SIP credentials of a new device; the password is shown this once.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct NewDevice {
    /// The device.
    #[schema(value_type = uuid::Uuid)]
    pub id: DeviceId,
    /// Its name.
    pub name: String,
    /// SIP user name.
    pub username: String,
    /// SIP password. Only a digest of it is kept.
    pub password: String,
    /// Domain or address to sign in to.
    pub domain: String,
    /// Port to sign in to.
    pub port: u16,
    /// Transports that are listened on.
    pub transports: Vec<&'static str>,
}

/// A desk phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Device {
    /// The device.
    #[schema(value_type = uuid::Uuid)]
    pub id: DeviceId,
    /// Its name.
    pub name: String,
    /// SIP user name.
    pub username: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

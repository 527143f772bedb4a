//! What the API shows of numbers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::{AgentId, FlowId, QueueId, ScheduleId, SiteId, TenantId};

use crate::calls::directory;
use crate::http::Patch;

/// Where a call to a number goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = NumberTarget)]
pub(super) enum Target {
    /// It waits in a queue.
    Queue {
        /// The queue.
        #[schema(value_type = uuid::Uuid)]
        queue_id: QueueId,
    },
    /// It takes a way that the company drew.
    Flow {
        /// The flow.
        #[schema(value_type = uuid::Uuid)]
        flow_id: FlowId,
    },
    /// One agent is rung; if they do not come, the caller hears a word of regret.
    Agent {
        /// The agent.
        #[schema(value_type = uuid::Uuid)]
        agent_id: AgentId,
    },
    /// The caller hears a word of regret, and the call is over.
    HangUp,
}

impl From<Target> for directory::Target {
    fn from(target: Target) -> Self {
        match target {
            Target::Queue { queue_id } => Self::Queue(queue_id),
            Target::Flow { flow_id } => Self::Flow(flow_id),
            Target::Agent { agent_id } => Self::Agent(agent_id),
            Target::HangUp => Self::HangUp,
        }
    }
}

/// Whether callers of a number may be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = NumberRecording)]
pub(super) enum Recording {
    /// As the company and the queue have it.
    #[default]
    AsQueue,
    /// Never, whoever takes the call.
    Never,
}

impl Recording {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::AsQueue => "as_queue",
            Self::Never => "never",
        }
    }

    /// What the database has; its own check lets nothing else in.
    pub(super) fn parse(text: &str) -> Self {
        if text == Self::Never.as_str() { Self::Never } else { Self::AsQueue }
    }
}

/// A number of the tenant's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[expect(clippy::struct_field_names, reason = "the field's name, as elsewhere in the API")]
pub(super) struct Number {
    /// E.164.
    pub(super) number: String,
    /// What people call it; may be empty.
    pub(super) label: String,
    /// Whose it is; null: the tenant's as a whole.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) site_id: Option<SiteId>,
    /// Where it leads.
    pub(super) target: Target,
    /// When it is open; null: always.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) schedule_id: Option<ScheduleId>,
    /// Where it leads while it is closed.
    pub(super) closed_target: Target,
    /// Whether its callers may be recorded.
    pub(super) recording: Recording,
    /// The queue, where it leads to one.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) queue_id: Option<QueueId>,
    /// When it was added.
    pub(super) created_at: DateTime<Utc>,
    /// When it was last changed.
    pub(super) updated_at: DateTime<Utc>,
}

impl Number {
    /// As call control has it.
    pub(super) fn for_calls(&self, tenant: TenantId) -> directory::Number {
        directory::Number {
            tenant,
            target: self.target.into(),
            schedule: self.schedule_id,
            closed: self.closed_target.into(),
            recorded: self.recording != Recording::Never,
        }
    }
}

/// Body of `POST /numbers`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddNumber {
    /// E.164: `+`, country code, 7 to 15 digits in all. Blanks, dashes and brackets are left out.
    #[schema(example = "+390612345678")]
    pub(super) number: String,
    /// At most 60 characters.
    #[serde(default)]
    #[schema(required = false, max_length = 60)]
    pub(super) label: String,
    /// Whose it is; absent: the tenant's as a whole.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) site_id: Option<SiteId>,
    /// Where it leads.
    pub(super) target: Target,
    /// When it is open; absent: always.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) schedule_id: Option<ScheduleId>,
    /// Where it leads while it is closed; absent: `hang_up`.
    pub(super) closed_target: Option<Target>,
    /// Whether its callers may be recorded.
    #[serde(default)]
    #[schema(required = false)]
    pub(super) recording: Recording,
}

/// Body of `PATCH /numbers/{number}`: what is absent stays as it is.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateNumber {
    /// At most 60 characters.
    #[schema(max_length = 60)]
    pub(super) label: Option<String>,
    /// Whose it is; null: the tenant's as a whole.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) site_id: Patch<SiteId>,
    /// Where it leads.
    pub(super) target: Option<Target>,
    /// When it is open; null: always.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) schedule_id: Patch<ScheduleId>,
    /// Where it leads while it is closed.
    pub(super) closed_target: Option<Target>,
    /// Whether its callers may be recorded.
    pub(super) recording: Option<Recording>,
}

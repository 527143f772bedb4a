//! Typed ids: a queue's id cannot be given where an agent's is wanted.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A text that is no UUID was given as an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID: {0}")]
pub struct ParseIdError(#[from] uuid::Error);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, ToSchema,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id: UUID version 7 (RFC 9562, section 5.7), so that ids sort by the time they were made.
            #[allow(clippy::new_without_default, reason = "a default value that differs each time would surprise")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The bare UUID.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self(Uuid::from_str(text)?))
            }
        }
    };
}

id!(
    /// A tenant.
    TenantId
);
id!(
    /// A person who signs in.
    UserId
);
id!(
    /// An agent: the same UUID as the [`UserId`] of the person, seen as one who takes work.
    AgentId
);
id!(
    /// A queue.
    QueueId
);
id!(
    /// A SIP device of an agent.
    DeviceId
);
id!(
    /// A call.
    CallId
);
id!(
    /// The recording of a call.
    RecordingId
);
id!(
    /// An event of the journal.
    EventId
);
id!(
    /// A role of a tenant's own.
    RoleId
);
id!(
    /// A team.
    TeamId
);
id!(
    /// An API key.
    ApiKeyId
);
id!(
    /// A job.
    JobId
);
id!(
    /// A tenant's outlet.
    SiteId
);
id!(
    /// Something that agents can do, better or worse.
    SkillId
);

id!(
    /// Somebody who calls or writes.
    ContactId
);
id!(
    /// A connected WhatsApp number, Telegram bot or SMS sender.
    ChannelAccountId
);
id!(
    /// What is said between a contact and us over one channel.
    ConversationId
);
id!(
    /// One message of a conversation.
    MessageId
);
id!(
    /// A file of a message.
    AttachmentId
);
id!(
    /// A provider's request, as it was stored.
    InboundWebhookId
);
id!(
    /// A label of conversations.
    LabelId
);
id!(
    /// What a call meets before an agent speaks, as the tenant drew it.
    FlowId
);
id!(
    /// Opening hours, with holidays and special days.
    ScheduleId
);
id!(
    /// Something that is played to callers.
    SoundId
);
id!(
    /// A carrier's line.
    TrunkId
);

impl From<UserId> for AgentId {
    fn from(user: UserId) -> Self {
        Self(user.0)
    }
}

impl From<AgentId> for UserId {
    fn from(agent: AgentId) -> Self {
        Self(agent.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_text_and_json() {
        let id = CallId::new();
        assert_eq!(id.to_string().parse::<CallId>(), Ok(id));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<CallId>(&json).unwrap(), id);
        assert!("call-1".parse::<CallId>().is_err());
    }

    #[test]
    fn new_ids_are_version_7() {
        assert_eq!(EventId::new().uuid().get_version_num(), 7);
    }
}

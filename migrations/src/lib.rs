//! The database: schema, roles, pool, and the only two ways to run SQL.
//!
//! - [`Db::tenant`] gives a [`TenantTx`]: a transaction as the role `trunkline_app` for one tenant. Row-level security
//!   is forced on every tenant table, so a statement that forgets its tenant finds nothing.
//! - [`Db::system`] gives a [`SystemTx`]: a transaction as the role `trunkline_system`, for the named tables that belong to no
//!   tenant (sign-in, tickets, journal heads) and for reading the telephony directory.
//!
//! The login role `trunkline` itself may do nothing. Everything else in here is the schema ([`migrate`]), what a superuser
//! does once ([`bootstrap`]), and typed ids ([`TenantId`] and its like).

mod announce;
pub mod bootstrap;
mod connect;
mod error;
mod ids;
mod lane;
mod listen;
mod migrate;
mod role;
mod secret;
mod tx;
pub mod writers;

pub use connect::{Db, PoolOptions};
pub use error::DbError;
pub use ids::{
    AgentId, ApiKeyId, AttachmentId, CallId, ChannelAccountId, ContactId, ConversationId, DeviceId, EventId, FlowId,
    InboundWebhookId, JobId, LabelId, MessageId, ParseIdError, QueueId, RecordingId, RoleId, ScheduleId, SiteId,
    SkillId, SoundId, TeamId, TenantId, TrunkId, UserId,
};
pub use lane::{LaneConnection, LaneTx};
pub use listen::{Listener, Notification};
pub use migrate::{migrate, pending_migrations};
pub use role::{ParseRoleError, Role};
pub use secret::Secret;
pub use tx::{JournalHead, SystemTx, TenantTx};

//! What setting up takes and tells.

use serde::{Deserialize, Serialize};
use trunkline_db::{QueueId, Role, TenantId, UserId};

/// Answer of `GET /setup`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct SetupState {
    /// Whether there is a demo tenant.
    pub(super) demo_present: bool,
    /// Whether there is no other tenant yet. Told to those who signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub(super) needed: Option<bool>,
    /// Whether the signed-in user belongs to the demo tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub(super) demo: Option<bool>,
    /// Whether the demo is being removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub(super) removing: Option<bool>,
}

/// Body of `POST /setup`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Setup {
    /// Name for people; at most 100 characters.
    #[schema(min_length = 1, max_length = 100, example = "Rossi & Figli")]
    pub(super) name: String,
    /// Short name, part of phones' user names: 2 to 32 lower-case letters, digits and dashes, beginning with a letter. Made of the
    /// name when absent.
    #[schema(example = "rossi")]
    pub(super) slug: Option<String>,
    /// IANA time zone.
    #[schema(example = "Europe/Rome")]
    pub(super) time_zone: String,
    /// `en`, `ru` or `it`.
    #[schema(example = "it")]
    pub(super) language: String,
    /// A number of the public network that leads to the queue, E.164.
    #[schema(example = "+390612345678")]
    pub(super) number: Option<String>,
    /// When it is open; none: always.
    #[serde(default)]
    #[schema(required = false)]
    pub(super) hours: Vec<OpeningHours>,
    /// The first admin, with a password of the own choice.
    pub(super) admin: FirstAdmin,
    /// Others; each gets a one-time password. At most 50.
    #[serde(default)]
    #[schema(required = false)]
    pub(super) users: Vec<FirstUser>,
    /// The first queue.
    pub(super) queue: FirstQueue,
}

/// One line of the opening hours.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OpeningHours {
    /// 1 (Monday) to 7 (Sunday).
    #[schema(minimum = 1, maximum = 7)]
    pub(super) day: i16,
    /// First minute, as in `09:00`, in the tenant's time zone.
    #[schema(example = "09:00")]
    pub(super) open: String,
    /// First minute after it, up to `24:00`.
    #[schema(example = "18:00")]
    pub(super) close: String,
}

/// The first admin.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FirstAdmin {
    /// Name as shown to colleagues.
    pub(super) name: String,
    /// E-mail address to sign in with; nobody may have it yet.
    pub(super) email: String,
    /// Password of at least 10 characters.
    #[schema(min_length = 10)]
    pub(super) password: String,
}

impl std::fmt::Debug for FirstAdmin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirstAdmin").field("name", &self.name).field("email", &self.email).finish_non_exhaustive()
    }
}

/// One of the first users.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FirstUser {
    /// Name as shown to colleagues.
    pub(super) name: String,
    /// E-mail address to sign in with; nobody may have it yet.
    pub(super) email: String,
    /// Role within the tenant. Operators take calls of the queue.
    pub(super) role: Role,
}

/// The first queue.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FirstQueue {
    /// Name for people; at most 100 characters.
    #[schema(min_length = 1, max_length = 100, example = "Assistenza")]
    pub(super) name: String,
}

/// Answer of `POST /setup`.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct SetUp {
    /// The new tenant.
    pub(super) tenant: NewTenant,
    /// Its queue.
    pub(super) queue: NewQueue,
    /// Its users, the admin first.
    pub(super) users: Vec<NewUser>,
}

/// The new tenant.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct NewTenant {
    /// The tenant.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: TenantId,
    /// Short name, given or made of the name.
    pub(super) slug: String,
    /// Name for people.
    pub(super) name: String,
}

/// The new queue.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct NewQueue {
    /// The queue.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: QueueId,
    /// Name for people.
    pub(super) name: String,
    /// What the tenant's phones dial to reach it.
    pub(super) extension: String,
    /// The number that leads to it.
    pub(super) number: Option<String>,
}

/// A new user.
#[derive(Clone, Serialize, utoipa::ToSchema)]
pub(super) struct NewUser {
    /// The user; an agent has the same id.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: UserId,
    /// Name.
    pub(super) name: String,
    /// E-mail address, in lower case.
    pub(super) email: String,
    /// Role within the tenant.
    pub(super) role: Role,
    /// To be changed at the first sign-in; shown this once. The admin has none: the password is known.
    pub(super) one_time_password: Option<String>,
}

impl std::fmt::Debug for NewUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewUser").field("id", &self.id).field("role", &self.role).finish_non_exhaustive()
    }
}

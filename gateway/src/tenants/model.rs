//! What the platform's API shows of tenants.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::{Role, TenantId, UserId};

use super::usage::{Resource, Standing};
use crate::http::Patch;

/// What becomes of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum TenantState {
    /// At work.
    Active,
    /// Nobody comes in; everything stays.
    Suspended,
    /// Suspended, and removed at `delete_at` unless that is called off.
    ToBeDeleted,
    /// What is left of it goes.
    Removing,
}

/// A tenant, for those who run the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct PlatformTenant {
    /// The tenant.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: TenantId,
    /// Short name.
    pub(super) slug: String,
    /// Name for people.
    pub(super) name: String,
    /// IANA time zone; months are counted in it. A setting of the tenant's, `looks.time_zone`.
    pub(super) time_zone: String,
    /// `en`, `ru` or `it`. A setting of the tenant's, `looks.language`.
    pub(super) language: String,
    /// What becomes of it.
    pub(super) state: TenantState,
    /// Since when nobody comes in.
    pub(super) suspended_at: Option<DateTime<Utc>>,
    /// Why, as those who are refused are told.
    pub(super) suspended_reason: Option<String>,
    /// When it is removed.
    pub(super) delete_at: Option<DateTime<Utc>>,
    /// How many people belong to it.
    pub(super) members: i64,
    /// What it may use.
    pub(super) limits: Limits,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// When it was last changed here.
    pub(super) updated_at: DateTime<Utc>,
}

/// What a tenant may use; null: as much as there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    /// Agents.
    #[schema(minimum = 0)]
    pub(super) agents: Option<i32>,
    /// Messages a month.
    #[schema(minimum = 0)]
    pub(super) messages: Option<i64>,
    /// Minutes of answered calls a month.
    #[schema(minimum = 0)]
    pub(super) minutes: Option<i64>,
    /// Bytes of files.
    #[schema(minimum = 0)]
    pub(super) storage_bytes: Option<i64>,
}

/// What was used of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[expect(clippy::struct_field_names, reason = "so much of it is used: no other word says it")]
pub(super) struct Used {
    /// Of what.
    pub(super) resource: Resource,
    /// So much; minutes are rounded up, storage is in bytes.
    pub(super) used: u64,
    /// Of so much; null: without limit.
    pub(super) limit: Option<u64>,
    /// How near that is.
    pub(super) standing: Standing,
}

/// What a tenant has used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct Usage {
    /// The first day of the month that is counted, in the tenant's time zone.
    pub(super) month: NaiveDate,
    /// One per resource.
    pub(super) items: Vec<Used>,
}

/// Body of `POST /platform/tenants`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateTenant {
    /// Name for people; at most 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: String,
    /// From 2 to 32 of a-z, 0-9 and `-`; one of its kind, never one that a removed tenant had.
    #[schema(min_length = 2, max_length = 32)]
    pub(super) slug: String,
    /// IANA time zone.
    #[schema(example = "Europe/Rome")]
    pub(super) time_zone: String,
    /// `en`, `ru` or `it`.
    #[schema(example = "it")]
    pub(super) language: String,
    /// The first admin, who also takes the calls until there are others.
    pub(super) admin: TenantAdmin,
    /// The first queue.
    pub(super) queue: String,
    /// A number of the public network that leads to the queue, E.164.
    #[schema(example = "+390612345678")]
    pub(super) number: Option<String>,
    /// What it may use.
    #[serde(default)]
    #[schema(required = false)]
    pub(super) limits: Limits,
}

/// The first admin of a tenant.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantAdmin {
    /// Name as shown to colleagues. Somebody who is known keeps theirs.
    pub(super) name: String,
    /// E-mail address. Of a user of another tenant: the same person, who then belongs to both.
    pub(super) email: String,
}

/// Answer of `POST /platform/tenants`.
#[derive(Clone, Serialize, utoipa::ToSchema)]
pub(super) struct CreatedTenant {
    /// The tenant.
    pub(super) tenant: PlatformTenant,
    /// Its admin.
    #[schema(value_type = uuid::Uuid)]
    pub(super) admin_id: UserId,
    /// To be changed at the first sign-in; shown this once. Null of somebody who has a password already.
    pub(super) one_time_password: Option<String>,
}

impl std::fmt::Debug for CreatedTenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedTenant").field("tenant", &self.tenant.id).finish_non_exhaustive()
    }
}

/// Body of `PATCH /platform/tenants/{id}`: what is absent stays as it is.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateTenant {
    /// From 2 to 32 of a-z, 0-9 and `-`; one of its kind, never one that a removed tenant had. Phones that were made keep their names.
    #[schema(min_length = 2, max_length = 32)]
    pub(super) slug: Option<String>,
    /// At most 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: Option<String>,
    /// Agents; null: without limit.
    #[serde(default)]
    #[schema(value_type = Option<i32>, minimum = 0)]
    pub(super) agents: Patch<i32>,
    /// Messages a month; null: without limit.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 0)]
    pub(super) messages: Patch<i64>,
    /// Minutes a month; null: without limit.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 0)]
    pub(super) minutes: Patch<i64>,
    /// Bytes; null: without limit.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 0)]
    pub(super) storage_bytes: Patch<i64>,
}

/// Body of `POST /platform/tenants/{id}/suspension`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Suspend {
    /// Why, in words for those who are refused; at most 300 characters.
    #[schema(min_length = 1, max_length = 300)]
    pub(super) reason: String,
}

/// Body of `POST /platform/tenants/{id}/deletion`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Delete {
    /// The tenant's slug once more, so that nobody deletes another one by mistake.
    pub(super) slug: String,
    /// Days until then; 30 when nothing is said.
    #[serde(default = "thirty")]
    #[schema(minimum = 1, maximum = 365, required = false)]
    pub(super) days: u16,
}

const fn thirty() -> u16 {
    30
}

/// A tenant that one belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct OwnTenant {
    /// The tenant.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: TenantId,
    /// Short name, by which one signs in to it.
    pub(super) slug: String,
    /// Name for people.
    pub(super) name: String,
    /// Role there.
    pub(super) role: Role,
    /// The name of the role of the tenant's own, if one has one there: it counts instead of `role`.
    pub(super) role_name: Option<String>,
    /// Whether one is signed in to it.
    pub(super) current: bool,
}

/// The tenants that one belongs to.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct OwnTenants {
    /// By name.
    pub(super) items: Vec<OwnTenant>,
}

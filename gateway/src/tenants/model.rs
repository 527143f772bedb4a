//! What the platform's API shows of tenants.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::TenantId;

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
    /// IANA time zone; months are counted in it.
    pub(super) time_zone: String,
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct Limits {
    /// Agents.
    pub(super) agents: Option<i32>,
    /// Messages a month.
    pub(super) messages: Option<i64>,
    /// Minutes of answered calls a month.
    pub(super) minutes: Option<i64>,
    /// Bytes of files.
    pub(super) storage_bytes: Option<i64>,
}

/// What was used of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
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
    /// IANA time zone.
    pub(super) time_zone: Option<String>,
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

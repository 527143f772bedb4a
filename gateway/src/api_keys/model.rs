//! What the API shows of keys.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::{ApiKeyId, UserId};

use crate::http::Patch;

/// An API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct ApiKey {
    /// The key.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: ApiKeyId,
    /// What it is for.
    pub(super) name: String,
    /// The open part of `tlk_<prefix>_<secret>`.
    pub(super) prefix: String,
    /// Who made it; it acts for this member, and ends with the membership.
    #[schema(value_type = uuid::Uuid)]
    pub(super) user_id: UserId,
    /// What it may do, as far as its maker may: names as in `x-permission`.
    pub(super) permissions: Vec<String>,
    /// Networks from which it may be used; none: from everywhere.
    pub(super) allowed_addresses: Vec<String>,
    /// Its own limit; null: that of the installation.
    pub(super) requests_per_second: Option<i32>,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// When it was last changed.
    pub(super) updated_at: DateTime<Utc>,
    /// When it got its present secret, if that is not its first.
    pub(super) rotated_at: Option<DateTime<Utc>>,
    /// Until when the secret before the last rotation is good too.
    pub(super) previous_until: Option<DateTime<Utc>>,
    /// When it ends; null: never.
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// How often it was used; some seconds behind.
    pub(super) requests: i64,
    /// How often it was refused for asking too often.
    pub(super) refused: i64,
    /// When it was last used; some seconds behind.
    pub(super) last_used_at: Option<DateTime<Utc>>,
    /// The address it was last used from.
    pub(super) last_used_from: Option<String>,
}

/// A key with its secret.
#[derive(Clone, Serialize, utoipa::ToSchema)]
pub(super) struct NewApiKey {
    /// For `Authorization: Bearer`. In this answer and nowhere else.
    pub(super) token: String,
    /// The key.
    pub(super) api_key: ApiKey,
}

/// Body of `POST /api-keys`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateApiKey {
    /// What it is for; at most 60 characters.
    #[schema(min_length = 1, max_length = 60)]
    pub(super) name: String,
    /// What it may do: some of the caller's own permissions, by name.
    #[schema(min_items = 1)]
    pub(super) permissions: Vec<String>,
    /// Addresses and networks (CIDR) from which it may be used; at most 50.
    #[serde(default)]
    #[schema(required = false, max_items = 50)]
    pub(super) allowed_addresses: Vec<String>,
    /// Its own limit.
    #[schema(minimum = 1, maximum = 10000)]
    pub(super) requests_per_second: Option<i32>,
    /// When it ends.
    pub(super) expires_at: Option<DateTime<Utc>>,
}

/// Body of `PATCH /api-keys/{id}`: what is absent stays as it is.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateApiKey {
    /// What it is for; at most 60 characters.
    #[schema(min_length = 1, max_length = 60)]
    pub(super) name: Option<String>,
    /// What it may do; replaces all.
    #[schema(min_items = 1)]
    pub(super) permissions: Option<Vec<String>>,
    /// Addresses and networks (CIDR) from which it may be used; replaces all.
    #[schema(max_items = 50)]
    pub(super) allowed_addresses: Option<Vec<String>>,
    /// Its own limit; null for that of the installation.
    #[serde(default)]
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 10000)]
    pub(super) requests_per_second: Patch<i32>,
    /// When it ends; null for never.
    #[serde(default)]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub(super) expires_at: Patch<DateTime<Utc>>,
}

/// Body of `POST /api-keys/{id}/rotate`.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RotateApiKey {
    /// How long the old secret is good beside the new one; a day unless said.
    #[schema(minimum = 0, maximum = 2_592_000, default = 86400)]
    pub(super) overlap_seconds: Option<i64>,
}

//! What the API shows of sites.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::SiteId;

use crate::http::Patch;

/// A site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct Site {
    /// The site.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: SiteId,
    /// Name, one of its kind within the tenant.
    pub(super) name: String,
    /// Address, as people write it.
    pub(super) address: String,
    /// IANA time zone; null: the tenant's.
    pub(super) time_zone: Option<String>,
    /// Its numbers, E.164, in order.
    pub(super) numbers: Vec<String>,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// When it was last changed.
    pub(super) updated_at: DateTime<Utc>,
}

/// Body of `POST /sites`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateSite {
    /// At most 60 characters.
    #[schema(min_length = 1, max_length = 60)]
    pub(super) name: String,
    /// At most 500 characters.
    #[serde(default)]
    #[schema(required = false, max_length = 500)]
    pub(super) address: String,
    /// IANA time zone; absent: the tenant's.
    #[schema(example = "Europe/Rome")]
    pub(super) time_zone: Option<String>,
    /// Numbers of the tenant's that are the site's from now on, whosever they were.
    #[serde(default)]
    #[schema(required = false)]
    pub(super) numbers: Vec<String>,
}

/// Body of `PATCH /sites/{id}`: what is absent stays as it is.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateSite {
    /// At most 60 characters.
    #[schema(min_length = 1, max_length = 60)]
    pub(super) name: Option<String>,
    /// At most 500 characters.
    #[schema(max_length = 500)]
    pub(super) address: Option<String>,
    /// IANA time zone; null: the tenant's.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) time_zone: Patch<String>,
    /// All numbers that are the site's from now on; others that were are the tenant's again.
    pub(super) numbers: Option<Vec<String>>,
}

//! What the API shows of trunks.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_calls::lines::TrunkSettings;
use trunkline_db::TrunkId;

use super::board::TrunkStatus;
use super::import::Proposal;
use crate::http::Patch;

/// A trunk.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct Trunk {
    /// The trunk.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: TrunkId,
    /// What people call it, one of its kind within the tenant.
    pub(super) name: String,
    /// How it is connected.
    pub(super) settings: TrunkSettings,
    /// Whether a password is set; which one is shown to nobody.
    pub(super) has_password: bool,
    /// For calls out: lower ones are tried first.
    pub(super) priority: i32,
    /// Whether it is connected at all.
    pub(super) enabled: bool,
    /// How it does, at each Asterisk server that has it.
    pub(super) status: Vec<TrunkStatus>,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// When it was last changed.
    pub(super) updated_at: DateTime<Utc>,
}

/// Body of `POST /trunks`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateTrunk {
    /// At most 60 characters.
    #[schema(min_length = 1, max_length = 60)]
    pub(super) name: String,
    /// How it is connected.
    pub(super) settings: TrunkSettings,
    /// The password at the carrier's. It is never shown again.
    #[schema(max_length = 256)]
    pub(super) password: Option<String>,
    /// For calls out: lower ones are tried first. 10 if absent.
    #[schema(minimum = 0, maximum = 1000)]
    pub(super) priority: Option<i32>,
    /// Whether it is connected at once; it is if absent.
    pub(super) enabled: Option<bool>,
}

/// Body of `PATCH /trunks/{id}`: what is absent stays as it is.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateTrunk {
    /// At most 60 characters.
    #[schema(min_length = 1, max_length = 60)]
    pub(super) name: Option<String>,
    /// How it is connected, all of it.
    pub(super) settings: Option<TrunkSettings>,
    /// The password at the carrier's; null: none from now on.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 256)]
    pub(super) password: Patch<String>,
    /// For calls out: lower ones are tried first.
    #[schema(minimum = 0, maximum = 1000)]
    pub(super) priority: Option<i32>,
    /// Whether it is connected at all.
    pub(super) enabled: Option<bool>,
}

/// Body of `POST /trunks/import`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportTrunks {
    /// A `pjsip.conf`, or a part of one.
    pub(super) text: String,
    /// Whether the trunks that it describes are made; else it is only told what would be.
    #[serde(default)]
    #[schema(required = false)]
    pub(super) apply: bool,
}

/// What a `pjsip.conf` says.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct ImportedTrunks {
    /// The trunks in it.
    pub(super) trunks: Vec<Proposal>,
    /// Lines that belong to no trunk, or that nobody understands.
    pub(super) not_understood: Vec<ImportNote>,
    /// The trunks that were made; empty if nothing was to be.
    pub(super) created: Vec<Trunk>,
}

/// What is to be said of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct ImportNote {
    /// The line, the first is 1.
    pub(super) line: u32,
    /// The line itself, without what it keeps secret.
    pub(super) text: String,
    /// What is to be said of it.
    pub(super) message: String,
}

//! What the API shows of teams.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::{TeamId, UserId};

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct Team {
    /// The team.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: TeamId,
    /// Name, one of its kind within the tenant.
    pub(super) name: String,
    /// Who belongs to it.
    pub(super) members: Vec<TeamMember>,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// When its name was last changed.
    pub(super) updated_at: DateTime<Utc>,
}

/// Somebody in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct TeamMember {
    /// The user; an agent has the same id.
    #[schema(value_type = uuid::Uuid)]
    pub(super) user_id: UserId,
    /// Whether they lead it, and so see the work of its members.
    pub(super) lead: bool,
}

/// Body of `POST /teams`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateTeam {
    /// At most 60 characters.
    #[schema(min_length = 1, max_length = 60)]
    pub(super) name: String,
}

/// Body of `PATCH /teams/{id}`: what is absent stays as it is.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateTeam {
    /// At most 60 characters.
    #[schema(min_length = 1, max_length = 60)]
    pub(super) name: Option<String>,
}

/// Body of `PUT /teams/{id}/members/{user_id}`.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetMember {
    /// Whether they lead it, and so see the work of its members.
    #[serde(default)]
    #[schema(required = false)]
    pub(super) lead: bool,
}

//! What the API shows of roles.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::{Role, RoleId};

use crate::http::{Permissions, Reach, Rights};

/// A role of the tenant's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct CustomRole {
    /// The role.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: RoleId,
    /// Name, one of its kind within the tenant.
    pub(super) name: String,
    /// What it allows: names as in `x-permission`.
    pub(super) permissions: Vec<String>,
    /// How far its members see.
    pub(super) reach: Reach,
    /// How many people have it.
    pub(super) members: i64,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// When it was last changed.
    pub(super) updated_at: DateTime<Utc>,
}

impl CustomRole {
    pub(super) fn rights(&self) -> Rights {
        Rights { permissions: Permissions::of_names(&self.permissions), reach: self.reach }
    }
}

/// Body of `POST /roles`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateRole {
    /// At most 60 characters.
    #[schema(min_length = 1, max_length = 60)]
    pub(super) name: String,
    /// Names as in `GET /permissions`.
    pub(super) permissions: Vec<String>,
    /// How far its members see.
    pub(super) reach: Reach,
}

/// Body of `PATCH /roles/{id}`: what is absent stays as it is.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateRole {
    /// At most 60 characters.
    #[schema(min_length = 1, max_length = 60)]
    pub(super) name: Option<String>,
    /// Names as in `GET /permissions`; replaces all.
    pub(super) permissions: Option<Vec<String>>,
    /// How far its members see.
    pub(super) reach: Option<Reach>,
}

/// Something that may be permitted.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct PermissionView {
    /// The name in `x-permission`.
    pub(super) name: &'static str,
    /// What it allows, in a sentence.
    pub(super) description: &'static str,
    /// The built-in roles that have it.
    pub(super) roles: Vec<Role>,
    /// Whether the caller has it, and may give it to others.
    pub(super) yours: bool,
}

/// A role that every tenant has.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct BuiltInRole {
    /// Its name.
    pub(super) role: Role,
    /// How far its members see.
    pub(super) reach: Reach,
    /// Whether its members take work unless somebody says otherwise.
    pub(super) takes_work: bool,
}

/// Answer of `GET /permissions`: the table.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Catalogue {
    /// All that may be permitted within a tenant.
    pub(super) permissions: Vec<PermissionView>,
    /// The roles that every tenant has, from the most to the least.
    pub(super) roles: Vec<BuiltInRole>,
}

/// A role that is given to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assignment {
    /// A built-in one.
    BuiltIn(Role),
    /// One of the tenant's own.
    Custom(RoleId),
}

//! What a member of a tenant may do, coarsely.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A member's built-in role within one tenant. What each may do is said by the gateway's table of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A customer of the tenant, let in to what is theirs.
    Client,
    /// Sees the tenant's work and does none of it.
    Viewer,
    /// Takes calls and chats; sees what is its own, its queues' and its teams'.
    Operator,
    /// Sells: an operator with deals.
    SalesRep,
    /// Makes appointments for those who close.
    Setter,
    /// Brings deals to their end.
    Closer,
    /// Sees and steers the tenant's work.
    Manager,
    /// May do everything within the tenant.
    Admin,
}

/// A text that names no [`Role`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a role: {0:?} (expected admin, manager, closer, setter, sales_rep, operator, viewer or client)")]
pub struct ParseRoleError(String);

impl Role {
    /// Every role, from the most to the least.
    pub const ALL: [Self; 8] = [
        Self::Admin,
        Self::Manager,
        Self::Closer,
        Self::Setter,
        Self::SalesRep,
        Self::Operator,
        Self::Viewer,
        Self::Client,
    ];

    /// The name as stored and as spoken by the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::SalesRep => "sales_rep",
            Self::Setter => "setter",
            Self::Closer => "closer",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }

    /// Whether a member with this role is an agent unless somebody says otherwise.
    pub const fn takes_work(self) -> bool {
        matches!(self, Self::Operator | Self::SalesRep | Self::Setter | Self::Closer)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| ParseRoleError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_survive_their_text() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        assert!("root".parse::<Role>().is_err());
        assert!(Role::ALL.is_sorted_by(|a, b| a > b));
    }
}

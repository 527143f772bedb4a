//! What sign-in says about a user.

use serde::{Deserialize, Deserializer, Serialize};
use trunkline_db::{Role, TenantId, UserId};

use crate::http::Reach;

/// The signed-in user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct UserView {
    /// The user; an agent has the same id.
    #[schema(value_type = uuid::Uuid)]
    pub id: UserId,
    /// E-mail address, in lower case.
    pub email: String,
    /// Name as shown to colleagues.
    pub name: String,
    /// Role within the tenant.
    pub role: Role,
    /// Language of the panel for this user; null: the tenant's.
    pub language: Option<String>,
    /// Somebody else chose the password: until it is changed, the access token is good for `GET /me`, `POST /auth/password` and
    /// signing out only.
    pub must_change_password: bool,
}

/// The tenant that the user signed in to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TenantView {
    /// The tenant.
    #[schema(value_type = uuid::Uuid)]
    pub id: TenantId,
    /// Short name in device user names.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// IANA time zone in which the tenant's people read times.
    #[schema(example = "Europe/Rome")]
    pub time_zone: String,
    /// Language of the panel for users who chose none: `en`, `ru` or `it`.
    pub language: String,
}

/// Body of `POST /auth/login`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct LoginRequest {
    /// E-mail address, in any case.
    #[schema(example = "operator@demo.test")]
    pub email: String,
    /// Password.
    pub password: String,
    /// Slug of the tenant, for a user of several; without it the one joined first.
    #[schema(required = false)]
    pub tenant: Option<String>,
}

impl std::fmt::Debug for LoginRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginRequest").field("email", &self.email).field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

/// Body of `PATCH /me`: what is absent stays as it is.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateMe {
    /// Name as shown to colleagues; at most 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// Language of the panel: `en`, `ru` or `it`; null for the tenant's.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub language: LanguageChoice,
}

/// The language that a user wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum LanguageChoice {
    /// As it is: nothing was said.
    #[default]
    Keep,
    /// The tenant's: `null`.
    Tenants,
    /// This one.
    Own(String),
}

impl<'de> Deserialize<'de> for LanguageChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map_or(Self::Tenants, Self::Own))
    }
}

/// Body of `POST /auth/password`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct ChangePassword {
    /// The password until now.
    pub current: String,
    /// The new one: at least 10 characters, and another than the current one.
    #[schema(min_length = 10)]
    pub new: String,
}

impl std::fmt::Debug for ChangePassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChangePassword(…)")
    }
}

/// Answer of login and refresh.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SignedIn {
    /// JWT for `Authorization: Bearer`.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Seconds until the access token ends.
    pub expires_in: i64,
    /// Who signed in.
    pub user: UserView,
    /// To which tenant.
    pub tenant: TenantView,
}

/// Answer of `GET /me`.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Me {
    /// Who is signed in.
    pub user: UserView,
    /// To which tenant.
    pub tenant: TenantView,
    /// The name of the role of the tenant's own that the user has, if it has one: it counts instead of `user.role`.
    pub role_name: Option<String>,
    /// What the user may do: the names that operations give as `x-permission`.
    pub permissions: Vec<&'static str>,
    /// How far the user sees within the tenant.
    pub reach: Reach,
}

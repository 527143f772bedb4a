//! A tenant's identity provider, as its admins see it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::Role;

use crate::secrets::Secret;

/// Where a tenant's people may sign in instead of here.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct IdentityProvider {
    /// What the button says.
    pub name: String,
    /// The issuer, exactly as it names itself.
    pub issuer: String,
    /// What we are called there.
    pub client_id: String,
    /// Whether a secret is kept.
    pub has_client_secret: bool,
    /// Domains whose addresses may come in.
    pub allowed_domains: Vec<String>,
    /// Whoever comes from there and is no member becomes one, as this; null: members only.
    pub auto_role: Option<Role>,
    /// To be registered there.
    pub redirect_uri: String,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Body of `PUT /identity-provider`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetIdentityProvider {
    /// What the button says.
    pub name: String,
    /// The issuer, such as `https://accounts.example.org`.
    pub issuer: String,
    /// What we are called there.
    pub client_id: String,
    /// The secret that goes with it; absent: it stays as it is, empty: there is none.
    #[schema(value_type = Option<String>, required = false)]
    pub client_secret: Option<Secret>,
    /// Domains whose addresses may come in, as `example.org`.
    pub allowed_domains: Vec<String>,
    /// Whoever comes from there and is no member becomes one, as this.
    #[schema(required = false)]
    pub auto_role: Option<Role>,
}

/// How one may sign in.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct SignInMethods {
    /// Whether a forgotten password can be replaced by a letter.
    pub mail: bool,
    /// The identity provider of the tenant that was asked for, or of the only one that has any.
    pub provider: Option<SignInProvider>,
}

/// A way to sign in elsewhere.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct SignInProvider {
    /// What the button says.
    pub name: String,
    /// Slug of its tenant.
    pub tenant: String,
}

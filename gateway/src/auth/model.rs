//! What sign-in says about a user.

use chrono::{DateTime, Utc};
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
    /// Whether the person proved to read what is sent to the address.
    pub email_verified: bool,
    /// Whether one-time codes are asked for at sign-in.
    pub second_step: bool,
    /// The tenant asks for one-time codes and the person has none yet: until they are set up, the access token opens no more than with a
    /// one-time password, and `/me/second-step`.
    pub must_set_up_second_step: bool,
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
    /// One-time or recovery code, of a person who has them: without it the answer is 401 `second-step-required`.
    #[schema(required = false)]
    pub totp: Option<String>,
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

/// Body of `POST /auth/password/strength`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct JudgePassword {
    /// The password.
    pub password: String,
    /// What an attacker would try first: the person's name and address, the tenant's name; at most ten.
    #[serde(default)]
    #[schema(required = false)]
    pub own: Vec<String>,
}

/// Body of `POST /auth/password/forgot`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct ForgotPassword {
    /// E-mail address, in any case.
    pub email: String,
}

/// Body of `POST /auth/password/reset`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct ResetPassword {
    /// What the letter's link carries.
    pub token: String,
    /// The new password.
    #[schema(min_length = 10)]
    pub new: String,
}

/// Body of `POST /auth/email/verify`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct VerifyEmail {
    /// What the letter's link carries.
    pub token: String,
}

/// Body of `POST /auth/switch`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct SwitchTenant {
    /// Slug of the tenant to go on in.
    pub tenant: String,
}

/// Body of what asks for the password once more.
#[derive(Clone, Default, Deserialize, utoipa::ToSchema)]
pub(super) struct WithPassword {
    /// The password; of a person who has one.
    #[serde(default)]
    #[schema(required = false)]
    pub password: Option<String>,
}

/// Body of `POST /me/second-step/confirm`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct ConfirmSecondStep {
    /// The code that the authenticator shows now.
    pub code: String,
}

/// A sign-in of the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct MySession {
    /// The sign-in.
    pub id: uuid::Uuid,
    /// Whether it is the one that asks.
    pub present: bool,
    /// `password` or `oidc`.
    pub method: String,
    /// Whether a one-time or recovery code was given.
    pub second_step: bool,
    /// Slug of the tenant.
    pub tenant: String,
    /// Name of the tenant.
    pub tenant_name: String,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last renewed.
    pub last_used_at: DateTime<Utc>,
    /// From which address that was.
    pub address: Option<String>,
    /// What the program called itself.
    pub user_agent: Option<String>,
}

/// Sign-ins that hold.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct MySessions {
    /// The one used last first; at most 200.
    pub items: Vec<MySession>,
}

/// One-time codes of the person.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub(super) struct SecondStep {
    /// Since when they are asked for; null: they are not.
    pub since: Option<DateTime<Utc>>,
    /// Recovery codes that were not used yet.
    pub recovery_codes_left: i64,
}

/// What an authenticator is set up with; shown once.
#[derive(Clone, Serialize, utoipa::ToSchema)]
pub(super) struct SecondStepSecret {
    /// To be typed: base32.
    pub secret: String,
    /// `otpauth://…`
    pub uri: String,
    /// The same as a QR code: SVG.
    pub picture: String,
}

/// Recovery codes; shown once. Each signs in once instead of a one-time code.
#[derive(Clone, Serialize, utoipa::ToSchema)]
pub(super) struct RecoveryCodes {
    /// Ten of them.
    pub recovery_codes: Vec<String>,
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

impl std::fmt::Debug for JudgePassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JudgePassword(…)")
    }
}

impl std::fmt::Debug for ResetPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResetPassword(…)")
    }
}

impl std::fmt::Debug for VerifyEmail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VerifyEmail(…)")
    }
}

impl std::fmt::Debug for WithPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WithPassword(…)")
    }
}

impl std::fmt::Debug for ConfirmSecondStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConfirmSecondStep(…)")
    }
}

impl std::fmt::Debug for SecondStepSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecondStepSecret(…)")
    }
}

impl std::fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCodes(…)")
    }
}

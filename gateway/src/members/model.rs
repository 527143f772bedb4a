//! Members and invitations.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::{Role, RoleId, UserId};
use uuid::Uuid;

/// A member of the tenant.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Member {
    /// The user; an agent has the same id.
    #[schema(value_type = Uuid)]
    pub id: UserId,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// The built-in role.
    pub role: Role,
    /// The role of the tenant's own that counts instead, if any.
    #[schema(value_type = Option<Uuid>)]
    pub role_id: Option<RoleId>,
    /// Its name.
    pub role_name: Option<String>,
    /// Whether calls are offered to them.
    pub takes_work: bool,
    /// Whether one-time codes are asked of them.
    pub second_step: bool,
    /// When the membership began.
    pub created_at: DateTime<Utc>,
    /// When a sign-in to this tenant was last renewed.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Since when they may not come in.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// Body of `PATCH /members/{id}`: exactly one of both roles.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateMember {
    /// A built-in role.
    #[schema(required = false)]
    pub role: Option<Role>,
    /// A role of the tenant's own.
    #[schema(value_type = Option<Uuid>, required = false)]
    pub role_id: Option<RoleId>,
}

/// What the tenant asks of those who sign in with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInRules {
    /// Nothing opens to whoever has no one-time codes, until they are set up.
    pub second_step_required: bool,
}

/// What became of the work of somebody who may not come in any more.
#[derive(Debug, Clone, Copy, Default, Serialize, utoipa::ToSchema)]
pub(super) struct Deactivated {
    /// Sign-ins that were ended.
    pub sessions: usize,
    /// Phones that were removed.
    pub devices: usize,
    /// Whether they were taking calls: what rang for them rings for the next.
    pub was_working: bool,
}

/// An invitation.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Invitation {
    /// The invitation.
    pub id: Uuid,
    /// Who is invited.
    pub email: String,
    /// As what.
    pub role: Role,
    /// The role of the tenant's own that counts instead, if any.
    #[schema(value_type = Option<Uuid>)]
    pub role_id: Option<RoleId>,
    /// Its name.
    pub role_name: Option<String>,
    /// Whether calls will be offered to them.
    pub takes_work: bool,
    /// Who invites.
    pub invited_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Until when it can be accepted.
    pub expires_at: DateTime<Utc>,
}

/// An invitation that was just made.
#[derive(Clone, Serialize, utoipa::ToSchema)]
pub(super) struct NewInvitation {
    /// The invitation.
    #[serde(flatten)]
    pub invitation: Invitation,
    /// Whether a letter is on its way.
    pub mailed: bool,
    /// Without a mail server: the link, to be handed over; shown once.
    pub link: Option<String>,
}

/// Invitations that are open.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Invitations {
    /// The newest first; at most 500.
    pub items: Vec<Invitation>,
    /// Whether letters can be sent.
    pub mail: bool,
}

/// Body of `POST /invitations`: exactly one of both roles.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Invite {
    /// E-mail address, in any case.
    pub email: String,
    /// As what.
    #[schema(required = false)]
    pub role: Option<Role>,
    /// As what, of the tenant's own roles.
    #[schema(value_type = Option<Uuid>, required = false)]
    pub role_id: Option<RoleId>,
    /// Whether calls are offered to them; without it, to operators.
    #[schema(required = false)]
    pub takes_work: Option<bool>,
}

/// Body of `POST /auth/invitations/look`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct LookAtInvitation {
    /// What the link carries.
    pub token: String,
}

/// An invitation as the invited person sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct InvitationView {
    /// Who is invited.
    pub email: String,
    /// To what.
    pub tenant: String,
    /// Slug of the tenant, to sign in to.
    pub tenant_slug: String,
    /// By whom.
    pub invited_by: String,
    /// Language of the tenant.
    pub language: String,
}

/// Body of `POST /auth/invitations/accept`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct AcceptInvitation {
    /// What the link carries.
    pub token: String,
    /// Name as colleagues will see it; an account that exists keeps its own.
    pub name: String,
    /// The password to sign in with from now on; of an account that exists: its own.
    pub password: String,
}

impl std::fmt::Debug for NewInvitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewInvitation").field("invitation", &self.invitation).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for LookAtInvitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LookAtInvitation(…)")
    }
}

impl std::fmt::Debug for AcceptInvitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AcceptInvitation(…)")
    }
}

//! Invitations: made by an admin, accepted by whoever has the link.

use std::time::Instant;

use chrono::{TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{Role, UserId};
use trunkline_journal::Ref;
use uuid::Uuid;

use super::model::{AcceptInvitation, Invitation, InvitationView, Invitations, Invite, NewInvitation};
use super::store::{self, Found};
use crate::audit::{self, Actor, Entry, Origin};
use crate::auth::{self, MAX_NAME_CHARS, PasswordError, email_of, random_token, weakness};
use crate::http::AppError;
use crate::mail::{self, Language, Letter, Template};
use crate::roles::{self, Asking};
use crate::roster;
use crate::state::AppState;

/// For how long one can be accepted.
const DAYS: u32 = 7;
/// Longest token that is looked at.
const MAX_TOKEN_CHARS: usize = 100;

pub(super) async fn list(state: &AppState, asking: &Asking) -> Result<Invitations, AppError> {
    let mut tx = state.db.system().await?;
    let items = store::invitations(&mut tx, asking.by.tenant).await?;
    Ok(Invitations { items, mail: state.config.mail.is_some() })
}

/// Invites somebody. Without a mail server the link is shown, to be handed over.
pub(super) async fn invite(state: &AppState, asking: &Asking, wanted: Invite) -> Result<NewInvitation, AppError> {
    let email = email_of(&wanted.email)?;
    let (role, custom_role) = match (wanted.role, wanted.role_id) {
        (Some(role), None) => (role, None),
        (None, Some(id)) => (Role::Client, Some(id)),
        _ => return Err(AppError::invalid_field("role", "give either role or role_id")),
    };
    let takes_work = wanted.takes_work.unwrap_or(role == Role::Operator);
    let token = random_token();
    let path = format!("/join#{token}");
    let mailed = state.config.mail.is_some();
    let to = email.parse().map_err(|_| AppError::invalid_field("email", "must be an e-mail address"))?;

    let mut tx = state.db.system().await?;
    let (inviter, tenant) = auth::member_and_tenant(&mut tx, &asking.by).await?;
    let mut tx = tx.into_tenant(asking.by.tenant).await?;
    let role_name = roles::require_to_give(&mut tx, &asking.by, role, custom_role).await?;
    let id = Uuid::now_v7();
    let expires_at = Utc::now() + TimeDelta::days(i64::from(DAYS));
    let row = store::NewRow {
        id,
        email: &email,
        role,
        custom_role,
        takes_work,
        by: asking.by.user,
        token_hash: &state.keys.hash_opaque(&token),
        mailed,
        expires_at,
    };
    let created_at = store::insert_invitation(&mut tx, &row).await?;
    let after = json!({ "name": email, "role": role, "role_id": custom_role, "takes_work": takes_work });
    audit::append(&mut tx, asking.entry("user.invited", Ref::new("invitation", id), None, Some(after))).await?;
    if mailed {
        let template = Template::Invitation {
            tenant: tenant.name.clone(),
            inviter: inviter.name.clone(),
            path: path.clone(),
            days: DAYS,
        };
        mail::enqueue(state, &mut tx, &Letter { to, language: Language::of(&tenant.language), template }).await?;
    }
    tx.commit().await?;
    let link = (!mailed).then(|| format!("{}{path}", state.config.public_url.as_str().trim_end_matches('/')));
    let invited_by = inviter.name;
    let invitation =
        Invitation { id, email, role, role_id: custom_role, role_name, takes_work, invited_by, created_at, expires_at };
    Ok(NewInvitation { invitation, mailed, link })
}

pub(super) async fn withdraw(state: &AppState, asking: &Asking, id: Uuid) -> Result<(), AppError> {
    let mut tx = state.db.tenant(asking.by.tenant).await?;
    let email = store::withdraw(&mut tx, id).await?.ok_or_else(|| AppError::not_found("open invitation"))?;
    let before = Some(json!({ "name": email }));
    audit::append(&mut tx, asking.entry("user.invitation_withdrawn", Ref::new("invitation", id), before, None)).await?;
    Ok(tx.commit().await?)
}

fn void() -> AppError {
    AppError::conflict("link-void", "the invitation was accepted or withdrawn, or has expired; ask for a new one")
}

async fn found(state: &AppState, token: &str) -> Result<Found, AppError> {
    if token.is_empty() || token.len() > MAX_TOKEN_CHARS {
        return Err(void());
    }
    let mut tx = state.db.system().await?;
    store::invitation_of(&mut tx, &state.keys.hash_opaque(token)).await?.ok_or_else(void)
}

pub(super) async fn look(state: &AppState, token: &str) -> Result<InvitationView, AppError> {
    let found = found(state, token).await?;
    Ok(InvitationView {
        email: found.email,
        tenant: found.tenant_name,
        tenant_slug: found.tenant_slug,
        invited_by: found.invited_by,
        language: found.language,
    })
}

fn busy(error: PasswordError) -> AppError {
    match error {
        PasswordError::Busy => AppError::too_many("too many sign-ins at once; try again shortly", 2),
        error @ PasswordError::Hash(_) => AppError::internal(error),
    }
}

/// Makes an account and a member of whoever is invited. Of an account that exists the password is asked for: the link alone joins nobody.
/// Nobody is signed in by it.
pub(super) async fn accept(state: &AppState, origin: &Origin, wanted: AcceptInvitation) -> Result<(), AppError> {
    let invited = found(state, &wanted.token).await?;
    let mut tx = state.db.system().await?;
    let account = store::account(&mut tx, &invited.email).await?;
    tx.commit().await?;
    let (user, name) = match account {
        Some((_, _, _, true)) => return Err(void()),
        Some((user, name, hash, false)) => {
            prove(state, origin, &invited.email, wanted.password, hash).await?;
            (user, name)
        }
        None => {
            let name = wanted.name.trim().to_owned();
            if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
                return Err(AppError::invalid_field(
                    "name",
                    format!("must have from 1 to {MAX_NAME_CHARS} characters"),
                ));
            }
            if let Some(weakness) = weakness(&wanted.password, &[&name, &invited.email, &invited.tenant_name]) {
                return Err(AppError::invalid_field("password", weakness));
            }
            let hash = state.passwords.hash(wanted.password).await.map_err(busy)?;
            let user = UserId::new();
            let mut tx = state.db.system().await?;
            store::insert_account(&mut tx, user, &invited.email, &name, Some(&hash), invited.mailed)
                .await
                .map_err(|error| if error.constraint() == Some("users_email_key") { void() } else { error.into() })?;
            return join(state, origin, tx, &invited, user, &name).await;
        }
    };
    let tx = state.db.system().await?;
    join(state, origin, tx, &invited, user, &name).await
}

/// The password of an account that exists, guessed no faster here than at sign-in.
async fn prove(
    state: &AppState,
    origin: &Origin,
    email: &str,
    password: String,
    hash: Option<String>,
) -> Result<(), AppError> {
    auth::check_guess(state, origin, email, Instant::now())?;
    if state.passwords.verify(password, hash).await.map_err(busy)? {
        return Ok(());
    }
    auth::note_wrong_guess(state, origin, email, Instant::now());
    Err(AppError::invalid_field("password", "is not the password of the account with this address"))
}

async fn join(
    state: &AppState,
    origin: &Origin,
    tx: trunkline_db::SystemTx,
    invited: &Found,
    user: UserId,
    name: &str,
) -> Result<(), AppError> {
    let mut tx = tx.into_tenant(invited.tenant).await?;
    if !store::accept(&mut tx, invited.id).await? {
        return Err(void());
    }
    if !store::insert_member(&mut tx, user, invited.role, invited.custom_role).await? {
        return Err(AppError::conflict("member-already", "the account with this address is a member already; sign in"));
    }
    if invited.takes_work {
        store::insert_agent(&mut tx, user, name, &invited.email).await?;
    }
    let entry = Entry {
        actor: Actor::user(user),
        action: "user.joined",
        subject: Ref::new("user", user),
        before: None,
        after: Some(
            json!({ "name": name, "email": invited.email, "role": invited.role, "role_id": invited.custom_role,
                    "takes_work": invited.takes_work }),
        ),
        origin: origin.clone(),
    };
    audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(roster::refresh(state, Some(invited.tenant)).await?)
}

//! What sign-in tells the audit log.

use std::time::Instant;

use serde_json::json;
use trunkline_db::{DbError, SystemTx, TenantId, UserId};
use trunkline_journal::Ref;
use uuid::Uuid;

use super::store;
use crate::audit::{self, Actor, Entry, Origin};
use crate::state::AppState;

/// An entry about a user and the user's sign-in.
pub(super) fn entry(action: &'static str, user: UserId, session: Uuid, origin: &Origin) -> Entry {
    Entry {
        actor: Actor::user(user).in_session(session),
        action,
        subject: Ref::new("user", user),
        before: None,
        after: None,
        origin: origin.clone(),
    }
}

/// A refresh token was used twice, by whom nobody knows.
pub(super) async fn token_reused(
    tx: &mut SystemTx,
    tenant: TenantId,
    user: UserId,
    session: Uuid,
    origin: &Origin,
) -> Result<(), DbError> {
    let entry = Entry { actor: Actor::unknown(), ..entry("sign_in.token_reused", user, session, origin) };
    let entry = Entry { after: Some(json!({ "session": session })), ..entry };
    audit::append_system(tx, Some(tenant), entry).await
}

/// A sign-in was refused. In the log of the user's tenant, or in the platform's when nobody has that address: the same work for both.
/// The refusal stands whether it can be written down or not.
pub(super) async fn refused(state: &AppState, action: &'static str, email: &str, slug: Option<&str>, origin: &Origin) {
    if let Err(error) = tell_refused(state, action, email, slug, origin).await {
        tracing::warn!(%error, action, "a refused sign-in could not be written into the audit log");
    }
}

/// The same for refusals that come in crowds: once in ten minutes for an address and an e-mail.
pub(super) async fn refused_once(state: &AppState, action: &'static str, email: &str, origin: &Origin) {
    let key = (action, Uuid::nil(), format!("{:?} {email}", origin.address));
    if state.audited.is_new(&key, Instant::now()) {
        refused(state, action, email, None, origin).await;
    }
}

async fn tell_refused(
    state: &AppState,
    action: &'static str,
    email: &str,
    slug: Option<&str>,
    origin: &Origin,
) -> Result<(), DbError> {
    let mut tx = state.db.system().await?;
    let user = store::account(&mut tx, email).await?.map(|account| account.id);
    let member = store::membership(&mut tx, user.unwrap_or(UserId(Uuid::nil())), slug).await?;
    let tenant = member.map(|(_, tenant)| tenant.id);
    // Somebody in a hurry types the password where the address belongs.
    let told = if email.contains('@') && !email.contains(char::is_whitespace) { email } else { "(no address)" };
    let entry = Entry {
        actor: Actor::unknown(),
        action,
        subject: Ref::new("user", user.unwrap_or(UserId(Uuid::nil()))),
        before: None,
        after: Some(json!({ "email": told })),
        origin: origin.clone(),
    };
    audit::append_system(&mut tx, tenant, entry).await?;
    tx.commit().await
}

//! What people of ours change of a contact.

use serde_json::json;
use trunkline_db::{ContactId, DbError, TenantTx};
use trunkline_journal::NewEvent;
use uuid::Uuid;

use crate::identity::{IdentityType, Known};
use crate::merge::By;
use crate::seen::Evidence;
use crate::store::{self, NewIdentity};
use crate::suggest::suggest;
use crate::{events, resolve};

/// Names the person by our word, which no provider's replaces. `None` if they are called so already by our word.
pub async fn rename(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    name: &str,
    by: &By,
) -> Result<Option<NewEvent>, DbError> {
    if !store::rename_by_agent(tx, contact, name).await? {
        return Ok(None);
    }
    let line = store::line(tx, contact).await?;
    Ok(Some(events::updated(&line, &["name"], by.actor.clone())))
}

/// Says which language they speak (BCP 47), or that it is not known.
pub async fn set_language(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    language: Option<&str>,
    by: &By,
) -> Result<Option<NewEvent>, DbError> {
    if !store::put_language(tx, contact, language).await? {
        return Ok(None);
    }
    let line = store::line(tx, contact).await?;
    Ok(Some(events::updated(&line, &["language"], by.actor.clone())))
}

/// Blocks the whole person, or hears them again. `None` if it is so already.
pub async fn set_blocked(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    blocked: bool,
    by: &By,
) -> Result<Option<NewEvent>, DbError> {
    if !store::set_blocked(tx, contact, blocked, by.user).await? {
        return Ok(None);
    }
    let line = store::line(tx, contact).await?;
    Ok(Some(events::blocked(&line, by.actor.clone())))
}

/// What became of an identity that somebody of ours gave to a contact.
#[derive(Debug)]
pub enum Added {
    /// It is theirs now.
    Done(NewEvent),
    /// It was theirs before.
    Had,
    /// It is somebody else's, who may be the same person (see [`suggest_holder`]).
    Taken(ContactId),
}

/// Gives a contact an identity, by the word of somebody of ours.
pub async fn add_identity(tx: &mut TenantTx<'_>, contact: ContactId, known: &Known, by: &By) -> Result<Added, DbError> {
    store::lock_identities(tx, std::slice::from_ref(known)).await?;
    let word = match by.user {
        Some(user) => Evidence::of_agent(user),
        None => Evidence { by: "agent".to_owned(), ..Evidence::default() },
    };
    let evidence = resolve::evidence(known, &word);
    let identity = NewIdentity { known, evidence: &evidence };
    let line = store::line(tx, contact).await?;
    if let Some(holder) = store::holders(tx, std::slice::from_ref(known)).await?.into_iter().flatten().next() {
        if holder.person == line.person_id {
            return Ok(Added::Had);
        }
        return Ok(Added::Taken(holder.contact));
    }
    let learned = if known.kind.recognises() {
        store::insert_identity(tx, contact, &identity).await?
    } else {
        store::set_username(tx, contact, &identity, "agent").await?
    };
    if !learned {
        return Ok(Added::Had);
    }
    Ok(Added::Done(events::updated(&line, &["identities"], by.actor.clone())))
}

/// Suggests that a contact is the person who holds an identity, if there is one.
pub async fn suggest_holder(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    known: &Known,
    word: &Evidence,
) -> Result<Vec<NewEvent>, DbError> {
    let holder = store::holders(tx, std::slice::from_ref(known)).await?.into_iter().flatten().next();
    let Some(holder) = holder else { return Ok(Vec::new()) };
    let what = match known.kind {
        IdentityType::Phone => "same_phone",
        IdentityType::Email => "same_email",
        _ => "same_identity",
    };
    let proof = json!({"what": what, "type": known.kind.as_str(), "value": known.shown, "evidence": word});
    Ok(suggest(tx, contact, holder.contact, vec![proof]).await?.into_iter().collect())
}

/// Takes an identity from the person: it is kept as evidence, and nobody is recognised by it. `None` if they have none such.
pub async fn end_identity(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    identity: Uuid,
    by: &By,
) -> Result<Option<NewEvent>, DbError> {
    if !store::end_identity(tx, contact, identity).await? {
        return Ok(None);
    }
    let line = store::line(tx, contact).await?;
    Ok(Some(events::updated(&line, &["identities"], by.actor.clone())))
}

//! Changing, blocking and merging people.

use serde_json::{Value, json};
use trunkline_conversations::{Actor, Change, What, touch};
use trunkline_db::{ContactId, TenantTx};
use trunkline_journal::{Fault, NewEvent, Ref};
use trunkline_people::{self as people, Added, By, IdentityType, Known, MergeError};
use uuid::Uuid;

use super::model::{AddIdentity, Contact, MergeContacts, MergeSuggestion, Merged, Unmerged, UpdateContact};
use super::store::{self, Asked};
use crate::audit;
use crate::dialing;
use crate::http::{AppError, IfMatch, Patch, Permission};
use crate::roles::Asking;

/// Most contacts of one person that somebody merges by hand.
const MOST_OF_A_PERSON: usize = 200;
/// Longest reason, in characters.
const MAX_PROOF_CHARS: usize = 500;

fn subject(id: ContactId) -> Ref {
    Ref::new("contact", id)
}

fn by(asking: &Asking) -> By {
    By { user: Some(asking.by.user), actor: Some(Ref::new("user", asking.by.user)) }
}

fn state_of(contact: &Contact) -> Value {
    json!({"name": contact.name, "language": contact.language, "blocked": contact.blocked_at.is_some()})
}

async fn person(tx: &mut TenantTx<'_>, id: ContactId) -> Result<ContactId, Fault<AppError>> {
    store::person(tx, id, true).await?.ok_or_else(|| AppError::not_found("contact").into())
}

/// The person of a contact.
pub(super) async fn find(tx: &mut TenantTx<'_>, id: ContactId) -> Result<Contact, Fault<AppError>> {
    store::find(tx, id).await?.ok_or_else(|| AppError::not_found("contact").into())
}

/// Changes a person's name and language.
pub(super) async fn update(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: ContactId,
    seen: &IfMatch,
    wanted: &UpdateContact,
) -> Result<(Contact, Vec<NewEvent>), Fault<AppError>> {
    let id = person(tx, id).await?;
    let before = find(tx, id).await?;
    seen.check(before.updated_at)?;
    let mut events = Vec::new();
    if let Some(name) = &wanted.name {
        let name = people::name(name).ok_or_else(|| AppError::invalid_field("name", "must be 1 to 200 characters"))?;
        events.extend(people::rename(tx, id, &name, &by(asking)).await?);
    }
    match &wanted.language {
        Patch::Keep => {}
        Patch::Clear => events.extend(people::set_language(tx, id, None, &by(asking)).await?),
        Patch::Set(language) => {
            let fits = (2..=35).contains(&language.len())
                && language
                    .split('-')
                    .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            if !fits {
                return Err(AppError::invalid_field("language", "must be a language tag such as pt-BR").into());
            }
            events.extend(people::set_language(tx, id, Some(language), &by(asking)).await?);
        }
    }
    let after = find(tx, id).await?;
    if !events.is_empty() {
        let entry = asking.entry("contact.updated", subject(id), Some(state_of(&before)), Some(state_of(&after)));
        audit::append(tx, entry).await?;
    }
    Ok((after, events))
}

/// Blocks a person, or hears them again. Who may mark callers has the calls of their numbers turned away as well.
pub(super) async fn set_blocked(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: ContactId,
    blocked: bool,
) -> Result<(Contact, Vec<NewEvent>), Fault<AppError>> {
    let id = person(tx, id).await?;
    let before = find(tx, id).await?;
    let Some(event) = people::set_blocked(tx, id, blocked, &by(asking)).await? else {
        return Ok((before, Vec::new()));
    };
    let mut events = vec![event];
    if asking.by.require(Permission::CallersMark).is_ok() {
        let mut numbers: Vec<String> = phones(&before).flat_map(people::phone::variants).collect();
        numbers.sort_unstable();
        numbers.dedup();
        events.extend(dialing::block_callers(tx, asking, &numbers, blocked).await?);
    }
    // What they have to say is out of everybody's way, and comes back with them.
    for conversation in store::conversations_to_hide(tx, id, blocked).await? {
        let change = Change::new(What::Spam(blocked)).by(Actor::Person(asking.by.user.into()));
        events.extend(touch(tx, conversation, change).await?);
    }
    let after = find(tx, id).await?;
    let action = if blocked { "contact.blocked" } else { "contact.unblocked" };
    audit::append(tx, asking.entry(action, subject(id), Some(state_of(&before)), Some(state_of(&after)))).await?;
    Ok((after, events))
}

/// The numbers that are the person's now.
pub(super) fn phones(contact: &Contact) -> impl Iterator<Item = &str> {
    let live = contact.identities.iter().filter(|identity| identity.ended_at.is_none());
    live.filter(|identity| identity.kind == IdentityType::Phone).map(|identity| identity.value.as_str())
}

/// The code of the refusal of an identity that is somebody else's.
pub(super) const IDENTITY_TAKEN: &str = "identity-taken";

async fn known(tx: &mut TenantTx<'_>, wanted: &AddIdentity) -> Result<Known, Fault<AppError>> {
    let country = dialing::home(tx).await?;
    let country = country.as_ref().map(trunkline_dialing::Country::as_str);
    let known = Known::read(wanted.kind, &wanted.value, country);
    known.ok_or_else(|| AppError::invalid_field("value", "is nothing of that type").into())
}

/// Gives a person an identity.
pub(super) async fn add_identity(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: ContactId,
    wanted: &AddIdentity,
) -> Result<(Contact, Vec<NewEvent>), Fault<AppError>> {
    let id = person(tx, id).await?;
    let known = known(tx, wanted).await?;
    let events = match people::add_identity(tx, id, &known, &by(asking)).await? {
        Added::Done(event) => {
            let after = json!({"type": known.kind, "value": known.shown});
            audit::append(tx, asking.entry("contact.identity_added", subject(id), None, Some(after))).await?;
            vec![event]
        }
        Added::Had => Vec::new(),
        Added::Taken(holder) => {
            let detail = format!("it is the contact {holder}'s, which may be the same person: merge both if so");
            return Err(AppError::conflict(IDENTITY_TAKEN, detail).into());
        }
    };
    Ok((find(tx, id).await?, events))
}

/// Suggests that a person is the one who holds an identity that was to be theirs.
pub(super) async fn suggest_holder(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: ContactId,
    wanted: &AddIdentity,
) -> Result<Vec<NewEvent>, Fault<AppError>> {
    let id = person(tx, id).await?;
    let known = known(tx, wanted).await?;
    let word = people::Evidence::of_agent(asking.by.user);
    Ok(people::suggest_holder(tx, id, &known, &word).await?)
}

/// Takes an identity from a person.
pub(super) async fn end_identity(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: ContactId,
    identity: Uuid,
) -> Result<NewEvent, Fault<AppError>> {
    let id = person(tx, id).await?;
    let before = find(tx, id).await?;
    let gone = || AppError::not_found("identity");
    let event = people::end_identity(tx, id, identity, &by(asking)).await?.ok_or_else(gone)?;
    let was = before.identities.iter().find(|one| one.id == identity).ok_or_else(gone)?;
    let was = json!({"type": was.kind, "value": was.shown});
    audit::append(tx, asking.entry("contact.identity_removed", subject(id), Some(was), None)).await?;
    Ok(event)
}

fn refused(error: MergeError) -> Fault<AppError> {
    match error {
        MergeError::Unknown => AppError::not_found("contact").into(),
        MergeError::Already => AppError::conflict("already-so", "both are one person already, or it was undone").into(),
        MergeError::Db(error) => error.into(),
    }
}

/// Makes two one person.
pub(super) async fn merge(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: ContactId,
    wanted: &MergeContacts,
) -> Result<(Merged, Vec<NewEvent>), Fault<AppError>> {
    let proof = match wanted.proof.as_deref().map(str::trim).filter(|proof| !proof.is_empty()) {
        None => json!({"what": "agent"}),
        Some(text) if text.chars().count() <= MAX_PROOF_CHARS && !text.contains('\0') => {
            json!({"what": "agent", "text": text})
        }
        Some(_) => {
            let message = format!("must be at most {MAX_PROOF_CHARS} characters");
            return Err(AppError::invalid_field("proof", message).into());
        }
    };
    join(tx, asking, (id, wanted.with), vec![proof]).await
}

async fn join(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    (winner, loser): (ContactId, ContactId),
    proof: Vec<Value>,
) -> Result<(Merged, Vec<NewEvent>), Fault<AppError>> {
    let (one, other) = (find(tx, winner).await?, find(tx, loser).await?);
    if one.contact_ids.len() + other.contact_ids.len() > MOST_OF_A_PERSON {
        let detail = format!("a person has at most {MOST_OF_A_PERSON} contacts");
        return Err(AppError::conflict("too-many-contacts", detail).into());
    }
    let merged = people::merge(tx, winner, loser, proof, &by(asking)).await.map_err(refused)?;
    let contact = find(tx, winner).await?;
    let after = json!({"name": one.name, "merge_id": merged.id, "with": other.id, "with_name": other.name});
    audit::append(tx, asking.entry("contact.merged", subject(one.id), None, Some(after))).await?;
    Ok((Merged { merge_id: merged.id, contact }, merged.events))
}

/// Takes a merge back.
pub(super) async fn undo(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: Uuid,
) -> Result<(Unmerged, Vec<NewEvent>), Fault<AppError>> {
    let pair = store::merge_pair(tx, id).await?.ok_or_else(|| AppError::not_found("merge"))?;
    let undone = people::undo(tx, id, &by(asking)).await.map_err(refused)?;
    let (contact, other) = (find(tx, pair.0).await?, find(tx, pair.1).await?);
    let after = json!({"name": contact.name, "merge_id": id, "with": other.id, "with_name": other.name});
    audit::append(tx, asking.entry("contact.unmerged", subject(contact.id), None, Some(after))).await?;
    Ok((Unmerged { contact, other }, undone.events))
}

/// A suggestion that is still open.
async fn open_suggestion(tx: &mut TenantTx<'_>, id: Uuid) -> Result<(MergeSuggestion, Value), Fault<AppError>> {
    let gone = || AppError::not_found("suggestion");
    let proof = store::lock_suggestion(tx, id).await?.ok_or_else(gone)?;
    let found = store::suggestions(tx, &Asked { one: Some(id), ..Asked::open(1) }).await?.pop().ok_or_else(gone)?;
    if found.state != "open" {
        return Err(AppError::conflict("decided", "the suggestion was decided before").into());
    }
    Ok((found, proof))
}

/// Follows a suggestion: whoever has the better name stands for the person, or else who was known first.
pub(super) async fn accept(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: Uuid,
) -> Result<(Merged, Vec<NewEvent>), Fault<AppError>> {
    let (suggestion, proof) = open_suggestion(tx, id).await?;
    let (one, other) = (&suggestion.contact, &suggestion.other);
    let rank = |named_by: &str| ["agent", "provider"].iter().position(|by| *by == named_by).unwrap_or(2);
    let one_first = (rank(&one.named_by), one.id) <= (rank(&other.named_by), other.id);
    let pair = if one_first { (one.id, other.id) } else { (other.id, one.id) };
    let proof = match proof {
        Value::Array(proof) => proof,
        other => vec![other],
    };
    join(tx, asking, pair, proof).await
}

/// Says that a suggestion is wrong: it is not made again.
pub(super) async fn dismiss(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: Uuid,
) -> Result<MergeSuggestion, Fault<AppError>> {
    let (suggestion, _) = open_suggestion(tx, id).await?;
    store::dismiss(tx, id, asking.by.user).await?;
    let after =
        json!({"name": suggestion.contact.name, "with": suggestion.other.id, "with_name": suggestion.other.name});
    let subject = subject(suggestion.contact.id);
    audit::append(tx, asking.entry("contact.suggestion_dismissed", subject, None, Some(after))).await?;
    Ok(MergeSuggestion { state: "dismissed".to_owned(), ..suggestion })
}

//! Who that is: the decision, and what is written for it.

use serde_json::json;
use trunkline_channels::model::Identity;
use trunkline_db::{ContactId, DbError, TenantTx};
use trunkline_journal::NewEvent;

use crate::events::{self, ContactLine};
use crate::identity::{IdentityType, Known};
use crate::seen::{Evidence, Resolved, Seen};
use crate::store::{self, Named, NewIdentity};
use crate::{names, suggest};

/// Who holds an identity already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The contact.
    pub contact: ContactId,
    /// The contact that stands for the person.
    pub person: ContactId,
}

/// What is to be done with somebody who was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Who it is; `None`: nobody we know.
    pub contact: Option<ContactId>,
    /// What they are known by from now on, as places in what was told.
    pub learn: Vec<usize>,
    /// Other people who hold one of the identities: (who, place of the identity). They may be the same person, which a person of ours has to say.
    pub doubts: Vec<(ContactId, usize)>,
}

/// Decides who somebody is. `known` is what was told, the provider's own identity first; `holders` says for each who holds it.
///
/// Nobody is merged here: where the identities belong to several people, whoever holds the first is who wrote, and the others are doubts.
pub fn decide(known: &[Known], holders: &[Option<Holder>]) -> Decision {
    let held = || {
        known.iter().zip(holders).enumerate().filter_map(|(place, (known, holder))| {
            holder.filter(|_| known.kind.recognises()).map(|holder| (place, holder))
        })
    };
    let chosen = held().next().map(|(_, holder)| holder);
    let mut doubts: Vec<(ContactId, usize)> = Vec::new();
    let mut doubted: Vec<ContactId> = Vec::new();
    for (place, holder) in held() {
        let other = chosen.is_some_and(|chosen| chosen.person != holder.person);
        if other && !doubted.contains(&holder.person) {
            doubted.push(holder.person);
            doubts.push((holder.contact, place));
        }
    }
    let is_free = |place: &usize| !known[*place].kind.recognises() || holders.get(*place).is_none_or(Option::is_none);
    let learn = (0..known.len()).filter(is_free).collect();
    Decision { contact: chosen.map(|chosen| chosen.contact), learn, doubts }
}

/// Finds or makes the contact of somebody who was met, and keeps what was learned of them. The caller appends [`Resolved::events`].
///
/// Told the same again it changes nothing. Two that meet the same stranger at once make one contact: each identity is locked until the
/// transaction ends.
pub async fn resolve(tx: &mut TenantTx<'_>, seen: &Seen) -> Result<Resolved, DbError> {
    let known = Known::of_seen(&seen.identities, seen.country.as_deref());
    resolve_known(tx, &known, seen).await
}

pub(crate) async fn resolve_known(tx: &mut TenantTx<'_>, known: &[Known], seen: &Seen) -> Result<Resolved, DbError> {
    store::lock_identities(tx, known).await?;
    let holders = store::holders(tx, known).await?;
    let decision = decide(known, &holders);
    let told_name = seen.name.as_deref().and_then(names::name);

    let mut events = Vec::new();
    let new = decision.contact.is_none();
    let contact = match decision.contact {
        Some(contact) => contact,
        None => make(tx, known, seen, told_name.as_deref()).await?,
    };

    let mut changed = Vec::new();
    if learn(tx, contact, known, &decision.learn, seen).await? {
        changed.push("identities");
    }
    if let Some(name) = &told_name
        && let Some(by) = carrier(known, &holders, contact)
        && store::told_name(tx, by, name, seen.at).await?
        && !new
        && store::rename_by_provider(tx, contact, name).await?
    {
        changed.push("name");
    }
    if !new
        && let Some(language) = language(seen)
        && store::set_language(tx, contact, &language, true).await?
    {
        changed.push("language");
    }

    let line = store::line(tx, contact).await?;
    if new {
        events.push(events::created(&line, known, &seen.evidence));
    } else if !changed.is_empty() {
        events.push(events::updated(&line, &changed, None));
    }
    for (other, place) in &decision.doubts {
        let proof = doubt(&known[*place], &seen.evidence);
        events.extend(suggest::suggest(tx, contact, *other, vec![proof]).await?);
    }
    if new || changed.contains(&"identities") {
        events.extend(suggest::by_username(tx, contact, known).await?);
    }
    let person = store::line(tx, line.person_id).await?;
    Ok(Resolved { contact, person: person.id, name: person.name, new, blocked: person.blocked || line.blocked, events })
}

/// Somebody new, named by the provider, or else by what they are known by.
async fn make(tx: &mut TenantTx<'_>, known: &[Known], seen: &Seen, told: Option<&str>) -> Result<ContactId, DbError> {
    let contact = ContactId::new();
    let (name, named) = match told {
        Some(name) => (name.to_owned(), Named::Provider),
        None => (stand_in(known), Named::Number),
    };
    store::insert_contact(tx, contact, &name, named, language(seen).as_deref()).await?;
    Ok(contact)
}

/// What a nameless person is called: their number, a user name, or whatever there is.
fn stand_in(known: &[Known]) -> String {
    let of = |kind: IdentityType| known.iter().find(|known| known.kind == kind).map(|known| known.shown.as_str());
    let whose = of(IdentityType::Phone)
        .or_else(|| of(IdentityType::Username))
        .or_else(|| of(IdentityType::Email))
        .map(str::to_owned)
        .or_else(|| of(IdentityType::TelegramId).map(|id| format!("Telegram {id}")))
        .or_else(|| known.first().map(|known| known.shown.clone()));
    whose.as_deref().and_then(names::name).unwrap_or_else(|| "?".to_owned())
}

/// Keeps the identities that nobody holds. Whether there was one that the contact did not have.
async fn learn(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    known: &[Known],
    places: &[usize],
    seen: &Seen,
) -> Result<bool, DbError> {
    let mut learned = false;
    for known in places.iter().map(|place| &known[*place]) {
        let evidence = evidence(known, &seen.evidence);
        let identity = NewIdentity { known, evidence: &evidence };
        learned |= match known.kind {
            IdentityType::Username => store::set_username(tx, contact, &identity, &seen.evidence.by).await?,
            _ => store::insert_identity(tx, contact, &identity).await?,
        };
    }
    Ok(learned)
}

/// The identity that a told name is kept beside: the first of theirs that they are recognised by.
fn carrier<'a>(known: &'a [Known], holders: &[Option<Holder>], contact: ContactId) -> Option<&'a Known> {
    let theirs = |holder: &Option<Holder>| holder.is_none_or(|holder| holder.contact == contact);
    known.iter().zip(holders).find(|(known, holder)| known.kind.recognises() && theirs(holder)).map(|(known, _)| known)
}

/// BCP 47, as far as it is one: a text of letters, digits and hyphens.
fn language(seen: &Seen) -> Option<String> {
    let text = seen.language.as_deref()?;
    let plausible = (2..=35).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && text.as_bytes()[0].is_ascii_alphabetic();
    plausible.then(|| text.to_owned())
}

/// What is kept beside an identity: how we know of it.
pub(crate) fn evidence(known: &Known, evidence: &Evidence) -> serde_json::Value {
    let mut value = json!(evidence.bounded());
    if known.implied {
        value["implied_by"] = json!(IdentityType::WhatsappId.as_str());
    }
    value
}

/// Why two who hold identities that were told together may be one.
fn doubt(known: &Known, evidence: &Evidence) -> serde_json::Value {
    let what = match known.kind {
        IdentityType::Phone => "same_phone",
        IdentityType::Email => "same_email",
        _ => "told_together",
    };
    json!({"what": what, "type": known.kind.as_str(), "value": known.shown, "evidence": evidence.bounded()})
}

/// Everything that an identity of a channel stands for.
pub(crate) fn known_of(identity: &Identity) -> Vec<Known> {
    Known::of_seen(std::slice::from_ref(identity), None)
}

/// The event and the line of a contact that was changed.
pub(crate) async fn updated(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    changed: &[&str],
) -> Result<(ContactLine, NewEvent), DbError> {
    let line = store::line(tx, contact).await?;
    let event = events::updated(&line, changed, None);
    Ok((line, event))
}

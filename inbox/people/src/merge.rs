//! Which contacts are one person. Contacts hang below each other by merges; nothing of theirs is moved, so any merge can be undone, in any order.

use serde_json::{Value, json};
use trunkline_channels::model::Identity;
use trunkline_db::{ContactId, DbError, TenantTx, UserId};
use trunkline_journal::{NewEvent, Ref};
use uuid::Uuid;

use crate::events::{self, Joint};
use crate::identity::Known;
use crate::resolve::{self, Holder, evidence, known_of};
use crate::seen::{Evidence, Resolved, Seen};
use crate::store::{self, NewIdentity};
use crate::suggest::suggest;

/// Most bytes of a proof, as the table has it with some to spare.
const MAX_PROOF_BYTES: usize = 8000;

/// Who did it: the person of ours, and the same as the journal names them. Neither: a provider told.
#[derive(Debug, Clone, Default)]
pub struct By {
    /// For the rows.
    pub user: Option<UserId>,
    /// For the events.
    pub actor: Option<Ref>,
}

/// Two are one now, or two again.
#[derive(Debug)]
pub struct Merged {
    /// The merge.
    pub id: Uuid,
    /// The contact that stands for the (first) person now.
    pub person: ContactId,
    /// What happened, for the caller to append.
    pub events: Vec<NewEvent>,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There is no such contact or merge.
    #[error("there is no such contact or merge")]
    Unknown,
    /// Both are one person already, or the merge was undone before.
    #[error("it is so already")]
    Already,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Makes two one person: `loser` and who is one with it hang below `winner` from now on. `proof` says why.
pub async fn merge(
    tx: &mut TenantTx<'_>,
    winner: ContactId,
    loser: ContactId,
    proof: Vec<Value>,
    by: &By,
) -> Result<Merged, MergeError> {
    store::lock_merges(tx).await?;
    let winner = store::find_line(tx, winner).await?.ok_or(MergeError::Unknown)?;
    let loser = store::find_line(tx, loser).await?.ok_or(MergeError::Unknown)?;
    // One person's contacts are one tree: hanging a root below its own tree would be a ring.
    if winner.person_id == loser.person_id {
        return Err(MergeError::Already);
    }
    let loser = store::line(tx, loser.person_id).await?;
    let proof = bounded(proof);
    let id = store::insert_merge(tx, (winner.id, loser.id), &proof, by.user).await?;
    store::follow(tx, loser.id).await?;
    store::settle_suggestions(tx, winner.person_id, by.user).await?;
    let winner = store::line(tx, winner.id).await?;
    let loser = store::line(tx, loser.id).await?;
    let event = events::merged(&Joint { merge: id, winner: &winner, loser: &loser, proof: &proof }, by.actor.clone());
    Ok(Merged { id, person: winner.person_id, events: vec![event] })
}

/// Takes a merge back: what hung below it by this merge stands for itself again.
pub async fn undo(tx: &mut TenantTx<'_>, id: Uuid, by: &By) -> Result<Merged, MergeError> {
    store::lock_merges(tx).await?;
    let merge = store::find_merge(tx, id).await?.ok_or(MergeError::Unknown)?;
    if merge.undone {
        return Err(MergeError::Already);
    }
    store::undo_merge(tx, id, by.user).await?;
    store::follow(tx, merge.loser).await?;
    let winner = store::line(tx, merge.winner).await?;
    let loser = store::line(tx, merge.loser).await?;
    store::unsettle_suggestions(tx, (winner.person_id, loser.person_id), by.user).await?;
    let joint = Joint { merge: id, winner: &winner, loser: &loser, proof: &merge.proof };
    let event = events::unmerged(&joint, by.actor.clone());
    Ok(Merged { id, person: winner.person_id, events: vec![event] })
}

/// As much of the proof as there is room for.
fn bounded(mut proof: Vec<Value>) -> Value {
    while serde_json::to_string(&proof).map_or(0, |text| text.len()) > MAX_PROOF_BYTES {
        proof.pop();
    }
    Value::Array(proof)
}

/// A provider says that who was `old` is `new` from now on, in the words of `body`. Both are one person, the provider being the only one that can
/// know; `old` is theirs no more, since a number may be somebody else's tomorrow.
///
/// [`Resolved::contact`] holds `new` afterwards; where both were known as two people they are merged.
pub async fn moved(
    tx: &mut TenantTx<'_>,
    old: &Identity,
    new: &Identity,
    body: &str,
    by: &Evidence,
    at: chrono::DateTime<chrono::Utc>,
) -> Result<Resolved, DbError> {
    let by = Evidence { text: Some(body.to_owned()), ..by.clone() };
    let (was, is) = (known_of(old), known_of(new));
    let all: Vec<Known> = was.iter().chain(&is).cloned().collect();
    store::lock_identities(tx, &all).await?;
    let (old_told, old_number) = holders(tx, &was).await?;
    let (new_told, _) = holders(tx, &is).await?;
    let holder_of_old = old_told.or(old_number);
    // What both share (a number written in two ways) is not given up.
    let given_up: Vec<Known> = was.iter().filter(|known| !is.iter().any(|kept| kept.is(known))).cloned().collect();

    let mut events = Vec::new();
    let mut changed = false;
    if let Some(old) = holder_of_old {
        changed |= store::end_identities(tx, old.contact, &given_up).await?;
        if new_told.is_none() {
            for known in &is {
                let evidence = evidence(known, &by);
                changed |= store::insert_identity(tx, old.contact, &NewIdentity { known, evidence: &evidence }).await?;
            }
        }
    }
    if let (Some(old), Some(new)) = (holder_of_old, new_told)
        && old.person != new.person
    {
        let proof = json!({
            "what": "provider_says", "old": was.first().map(|known| &known.shown), "new": is.first().map(|known| &known.shown),
            "evidence": by.bounded(),
        });
        // A number alone is not what the provider spoke of: who called from it may have been somebody else.
        if old_told.is_none() {
            events.extend(suggest(tx, old.contact, new.contact, vec![proof]).await?);
        } else {
            match merge(tx, old.contact, new.contact, vec![proof], &By::default()).await {
                Ok(merged) => events.extend(merged.events),
                Err(MergeError::Already | MergeError::Unknown) => {}
                Err(MergeError::Db(error)) => return Err(error),
            }
        }
    }
    if changed && let Some(old) = holder_of_old {
        events.push(resolve::updated(tx, old.contact, &["identities"]).await?.1);
    }
    let seen =
        Seen { identities: vec![new.clone()], name: None, language: None, country: None, evidence: by.clone(), at };
    let mut resolved = resolve::resolve_known(tx, &is, &seen).await?;
    if holder_of_old.is_none() {
        for known in &given_up {
            let evidence = evidence(known, &by);
            store::insert_ended_identity(tx, resolved.contact, &NewIdentity { known, evidence: &evidence }).await?;
        }
    }
    events.append(&mut resolved.events);
    resolved.events = events;
    Ok(resolved)
}

/// Who holds what was told itself, and who holds the number that follows from it.
async fn holders(tx: &mut TenantTx<'_>, known: &[Known]) -> Result<(Option<Holder>, Option<Holder>), DbError> {
    let holders = store::holders(tx, known).await?;
    let of = |implied: bool| {
        known.iter().zip(&holders).find_map(|(known, holder)| holder.filter(|_| known.implied == implied))
    };
    Ok((of(false), of(true)))
}

/// They do not want (or want again) messages that they did not ask for: the whole person.
pub async fn opt_out(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    wanted: bool,
    at: chrono::DateTime<chrono::Utc>,
) -> Result<Vec<NewEvent>, DbError> {
    if !store::set_opted_out(tx, contact, (!wanted).then_some(at)).await? {
        return Ok(Vec::new());
    }
    Ok(vec![resolve::updated(tx, contact, &["opted_out"]).await?.1])
}

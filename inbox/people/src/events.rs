//! What happened to contacts, as the journal tells it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trunkline_db::ContactId;
use trunkline_journal::{Kind, NewEvent, Ref};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::identity::Known;
use crate::seen::Evidence;

const CREATED: Kind = Kind::from_static("contact.created");
const UPDATED: Kind = Kind::from_static("contact.updated");
const MERGED: Kind = Kind::from_static("contact.merged");
const UNMERGED: Kind = Kind::from_static("contact.unmerged");
const SUGGESTED: Kind = Kind::from_static("contact.merge_suggested");
const BLOCKED: Kind = Kind::from_static("contact.blocked");
const UNBLOCKED: Kind = Kind::from_static("contact.unblocked");

/// A contact in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContactLine {
    /// The contact.
    #[schema(value_type = Uuid)]
    pub id: ContactId,
    /// The contact that stands for the person: after a merge another than `id`.
    #[schema(value_type = Uuid)]
    pub person_id: ContactId,
    /// What they are called.
    pub name: String,
    /// Who named them: `number` (nobody did), `provider` or `agent`.
    pub named_by: String,
    /// BCP 47, as told.
    pub language: Option<String>,
    /// We want to hear nothing of them.
    pub blocked: bool,
    /// They want no messages that they did not ask for.
    pub opted_out: bool,
}

fn about(kind: Kind, contact: ContactId, data: Value) -> NewEvent {
    NewEvent::new(kind, Ref::new("contact", contact), data)
}

fn by(event: NewEvent, actor: Option<Ref>) -> NewEvent {
    match actor {
        Some(actor) => event.actor(actor),
        None => event,
    }
}

pub(crate) fn created(line: &ContactLine, known: &[Known], evidence: &Evidence) -> NewEvent {
    let identities: Vec<Value> = known
        .iter()
        .take(8)
        .map(|known| json!({"type": known.kind.as_str(), "value": known.value, "shown": known.shown}))
        .collect();
    about(CREATED, line.id, json!({"contact": line, "identities": identities, "by": evidence.bounded().by}))
}

/// `changed` says what: `name`, `language`, `identities`, `opted_out`.
pub(crate) fn updated(line: &ContactLine, changed: &[&str], actor: Option<Ref>) -> NewEvent {
    by(about(UPDATED, line.id, json!({"contact": line, "changed": changed})), actor)
}

/// Two became one person, or two again.
#[derive(Debug)]
pub(crate) struct Joint<'a> {
    pub(crate) merge: Uuid,
    pub(crate) winner: &'a ContactLine,
    pub(crate) loser: &'a ContactLine,
    pub(crate) proof: &'a Value,
}

fn joint(of: &Joint<'_>) -> Value {
    json!({"merge_id": of.merge, "winner_id": of.winner.id, "loser_id": of.loser.id, "contact": of.winner, "other": of.loser, "proof": of.proof})
}

pub(crate) fn merged(of: &Joint<'_>, actor: Option<Ref>) -> NewEvent {
    by(about(MERGED, of.winner.id, joint(of)), actor)
}

pub(crate) fn unmerged(of: &Joint<'_>, actor: Option<Ref>) -> NewEvent {
    by(about(UNMERGED, of.winner.id, joint(of)), actor)
}

pub(crate) fn suggested(id: Uuid, contact: &ContactLine, other: &ContactLine, proof: &Value) -> NewEvent {
    let data = json!({"suggestion_id": id, "contact": contact, "other": other, "proof": proof});
    about(SUGGESTED, contact.id, data)
}

pub(crate) fn blocked(line: &ContactLine, actor: Option<Ref>) -> NewEvent {
    let kind = if line.blocked { BLOCKED } else { UNBLOCKED };
    by(about(kind, line.id, json!({"contact": line})), actor)
}

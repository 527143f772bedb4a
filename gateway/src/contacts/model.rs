//! What the API shows of people.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trunkline_conversations::Conversation;
use trunkline_db::{ContactId, UserId};
use trunkline_people::IdentityType;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::calls::http::Call;
use crate::http::Patch;

/// A person, as a line of the list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct ContactItem {
    /// The contact that stands for the person.
    #[schema(value_type = Uuid)]
    pub(super) id: ContactId,
    /// What they are called.
    pub(super) name: String,
    /// Who named them: `number` (nobody did), `provider` or `agent`.
    pub(super) named_by: String,
    /// BCP 47, as told.
    pub(super) language: Option<String>,
    /// We want to hear nothing of them.
    pub(super) blocked: bool,
    /// They want no messages that they did not ask for.
    pub(super) opted_out: bool,
    /// What they are known by: the oldest five.
    pub(super) identities: Vec<IdentityShort>,
    /// When they were first met.
    pub(super) created_at: DateTime<Utc>,
    /// When they were last changed.
    pub(super) updated_at: DateTime<Utc>,
}

/// What somebody is known by, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct IdentityShort {
    /// What it is.
    #[serde(rename = "type")]
    pub(super) kind: IdentityType,
    /// In its one normal form.
    pub(super) value: String,
    /// As it was met: what to call, to write to, and to show.
    pub(super) shown: String,
}

/// What somebody is known by, and how we know.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct ContactIdentity {
    /// The identity.
    pub(super) id: Uuid,
    /// Whose of the person's contacts it is.
    #[schema(value_type = Uuid)]
    pub(super) contact_id: ContactId,
    /// What it is.
    #[serde(rename = "type")]
    pub(super) kind: IdentityType,
    /// In its one normal form.
    pub(super) value: String,
    /// As it was met: what to call, to write to, and to show.
    pub(super) shown: String,
    /// What the provider calls them.
    pub(super) name: Option<String>,
    /// How we know, in words.
    pub(super) evidence: String,
    /// How we know, as it was kept.
    pub(super) evidence_data: Value,
    /// Since when it is known.
    pub(super) created_at: DateTime<Utc>,
    /// They have it no more: nobody is recognised by it.
    pub(super) ended_at: Option<DateTime<Utc>>,
}

/// Two contacts that are one person.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct ContactMerge {
    /// The merge.
    pub(super) id: Uuid,
    /// The contact under which the other hangs.
    #[schema(value_type = Uuid)]
    pub(super) winner_id: ContactId,
    /// What that contact is called.
    pub(super) winner_name: String,
    /// The other contact.
    #[schema(value_type = Uuid)]
    pub(super) loser_id: ContactId,
    /// What the other is called.
    pub(super) loser_name: String,
    /// Why, in words.
    pub(super) proof: Vec<String>,
    /// Who merged them; null: a provider's word did.
    #[schema(value_type = Option<Uuid>)]
    pub(super) merged_by: Option<UserId>,
    /// When.
    pub(super) merged_at: DateTime<Utc>,
    /// When it was undone.
    pub(super) undone_at: Option<DateTime<Utc>>,
}

/// Two contacts that may be one person.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct MergeSuggestion {
    /// The suggestion.
    pub(super) id: Uuid,
    /// One of the two people.
    pub(super) contact: SuggestedContact,
    /// The other.
    pub(super) other: SuggestedContact,
    /// Why, in words.
    pub(super) proof: Vec<String>,
    /// `open`, `merged` or `dismissed`.
    pub(super) state: String,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
}

/// One of two who may be one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct SuggestedContact {
    /// The contact that stands for the person.
    #[schema(value_type = Uuid)]
    pub(super) id: ContactId,
    /// What they are called.
    pub(super) name: String,
    /// Who named them.
    pub(super) named_by: String,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the field's name, as elsewhere in the API")]
pub(super) struct Contact {
    /// The contact that stands for the person. After a merge it may be another than was asked for.
    #[schema(value_type = Uuid)]
    pub(super) id: ContactId,
    /// Every contact that is this person.
    #[schema(value_type = Vec<Uuid>)]
    pub(super) contact_ids: Vec<ContactId>,
    /// What they are called.
    pub(super) name: String,
    /// Who named them: `number` (nobody did), `provider` or `agent`.
    pub(super) named_by: String,
    /// BCP 47, as told.
    pub(super) language: Option<String>,
    /// Since when we want to hear nothing of them.
    pub(super) blocked_at: Option<DateTime<Utc>>,
    /// Who blocked them.
    #[schema(value_type = Option<Uuid>)]
    pub(super) blocked_by: Option<UserId>,
    /// Since when they want no messages that they did not ask for.
    pub(super) opted_out_at: Option<DateTime<Utc>>,
    /// What they are and were known by.
    pub(super) identities: Vec<ContactIdentity>,
    /// What made them one, the newest first; also what was undone.
    pub(super) merges: Vec<ContactMerge>,
    /// Who may be the same person.
    pub(super) suggestions: Vec<MergeSuggestion>,
    /// When they were first met.
    pub(super) created_at: DateTime<Utc>,
    /// When they were last changed.
    pub(super) updated_at: DateTime<Utc>,
}

/// What was said with a person, and when.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum TimelineItem {
    /// A conversation in writing.
    Conversation {
        /// When its newest message came.
        at: DateTime<Utc>,
        /// The conversation.
        conversation: Box<Conversation>,
    },
    /// A call.
    Call {
        /// When it began.
        at: DateTime<Utc>,
        /// The call.
        call: Box<Call>,
    },
}

/// Body of `PATCH /contacts/{id}`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateContact {
    /// What they are called from now on: no provider's name replaces it.
    #[schema(min_length = 1, max_length = 200)]
    pub(super) name: Option<String>,
    /// BCP 47; null: not known.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 35, example = "pt-BR")]
    pub(super) language: Patch<String>,
}

/// Body of `POST /contacts/{id}/identities`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddIdentity {
    /// What it is.
    #[serde(rename = "type")]
    pub(super) kind: IdentityType,
    /// As people write it. A number that is not international is of the tenant's country.
    #[schema(min_length = 1, max_length = 256)]
    pub(super) value: String,
}

/// Body of `POST /contacts/{id}/merge`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MergeContacts {
    /// The contact that is the same person.
    #[schema(value_type = Uuid)]
    pub(super) with: ContactId,
    /// Why, in a sentence.
    #[schema(max_length = 500)]
    pub(super) proof: Option<String>,
}

/// A merge that was made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Merged {
    /// The merge, by which it is undone.
    pub(super) merge_id: Uuid,
    /// The person that both are.
    pub(super) contact: Contact,
}

/// A merge that was undone.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Unmerged {
    /// The person of the contact under which the other hung.
    pub(super) contact: Contact,
    /// The person of the other.
    pub(super) other: Contact,
}

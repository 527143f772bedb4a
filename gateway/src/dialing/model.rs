//! What the API shows of outbound calls' rules and lists.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::{QueueId, UserId};
use trunkline_dialing::{Country, Kind, Mark, Rule, Rules};

/// A tenant's rules.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct DialingRules {
    /// The rules that count; null while no country is known, and nobody can be called.
    pub(super) rules: Option<Rules>,
    /// Whether somebody set them; else they are those of the country of the tenant's first number.
    pub(super) is_set: bool,
    /// The tenant's own numbers: what can be shown to who is called.
    pub(super) numbers: Vec<String>,
    /// When they were set; null before that.
    pub(super) updated_at: Option<DateTime<Utc>>,
}

/// Body of `POST /dialing/check`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckNumber {
    /// The number as somebody typed or clicked it.
    #[schema(min_length = 1, max_length = 64)]
    pub(super) to: String,
    /// The queue on whose behalf.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) queue_id: Option<QueueId>,
}

/// What would become of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct Checked {
    /// Whether it would be begun.
    pub(super) allowed: bool,
    /// The number: E.164, or the digits of a short code; null when it is none.
    pub(super) number: Option<String>,
    /// Whose plan the number is in.
    #[schema(value_type = Option<String>)]
    pub(super) country: Option<Country>,
    /// What kind of number it is.
    pub(super) kind: Option<Kind>,
    /// The number that would be shown.
    pub(super) caller_id: Option<String>,
    /// What denies it.
    pub(super) rule: Option<Rule>,
    /// The same in words.
    pub(super) words: Option<String>,
}

/// A number that is not called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct DncEntry {
    /// E.164.
    pub(super) number: String,
    /// Why, for people.
    pub(super) reason: String,
    /// Until when; null: for good.
    pub(super) until: Option<DateTime<Utc>>,
    /// Since when.
    pub(super) created_at: DateTime<Utc>,
    /// Who said so.
    #[schema(value_type = uuid::Uuid)]
    pub(super) created_by: UserId,
}

/// Body of `POST /dnc`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddDnc {
    /// As people write it.
    #[schema(min_length = 1, max_length = 64)]
    pub(super) number: String,
    /// Why, for people.
    #[serde(default)]
    #[schema(max_length = 200, required = false)]
    pub(super) reason: String,
    /// Until when; absent: for good.
    #[serde(default)]
    pub(super) until: Option<DateTime<Utc>>,
}

/// Body of `POST /dnc/import`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportDnc {
    /// One number a line, at most 500: `number`, `number,reason` or `number,reason,until` (a date or a time), separated by commas, semicolons or tabs.
    #[schema(max_length = 200_000)]
    pub(super) text: String,
}

/// What became of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct Imported {
    /// Numbers that were not on the list.
    pub(super) added: u32,
    /// Numbers that were, with their reason and time as they are now.
    pub(super) updated: u32,
    /// Lines that were not taken.
    pub(super) refused: Vec<RefusedLine>,
}

/// A line that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct RefusedLine {
    /// Its number, from 1.
    pub(super) line: u32,
    /// The line, shortened.
    pub(super) text: String,
    /// What is wrong with it.
    pub(super) message: String,
}

/// A caller with a mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct CallerMark {
    /// E.164.
    pub(super) number: String,
    /// The mark.
    pub(super) mark: Mark,
    /// Why, for people.
    pub(super) reason: String,
    /// Since when.
    pub(super) created_at: DateTime<Utc>,
    /// Who said so.
    #[schema(value_type = uuid::Uuid)]
    pub(super) created_by: UserId,
}

/// Body of `PUT /caller-marks/{number}`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetMark {
    /// The mark.
    pub(super) mark: Mark,
    /// Why, for people.
    #[serde(default)]
    #[schema(max_length = 200, required = false)]
    pub(super) reason: String,
}

//! What the API shows of flows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trunkline_calls::flow::{Fault, Flow as Definition};
use trunkline_db::{FlowId, UserId};

/// A flow in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = FlowShort)]
pub(super) struct Short {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub(super) id: FlowId,
    /// What people call it.
    pub(super) name: String,
    /// Which version callers go through; null: none.
    pub(super) published: Option<VersionShort>,
    /// Whether something else is being drawn.
    pub(super) has_draft: bool,
    /// How many faults the draft has that keep it from being published.
    pub(super) draft_faults: usize,
    /// Numbers that lead here.
    pub(super) numbers: Vec<String>,
    /// When it was last changed.
    pub(super) updated_at: DateTime<Utc>,
}

/// A version, without what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = FlowVersionShort)]
pub(super) struct VersionShort {
    /// Its number: the first is 1.
    pub(super) version: i32,
    /// When it was published.
    pub(super) at: DateTime<Utc>,
    /// By whom.
    #[schema(value_type = Option<Uuid>)]
    pub(super) by: Option<UserId>,
    /// Their name.
    pub(super) by_name: Option<String>,
    /// What they said of it.
    pub(super) note: String,
}

/// A version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = FlowVersion)]
pub(super) struct Version {
    #[serde(flatten)]
    pub(super) short: VersionShort,
    /// What it does.
    #[schema(value_type = Definition)]
    pub(super) definition: Value,
}

/// What is being drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = FlowDraft)]
pub(super) struct Draft {
    /// What it does so far.
    #[schema(value_type = Definition)]
    pub(super) definition: Value,
    /// When it was last changed.
    pub(super) updated_at: DateTime<Utc>,
    /// By whom.
    #[schema(value_type = Option<Uuid>)]
    pub(super) by: Option<UserId>,
    /// What is wrong with it.
    pub(super) faults: Vec<Fault>,
}

/// A flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct Flow {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub(super) id: FlowId,
    /// What people call it.
    pub(super) name: String,
    /// What is being drawn; null: nothing but what is published.
    pub(super) draft: Option<Draft>,
    /// What callers go through; null: nothing yet.
    pub(super) published: Option<Version>,
    /// Numbers that lead here.
    pub(super) numbers: Vec<String>,
    /// When it was last changed: what `If-Match` looks at.
    pub(super) updated_at: DateTime<Utc>,
}

/// As the database has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) id: FlowId,
    pub(super) name: String,
    pub(super) draft: Option<Value>,
    pub(super) draft_at: Option<DateTime<Utc>>,
    pub(super) draft_by: Option<UserId>,
    pub(super) published: Option<i32>,
    pub(super) updated_at: DateTime<Utc>,
}

/// Body of `POST /flows`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateFlow {
    /// 1 to 100 characters, of which no other has the same.
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: String,
    /// What it does so far; absent: a greeting and a goodbye.
    pub(super) definition: Option<Definition>,
}

/// Body of `PATCH /flows/{id}`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateFlow {
    /// 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: String,
}

/// Body of `PUT /flows/{id}/draft`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PutFlowDraft)]
pub(super) struct PutDraft {
    /// What it does. It may have faults: they are told, and keep it from being published.
    pub(super) definition: Definition,
}

/// Body of `POST /flows/{id}/publish` and `…/restore`.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PublishFlow)]
pub(super) struct Publish {
    /// What is new; at most 500 characters.
    #[serde(default)]
    #[schema(required = false, max_length = 500)]
    pub(super) note: String,
}

//! `/api/v1/sla-policies`: how soon conversations are answered.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_calls::hours::Hours;
use trunkline_conversations::sla::PolicyApplies;
use trunkline_db::{DbError, TenantTx, UserId};
use uuid::Uuid;

use super::shelf::{self, Thing};
use super::sla_store as store;
use crate::http::{AppError, Page};

/// How soon conversations are answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct SlaPolicy {
    /// The policy.
    pub(super) id: Uuid,
    /// Its name.
    pub(super) name: String,
    /// The first that fits a conversation holds.
    pub(super) place: i32,
    /// For which conversations.
    pub(super) applies: PolicyApplies,
    /// Business minutes until the first answer.
    pub(super) first_reply_minutes: Option<i32>,
    /// Business minutes until every later answer.
    pub(super) next_reply_minutes: Option<i32>,
    /// Business minutes until it is resolved.
    pub(super) resolution_minutes: Option<i32>,
    /// When time counts; null: day and night.
    pub(super) hours: Option<Hours>,
    /// The clock stands while a conversation is pending or snoozed.
    pub(super) pauses: bool,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// When it was last changed.
    pub(super) updated_at: DateTime<Utc>,
}

/// Body of `POST /sla-policies` and `PUT /sla-policies/{id}`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteSlaPolicy {
    /// Its name.
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: String,
    /// The first that fits a conversation holds.
    #[serde(default)]
    pub(super) place: i32,
    /// For which conversations; absent: for all messages.
    #[serde(default)]
    pub(super) applies: PolicyApplies,
    /// Business minutes until the first answer.
    #[schema(minimum = 1, maximum = 100_000)]
    pub(super) first_reply_minutes: Option<i32>,
    /// Business minutes until every later answer.
    #[schema(minimum = 1, maximum = 100_000)]
    pub(super) next_reply_minutes: Option<i32>,
    /// Business minutes until it is resolved.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub(super) resolution_minutes: Option<i32>,
    /// When time counts; absent: day and night.
    pub(super) hours: Option<Hours>,
    /// The clock stands while a conversation is pending or snoozed.
    #[serde(default = "yes")]
    pub(super) pauses: bool,
}

const fn yes() -> bool {
    true
}

impl Thing for SlaPolicy {
    type Wanted = WriteSlaPolicy;

    const WHAT: &'static str = "sla_policy";
    const ACTIONS: [&'static str; 3] = ["sla_policy.created", "sla_policy.updated", "sla_policy.deleted"];
    const MOST: i64 = 100;

    fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }

    fn check(wanted: &mut WriteSlaPolicy) -> Result<(), AppError> {
        wanted.name = shelf::text("name", &wanted.name, 100)?;
        let goals = [
            ("first_reply_minutes", wanted.first_reply_minutes, 100_000),
            ("next_reply_minutes", wanted.next_reply_minutes, 100_000),
            ("resolution_minutes", wanted.resolution_minutes, 1_000_000),
        ];
        for (field, minutes, most) in goals {
            if minutes.is_some_and(|minutes| !(1..=most).contains(&minutes)) {
                return Err(AppError::invalid_field(field, format!("must be from 1 to {most} minutes")));
            }
        }
        if goals.iter().all(|(_, minutes, _)| minutes.is_none()) {
            return Err(AppError::invalid_field("first_reply_minutes", "one of the three times must be given"));
        }
        if let Some(fault) = wanted.hours.as_ref().and_then(Hours::fault) {
            return Err(AppError::invalid_field("hours", fault));
        }
        if wanted.applies.min_priority.is_some_and(|priority| !(0..=4).contains(&priority)) {
            return Err(AppError::invalid_field("applies.min_priority", "must be from 0 to 4"));
        }
        let many = |count: Option<usize>| count.is_some_and(|count| count > 200);
        let PolicyApplies { queue_ids, account_ids, .. } = &wanted.applies;
        if many(queue_ids.as_ref().map(Vec::len)) || many(account_ids.as_ref().map(Vec::len)) {
            return Err(AppError::invalid_field("applies", "must name at most 200 queues and 200 accounts"));
        }
        Ok(())
    }

    async fn list(tx: &mut TenantTx<'_>, _: UserId) -> Result<Vec<Self>, DbError> {
        store::list(tx).await
    }

    async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
        store::count(tx).await
    }

    async fn lock(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<Self>, DbError> {
        store::lock(tx, id).await
    }

    async fn put(tx: &mut TenantTx<'_>, id: Uuid, wanted: &WriteSlaPolicy, _: UserId) -> Result<Self, DbError> {
        store::put(tx, id, wanted).await
    }

    async fn delete(tx: &mut TenantTx<'_>, id: Uuid) -> Result<(), DbError> {
        store::delete(tx, id).await
    }
}

shelf::operations! {
    SlaPolicy, WriteSlaPolicy, "a service level", "service levels", path "/sla-policies", item "/sla-policies/{id}", write "inbox_tools:manage",
    ids "listSlaPolicies" "createSlaPolicy" "updateSlaPolicy" "deleteSlaPolicy"
}

//! What the API shows of opening hours.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_calls::hours::{Hours, Opening};
use trunkline_calls::schedule::{self, Special};
use trunkline_db::{FlowId, QueueId, ScheduleId, TenantId};
use uuid::Uuid;

/// What somebody decided for now, whatever the calendar says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ScheduleOverride)]
pub(super) struct Override {
    /// Open, or closed.
    pub(super) state: OpenState,
    /// Until when; null: until somebody ends it.
    pub(super) until: Option<DateTime<Utc>>,
    /// Why, for colleagues.
    pub(super) note: Option<String>,
    /// Who decided it.
    pub(super) by: Option<Uuid>,
    /// Since when.
    pub(super) since: DateTime<Utc>,
}

/// Open, or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ScheduleState)]
pub(super) enum OpenState {
    /// Somebody is there.
    Open,
    /// Nobody is.
    Closed,
}

/// Who goes by them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct UsedBy {
    /// Numbers.
    pub(super) numbers: Vec<String>,
    /// Queues.
    #[schema(value_type = Vec<Uuid>)]
    pub(super) queues: Vec<QueueId>,
    /// Published flows.
    #[schema(value_type = Vec<Uuid>)]
    pub(super) flows: Vec<FlowId>,
}

/// Opening hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct Schedule {
    /// Their id.
    #[schema(value_type = Uuid)]
    pub(super) id: ScheduleId,
    /// What people call them.
    pub(super) name: String,
    /// IANA name, such as `Europe/Rome`.
    pub(super) time_zone: String,
    /// The week; a day that is not named is closed.
    pub(super) week: Vec<Opening>,
    /// Holidays and the like; of several that a day is in, the first counts.
    pub(super) special: Vec<Special>,
    /// What somebody decided for now; null: the calendar counts.
    #[serde(rename = "override")]
    pub(super) decided: Option<Override>,
    /// Whether it is open now.
    pub(super) open_now: bool,
    /// Why: `week`, `special` or `override`.
    pub(super) why: &'static str,
    /// When that changes next; null: not within a year, or nobody knows.
    pub(super) next_change: Option<DateTime<Utc>>,
    /// Who goes by them.
    pub(super) used_by: UsedBy,
    /// When they were last changed.
    pub(super) updated_at: DateTime<Utc>,
}

/// As the database has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: ScheduleId,
    pub(super) name: String,
    pub(super) hours: Hours,
    pub(super) special: Vec<Special>,
    pub(super) decided: Option<schedule::Override>,
    pub(super) updated_at: DateTime<Utc>,
}

impl Row {
    pub(super) fn shown(self, tenant: TenantId, used_by: UsedBy, now: DateTime<Utc>) -> Schedule {
        let Self { id, name, hours, special, decided, updated_at } = self;
        let schedule = schedule::Schedule { id, tenant, name, hours, special, decided };
        let (openness, next_change) = (schedule.openness(now), schedule.next_change(now));
        // One that is over counts no more, and is shown no more.
        let decided = schedule.decided.filter(|decided| decided.until.is_none_or(|until| now < until));
        Schedule {
            id,
            name: schedule.name,
            time_zone: schedule.hours.time_zone,
            week: schedule.hours.week,
            special: schedule.special,
            decided: decided.map(|decided| Override {
                state: if decided.open { OpenState::Open } else { OpenState::Closed },
                until: decided.until,
                note: decided.note,
                by: decided.by,
                since: decided.since,
            }),
            open_now: openness.open,
            why: openness.why,
            next_change,
            used_by,
            updated_at,
        }
    }
}

/// Body of `POST /schedules`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateSchedule {
    /// 1 to 100 characters, of which no other has the same.
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: String,
    /// IANA name, such as `Europe/Rome`.
    pub(super) time_zone: String,
    /// The week; a day that is not named is closed.
    pub(super) week: Vec<Opening>,
    /// Holidays and the like.
    #[serde(default)]
    #[schema(required = false)]
    pub(super) special: Vec<Special>,
}

/// Body of `PATCH /schedules/{id}`: what is absent stays as it is.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateSchedule {
    /// 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: Option<String>,
    /// IANA name.
    pub(super) time_zone: Option<String>,
    /// The week.
    pub(super) week: Option<Vec<Opening>>,
    /// Holidays and the like.
    pub(super) special: Option<Vec<Special>>,
}

/// Body of `PUT /schedules/{id}/override` and `PUT /schedules/override`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OverrideSchedule)]
pub(super) struct Decide {
    /// Open, or closed.
    pub(super) state: OpenState,
    /// Until when; absent: until somebody ends it.
    pub(super) until: Option<DateTime<Utc>>,
    /// Why, for colleagues; at most 200 characters.
    #[schema(max_length = 200)]
    pub(super) note: Option<String>,
}

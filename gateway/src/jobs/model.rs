//! A job as its tenant's admins see it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trunkline_db::JobId;
use uuid::Uuid;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It was not done yet.
    Waiting,
    /// A worker has it.
    Running,
    /// It was done. Kept for a day.
    Done,
    /// It failed for the last time. Kept for 30 days.
    Dead,
}

/// What a waiting job waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Waits {
    /// For `run_at`: it was made for that time, or is to be tried again then.
    Time,
    /// For a worker.
    Turn,
    /// For an earlier job of its key.
    Earlier,
}

/// A job: something to be done in the background.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Job {
    /// The job.
    #[schema(value_type = Uuid)]
    pub id: JobId,
    /// What is to be done, such as `mail.send`.
    pub kind: String,
    /// Where it stands.
    pub state: JobState,
    /// What a waiting job waits for.
    pub waits_for: Option<Waits>,
    /// Of all jobs with this key one runs at a time, in order.
    pub key: Option<String>,
    /// The higher first.
    pub priority: i16,
    /// Number of the newest attempt; 0 before the first.
    pub attempt: i32,
    /// Number of the attempt after which it is dead.
    pub last_attempt: i32,
    /// When it is or was due.
    pub run_at: DateTime<Utc>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// When the newest attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was done, or died.
    pub finished_at: Option<DateTime<Utc>>,
    /// What the newest attempt that failed said.
    pub error: Option<String>,
    /// What it was given is encrypted, and not shown.
    pub sealed: bool,
    /// What it was given. Null in lists, when it is sealed, and once it was done.
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Value>,
}

/// A job as stored.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) kind: String,
    pub(super) state: String,
    pub(super) key: Option<String>,
    pub(super) priority: i16,
    pub(super) attempt: i32,
    pub(super) last_attempt: i32,
    pub(super) run_at: DateTime<Utc>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) finished_at: Option<DateTime<Utc>>,
    pub(super) error: Option<String>,
    pub(super) sealed: bool,
    pub(super) payload: Option<Value>,
}

impl From<Row> for Job {
    fn from(row: Row) -> Self {
        let (state, waits_for) = match row.state.as_str() {
            "running" => (JobState::Running, None),
            "done" => (JobState::Done, None),
            "dead" => (JobState::Dead, None),
            "scheduled" => (JobState::Waiting, Some(Waits::Time)),
            "held" => (JobState::Waiting, Some(Waits::Earlier)),
            _ => (JobState::Waiting, Some(Waits::Turn)),
        };
        Self {
            id: JobId(row.id),
            kind: row.kind,
            state,
            waits_for,
            key: row.key,
            priority: row.priority,
            attempt: row.attempt,
            last_attempt: row.last_attempt,
            run_at: row.run_at,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            error: row.error,
            sealed: row.sealed,
            payload: row.payload.filter(|payload| !payload.is_null()),
        }
    }
}

//! What the API shows of figures.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_figures::{Derived, Figures, Interval};
use uuid::Uuid;

/// What a row is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Everything together.
    #[default]
    None,
    /// One row per queue, and one for what belongs to none.
    Queue,
    /// One row per agent, and one for what belongs to none.
    Agent,
}

impl By {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Queue => "queue",
            Self::Agent => "agent",
        }
    }
}

/// A queue or an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Who {
    /// Its id.
    pub id: Uuid,
    /// Its name; null when it is no longer there.
    pub name: Option<String>,
}

/// Figures of one stretch of time.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ReportRow {
    /// When it begins.
    pub from: DateTime<Utc>,
    /// When it ends; not included.
    pub to: DateTime<Utc>,
    /// The queue, with `by=queue`; null for what belongs to none.
    #[schema(required)]
    pub queue: Option<Who>,
    /// The agent, with `by=agent`; null for what belongs to none.
    #[schema(required)]
    pub agent: Option<Who>,
    /// What was counted, and pauses by reason.
    pub figures: Figures,
    /// What is derived from it.
    pub derived: Derived,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Report {
    /// Its rows: by time, then by name.
    pub items: Vec<ReportRow>,
    /// Everything up to this `seq` of the journal is counted.
    pub as_of_seq: i64,
    /// Up to when agents' present states are counted.
    pub as_of: DateTime<Utc>,
    /// The tenant's time zone, by which days, weeks and months are cut.
    pub time_zone: String,
    /// How time is cut.
    pub interval: Interval,
    /// What rows are of.
    pub by: By,
    /// When the first row may begin.
    pub from: DateTime<Utc>,
    /// When the last row ends at the latest.
    pub to: DateTime<Utc>,
}

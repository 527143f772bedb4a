//! `/api/v1/macros`: what is often done to a conversation, in one go.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::{AgentId, DbError, LabelId, QueueId, TeamId, TenantTx, UserId};
use trunkline_journal::Fault;
use uuid::Uuid;

use super::macros_store as store;
use super::shelf::{self, Thing};
use crate::http::{AppError, Page};

/// Most steps of a macro.
const MOST_STEPS: usize = 20;

/// One thing that is done to a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Answers; variables are filled in as in canned replies.
    Reply {
        /// What is said.
        text: String,
    },
    /// Writes a note.
    Note {
        /// What it says.
        text: String,
    },
    /// Adds a label.
    Label {
        /// Which.
        #[schema(value_type = Uuid)]
        label_id: LabelId,
    },
    /// Takes a label away.
    Unlabel {
        /// Which.
        #[schema(value_type = Uuid)]
        label_id: LabelId,
    },
    /// Makes it somebody's; nobody named: nobody's.
    Assign {
        /// An agent.
        #[schema(value_type = Option<Uuid>)]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent_id: Option<AgentId>,
        /// A team.
        #[schema(value_type = Option<Uuid>)]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team_id: Option<TeamId>,
        /// A queue.
        #[schema(value_type = Option<Uuid>)]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        queue_id: Option<QueueId>,
    },
    /// Gives it a priority.
    Priority {
        /// 0 none, 1 low, 2 normal, 3 high, 4 urgent.
        #[schema(minimum = 0, maximum = 4)]
        priority: i16,
    },
    /// It comes back by itself.
    Snooze {
        /// After so many minutes.
        #[schema(minimum = 1, maximum = 525_600)]
        minutes: i64,
    },
    /// We wait for somebody.
    Pending,
    /// It is done.
    Resolve,
    /// It is to be worked on again.
    Reopen,
    /// It is spam, or is not.
    Spam {
        /// Whether.
        spam: bool,
    },
}

impl Step {
    /// Refuses what does not fit; blanks around texts are dropped.
    pub fn check(&mut self, field: &str) -> Result<(), AppError> {
        match self {
            Self::Reply { text } | Self::Note { text } => {
                let trimmed = text.trim();
                if !(1..=4_096).contains(&trimmed.chars().count()) {
                    return Err(AppError::invalid_field(format!("{field}.text"), "must have 1 to 4096 characters"));
                }
                *text = trimmed.to_owned();
            }
            Self::Priority { priority } if !(0..=4).contains(priority) => {
                return Err(AppError::invalid_field(format!("{field}.priority"), "must be from 0 to 4"));
            }
            Self::Snooze { minutes } if !(1..=525_600).contains(minutes) => {
                return Err(AppError::invalid_field(format!("{field}.minutes"), "must be from 1 minute to a year"));
            }
            _ => {}
        }
        Ok(())
    }
}

/// What is often done to a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Macro {
    /// The macro.
    pub id: Uuid,
    /// Its name, unlike any other's.
    pub name: String,
    /// What is done, one after the other: all of it, or nothing.
    pub steps: Vec<Step>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Body of `POST /macros` and `PUT /macros/{id}`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteMacro {
    /// Its name.
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: String,
    /// What is done.
    #[schema(min_items = 1, max_items = 20)]
    pub(super) steps: Vec<Step>,
}

impl Thing for Macro {
    type Wanted = WriteMacro;

    const WHAT: &'static str = "macro";
    const ACTIONS: [&'static str; 3] = ["macro.created", "macro.updated", "macro.deleted"];
    const MOST: i64 = 200;

    fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }

    fn check(wanted: &mut WriteMacro) -> Result<(), AppError> {
        wanted.name = shelf::text("name", &wanted.name, 100)?;
        if !(1..=MOST_STEPS).contains(&wanted.steps.len()) {
            return Err(AppError::invalid_field("steps", format!("must be 1 to {MOST_STEPS}")));
        }
        for (at, step) in wanted.steps.iter_mut().enumerate() {
            step.check(&format!("steps.{at}"))?;
        }
        Ok(())
    }

    fn refused(error: DbError) -> Fault<AppError> {
        if error.constraint() == Some("macros_name_key") {
            return AppError::conflict("name-taken", "there is a macro with this name already").into();
        }
        Fault::Db(error)
    }

    async fn list(tx: &mut TenantTx<'_>, _: UserId) -> Result<Vec<Self>, DbError> {
        store::list(tx).await
    }

    async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
        store::count(tx).await
    }

    async fn lock(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<Self>, DbError> {
        store::find(tx, id).await
    }

    async fn put(tx: &mut TenantTx<'_>, id: Uuid, wanted: &WriteMacro, _: UserId) -> Result<Self, DbError> {
        store::put(tx, id, wanted).await
    }

    async fn delete(tx: &mut TenantTx<'_>, id: Uuid) -> Result<(), DbError> {
        store::delete(tx, id).await
    }
}

shelf::operations! {
    Macro, WriteMacro, "a macro", "macros", path "/macros", item "/macros/{id}", write "inbox_tools:manage",
    ids "listMacros" "createMacro" "updateMacro" "deleteMacro"
}

//! How errors of the database and the journal become answers.

use trunkline_db::DbError;
use trunkline_journal::{CommandError, Fault};

use super::AppError;

impl From<DbError> for AppError {
    fn from(error: DbError) -> Self {
        // The trigger `agent_limited` says so, whoever makes the agent.
        if error.constraint() == Some("tenant_limits_agents") {
            return Self::conflict(
                "limit-reached",
                "the company has as many agents as it may have; ask whoever runs the platform",
            );
        }
        match error {
            DbError::Unavailable(_) | DbError::Contended(_) => Self::unavailable("database", error),
            // Bodies are looked at when they are read; this is for what came in an address or a header.
            error if error.is_unstorable_text() => {
                Self::bad_request("a text holds the character U+0000, which cannot be stored")
            }
            other => Self::internal(other),
        }
    }
}

impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}

/// A command refuses with `?`.
impl From<AppError> for Fault<AppError> {
    fn from(error: AppError) -> Self {
        Self::Rejected(error)
    }
}

impl From<Fault<AppError>> for AppError {
    fn from(fault: Fault<AppError>) -> Self {
        match fault {
            Fault::Rejected(error) => error,
            Fault::Db(error) => error.into(),
        }
    }
}

impl From<CommandError<AppError>> for AppError {
    fn from(error: CommandError<AppError>) -> Self {
        match error {
            CommandError::Rejected(error) => error,
            CommandError::Unavailable(why) => Self::unavailable("database", why),
            CommandError::Db(error) => error.into(),
            CommandError::Invalid(error) => Self::internal(error),
            // The client cannot know either; with an Idempotency-Key it may simply ask again.
            CommandError::Unknown => {
                Self::unavailable("database", anyhow::anyhow!("the outcome of a commit is unknown"))
            }
        }
    }
}

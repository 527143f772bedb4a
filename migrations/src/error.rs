//! What can go wrong with a database, sorted by what the caller can do about it.

use sqlx::error::ErrorKind;

/// An error of the database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database cannot be reached, is starting or stopping, or did not answer in time. Try again later.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The transaction lost a race (lock time-out, deadlock, serialisation). Try again at once.
    #[error("the transaction met another one: {0}")]
    Contended(#[source] sqlx::Error),
    /// A statement was refused by a constraint; [`DbError::constraint`] names it.
    #[error("a constraint was violated: {0}")]
    Constraint(#[source] sqlx::Error),
    /// Anything else: a mistake in the statement or in the schema.
    #[error("the database refused a statement: {0}")]
    Sql(#[source] sqlx::Error),
    /// A migration failed.
    #[error("the migration failed: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The tenant does not exist.
    #[error("there is no such tenant")]
    NoSuchTenant,
}

impl DbError {
    /// Name of the violated constraint. These names are part of the schema's contract.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Constraint(error) => error.as_database_error().and_then(|e| e.constraint()),
            _ => None,
        }
    }

    /// Whether a statement was given up because it took too long (`statement_timeout`).
    pub fn is_statement_timeout(&self) -> bool {
        let Self::Unavailable(error) = self else { return false };
        error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "57014")
    }

    /// Whether a text held what PostgreSQL keeps in no text: the character U+0000.
    pub fn is_unstorable_text(&self) -> bool {
        let Self::Sql(error) = self else { return false };
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        // character_not_in_repertoire in a text, untranslatable_character in a jsonb.
        code.is_some_and(|code| code == "22021" || code == "22P05")
    }

    /// Whether nobody is there to answer (as opposed to an answer that is an error).
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether the same transaction may well succeed when it is tried again at once.
    pub const fn is_contention(&self) -> bool {
        matches!(self, Self::Contended(_))
    }

    pub(crate) fn timed_out(what: &str) -> Self {
        Self::Unavailable(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, what.to_owned())))
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            sqlx::Error::Database(database) => match database.code().as_deref() {
                Some("40001" | "40P01" | "55P03") => Self::Contended(error),
                Some("P0002") => Self::NoSuchTenant,
                // connection exceptions, insufficient resources, operator intervention (shutdown, starting up,
                // statement time-out), system error, and a transaction that sat idle for too long
                Some(code)
                    if code.starts_with("08")
                        || code.starts_with("53")
                        || code.starts_with("57")
                        || code.starts_with("58")
                        || code == "25P03" =>
                {
                    Self::Unavailable(error)
                }
                _ if database.kind() != ErrorKind::Other => Self::Constraint(error),
                _ => Self::Sql(error),
            },
            _ => Self::Sql(error),
        }
    }
}

//! Database errors, classified by how the client should see them.

use sqlx::error::ErrorKind;
use web::{Problem, problem};

/// Result of store functions.
pub type Result<T, E = DbError> = std::result::Result<T, E>;

/// A failed statement or transaction.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A named constraint was violated; the context maps it to a problem.
    #[error("constraint {name}")]
    Constraint {
        /// The constraint's name.
        name: String,
        /// Unique, foreign key, check and so on.
        kind: ErrorKind,
    },
    /// A row was locked by another transaction for too long (SQLSTATE 55P03).
    #[error("lock timeout")]
    LockTimeout,
    /// Serialization failure or deadlock (40001, 40P01); a retry helps.
    #[error("serialisation failure or deadlock")]
    Contention,
    /// Row-level security rejected a write: the row does not exist for this caller.
    #[error("refused by row-level security")]
    ForeignRow,
    /// The database is down, starting or full, or the pool had no connection in time.
    #[error("database unavailable: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// A bug.
    #[error(transparent)]
    Unexpected(sqlx::Error),
}

impl DbError {
    /// Whether the constraint `wanted` was violated.
    pub fn is_constraint(&self, wanted: &str) -> bool {
        matches!(self, Self::Constraint { name, .. } if name == wanted)
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        let sqlx::Error::Database(database) = &error else {
            return match error {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed => Self::Unavailable(error),
                other => Self::Unexpected(other),
            };
        };
        let code = database.code().unwrap_or_default();
        match code.as_ref() {
            "55P03" => Self::LockTimeout,
            "40001" | "40P01" => Self::Contention,
            // Row-level security has no SQLSTATE of its own, only "insufficient privilege" with this message.
            "42501" if database.message().contains("row-level security") => Self::ForeignRow,
            // Cancelled by statement_timeout, administrator shutdown, starting up, too many connections, disk full.
            "57014" | "57P01" | "57P02" | "57P03" | "53100" | "53200" | "53300" | "25006" => {
                Self::Unavailable(error)
            }
            // Connection or login errors: a password being rotated, a database being restored.
            code if code.starts_with("08") || code.starts_with("28") || code == "3D000" => {
                Self::Unavailable(error)
            }
            code if code.starts_with("23") => Self::Constraint {
                name: database.constraint().unwrap_or_default().to_owned(),
                kind: database.kind(),
            },
            _ => Self::Unexpected(error),
        }
    }
}

/// For errors that the context does not map itself.
impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::ForeignRow => problem::NOT_FOUND.problem(),
            DbError::LockTimeout | DbError::Contention => problem::UNAVAILABLE.problem(),
            DbError::Unavailable(cause) => {
                tracing::warn!(%cause, "database unavailable");
                problem::UNAVAILABLE.problem()
            }
            DbError::Constraint { name, kind } => match kind {
                ErrorKind::UniqueViolation => problem::CONFLICT.problem(),
                _ => Problem::internal(format!("unmapped constraint {name}")),
            },
            DbError::Unexpected(cause) => Problem::internal(cause),
        }
    }
}

//! Errors of the store.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;
use thiserror::Error;

use crate::upstream::UpstreamError;

/// The store could not do what was asked. `Display` is for the log.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    #[error("the store {} cannot be opened: {source}", path.display())]
    Open {
        path: PathBuf,
        source: Arc<std::io::Error>,
    },
    #[error("SQLite: {0}")]
    Sqlite(Arc<rusqlite::Error>),
    #[error("PostgreSQL: {0}")]
    Postgres(Arc<UpstreamError>),
    /// The connection was lost or is too slow: whether the transaction was committed is not known.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    #[error(
        "the store was last used by a newer version of the gateway (schema {found}, known up to {known})"
    )]
    Newer { found: i64, known: i64 },
    #[error("the store's database has the encoding {encoding}; it must be UTF8")]
    Encoding { encoding: String },
    #[error("the store holds a value that the gateway does not understand: {0}")]
    Value(&'static str),
    #[error("a thread for the store could not be started: {0}")]
    Thread(Arc<std::io::Error>),
    /// A defect of the gateway. What the transaction had written is rolled back.
    #[error("a transaction of the store panicked")]
    Panicked,
}

impl StoreError {
    /// The same may succeed later: the store is out of reach, full, busy, or refuses for now. An error in what was asked, or in what is
    /// stored, does not pass.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Open { .. } | Self::Thread(_) => true,
            Self::Value(_) | Self::Newer { .. } | Self::Encoding { .. } | Self::Panicked => false,
            Self::Sqlite(error) => error.sqlite_error_code().is_some_and(passes_in_sqlite),
            Self::Postgres(error) => match &**error {
                UpstreamError::Server { fields, .. } => passes_in_postgres(fields.sqlstate()),
                _ => true,
            },
        }
    }

    /// SQLSTATEs 40001 and 40P01: others interfered, and the transaction may be tried again.
    pub(super) fn is_conflict(&self) -> bool {
        match self {
            Self::Postgres(error) => match &**error {
                UpstreamError::Server { fields, .. } => {
                    ["40001", "40P01"].contains(&fields.sqlstate())
                }
                _ => false,
            },
            Self::Sqlite(error) => error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy),
            _ => false,
        }
    }
}

/// SQLite's result codes (sqlite.org/rescode.html): those about the machine, the file and other processes.
fn passes_in_sqlite(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::OperationAborted
            | ErrorCode::OperationInterrupted
            | ErrorCode::OutOfMemory
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::AuthorizationForStatementDenied
            | ErrorCode::SchemaChanged
    )
}

/// SQLSTATEs (PostgreSQL, Appendix A): all but those about what was asked or is stored. A privilege can be given back.
fn passes_in_postgres(sqlstate: &str) -> bool {
    let about_the_question = ["0A", "21", "22", "23", "42"];
    sqlstate == "42501"
        || !about_the_question
            .iter()
            .any(|class| sqlstate.starts_with(class))
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

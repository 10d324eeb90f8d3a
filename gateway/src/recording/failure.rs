//! Why nothing can be recorded.

use std::io;

use gatewright_record::framing::Unwritable;
use gatewright_record::log::LogError;

/// What a client is told where nothing can be recorded. The cause is only logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No room is left for it.
    DiskFull,
    /// It cannot be written for another reason.
    Io,
    /// One event is longer than any can be.
    TooLong,
    /// Too much waits to be uploaded.
    Backlog,
}

impl Failure {
    pub(super) fn of(error: &io::Error) -> Self {
        let full = [
            io::ErrorKind::StorageFull,
            io::ErrorKind::QuotaExceeded,
            io::ErrorKind::FileTooLarge,
        ];
        match full.contains(&error.kind()) {
            true => Failure::DiskFull,
            false => Failure::Io,
        }
    }

    /// PostgreSQL, Appendix A.
    pub fn sqlstate(self) -> &'static str {
        match self {
            Failure::DiskFull => "53100",
            Failure::Io => "58030",
            Failure::TooLong => "54000",
            Failure::Backlog => "53000",
        }
    }

    pub fn message(self) -> &'static str {
        match self {
            Failure::DiskFull => "the record of this session cannot be written: its disk is full",
            Failure::Io => "the record of this session cannot be written",
            Failure::TooLong => "the statement is too long to be recorded",
            Failure::Backlog => {
                "too much of the record waits to be uploaded: its store does not take it"
            }
        }
    }
}

impl From<&Unwritable> for Failure {
    fn from(error: &Unwritable) -> Self {
        match error {
            Unwritable::TooLong(_) => Failure::TooLong,
            Unwritable::Encoding(_) => Failure::Io,
        }
    }
}

impl From<&LogError> for Failure {
    fn from(error: &LogError) -> Self {
        match error {
            LogError::Io { source, .. } => Failure::of(source),
            LogError::Key
            | LogError::Checkpoint
            | LogError::Entry(_)
            | LogError::Root
            | LogError::NotIncluded(_)
            | LogError::Inconsistent
            | LogError::Shorter => Failure::Io,
        }
    }
}

//! Errors of reading what was recorded.

use std::io;
use std::sync::Arc;

use thiserror::Error;

use crate::recording::Failure;
use crate::store::StoreError;

/// What was recorded cannot be shown. `Display` is for the log.
#[derive(Debug, Clone, Error)]
pub enum LibraryError {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("the record cannot be read: {0}")]
    Io(Arc<io::Error>),
    #[error("the viewing cannot be recorded: {}", .0.message())]
    Unrecorded(Failure),
}

impl From<io::Error> for LibraryError {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

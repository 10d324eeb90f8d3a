//! The head of the log: <https://c2sp.org/tlog-checkpoint>.

use tlog_tiles::{EMPTY_HASH, Hash};

use super::LogError;

/// A log has fewer entries than this. The arithmetic of trees overflows with more than any log will ever have.
const MAX_SIZE: u64 = 1 << 40;

/// How many entries a log has.
pub type TreeSize = u64;

/// The size of a log, and the hash of everything in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    origin: String,
    size: TreeSize,
    root: Hash,
}

impl Checkpoint {
    pub(super) fn new(origin: &str, size: TreeSize, root: Hash) -> Result<Self, LogError> {
        match size < MAX_SIZE {
            true => Ok(Checkpoint {
                origin: origin.to_owned(),
                size,
                root,
            }),
            false => Err(LogError::Checkpoint),
        }
    }

    pub(super) fn empty(origin: &str) -> Self {
        Checkpoint {
            origin: origin.to_owned(),
            size: 0,
            root: EMPTY_HASH,
        }
    }

    /// Whose log it is the head of: the name of its key.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub fn size(&self) -> TreeSize {
        self.size
    }

    pub(super) fn root(&self) -> Hash {
        self.root
    }

    pub(super) fn to_text(&self) -> Result<Vec<u8>, LogError> {
        let checkpoint = tlog_tiles::Checkpoint::new(&self.origin, self.size, self.root, "");
        let checkpoint = checkpoint.map_err(|_| LogError::Checkpoint)?;
        Ok(checkpoint.to_bytes())
    }

    pub(super) fn from_text(text: &[u8]) -> Result<Self, LogError> {
        let checkpoint =
            tlog_tiles::Checkpoint::from_bytes(text).map_err(|_| LogError::Checkpoint)?;
        Checkpoint::new(checkpoint.origin(), checkpoint.size(), *checkpoint.hash())
    }
}

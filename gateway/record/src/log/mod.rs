//! The transparency log of segments: an append-only Merkle tree of their digests, as C2SP's tlog-tiles describes it
//! (<https://c2sp.org/tlog-tiles>). Its head is a signed checkpoint. Who has kept a checkpoint can tell later whether the log still has all
//! that it had then; who has a checkpoint and one session can tell whether the session is what was logged.

mod checkpoint;
mod entry;
mod key;
mod tiles;
mod tree;

use std::io;
use std::path::PathBuf;

use thiserror::Error;
use tlog_tiles::{
    EMPTY_HASH, Hash as NodeHash, HashReader, TileHashReader, check_record, check_tree,
    prove_record, prove_tree, record_hash, tree_hash,
};

pub use checkpoint::{Checkpoint, TreeSize};
pub use entry::{Deleted, Entry, Reason};
pub use key::{PublicKey, SigningKey};
use tiles::Tiles;
use tree::Grown;

/// Why the log cannot be used.
#[derive(Debug, Error)]
pub enum LogError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the key of the log is unreadable")]
    Key,
    #[error("the checkpoint is not signed by the key of the log, or is unreadable")]
    Checkpoint,
    #[error("entry {0} of the log is missing or unreadable")]
    Entry(u64),
    #[error("the tree of the log does not have the root that its checkpoint says")]
    Root,
    #[error("entry {0} of the log is not the one that its checkpoint was signed for")]
    NotIncluded(u64),
    #[error("the log does not have all that it had at the older checkpoint: it was rewritten")]
    Inconsistent,
    #[error("the log is shorter than at the older checkpoint: entries were removed")]
    Shorter,
}

/// A log that can be read.
pub struct Log {
    tiles: Tiles,
    checkpoint: Checkpoint,
}

impl Log {
    /// Reads the checkpoint of a log. One without a checkpoint has had nothing appended.
    ///
    /// # Errors
    /// The checkpoint is not signed by this key.
    pub fn open(directory: PathBuf, key: &PublicKey) -> Result<Self, LogError> {
        let tiles = Tiles::new(directory);
        let checkpoint = match tiles.read_checkpoint()? {
            Some(note) => key.open(&note)?,
            None => Checkpoint::empty(key.name()),
        };
        Ok(Log { tiles, checkpoint })
    }

    /// The head of the log.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// How many entries it has.
    pub fn len(&self) -> u64 {
        self.checkpoint.size()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its entries in the order in which they were appended, with their indexes. Whether the checkpoint was signed for them is another
    /// question: see [`Log::prove`] and [`Log::prove_all`].
    ///
    /// # Errors
    /// One is missing or unreadable.
    pub fn entries(&self) -> Result<Vec<Entry>, LogError> {
        self.entries_from(0)
    }

    /// The same from one of them on.
    ///
    /// # Errors
    /// One is missing or unreadable.
    pub fn entries_from(&self, first: u64) -> Result<Vec<Entry>, LogError> {
        let mut entries = Vec::new();
        for bundle in self.tiles.bundles(first, self.len()) {
            for (index, bytes) in bundle? {
                if index >= first {
                    entries.push(Entry::from_bytes(&bytes).ok_or(LogError::Entry(index))?);
                }
            }
        }
        Ok(entries)
    }

    /// Proves that the checkpoint was signed for this entry at this place.
    ///
    /// # Errors
    /// It was not.
    pub fn prove(&self, index: u64, entry: &Entry) -> Result<(), LogError> {
        let failed = |_| LogError::NotIncluded(index);
        let (size, root) = (self.len(), self.checkpoint.root());
        let reader = TileHashReader::new(size, root, &self.tiles);
        let proof = prove_record(size, index, &reader).map_err(failed)?;
        let leaf = record_hash(&entry.to_bytes());
        check_record(&proof, size, root, index, leaf).map_err(failed)
    }

    /// Proves that the checkpoint was signed for exactly these entries.
    ///
    /// # Errors
    /// It was not.
    pub fn prove_all(&self, entries: &[Entry]) -> Result<(), LogError> {
        let mut tree = Grown::empty();
        for entry in entries {
            tree.append(&entry.to_bytes()).map_err(|_| LogError::Root)?;
        }
        let is_root = tree.root().is_ok_and(|root| root == self.checkpoint.root());
        match is_root && entries.len() as u64 == self.len() {
            true => Ok(()),
            false => Err(LogError::Root),
        }
    }

    /// Proves that the log still has all that it had at an older checkpoint.
    ///
    /// # Errors
    /// It does not.
    pub fn prove_since(&self, older: &Checkpoint) -> Result<(), LogError> {
        let (size, root) = (self.len(), self.checkpoint.root());
        if older.origin() != self.checkpoint.origin() {
            return Err(LogError::Inconsistent);
        }
        if older.size() > size {
            return Err(LogError::Shorter);
        }
        if older.size() == 0 {
            return Ok(());
        }
        let failed = |_| LogError::Inconsistent;
        let reader = TileHashReader::new(size, root, &self.tiles);
        let proof = prove_tree(size, older.size(), &reader).map_err(failed)?;
        check_tree(&proof, size, root, older.size(), older.root()).map_err(failed)
    }
}

/// A log that is appended to, by one process.
pub struct LogWriter {
    log: Log,
    key: SigningKey,
}

impl LogWriter {
    /// Opens a log, or begins one.
    ///
    /// # Errors
    /// It cannot be read, or its checkpoint is not signed by this key.
    pub fn open(directory: PathBuf, key: SigningKey) -> Result<Self, LogError> {
        let public = key.public();
        let log = Log::open(directory, &public)?;
        log.tiles.write_key(public.text())?;
        Ok(LogWriter { log, key })
    }

    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Appends entries and signs a new checkpoint. When this returns, both are on disk.
    ///
    /// # Errors
    /// They cannot be written. The log is then as it was.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), LogError> {
        if entries.is_empty() {
            return Ok(());
        }
        let (size, root) = (self.log.len(), self.log.checkpoint.root());
        let stored = TileHashReader::new(size, root, &self.log.tiles);
        let mut tree = Grown::from(size, &stored);
        let leaves: Vec<_> = entries.iter().map(Entry::to_bytes).collect();
        for leaf in &leaves {
            tree.append(leaf).map_err(|_| LogError::Root)?;
        }
        let grown = tree.size();
        let root = tree.root().map_err(|_| LogError::Root)?;
        for (path, bytes) in tree.new_tiles().map_err(|_| LogError::Root)? {
            self.log.tiles.write(&path, &bytes)?;
        }
        self.log.tiles.write_bundles(size, &leaves)?;
        let checkpoint = Checkpoint::new(self.key.name(), grown, root)?;
        let note = self.key.sign(&checkpoint)?;
        self.log.tiles.write_checkpoint(&note)?;
        self.log.checkpoint = checkpoint;
        self.log.tiles.remove_partial(size, grown);
        Ok(())
    }
}

/// The root of a tree whose hashes can be read.
fn root_of(size: u64, hashes: &impl HashReader) -> Result<NodeHash, tlog_tiles::Error> {
    match size {
        0 => Ok(EMPTY_HASH),
        size => tree_hash(size, hashes),
    }
}

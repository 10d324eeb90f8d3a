//! A tree that grows: the hashes that are stored, and those that come with new entries.

use std::collections::HashMap;

use tlog_tiles::{
    Error, Hash, HashReader, Tile, record_hash, stored_hash_count, stored_hashes_for_record_hash,
};

use super::{root_of, tiles};

/// A stored tree of which only new hashes are asked for.
struct Nothing;

impl HashReader for Nothing {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        match indexes {
            [] => Ok(Vec::new()),
            [..] => Err(Error::IndexesNotInTree),
        }
    }
}

/// A tree with entries that are not stored yet.
pub(super) struct Grown<'a> {
    before: u64,
    size: u64,
    stored: &'a dyn HashReader,
    new: HashMap<u64, Hash>,
}

impl Grown<'static> {
    pub fn empty() -> Self {
        Self::from(0, &Nothing)
    }
}

impl<'a> Grown<'a> {
    pub fn from(size: u64, stored: &'a dyn HashReader) -> Self {
        Grown {
            before: size,
            size,
            stored,
            new: HashMap::new(),
        }
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn append(&mut self, entry: &[u8]) -> Result<(), Error> {
        let hashes = stored_hashes_for_record_hash(self.size, record_hash(entry), &*self)?;
        let first = stored_hash_count(self.size);
        self.new.extend((first..).zip(hashes));
        self.size += 1;
        Ok(())
    }

    pub fn root(&self) -> Result<Hash, Error> {
        root_of(self.size, self)
    }

    /// The tiles that have something new.
    pub fn new_tiles(&self) -> Result<Vec<(String, Vec<u8>)>, Error> {
        Tile::new_tiles(tiles::HEIGHT, self.before, self.size)
            .iter()
            .map(|tile| Ok((tiles::path(tile), tile.read_data(self)?)))
            .collect()
    }
}

impl HashReader for Grown<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let known = |index: &u64| self.new.get(index).copied();
        let missing: Vec<u64> = indexes
            .iter()
            .copied()
            .filter(|index| known(index).is_none())
            .collect();
        let mut stored = match missing.is_empty() {
            true => Vec::new(),
            false => self.stored.read_hashes(&missing)?,
        }
        .into_iter();
        indexes
            .iter()
            .map(|index| known(index).or_else(|| stored.next()))
            .collect::<Option<_>>()
            .ok_or(Error::IndexesNotInTree)
    }
}

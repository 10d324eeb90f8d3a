//! The uses of columns, each recorded once.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::facts::{ColumnRef, Usage};

/// Which uses are recorded. Statements use the same columns many times, so a known use costs no allocation.
#[derive(Default)]
pub(super) struct Uses {
    /// Indexes into the recorded uses.
    index: HashTable<usize>,
    /// For each recorded use: whether it can reveal more than whether values are equal.
    telling: Vec<bool>,
    hasher: DefaultHashBuilder,
}

impl Uses {
    /// Adds a use to `columns`, unless it is there.
    pub fn add(
        &mut self,
        columns: &mut Vec<ColumnRef>,
        (table, name, usage): (Option<usize>, &str, Usage),
        telling: bool,
    ) {
        let same = |at: &usize| {
            columns.get(*at).is_some_and(|known| {
                known.table == table && known.usage == usage && known.name == name
            })
        };
        let hash = self.hasher.hash_one((table, name, usage));
        let at = match self.index.find(hash, same) {
            Some(at) => *at,
            None => {
                let at = columns.len();
                columns.push(ColumnRef {
                    table,
                    name: name.to_owned(),
                    usage,
                });
                let hash_of = |at: &usize| match columns.get(*at) {
                    Some(known) => {
                        self.hasher
                            .hash_one((known.table, known.name.as_str(), known.usage))
                    }
                    None => 0,
                };
                self.index.insert_unique(hash, at, hash_of);
                self.telling.push(false);
                at
            }
        };
        if let Some(known) = self.telling.get_mut(at) {
            *known |= telling;
        }
    }

    /// Whether the use at this index can reveal more than whether values are equal.
    pub fn is_telling(&self, at: usize) -> bool {
        self.telling.get(at).is_none_or(|telling| *telling)
    }
}

//! The uses of columns, and the tables, each recorded once.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::facts::{ColumnRef, TableRef, Usage};

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
    /// Adds a use to `columns`, unless it is there. Returns whether it tells something new.
    pub fn add(
        &mut self,
        columns: &mut Vec<ColumnRef>,
        (table, name, usage): (Option<usize>, &str, Usage),
        telling: bool,
    ) -> bool {
        let same = |at: &usize| {
            columns.get(*at).is_some_and(|known| {
                known.table == table && known.usage == usage && known.name == name
            })
        };
        let hash = self.hasher.hash_one((table, name, usage));
        let mut is_new = false;
        let at = match self.index.find(hash, same) {
            Some(at) => *at,
            None => {
                is_new = true;
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
            is_new |= telling && !*known;
            *known |= telling;
        }
        is_new
    }

    /// Whether the use at this index can reveal more than whether values are equal.
    pub fn is_telling(&self, at: usize) -> bool {
        self.telling.get(at).is_none_or(|telling| *telling)
    }
}

/// Where each recorded table is.
#[derive(Default)]
pub(super) struct Places {
    index: HashTable<usize>,
    hasher: DefaultHashBuilder,
}

impl Places {
    pub fn find(&self, tables: &[TableRef], schema: &str, name: &str) -> Option<usize> {
        let is = |at: &usize| {
            let table = tables.get(*at);
            table.is_some_and(|table| table.name == name && table.schema == schema)
        };
        let hash = self.hasher.hash_one((schema, name));
        self.index.find(hash, is).copied()
    }

    /// Notes that the last of the tables was added.
    pub fn added(&mut self, tables: &[TableRef]) {
        let hash_of = |at: &usize| match tables.get(*at) {
            Some(table) => self
                .hasher
                .hash_one((table.schema.as_str(), table.name.as_str())),
            None => 0,
        };
        if let Some(last) = tables.len().checked_sub(1) {
            self.index.insert_unique(hash_of(&last), last, hash_of);
        }
    }
}

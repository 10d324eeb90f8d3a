//! Writes that a statement causes besides its own.

use super::relation::Relation;
use crate::facts::Access;

/// A function that runs when rows of a relation are written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Trigger {
    pub on: Access,
    pub schema: String,
    pub function: String,
}

/// A foreign key that writes to the referencing table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cascade {
    pub child: u32,
    /// The referenced columns whose UPDATE updates the referencing table; empty if it does not.
    pub on_update: Vec<i16>,
    /// What DELETE does to the referencing table.
    pub on_delete: Access,
}

/// A relation that is written, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Write<'c> {
    pub relation: &'c Relation,
    pub access: Access,
    /// Written by a foreign key: the values are not the statement's.
    pub cascaded: bool,
}

/// The columns that an UPDATE assigns.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keys<'k> {
    Any,
    Named(&'k [&'k str]),
}

impl Keys<'_> {
    pub(super) fn hold(self, relation: &Relation, attnums: &[i16]) -> bool {
        match self {
            Keys::Any => !attnums.is_empty(),
            Keys::Named(names) => attnums.iter().any(|attnum| {
                let name = relation.attribute_name(*attnum);
                name.is_none_or(|name| names.contains(&name))
            }),
        }
    }
}

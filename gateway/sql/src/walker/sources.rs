//! What is visible at one level of a query.

use crate::catalog::Relation;
use crate::masks::Masked;

/// An item of a FROM clause, or a target relation.
pub(super) struct Source<'a> {
    pub name: String,
    /// The relations that it may be: several if schemas share the name, none for a derived table.
    pub tables: Vec<(usize, Option<&'a Relation>)>,
    /// Column names given by the alias, for the first columns.
    pub renamed: Vec<String>,
    /// It stands for its relation, some of whose columns are masks.
    pub masked: Option<&'a Masked>,
}

impl Source<'_> {
    /// What a hit on one of its tables tells: nothing if it is a mask, and a whole row only the columns that are none.
    pub fn unmasked(
        &self,
        (table, name): (usize, String),
        relation: Option<&Relation>,
    ) -> Vec<(usize, String)> {
        let Some(masked) = self.masked else {
            return vec![(table, name)];
        };
        let shown = |name: &String| !masked.columns.contains(name);
        if name != "*" {
            return if shown(&name) {
                vec![(table, name)]
            } else {
                Vec::new()
            };
        }
        let columns = relation.map_or(&[][..], |relation| &relation.columns);
        let names = columns.iter().map(|column| column.name.clone());
        names.filter(shown).map(|name| (table, name)).collect()
    }
}

#[derive(Default)]
pub(super) struct Scope<'a> {
    pub ctes: Vec<String>,
    pub sources: Vec<Source<'a>>,
    /// FROM has been read: all its names are visible and hide those of outer levels.
    pub complete: bool,
}

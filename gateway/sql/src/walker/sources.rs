//! What is visible at one level of a query.

use crate::catalog::Relation;

/// An item of a FROM clause, or a target relation.
pub(super) struct Source<'a> {
    pub name: String,
    /// The relations that it may be: several if schemas share the name, none for a derived table.
    pub tables: Vec<(usize, Option<&'a Relation>)>,
    /// Column names given by the alias, for the first columns.
    pub renamed: Vec<String>,
}

#[derive(Default)]
pub(super) struct Scope<'a> {
    pub ctes: Vec<String>,
    pub sources: Vec<Source<'a>>,
    /// FROM has been read: all its names are visible and hide those of outer levels.
    pub complete: bool,
}

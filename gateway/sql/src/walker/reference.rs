//! What a column reference can mean. An ambiguous one is recorded for everything that it can mean.

use gatewright_parser::{Node, Strings, nodes};

use super::sources::Source;
use super::state::Walker;
use crate::catalog::Relation;

impl<'a> Walker<'a> {
    pub(super) fn column_ref(&mut self, column: &'a nodes::ColumnRef) {
        let last = column.fields().iter().next_back();
        let star = matches!(last, Some(Node::A_Star(_)));
        let names = column.fields().strings();
        match (names.as_slice(), star) {
            ([], _) => self.star(None),
            ([.., alias], true) => self.star(Some(alias)),
            ([name], false) => self.bare(name),
            ([.., alias, name], false) => self.qualified(alias, name),
        }
    }

    /// `*` or `alias.*`.
    pub(super) fn star(&mut self, alias: Option<&str>) {
        let mut tables = Vec::new();
        for scope in self.scopes.iter().rev() {
            self.spend(scope.sources.len());
            if self.spent() {
                return;
            }
            let named = scope
                .sources
                .iter()
                .filter(|source| alias.is_none_or(|alias| source.name == alias));
            let mut any = false;
            for source in named {
                any = true;
                for (table, relation) in &source.tables {
                    tables.extend(source.unmasked((*table, "*".to_owned()), *relation));
                }
            }
            if scope.complete && (any || alias.is_none()) {
                break;
            }
        }
        for (table, name) in tables {
            self.column(Some(table), &name);
        }
    }

    /// `alias.name`: a column, or by PostgreSQL's rule the function `name(alias)`.
    pub(super) fn qualified(&mut self, alias: &str, name: &str) {
        let mut hits = Vec::new();
        let (mut any, mut known, mut row) = (false, false, false);
        for scope in self.scopes.iter().rev() {
            self.spend(scope.sources.len());
            if self.spent() {
                return;
            }
            let mut here = false;
            for source in scope.sources.iter().filter(|source| source.name == alias) {
                here = true;
                for table in &source.tables {
                    for hit in meanings(source, table, name) {
                        known = true;
                        row |= hit.1 == "*";
                        hits.extend(source.unmasked(hit, table.1));
                    }
                }
            }
            any |= here;
            if here && scope.complete {
                break;
            }
        }
        if !any || !known {
            self.column(None, name);
        }
        // PostgreSQL's other reading: a function of the row.
        if !known || row {
            self.calls(&[name]);
        }
        for (table, name) in hits {
            self.column(Some(table), &name);
        }
    }

    /// An unqualified name: a column of any source that may have it, or the whole row of a source with that name.
    pub(super) fn bare(&mut self, name: &str) {
        let mut hits: Vec<(usize, String)> = Vec::new();
        let (mut derived, mut found) = (false, false);
        for scope in self.scopes.iter().rev() {
            self.spend(scope.sources.len());
            if self.spent() {
                return;
            }
            let mut known = false;
            let mut hit = |source: &Source<'_>, hit: (usize, String), relation| {
                found = true;
                hits.extend(source.unmasked(hit, relation));
            };
            for source in &scope.sources {
                derived |= source.tables.is_empty();
                for table in &source.tables {
                    match table.1 {
                        _ if source.renamed.iter().any(|column| column == name) => {
                            for meaning in meanings(source, table, name) {
                                hit(source, meaning, table.1);
                            }
                            known = true;
                        }
                        Some(relation) if relation.columns.is_empty() => {
                            hit(source, (table.0, name.to_owned()), table.1);
                        }
                        Some(relation) if relation.has_column(name) => {
                            hit(source, (table.0, name.to_owned()), table.1);
                            known = true;
                        }
                        Some(_) => {}
                        None => hit(source, (table.0, name.to_owned()), table.1),
                    }
                }
            }
            let rows = scope.sources.iter().filter(|source| source.name == name);
            if !known {
                for row in rows {
                    for (table, relation) in &row.tables {
                        hit(row, (*table, "*".to_owned()), *relation);
                    }
                }
            }
            if scope.complete && known {
                break;
            }
        }
        if !found || derived {
            self.column(None, name);
        }
        for (table, name) in hits {
            self.column(Some(table), &name);
        }
    }
}

/// What `source.name` can be of one table: the column, the column that an alias list renamed, or else the whole row.
fn meanings(
    source: &Source<'_>,
    (table, relation): &(usize, Option<&Relation>),
    name: &str,
) -> Vec<(usize, String)> {
    if let Some(at) = source.renamed.iter().position(|column| column == name) {
        let original = relation.and_then(|relation| relation.columns.get(at));
        return vec![(
            *table,
            original
                .map_or("*", |column| column.name.as_str())
                .to_owned(),
        )];
    }
    let mut found = vec![(*table, name.to_owned())];
    if relation.is_some_and(|relation| !relation.columns.is_empty() && !relation.has_column(name)) {
        found.push((*table, "*".to_owned()));
    }
    found
}

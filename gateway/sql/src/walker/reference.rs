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
            let named = scope
                .sources
                .iter()
                .filter(|source| alias.is_none_or(|alias| source.name == alias));
            let mut any = false;
            for source in named {
                any = true;
                tables.extend(source.tables.iter().map(|(table, _)| *table));
            }
            if scope.complete && (any || alias.is_none()) {
                break;
            }
        }
        for table in tables {
            self.column(Some(table), "*");
        }
    }

    /// `alias.name`: a column, or by PostgreSQL's rule the function `name(alias)`.
    pub(super) fn qualified(&mut self, alias: &str, name: &str) {
        let mut hits = Vec::new();
        let mut any = false;
        for scope in self.scopes.iter().rev() {
            let mut here = false;
            for source in scope.sources.iter().filter(|source| source.name == alias) {
                here = true;
                hits.extend(
                    source
                        .tables
                        .iter()
                        .flat_map(|table| meanings(source, table, name)),
                );
            }
            any |= here;
            if here && scope.complete {
                break;
            }
        }
        if !any || hits.is_empty() {
            self.column(None, name);
        }
        // PostgreSQL's other reading: a function of the row.
        if hits.is_empty() || hits.iter().any(|(_, hit)| hit == "*") {
            self.calls(&[name]);
        }
        for (table, name) in hits {
            self.column(Some(table), &name);
        }
    }

    /// An unqualified name: a column of any source that may have it, or the whole row of a source with that name.
    pub(super) fn bare(&mut self, name: &str) {
        let mut hits: Vec<(usize, String)> = Vec::new();
        let mut derived = false;
        for scope in self.scopes.iter().rev() {
            let mut known = false;
            for source in &scope.sources {
                derived |= source.tables.is_empty();
                for table in &source.tables {
                    match table.1 {
                        _ if source.renamed.iter().any(|column| column == name) => {
                            hits.extend(meanings(source, table, name));
                            known = true;
                        }
                        Some(relation) if relation.columns.is_empty() => {
                            hits.push((table.0, name.to_owned()))
                        }
                        Some(relation) if relation.has_column(name) => {
                            hits.push((table.0, name.to_owned()));
                            known = true;
                        }
                        Some(_) => {}
                        None => hits.push((table.0, name.to_owned())),
                    }
                }
            }
            let rows = scope.sources.iter().filter(|source| source.name == name);
            if !known {
                hits.extend(
                    rows.flat_map(|row| {
                        row.tables.iter().map(|(table, _)| (*table, "*".to_owned()))
                    }),
                );
            }
            if scope.complete && known {
                break;
            }
        }
        if hits.is_empty() || derived {
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

//! The names visible at one level of a query, and what a column reference can mean there.

use crate::catalog::{Keys, Relation};
use crate::definition::Body;
use crate::facts::{Access, ColumnRef, RelationKind, TableRef, Usage, of_rows};

use super::Walker;

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

impl<'a> Walker<'a> {
    pub(super) fn is_cte(&self, name: &str) -> bool {
        self.scopes
            .iter()
            .any(|scope| scope.ctes.iter().any(|cte| cte == name))
    }

    /// Records a relation under every schema that contains the name, and what it reads if it is a view.
    pub(super) fn relation(
        &mut self,
        schema: &str,
        name: &str,
        access: Access,
    ) -> Vec<(usize, Option<&'a Relation>)> {
        let written = (!schema.is_empty()).then_some(schema);
        let found = self.catalog.lookup(written, name);
        if found.is_empty() {
            let at = self.table(schema, name, RelationKind::Unresolved, access);
            return vec![(at, None)];
        }
        let mut tables = Vec::with_capacity(found.len());
        for relation in found {
            tables.push((
                self.table(&relation.schema, &relation.name, relation.kind, access),
                Some(relation),
            ));
            self.reach(relation.oid, access, 0);
            if self.hands_over && access.contains(Access::DDL) {
                let any = Access::INSERT | Access::UPDATE | Access::DELETE;
                self.triggered(relation.oid, any, Keys::Any);
            }
        }
        tables
    }

    /// What a view reads, and the parents of a partition. Writing to either writes there, too.
    pub(super) fn reach(&mut self, relation: u32, access: Access, depth: u8) {
        let catalog = self.catalog;
        let access = of_rows(access);
        if !self.reached.insert((relation, access)) {
            return;
        }
        self.triggered(relation, access, Keys::Named(&[]));
        if let Some(body) = catalog.bodies().of_relation(relation) {
            self.body(body, access);
        }
        for relative in catalog.relatives(relation) {
            let access = access | Access::SELECT;
            self.table(&relative.schema, &relative.name, relative.kind, access);
        }
        if depth == u8::MAX {
            self.opaque("views nested too deeply".to_owned());
            return;
        }
        for (base, attnum) in catalog.reads(relation) {
            let Some(below) = catalog.relation(*base) else {
                self.opaque("a view reads a relation that the catalog does not hold".to_owned());
                continue;
            };
            let access = access | Access::SELECT;
            let at = self.table(&below.schema, &below.name, below.kind, access);
            if *attnum != 0 {
                let column = catalog.column(*base, *attnum);
                let name = column.map_or("*", |column| column.name.as_str());
                self.push_column(Some(at), name, Usage::Other);
            }
            self.reach(*base, access, depth + 1);
        }
    }

    /// What writing to a relation causes.
    fn triggered(&mut self, relation: u32, access: Access, keys: Keys<'_>) {
        let catalog = self.catalog;
        let writes = Access::INSERT | Access::UPDATE | Access::DELETE;
        if catalog.has_rules(relation) && access.intersects(writes) {
            let name = catalog.relation(relation).map_or("", |known| &known.name);
            self.opaque(format!("writing to {name} follows its rules"));
        }
        // Clients do not supply a trigger's code: its creation was judged, or it is the operator's.
        let role = self.facts.role;
        for write in catalog.written_with(relation, access, keys) {
            let (oid, access) = (write.relation.oid, write.access);
            for trigger in catalog.triggers(oid, access) {
                self.calls(&[trigger.schema.as_str(), trigger.function.as_str()]);
            }
            for computed in catalog.bodies().computed(oid, access) {
                self.body(&computed.body, Access::default());
            }
            if access.intersects(Access::INSERT | Access::UPDATE) {
                let columns = write.relation.columns.iter();
                for body in columns.flat_map(|column| catalog.bodies().of_domain(column.type_oid)) {
                    self.body(body, Access::default());
                }
            }
        }
        if catalog.has_casts() {
            self.casts_of_columns(relation);
        }
        self.facts.role = role;
    }

    /// Columns of a target are assigned: foreign keys may cascade.
    pub(super) fn rekeyed(&mut self, target: usize, names: &[&str]) {
        let catalog = self.catalog;
        let Some(table) = self
            .facts
            .tables
            .get(target)
            .filter(|_| catalog.has_cascades())
        else {
            return;
        };
        let found = catalog.lookup(Some(&table.schema), &table.name);
        for relation in found {
            let keys = match relation.kind {
                RelationKind::View => Keys::Any,
                _ => Keys::Named(names),
            };
            self.triggered(relation.oid, Access::UPDATE, keys);
        }
    }

    /// Records what a definition reads that the statement names.
    pub(super) fn body(&mut self, body: &Body, access: Access) {
        let places: Vec<usize> = body
            .tables
            .iter()
            .map(|table| {
                self.table(
                    &table.schema,
                    &table.name,
                    table.kind,
                    access | table.access,
                )
            })
            .collect();
        for (at, name) in &body.columns {
            if let Some(table) = places.get(*at) {
                self.push_column(Some(*table), name, Usage::Other);
            }
        }
        for function in &body.functions {
            if !self.facts.functions.contains(function) {
                self.facts.functions.push(function.clone());
            }
        }
        self.role(body.role);
        for reason in &body.opaque {
            self.opaque(reason.clone());
        }
    }

    /// Adds an access to relations that were recorded before.
    pub(super) fn grant(&mut self, targets: &[usize], access: Access) {
        let catalog = self.catalog;
        for at in targets {
            let Some(table) = self.facts.tables.get_mut(*at) else {
                continue;
            };
            table.access |= access;
            let found = catalog.lookup(Some(&table.schema), &table.name);
            for relation in found {
                self.reach(relation.oid, access, 0);
            }
        }
    }

    fn table(&mut self, schema: &str, name: &str, kind: RelationKind, access: Access) -> usize {
        let tables = &mut self.facts.tables;
        if let Some(at) = tables
            .iter()
            .position(|table| table.name == name && table.schema == schema)
        {
            if let Some(table) = tables.get_mut(at) {
                table.access |= access;
            }
            return at;
        }
        tables.push(TableRef {
            schema: schema.to_owned(),
            name: name.to_owned(),
            kind,
            access,
        });
        tables.len() - 1
    }

    pub(super) fn push_column(&mut self, table: Option<usize>, name: &str, usage: Usage) {
        if !self.equality || !super::equality::can_be_equated(usage) {
            self.telling.insert((table, name.to_owned(), usage));
        }
        if self.columns.insert((table, name.to_owned(), usage)) {
            self.facts.columns.push(ColumnRef {
                table,
                name: name.to_owned(),
                usage,
            });
        }
        for relative in table.map_or_else(Vec::new, |at| self.relatives(at)) {
            if !self.equality || !super::equality::can_be_equated(usage) {
                self.telling
                    .insert((Some(relative), name.to_owned(), usage));
            }
            if self
                .columns
                .insert((Some(relative), name.to_owned(), usage))
            {
                self.facts.columns.push(ColumnRef {
                    table: Some(relative),
                    name: name.to_owned(),
                    usage,
                });
            }
        }
    }

    /// Recorded tables that inherit from a table, or it from them: a column of one is a column of the others.
    fn relatives(&self, at: usize) -> Vec<usize> {
        let Some(table) = self.facts.tables.get(at) else {
            return Vec::new();
        };
        if !self.catalog.has_inheritance()
            || !matches!(table.kind, RelationKind::Table | RelationKind::Partitioned)
        {
            return Vec::new();
        }
        let meant = self.catalog.lookup(Some(&table.schema), &table.name);
        meant
            .iter()
            .flat_map(|relation| self.catalog.relatives(relation.oid))
            .filter_map(|relative| {
                self.facts.tables.iter().position(|table| {
                    table.name == relative.name && table.schema == relative.schema
                })
            })
            .filter(|relative| *relative != at)
            .collect()
    }

    /// Records the column once for each current usage.
    pub(super) fn column(&mut self, table: Option<usize>, name: &str) {
        for (bit, usage) in Usage::ALL.into_iter().enumerate() {
            if self.usage & (1 << bit) != 0 {
                self.push_column(table, name, usage);
            }
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

//! Relations that a statement names, what they cause to be read and written, and the columns that are used.

use crate::body::Body;
use crate::catalog::{Keys, Relation};
use crate::facts::{Access, PathChange, RelationKind, RoleEffect, TableRef, Usage, of_rows};

use super::state::Walker;

/// PostgreSQL's view of all settings.
pub(super) const SETTINGS: &str = "pg_settings";

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
        if !self.reached.insert((relation, access)) {
            return;
        }
        // A change to a part changes the whole.
        let of_family = access | Access::SELECT;
        let access = of_rows(access);
        self.triggered(relation, access, Keys::Named(&[]));
        if let Some(body) = catalog.bodies().of_relation(relation) {
            self.body(body, access);
        }
        for relative in catalog.relatives(relation) {
            let kind = relative.kind;
            self.table(&relative.schema, &relative.name, kind, of_family);
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
            self.unread(format!("writing to {name} follows its rules"));
        }
        if access.intersects(Access::UPDATE)
            && catalog
                .relation(relation)
                .is_some_and(|known| known.schema == "pg_catalog" && known.name == SETTINGS)
        {
            self.updates_settings();
        }
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
    }

    /// An UPDATE of the view calls set_config.
    pub(super) fn updates_settings(&mut self) {
        self.role(RoleEffect::Set);
        self.opaque("an update of pg_settings changes settings".to_owned());
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
            self.named_function(function);
        }
        self.role(body.role);
        self.facts.calls_unread |= body.calls_unread;
        if body.sets_path {
            self.facts.path = Some(PathChange::unknown());
        }
        for change in &body.settings {
            self.changes(change.clone());
        }
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
        if let Some(at) = self.places.find(tables, schema, name) {
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
        self.places.added(tables);
        tables.len() - 1
    }

    pub(super) fn push_column(&mut self, table: Option<usize>, name: &str, usage: Usage) {
        let telling = !self.equality || !super::equality::can_be_equated(usage);
        let used = (table, name, usage);
        if !self.uses.add(&mut self.facts.columns, used, telling) {
            return;
        }
        for relative in table.map_or_else(Vec::new, |at| self.relatives(at)) {
            let of_relative = (Some(relative), name, usage);
            self.uses.add(&mut self.facts.columns, of_relative, telling);
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
                let (schema, name) = (&relative.schema, &relative.name);
                self.places.find(&self.facts.tables, schema, name)
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
}

//! INSERT, UPDATE, DELETE and MERGE: what they return, and what flows into which column. `flow` names the targets.

use std::sync::Arc;

use gatewright_parser::{Node, NodeList, nodes, untyped};

use super::level::{Assigned, Columns, Item, Level};
use super::resolver::Resolver;
use crate::catalog::{Keys, Write};
use crate::equation::is_one_row;
use crate::facts::{Access, RelationKind, Transform, Usage};
use crate::provenance::{Column, Provenance};
use crate::rows::Rows;

impl<'t> Resolver<'t> {
    pub(super) fn insert(&mut self, insert: &'t nodes::InsertStmt) -> Rows {
        self.levels.push(Level::default());
        let mut chosen = self.with(insert.with_clause());
        let source = match insert.select_stmt() {
            // DEFAULT VALUES.
            Node::None => None,
            query => Some(self.query(query)),
        };
        let target = self.target_item(insert.relation());
        let mut assigned = Assigned::new();
        if let Some(rows) = &source {
            chosen.absorb(&rows.chosen, Transform::Expression);
            assigned = self.by_position(&target, insert.cols(), rows);
        }
        if let Some(conflict) = insert.on_conflict_clause() {
            let excluded = Item {
                bare: false,
                name: "excluded",
                ..self.with_assigned(&target, &assigned, false)
            };
            self.level().items = vec![target.clone(), excluded];
            let mut set = self.set_list(untyped(conflict.target_list()));
            assigned.append(&mut set);
            let condition = self.value(conflict.where_clause());
            self.record(&condition, Usage::Filter);
            self.conflicting(insert, conflict, &assigned);
        }
        let on = match insert.on_conflict_clause() {
            Some(_) => Access::INSERT | Access::UPDATE,
            None => Access::INSERT,
        };
        self.triggered(&target, on, &mut assigned);
        self.flow(insert.relation(), &target, &assigned);
        self.level().items.clear();
        self.returning(insert.returning_clause(), target, &assigned, chosen, false)
    }

    /// ON CONFLICT tells which of the inserted rows exist. One row is one guess.
    fn conflicting(
        &mut self,
        insert: &'t nodes::InsertStmt,
        conflict: &'t nodes::OnConflictClause,
        assigned: &Assigned,
    ) {
        let telling = !is_one_row(insert.select_stmt());
        let infer = conflict.infer();
        let Some(infer) = infer.filter(|infer| !infer.index_elems().is_empty()) else {
            // A constraint by name, or any unique index: of any column that is given.
            for (name, _) in assigned {
                let value = name.as_deref().map(|name| self.bare(name));
                self.record_as(&value.unwrap_or_default(), Usage::Filter, telling);
            }
            return;
        };
        for element in infer.index_elems() {
            if let Node::IndexElem(element) = element {
                let named = element.name().map(|name| self.bare(name));
                self.record_as(&named.unwrap_or_default(), Usage::Filter, telling);
                let computed = self.value(element.expr());
                self.record(&computed, Usage::Filter);
            }
        }
        let condition = self.value(infer.where_clause());
        self.record(&condition, Usage::Filter);
    }

    pub(super) fn update(&mut self, update: &'t nodes::UpdateStmt) -> Rows {
        self.levels.push(Level::default());
        let mut chosen = self.with(update.with_clause());
        let target = self.target_item(update.relation());
        self.level().items.push(target.clone());
        let from = self.from(update.from_clause());
        let condition = self.condition(update.where_clause());
        for by in [&from, &condition] {
            chosen.absorb(by, Transform::Expression);
        }
        let mut assigned = self.set_list(untyped(update.target_list()));
        self.triggered(&target, Access::UPDATE, &mut assigned);
        self.flow(update.relation(), &target, &assigned);
        self.level().items.remove(0);
        self.returning(update.returning_clause(), target, &assigned, chosen, false)
    }

    pub(super) fn delete(&mut self, delete: &'t nodes::DeleteStmt) -> Rows {
        self.levels.push(Level::default());
        let mut chosen = self.with(delete.with_clause());
        let target = self.target_item(delete.relation());
        self.level().items.push(target.clone());
        let using = self.from(delete.using_clause());
        let condition = self.condition(delete.where_clause());
        for by in [&using, &condition] {
            chosen.absorb(by, Transform::Expression);
        }
        self.level().items.remove(0);
        let mut assigned = Assigned::new();
        self.triggered(&target, Access::DELETE, &mut assigned);
        self.returning(delete.returning_clause(), target, &assigned, chosen, false)
    }

    pub(super) fn merge(&mut self, merge: &'t nodes::MergeStmt) -> Rows {
        self.levels.push(Level::default());
        let mut chosen = self.with(merge.with_clause());
        let (items, by) = self.read_item(merge.source_relation());
        chosen.absorb(&by, Transform::Expression);
        let target = self.target_item(merge.relation());
        self.level().items = items;
        self.level().items.push(target.clone());
        let condition = self.value(merge.join_condition());
        self.record(&condition, Usage::Join);
        chosen.absorb(&condition, Transform::Expression);
        let mut assigned = Assigned::new();
        for clause in untyped(merge.merge_when_clauses()) {
            let Node::MergeWhenClause(clause) = clause else {
                continue;
            };
            let condition = self.value(clause.condition());
            self.record(&condition, Usage::Filter);
            chosen.absorb(&condition, Transform::Expression);
            if clause.values().is_empty() {
                let mut set = self.set_list(clause.target_list());
                assigned.append(&mut set);
            } else {
                let values = clause.values().iter().map(|value| Column {
                    name: None,
                    value: self.value(value),
                });
                let rows = Rows::of(values.collect());
                let mut inserted = self.by_position(&target, clause.target_list(), &rows);
                assigned.append(&mut inserted);
            }
        }
        let on = Access::INSERT | Access::UPDATE | Access::DELETE;
        self.triggered(&target, on, &mut assigned);
        self.flow(merge.relation(), &target, &assigned);
        self.level().items.pop();
        // RETURNING * lists the source's columns before the target's.
        self.returning(merge.returning_clause(), target, &assigned, chosen, true)
    }

    /// What triggers assign to the written rows, and what they write elsewhere.
    pub(super) fn triggered(&mut self, target: &Item<'t>, on: Access, assigned: &mut Assigned) {
        let Columns::Relations(relations) = &target.columns else {
            return;
        };
        let catalog = self.catalog.catalog();
        let named = assigned.iter().filter_map(|(name, _)| name.as_deref());
        let named: Vec<&str> = named.collect();
        let any = assigned.iter().any(|(name, _)| name.is_none());
        let keys = match relations.first() {
            Some(relation) if !any && relation.kind != RelationKind::View => Keys::Named(&named),
            _ => Keys::Any,
        };
        let writes: Vec<Write<'t>> = relations
            .iter()
            .flat_map(|relation| catalog.written_with(relation.oid, on, keys))
            .collect();
        for write in writes {
            let by_triggers = self.put_by_triggers(&write);
            let by_definition = self.put_by_definition(&write);
            let keeps = write.access.intersects(Access::INSERT | Access::UPDATE);
            // Deleted rows keep nothing, but the effects of a trigger may depend on them.
            let elsewhere = by_definition
                .iter()
                .filter(|_| write.cascaded || !keeps)
                .chain(by_triggers.iter().filter(|_| write.cascaded && keeps));
            for (_, value) in elsewhere.filter(|(_, value)| !value.is_nothing()) {
                self.flow_to(write.relation, value);
            }
            if !write.cascaded {
                let put = by_triggers.into_iter().chain(by_definition);
                assigned.extend(put.filter(|(_, value)| !value.is_nothing()));
            }
        }
    }

    fn put_by_triggers(&mut self, write: &Write<'t>) -> Assigned {
        let catalog = self.catalog;
        let mut put = Assigned::new();
        for trigger in catalog.triggers(write.relation.oid, write.access) {
            let parts = [trigger.schema.as_str(), trigger.function.as_str()];
            put.push((None, self.made_by(&parts)));
            let bodies = catalog.function_bodies(&parts).unwrap_or_default();
            let flows = bodies.iter().flat_map(|body| body.flows.iter().cloned());
            self.add_flows(flows.collect());
        }
        put
    }

    /// Defaults, generated columns, checks, conditions of triggers and checks of domains.
    fn put_by_definition(&mut self, write: &Write<'t>) -> Assigned {
        let bodies = self.catalog.catalog().bodies();
        let relation = write.relation;
        if bodies.computed_waits(relation.oid) {
            self.waits.set(true);
        }
        let mut put = Assigned::new();
        for computed in bodies.computed(relation.oid, write.access) {
            let name = computed
                .column
                .and_then(|attnum| relation.attribute_name(attnum));
            let name = name.filter(|_| !write.cascaded).map(str::to_owned);
            put.push((name, computed.body.rows.everything()));
            self.add_flows(computed.body.flows.clone());
        }
        if write.access.intersects(Access::INSERT | Access::UPDATE) {
            for column in &relation.columns {
                if bodies.domain_waits(column.type_oid) {
                    self.waits.set(true);
                }
                for body in bodies.of_domain(column.type_oid) {
                    put.push((Some(column.name.clone()), body.rows.everything()));
                    self.add_flows(body.flows.clone());
                }
            }
        }
        put
    }

    pub(super) fn target_item(&self, relation: Option<&'t nodes::RangeVar>) -> Item<'t> {
        match relation {
            Some(relation) => self.relation_item(relation, true),
            None => Item::new("", Columns::Open(Provenance::unknown())),
        }
    }

    /// The assignments of SET, or an empty list for INSERT.
    fn set_list(&mut self, list: &'t NodeList) -> Assigned {
        let mut assigned = Assigned::new();
        for item in list {
            let Node::ResTarget(target) = item else {
                continue;
            };
            let mut value = self.value(target.val());
            if !target.indirection().is_empty() {
                let at = self.together(target.indirection());
                value.absorb(&at, Transform::Expression);
            }
            assigned.push((Some(name_of(target)), value));
        }
        assigned
    }

    /// Assigns the rows' columns to the listed columns, or to the target's columns in order.
    fn by_position(&mut self, target: &Item<'t>, listed: &'t NodeList, rows: &Rows) -> Assigned {
        let names: Option<Vec<String>> = if listed.is_empty() {
            let own = Item {
                renamed: Vec::new(),
                ..target.clone()
            };
            own.list(self).map(|columns| {
                let names = columns.into_iter().filter_map(|column| column.name);
                names.map(|name| name.to_string()).collect()
            })
        } else {
            let names = listed.iter().map(|item| match item {
                Node::ResTarget(target) => Some(name_of(target)),
                _ => None,
            });
            names.collect()
        };
        match (names, &rows.columns) {
            (Some(names), Some(columns)) if columns.len() <= names.len() => {
                let values = columns.iter().map(|column| column.value.clone());
                names.into_iter().map(Some).zip(values).collect()
            }
            // INSERT INTO t (a, b) SELECT row.* and the like: any value may be in any column.
            _ => vec![(None, rows.all())],
        }
    }

    /// The target with the assigned values; `kept`: the previous values remain possible.
    fn with_assigned(&self, target: &Item<'t>, assigned: &Assigned, kept: bool) -> Item<'t> {
        let mut item = target.clone();
        let Some(mut columns) = target.list(self) else {
            if let Columns::Open(any) = &mut item.columns {
                for (_, value) in assigned {
                    any.or(value);
                }
            } else {
                item.columns = Columns::Open(Provenance::unknown());
            }
            return item;
        };
        let own = Item {
            renamed: Vec::new(),
            ..target.clone()
        };
        let names = own.list(self).unwrap_or_default();
        for (column, original) in columns.iter_mut().zip(names) {
            if !kept {
                column.value = Provenance::null();
            }
            for (name, value) in assigned {
                if name.is_none() || name.as_deref() == original.name.as_deref() {
                    column.value.or(value);
                }
            }
        }
        item.columns = Columns::Listed(Arc::new(columns));
        item
    }

    /// Ends the statement: the rows of RETURNING.
    fn returning(
        &mut self,
        clause: Option<&'t nodes::ReturningClause>,
        target: Item<'t>,
        assigned: &Assigned,
        chosen: Provenance,
        last: bool,
    ) -> Rows {
        let mut rows = Rows::of(Vec::new());
        if let Some(clause) = clause {
            let after = if assigned.is_empty() {
                target.clone()
            } else {
                self.with_assigned(&target, assigned, true)
            };
            let (mut old, mut new) = ("old", "new");
            for option in untyped(clause.options()) {
                if let Node::ReturningOption(option) = option {
                    let name = option.value().unwrap_or_default();
                    if option.option == nodes::ReturningOptionKind::RETURNING_OPTION_OLD {
                        old = name;
                    } else {
                        new = name;
                    }
                }
            }
            let system = Item {
                bare: false,
                qualified: true,
                ..target.clone()
            };
            let versions = [(old, &target), (new, &after)].map(|(name, item)| Item {
                name,
                schema: "",
                bare: false,
                ..item.clone()
            });
            // `schema.table.column` shows the assigned values, too.
            let relations = match &target.columns {
                Columns::Relations(relations) => relations.as_slice(),
                _ => &[],
            };
            let with_schema: Vec<Item<'t>> = relations
                .iter()
                .map(|relation| Item {
                    schema: &relation.schema,
                    bare: false,
                    qualified: true,
                    ..after.clone()
                })
                .collect();
            let items = &mut self.level().items;
            let at = if last { items.len() } else { 0 };
            items.insert(at, after);
            items.extend(versions);
            items.extend(with_schema);
            // System columns are those of the relation itself.
            items.push(system);
            let (columns, _) = self.targets(clause.exprs());
            rows = match columns {
                Ok(columns) => Rows::of(columns),
                Err(any) => Rows::open(any),
            };
            if self.levels.len() > 1 {
                self.failing(clause.exprs(), &rows);
            }
        }
        rows.chosen = chosen;
        self.levels.pop();
        rows
    }
}

fn name_of(target: &nodes::ResTarget) -> String {
    target.name().unwrap_or_default().to_owned()
}

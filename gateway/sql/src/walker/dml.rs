//! INSERT, UPDATE, DELETE and MERGE.

use gatewright_parser::{Node, NodeList, nodes, untyped};

use crate::equation::is_one_row;
use crate::facts::{Access, Usage};

use super::scope::SETTINGS;
use super::sources::Scope;
use super::state::Walker;

impl<'a> Walker<'a> {
    fn returning(&mut self, clause: Option<&'a nodes::ReturningClause>) -> bool {
        let Some(clause) = clause else { return false };
        for option in untyped(clause.options()) {
            if let Node::ReturningOption(option) = option {
                let tables = self
                    .scopes
                    .last()
                    .and_then(|scope| scope.sources.iter().find(|source| source.name == "old"));
                let tables = tables.map_or_else(Vec::new, |source| source.tables.clone());
                self.scope().sources.push(super::sources::Source {
                    name: option.value().unwrap_or_default().to_owned(),
                    tables,
                    renamed: Vec::new(),
                    masked: None,
                });
            }
        }
        let usage = std::mem::replace(
            &mut self.usage,
            1 << Usage::Returning as u8 | 1 << Usage::Output as u8,
        );
        self.nodes(clause.exprs());
        self.usage = usage;
        true
    }

    fn assigned(&mut self, targets: &[usize], list: &'a NodeList) {
        for item in list {
            if let Node::ResTarget(target) = item {
                let name = target.name().unwrap_or_default();
                for table in targets {
                    self.push_column(Some(*table), name, Usage::Assigned);
                }
                self.using(Usage::Other, |walker| {
                    walker.nodes(target.indirection());
                    walker.node(target.val());
                });
            }
        }
    }

    /// Columns of existing rows are assigned.
    fn changed(&mut self, targets: &[usize], list: &'a NodeList) {
        self.assigned(targets, list);
        let names = list.iter().filter_map(|item| match item {
            Node::ResTarget(target) => Some(target.name().unwrap_or_default()),
            _ => None,
        });
        let names: Vec<&str> = names.collect();
        for target in targets {
            self.rekeyed(*target, &names);
        }
    }

    fn statement(&mut self, tag: &str, run: impl FnOnce(&mut Self)) {
        self.facts.commands.push(tag.to_owned());
        self.scopes.push(Scope::default());
        let (usage, access) = (self.usage, self.access);
        run(self);
        (self.usage, self.access) = (usage, access);
        self.scopes.pop();
    }

    pub(super) fn insert(&mut self, insert: &'a nodes::InsertStmt) {
        self.statement("INSERT", |walker| {
            walker.with(insert.with_clause());
            walker.using(Usage::Output, |walker| match insert.select_stmt() {
                Node::SelectStmt(select) => walker.select(select),
                other => walker.node(other),
            });
            let targets = walker.target(insert.relation(), Access::INSERT);
            walker.scope().complete = true;
            if insert.cols().is_empty() {
                for table in &targets {
                    walker.push_column(Some(*table), "*", Usage::Assigned);
                }
            }
            walker.assigned(&targets, insert.cols());
            if let Some(conflict) = insert.on_conflict_clause() {
                if conflict.action == nodes::OnConflictAction::ONCONFLICT_UPDATE {
                    walker.grant(&targets, Access::UPDATE);
                }
                walker.changed(&targets, untyped(conflict.target_list()));
                walker.conflict(insert, conflict, &targets);
            }
            walker.returning(insert.returning_clause());
        });
    }

    /// ON CONFLICT tells which of the inserted rows exist.
    fn conflict(
        &mut self,
        insert: &'a nodes::InsertStmt,
        conflict: &'a nodes::OnConflictClause,
        targets: &[usize],
    ) {
        let one = is_one_row(insert.select_stmt());
        let named = conflict.infer().map(nodes::InferClause::index_elems);
        self.using(Usage::Filter, |walker| {
            walker.node(conflict.where_clause());
            if let Some(infer) = conflict.infer() {
                walker.arbiter(targets, infer.index_elems(), one);
                walker.node(infer.where_clause());
            }
        });
        if named.is_some_and(|named| !named.is_empty()) {
            return;
        }
        // Any unique index counts: of any column that is given.
        for item in insert.cols() {
            if let Node::ResTarget(target) = item {
                self.conflicting(targets, target.name().unwrap_or_default(), one);
            }
        }
        if insert.cols().is_empty() {
            self.conflicting(targets, "*", one);
        }
    }

    pub(super) fn update(&mut self, update: &'a nodes::UpdateStmt) {
        self.statement("UPDATE", |walker| {
            walker.with(update.with_clause());
            let targets = walker.target(update.relation(), Access::UPDATE);
            let name = update.relation().and_then(nodes::RangeVar::relname);
            if name == Some(SETTINGS) {
                walker.updates_settings();
            }
            for item in update.from_clause() {
                walker.read_item(item);
            }
            walker.scope().complete = true;
            walker.facts.unbounded_write |= !super::syntax::narrows(update.where_clause());
            walker.changed(&targets, untyped(update.target_list()));
            walker.condition(update.where_clause(), update.returning_clause().is_some());
            walker.returning(update.returning_clause());
        });
    }

    pub(super) fn delete(&mut self, delete: &'a nodes::DeleteStmt) {
        self.statement("DELETE", |walker| {
            walker.with(delete.with_clause());
            walker.target(delete.relation(), Access::DELETE);
            for item in delete.using_clause() {
                walker.read_item(item);
            }
            walker.scope().complete = true;
            walker.facts.unbounded_write |= !super::syntax::narrows(delete.where_clause());
            walker.condition(delete.where_clause(), delete.returning_clause().is_some());
            walker.returning(delete.returning_clause());
        });
    }

    pub(super) fn merge(&mut self, merge: &'a nodes::MergeStmt) {
        self.statement("MERGE", |walker| {
            walker.with(merge.with_clause());
            let targets = walker.target(merge.relation(), Access::SELECT);
            walker.read_item(merge.source_relation());
            walker.scope().complete = true;
            walker.using(Usage::Join, |walker| walker.node(merge.join_condition()));
            for clause in untyped(merge.merge_when_clauses()) {
                let Node::MergeWhenClause(clause) = clause else {
                    continue;
                };
                let (access, writes) = match clause.command_type {
                    nodes::CmdType::CMD_INSERT => (Access::INSERT, false),
                    nodes::CmdType::CMD_UPDATE => (Access::UPDATE, true),
                    nodes::CmdType::CMD_DELETE => (Access::DELETE, true),
                    _ => (Access::SELECT, false),
                };
                walker.grant(&targets, access);
                walker.facts.unbounded_write |= writes
                    && !super::syntax::narrows(merge.join_condition())
                    && !super::syntax::narrows(clause.condition());
                walker.using(Usage::Filter, |walker| walker.node(clause.condition()));
                if access == Access::INSERT && clause.target_list().is_empty() {
                    for table in &targets {
                        walker.push_column(Some(*table), "*", Usage::Assigned);
                    }
                }
                if access == Access::UPDATE {
                    walker.changed(&targets, clause.target_list());
                } else {
                    walker.assigned(&targets, clause.target_list());
                }
                walker.using(Usage::Other, |walker| walker.nodes(clause.values()));
            }
            walker.returning(merge.returning_clause());
        });
    }
}

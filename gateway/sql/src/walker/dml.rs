//! INSERT, UPDATE, DELETE and MERGE.

use pg_query::{NodeEnum, protobuf as pb};

use crate::facts::{Access, RoleEffect, Usage};

use super::Walker;
use super::scope::Scope;

impl<'a> Walker<'a> {
    fn returning(&mut self, clause: Option<&'a pb::ReturningClause>) -> bool {
        let Some(clause) = clause else { return false };
        for option in &clause.options {
            if let Some(NodeEnum::ReturningOption(option)) = &option.node {
                let tables = self
                    .scopes
                    .last()
                    .and_then(|scope| scope.sources.iter().find(|source| source.name == "old"));
                let tables = tables.map_or_else(Vec::new, |source| source.tables.clone());
                self.scope().sources.push(super::scope::Source {
                    name: option.value.clone(),
                    tables,
                    renamed: Vec::new(),
                });
            }
        }
        let usage = std::mem::replace(
            &mut self.usage,
            1 << Usage::Returning as u8 | 1 << Usage::Output as u8,
        );
        self.nodes(&clause.exprs);
        self.usage = usage;
        true
    }

    fn assigned(&mut self, targets: &[usize], list: &'a [pb::Node]) {
        for item in list {
            if let Some(NodeEnum::ResTarget(target)) = &item.node {
                for table in targets {
                    self.push_column(Some(*table), &target.name, Usage::Assigned);
                }
                self.using(Usage::Other, |walker| {
                    walker.nodes(&target.indirection);
                    walker.boxed(&target.val);
                });
            }
        }
    }

    /// Columns of existing rows are assigned.
    fn changed(&mut self, targets: &[usize], list: &'a [pb::Node]) {
        self.assigned(targets, list);
        let names = list.iter().filter_map(|item| match &item.node {
            Some(NodeEnum::ResTarget(target)) => Some(target.name.as_str()),
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

    pub(super) fn insert(&mut self, insert: &'a pb::InsertStmt) {
        self.statement("INSERT", |walker| {
            walker.with(insert.with_clause.as_ref());
            walker.using(Usage::Output, |walker| {
                let source = insert
                    .select_stmt
                    .as_ref()
                    .and_then(|node| node.node.as_ref());
                match source {
                    Some(NodeEnum::SelectStmt(select)) => walker.select(select),
                    Some(other) => walker.node(other.to_ref()),
                    None => {}
                }
            });
            let targets = walker.target(insert.relation.as_ref(), Access::INSERT);
            walker.scope().complete = true;
            if insert.cols.is_empty() {
                for table in &targets {
                    walker.push_column(Some(*table), "*", Usage::Assigned);
                }
            }
            walker.assigned(&targets, &insert.cols);
            if let Some(conflict) = insert.on_conflict_clause.as_deref() {
                if conflict.action == pb::OnConflictAction::OnconflictUpdate as i32 {
                    walker.grant(&targets, Access::UPDATE);
                }
                walker.changed(&targets, &conflict.target_list);
                walker.using(Usage::Filter, |walker| {
                    walker.boxed(&conflict.where_clause);
                    if let Some(infer) = conflict.infer.as_deref() {
                        walker.arbiter(&infer.index_elems);
                        walker.boxed(&infer.where_clause);
                    }
                });
            }
            walker.returning(insert.returning_clause.as_ref());
        });
    }

    pub(super) fn update(&mut self, update: &'a pb::UpdateStmt) {
        self.statement("UPDATE", |walker| {
            walker.with(update.with_clause.as_ref());
            let targets = walker.target(update.relation.as_ref(), Access::UPDATE);
            let settings = update.relation.as_ref();
            if settings.is_some_and(|relation| relation.relname == "pg_settings") {
                walker.role(RoleEffect::Set);
                walker.opaque("an update of pg_settings changes settings".to_owned());
            }
            for item in &update.from_clause {
                walker.read_item(item.node.as_ref());
            }
            walker.scope().complete = true;
            walker.facts.unbounded_write |= !super::narrows(update.where_clause.as_deref());
            walker.changed(&targets, &update.target_list);
            walker.condition(&update.where_clause, update.returning_clause.is_some());
            walker.returning(update.returning_clause.as_ref());
        });
    }

    pub(super) fn delete(&mut self, delete: &'a pb::DeleteStmt) {
        self.statement("DELETE", |walker| {
            walker.with(delete.with_clause.as_ref());
            walker.target(delete.relation.as_ref(), Access::DELETE);
            for item in &delete.using_clause {
                walker.read_item(item.node.as_ref());
            }
            walker.scope().complete = true;
            walker.facts.unbounded_write |= !super::narrows(delete.where_clause.as_deref());
            walker.condition(&delete.where_clause, delete.returning_clause.is_some());
            walker.returning(delete.returning_clause.as_ref());
        });
    }

    pub(super) fn merge(&mut self, merge: &'a pb::MergeStmt) {
        self.statement("MERGE", |walker| {
            walker.with(merge.with_clause.as_ref());
            let targets = walker.target(merge.relation.as_ref(), Access::SELECT);
            walker.read_item(
                merge
                    .source_relation
                    .as_ref()
                    .and_then(|node| node.node.as_ref()),
            );
            walker.scope().complete = true;
            walker.using(Usage::Join, |walker| walker.boxed(&merge.join_condition));
            for clause in &merge.merge_when_clauses {
                let Some(NodeEnum::MergeWhenClause(clause)) = &clause.node else {
                    continue;
                };
                let (access, writes) = match pb::CmdType::try_from(clause.command_type) {
                    Ok(pb::CmdType::CmdInsert) => (Access::INSERT, false),
                    Ok(pb::CmdType::CmdUpdate) => (Access::UPDATE, true),
                    Ok(pb::CmdType::CmdDelete) => (Access::DELETE, true),
                    _ => (Access::SELECT, false),
                };
                walker.grant(&targets, access);
                walker.facts.unbounded_write |= writes
                    && !super::narrows(merge.join_condition.as_deref())
                    && !super::narrows(clause.condition.as_deref());
                walker.using(Usage::Filter, |walker| walker.boxed(&clause.condition));
                if access == Access::INSERT && clause.target_list.is_empty() {
                    for table in &targets {
                        walker.push_column(Some(*table), "*", Usage::Assigned);
                    }
                }
                if access == Access::UPDATE {
                    walker.changed(&targets, &clause.target_list);
                } else {
                    walker.assigned(&targets, &clause.target_list);
                }
                walker.using(Usage::Other, |walker| walker.nodes(&clause.values));
            }
            walker.returning(merge.returning_clause.as_ref());
        });
    }
}

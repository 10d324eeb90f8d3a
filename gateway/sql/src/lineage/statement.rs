//! The rows that a statement returns, and what it writes.

use gatewright_parser::{CreateForeignTableStmt, Node, Strings, nodes};

use super::level::{Assigned, Level};
use super::resolver::Resolver;
use crate::facts::{Access, Outputs, Usage};
use crate::provenance::Column;
use crate::rows::Rows;

impl<'t> Resolver<'t> {
    pub(super) fn statement(&mut self, node: Node<'t>) -> (Outputs, Outputs) {
        let none = || (Outputs::None, Outputs::None);
        match node {
            Node::SelectStmt(select) => (self.select_into(select), Outputs::None),
            Node::InsertStmt(_)
            | Node::UpdateStmt(_)
            | Node::DeleteStmt(_)
            | Node::MergeStmt(_) => {
                let rows = self.query(node);
                if returns_rows(node) {
                    (self.outputs(&rows), Outputs::None)
                } else {
                    none()
                }
            }
            Node::DeclareCursorStmt(declare) => {
                let rows = self.query(declare.query());
                (Outputs::None, self.outputs(&rows))
            }
            Node::CopyStmt(copy) => (Outputs::None, self.copy(copy)),
            Node::CreateTableAsStmt(create) => {
                let rows = self.query(create.query());
                if let Some(into) = create.into() {
                    self.flow_into(into.rel(), into.col_names(), &rows);
                }
                none()
            }
            Node::ViewStmt(view) => {
                let rows = self.query(view.query());
                self.flow_into(view.view(), view.aliases(), &rows);
                none()
            }
            Node::PrepareStmt(prepare) => {
                // Its rows are returned by EXECUTE; what it writes is reported now.
                self.statement(prepare.query());
                none()
            }
            Node::ExplainStmt(explain) => {
                self.statement(explain.query());
                (Outputs::Unknown, Outputs::None)
            }
            Node::ExecuteStmt(execute) => {
                if !self.together(execute.params()).is_nothing() {
                    self.opaque = Some("EXECUTE is given what a function reads");
                }
                (Outputs::Unknown, Outputs::None)
            }
            Node::FetchStmt(_) | Node::CallStmt(_) | Node::VariableShowStmt(_) => {
                (Outputs::Unknown, Outputs::None)
            }
            Node::Invalid(_) if CreateForeignTableStmt::of(node).is_none() => {
                (Outputs::Unknown, Outputs::None)
            }
            _ => none(),
        }
    }

    /// A query, whose rows go to the client or into a table.
    fn select_into(&mut self, select: &'t nodes::SelectStmt) -> Outputs {
        let rows = self.select(select);
        match select.into_clause() {
            Some(into) => {
                self.flow_into(into.rel(), into.col_names(), &rows);
                Outputs::None
            }
            None => self.outputs(&rows),
        }
    }

    /// COPY relation or COPY (query).
    fn copy(&mut self, copy: &'t nodes::CopyStmt) -> Outputs {
        if copy.is_from {
            let condition = self.value(copy.where_clause());
            self.record(&condition, Usage::Filter);
            let target = self.target_item(copy.relation());
            let mut assigned = Assigned::new();
            self.triggered(&target, Access::INSERT, &mut assigned);
            self.flow(copy.relation(), &target, &assigned);
            return Outputs::None;
        }
        if !matches!(copy.query(), Node::None) {
            let rows = self.query(copy.query());
            return self.outputs(&rows);
        }
        let Some(relation) = copy.relation() else {
            return Outputs::Unknown;
        };
        let item = self.relation_item(relation, false);
        if copy.attlist().is_empty() {
            return match item.list(self) {
                Some(columns) => self.outputs(&Rows::of(columns)),
                None => Outputs::Unknown,
            };
        }
        self.levels.push(Level {
            items: vec![item],
            ..Level::default()
        });
        let names = copy.attlist().strings().into_iter();
        let columns = names.map(|name| Column::named(name, self.bare(name)));
        let rows = Rows::of(columns.collect());
        self.levels.pop();
        self.outputs(&rows)
    }
}

fn returns_rows(node: Node<'_>) -> bool {
    let clause = match node {
        Node::InsertStmt(insert) => insert.returning_clause(),
        Node::UpdateStmt(update) => update.returning_clause(),
        Node::DeleteStmt(delete) => delete.returning_clause(),
        Node::MergeStmt(merge) => merge.returning_clause(),
        _ => return true,
    };
    clause.is_some()
}

//! What clauses and subqueries carry.

use super::item::rte;
use super::{Carried, Columns, Stack, Tree, inside};
use crate::node::{Node, Value};

impl<'t> Tree<'t> {
    /// What decides over the rows of a window.
    pub(super) fn window(&self, stack: &Stack<'t>, number: i64) -> Carried {
        let mut all = Carried::nothing();
        let Some(query) = stack.last() else {
            return all;
        };
        for window in query
            .field("windowClause")
            .nodes()
            .filter(|window| window.number("winref") == number)
        {
            for clause in ["partitionClause", "orderClause"] {
                all.from
                    .extend(self.referred(stack, window.field(clause)).from);
            }
            for part in ["startOffset", "endOffset"] {
                all.from
                    .extend(self.carried(stack, window.field(part)).from);
            }
        }
        all
    }

    /// The targets that the items of a sort or group clause refer to.
    pub fn referred(&self, stack: &Stack<'t>, clause: &'t Value) -> Carried {
        let mut all = Carried::nothing();
        let Some(query) = stack.last() else {
            return all;
        };
        for item in clause.nodes() {
            let wanted = item.number("tleSortGroupRef");
            let found = query
                .field("targetList")
                .nodes()
                .find(|entry| entry.number("ressortgroupref") == wanted);
            let Some(entry) = found else { continue };
            let value = match query.field("setOperations").node() {
                Some(operation) => self.arms(stack, operation, entry.number("resno")),
                None => self.carried(stack, entry.field("expr")),
            };
            all.from.extend(value.from);
        }
        all
    }

    pub(super) fn sublink(&self, stack: &Stack<'t>, link: &'t Node) -> Carried {
        let inside = inside(stack, link.field("subselect"));
        let mut all = Carried::nothing();
        all.from = self.chosen(&inside);
        // EXISTS shows nothing of the select list.
        match link.number("subLinkType") {
            0 => {}
            4 => {
                let mut columns = self.outputs(&inside);
                if let (1, Some(only)) = (columns.len(), columns.pop()) {
                    all.changed = only.changed;
                    all.from.extend(only.from);
                }
            }
            _ => {
                for column in self.outputs(&inside) {
                    all.from.extend(column.from);
                }
                all.from
                    .extend(self.carried(stack, link.field("testexpr")).from);
            }
        }
        all
    }

    /// What decides which rows a query has.
    pub fn chosen(&self, stack: &Stack<'t>) -> Columns {
        let Some(query) = stack.last() else {
            return Columns::new();
        };
        let mut all = Columns::new();
        if !self.decisions.get() {
            return all;
        }
        for field in ["jointree", "havingQual", "limitCount", "limitOffset"] {
            all.extend(self.carried(stack, query.field(field)).from);
        }
        for item in query.field("rtable").nodes() {
            if item.number("rtekind") == rte::SUBQUERY {
                all.extend(self.chosen(&inside(stack, item.field("subquery"))));
            }
        }
        all
    }

    /// A part of `(a, b) = (SELECT ...)`.
    pub(super) fn assigned_together(&self, stack: &Stack<'t>, id: i64) -> Carried {
        let (link, column) = (id >> 16, id & 0xFFFF);
        let Some(query) = stack.last() else {
            return Carried::nothing();
        };
        let entries = query
            .field("targetList")
            .nodes()
            .chain(
                query
                    .field("onConflict")
                    .node()
                    .into_iter()
                    .flat_map(|conflict| conflict.field("onConflictSet").nodes()),
            )
            .chain(
                query
                    .field("mergeActionList")
                    .nodes()
                    .flat_map(|action| action.field("targetList").nodes()),
            );
        let mut links = entries.filter_map(|entry| entry.field("expr").node());
        let own = |found: &&Node| found.kind == "SUBLINK" && found.number("subLinkId") == link;
        links.find(own).map_or_else(Carried::nothing, |found| {
            let inside = inside(stack, found.field("subselect"));
            let mut value = self.output(&inside, column);
            value.from.extend(self.chosen(&inside));
            value
        })
    }
}

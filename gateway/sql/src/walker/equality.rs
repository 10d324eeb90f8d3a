//! Which uses of a column reveal at most whether values are equal. A column inside an expression counts as revealed. Fills
//! `Facts::equated`.

use gatewright_parser::{Node, NodeList, Strings, nodes, untyped};

use crate::catalog::{Names, Relation};
use crate::facts::Usage;

use super::state::Walker;
use super::syntax::only;
use crate::equation::{conjuncts, equated, is_column, is_not_null};

/// Whether a use of this kind can be a plain comparison. Grouping cannot: the server may sort, and the order is visible.
pub(super) fn can_be_equated(usage: Usage) -> bool {
    matches!(
        usage,
        Usage::Filter | Usage::Argument | Usage::Aggregate | Usage::Output
    )
}

/// UNION, INTERSECT and EXCEPT compare whole rows of both arms; UNION ALL does not. As a bit of `Usage`.
pub(super) fn compared_arms(select: &nodes::SelectStmt) -> u16 {
    let joins_only = select.all && select.op == nodes::SetOperation::SETOP_UNION;
    if joins_only {
        0
    } else {
        1 << Usage::Join as u16
    }
}

/// `f(column)` and nothing else.
pub(super) fn takes_a_column(call: &nodes::FuncCall) -> bool {
    let bare = matches!(call.agg_filter(), Node::None)
        && call.agg_order().is_empty()
        && call.over().is_none();
    bare && only(call.args()).is_some_and(is_column)
}

impl<'a> Walker<'a> {
    /// A WHERE clause: each conjunct is examined separately. `order_shows`: the client sees the order in which the server
    /// finds the rows.
    pub(super) fn condition(&mut self, node: Node<'a>, order_shows: bool) {
        let before = std::mem::replace(&mut self.order_shows, order_shows);
        self.using(Usage::Filter, |walker| walker.conjuncts(node));
        self.order_shows = before;
    }

    /// Whether the rows of a query are returned in the order in which they are found: they are not aggregated into one row
    /// and not sorted by a key that orders them completely.
    pub(super) fn shows_order(&self, select: &'a nodes::SelectStmt) -> bool {
        let targets = || {
            let list = untyped(select.target_list()).iter();
            list.filter_map(|target| match target {
                Node::ResTarget(target) => Some(target),
                _ => None,
            })
        };
        let sums = targets().all(|target| match target.val() {
            Node::FuncCall(call) => is_sum(self.catalog, call),
            _ => false,
        });
        if sums && !select.target_list().is_empty() && select.group_clause().is_empty() {
            return false;
        }
        let Some([source]) = self.scopes.last().map(|scope| scope.sources.as_slice()) else {
            return true;
        };
        let sorted = untyped(select.sort_clause()).iter().any(|item| {
            let Node::SortBy(sort) = item else {
                return false;
            };
            let Node::ColumnRef(column) = sort.node() else {
                return false;
            };
            let names = column.fields().strings();
            let Some(name) = names.last() else {
                return false;
            };
            // An output with that name takes precedence.
            let called = |target: &nodes::ResTarget| target.name().unwrap_or_default() == *name;
            let renamed = names.len() == 1 && targets().any(called);
            let tells_apart = |(_, relation): &(usize, Option<&Relation>)| {
                relation.is_some_and(|relation| self.catalog.tells_rows_apart(relation, name))
            };
            !renamed
                && source.renamed.is_empty()
                && !source.tables.is_empty()
                && source.tables.iter().all(tells_apart)
        });
        !sorted
    }

    fn conjuncts(&mut self, node: Node<'a>) {
        let mut parts = Vec::new();
        conjuncts(node, &mut |part| parts.push(part));
        for part in parts {
            // An index scan may find them in the order of their values.
            let in_order = self.order_shows && is_not_null(part);
            self.with_equality(!in_order && equated(part).is_some(), part);
        }
    }

    /// The columns of the unique index that ON CONFLICT names. `one`: a single row is inserted, which is one guess.
    pub(super) fn arbiter(&mut self, targets: &[usize], elements: &'a NodeList, one: bool) {
        for node in elements {
            match node {
                Node::IndexElem(element) if matches!(element.expr(), Node::None) => {
                    self.conflicting(targets, element.name().unwrap_or_default(), one);
                }
                node => self.with_equality(false, node),
            }
        }
    }

    /// Rows are compared with others by this column.
    pub(super) fn conflicting(&mut self, targets: &[usize], name: &str, one: bool) {
        let before = std::mem::replace(&mut self.equality, one);
        for target in targets {
            self.push_column(Some(*target), name, Usage::Filter);
        }
        self.equality = before;
    }

    /// Items of a grouping list: a column by itself is only compared for equality.
    pub(super) fn bare_nodes(&mut self, nodes: &'a NodeList) {
        for node in nodes {
            self.bare_or_not(node);
        }
    }

    pub(super) fn bare_or_not(&mut self, node: Node<'a>) {
        let bare = match node {
            Node::ColumnRef(_) => true,
            Node::ResTarget(target) => is_column(target.val()),
            _ => false,
        };
        self.with_equality(bare, node);
    }

    /// Whether a column is NULL, in a list of outputs.
    pub(super) fn null_test(&mut self, test: &'a nodes::NullTest) {
        let output = self.usage == 1 << Usage::Output as u16 && is_column(test.arg());
        if output {
            self.using(Usage::Argument, |walker| {
                walker.with_equality(true, test.arg())
            });
        } else {
            self.descend(Node::NullTest(test));
        }
    }

    fn with_equality(&mut self, equality: bool, node: Node<'a>) {
        let before = std::mem::replace(&mut self.equality, equality);
        self.node(node);
        self.equality = before;
    }

    /// Tells the facts which uses are comparisons only, when all are known.
    pub(crate) fn settle_equations(&mut self) {
        let columns = self.facts.columns.iter().enumerate();
        let equated = columns
            .filter(|(at, column)| column.usage != Usage::Output && !self.uses.is_telling(*at))
            .map(|(at, _)| at)
            .collect();
        self.facts.equated = equated;
    }
}

/// An aggregate whose result does not depend on the order of rows.
fn is_sum(catalog: Names<'_>, call: &nodes::FuncCall) -> bool {
    const NAMES: [&str; 8] = [
        "count", "sum", "min", "max", "avg", "bool_and", "bool_or", "every",
    ];
    call.over().is_none()
        && matches!(call.funcname().strings().as_slice(), [name] if NAMES.contains(name) && !catalog.shadows_function(name))
}

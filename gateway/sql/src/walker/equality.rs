//! Which uses of a column reveal at most whether values are equal. A column inside an expression counts as revealed. Fills
//! `Facts::equated`.

use pg_query::{NodeEnum, protobuf as pb};

use crate::catalog::Relation;
use crate::facts::Usage;

use super::{Walker, strings};

/// Whether a use of this kind can be a plain comparison. Grouping cannot: the server may sort, and the order is visible.
pub(super) fn can_be_equated(usage: Usage) -> bool {
    matches!(
        usage,
        Usage::Filter | Usage::Argument | Usage::Aggregate | Usage::Output
    )
}

/// UNION, INTERSECT and EXCEPT compare whole rows of both arms; UNION ALL does not. As a bit of `Usage`.
pub(super) fn compared_arms(select: &pb::SelectStmt) -> u16 {
    let joins_only = select.all && select.op == pb::SetOperation::SetopUnion as i32;
    if joins_only {
        0
    } else {
        1 << Usage::Join as u16
    }
}

/// `f(column)` and nothing else.
pub(super) fn takes_a_column(call: &pb::FuncCall) -> bool {
    let bare = call.agg_filter.is_none() && call.agg_order.is_empty() && call.over.is_none();
    bare && matches!(call.args.as_slice(), [argument] if is_column(argument))
}

impl<'a> Walker<'a> {
    /// A WHERE clause: each conjunct is examined separately. `order_shows`: the client sees the order in which the server
    /// finds the rows.
    pub(super) fn condition(&mut self, node: &'a Option<Box<pb::Node>>, order_shows: bool) {
        let before = std::mem::replace(&mut self.order_shows, order_shows);
        self.using(Usage::Filter, |walker| walker.conjunct(node.as_deref()));
        self.order_shows = before;
    }

    /// Whether the rows of a query are returned in the order in which they are found: they are not aggregated into one row
    /// and not sorted by a key that orders them completely.
    pub(super) fn shows_order(&self, select: &'a pb::SelectStmt) -> bool {
        let targets = || {
            select
                .target_list
                .iter()
                .filter_map(|target| match &target.node {
                    Some(NodeEnum::ResTarget(target)) => Some(target),
                    _ => None,
                })
        };
        let sums = targets().all(|target| match target.val.as_ref().map(|val| &val.node) {
            Some(Some(NodeEnum::FuncCall(call))) => is_sum(call),
            _ => false,
        });
        if sums && !select.target_list.is_empty() && select.group_clause.is_empty() {
            return false;
        }
        let Some([source]) = self.scopes.last().map(|scope| scope.sources.as_slice()) else {
            return true;
        };
        let sorted = select.sort_clause.iter().any(|item| {
            let Some(NodeEnum::SortBy(sort)) = &item.node else {
                return false;
            };
            let Some(NodeEnum::ColumnRef(column)) =
                sort.node.as_ref().and_then(|n| n.node.as_ref())
            else {
                return false;
            };
            let names = strings(&column.fields);
            let Some(name) = names.last() else {
                return false;
            };
            // An output with that name takes precedence.
            let renamed = names.len() == 1 && targets().any(|target| target.name == *name);
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

    fn conjunct(&mut self, node: Option<&'a pb::Node>) {
        match node.and_then(|node| node.node.as_ref()) {
            Some(NodeEnum::BoolExpr(expression))
                if expression.boolop == pb::BoolExprType::AndExpr as i32 =>
            {
                for part in &expression.args {
                    self.conjunct(Some(part));
                }
            }
            // An index scan may find them in the order of their values.
            Some(part) if self.order_shows && is_not_null(part) => self.with_equality(false, part),
            Some(part) => self.with_equality(is_equation(part), part),
            None => {}
        }
    }

    /// The columns of the unique index that ON CONFLICT names.
    pub(super) fn arbiter(&mut self, elements: &'a [pb::Node]) {
        for element in elements {
            if let Some(node) = &element.node {
                let plain = matches!(node, NodeEnum::IndexElem(element) if element.expr.is_none());
                self.with_equality(plain, node);
            }
        }
    }

    /// Items of a grouping list: a column by itself is only compared for equality.
    pub(super) fn bare_nodes(&mut self, nodes: &'a [pb::Node]) {
        for node in nodes {
            self.bare_or_not(Some(node));
        }
    }

    pub(super) fn bare_or_not(&mut self, node: Option<&'a pb::Node>) {
        if let Some(inner) = node.and_then(|node| node.node.as_ref()) {
            let bare = match inner {
                NodeEnum::ColumnRef(_) => true,
                NodeEnum::ResTarget(target) => target.val.as_deref().is_some_and(is_column),
                _ => false,
            };
            self.with_equality(bare, inner);
        }
    }

    fn with_equality(&mut self, equality: bool, node: &'a NodeEnum) {
        let before = std::mem::replace(&mut self.equality, equality);
        self.node(node.to_ref());
        self.equality = before;
    }

    /// Uses that are comparisons only, as indexes into the columns of the facts.
    pub(super) fn equated(&self) -> Vec<usize> {
        let plain = |column: &crate::facts::ColumnRef| {
            let key = (column.table, column.name.clone(), column.usage);
            column.usage != Usage::Output && !self.telling.contains(&key)
        };
        let columns = self.facts.columns.iter().enumerate();
        columns
            .filter(|(_, column)| plain(column))
            .map(|(at, _)| at)
            .collect()
    }
}

fn is_column(node: &pb::Node) -> bool {
    matches!(node.node, Some(NodeEnum::ColumnRef(_)))
}

/// An aggregate whose result does not depend on the order of rows.
fn is_sum(call: &pb::FuncCall) -> bool {
    const NAMES: [&str; 8] = [
        "count", "sum", "min", "max", "avg", "bool_and", "bool_or", "every",
    ];
    call.over.is_none()
        && matches!(strings(&call.funcname).as_slice(), [name] if NAMES.contains(name))
}

fn is_not_null(node: &NodeEnum) -> bool {
    matches!(node, NodeEnum::NullTest(test)
        if test.nulltesttype == pb::NullTestType::IsNotNull as i32)
}

/// `column = constant` and `column IS [NOT] NULL`.
fn is_equation(node: &NodeEnum) -> bool {
    match node {
        NodeEnum::NullTest(test) => test.arg.as_deref().is_some_and(is_column),
        NodeEnum::AExpr(expression) => {
            let (Some(left), Some(right)) = (&expression.lexpr, &expression.rexpr) else {
                return false;
            };
            let plain = expression.kind == pb::AExprKind::AexprOp as i32
                && matches!(
                    strings(&expression.name).as_slice(),
                    ["="] | ["pg_catalog", "="]
                );
            plain && (is_column(left) && is_given(right) || is_given(left) && is_column(right))
        }
        _ => false,
    }
}

/// A constant or a parameter.
fn is_given(node: &pb::Node) -> bool {
    match &node.node {
        Some(NodeEnum::AConst(_) | NodeEnum::ParamRef(_)) => true,
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_deref().is_some_and(is_given),
        _ => false,
    }
}

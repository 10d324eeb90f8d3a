//! Lineage: the base columns whose values each output column can carry, and what flows into which table. A name or
//! function that cannot be resolved makes the value unknown.
//!
//! A value carries every column that it is computed from, and also what a CASE, an aggregate's FILTER or ORDER BY, a
//! window or a subquery *used as a value* decides by, since the value then reveals it. What selects rows (WHERE, JOIN,
//! HAVING of the query itself) is a use of a column, not a source; but an aggregate over a subquery, CTE or function in
//! FROM carries what determines how many rows that has.

mod base;
mod call;
mod change;
mod condition;
mod construct;
mod conversion;
mod expression;
mod flow;
mod from;
mod join;
mod level;
mod name;
mod query;
mod resolver;
mod scope;
mod set;
mod statement;
mod used;
mod with;

use gatewright_parser::Node;

use crate::catalog::Names;
use crate::facts::{Flow, Outputs};
use crate::masks::Masks;
use crate::provenance::Column;
use crate::rows::Rows;

use resolver::Resolver;

pub(crate) use resolver::add_to_flows;
pub(crate) use used::Used;

pub(crate) struct Lineage {
    /// The rows returned to the client.
    pub outputs: Outputs,
    /// The rows returned by COPY, or later through a cursor.
    pub inner: Outputs,
    pub flows: Vec<Flow>,
    /// Uses of columns other than as output.
    pub uses: Vec<Used>,
    /// Something of unknown origin is used: it may be any column.
    pub uses_anything: bool,
    /// Functions that are called as if they were fields of their argument.
    pub called: Vec<String>,
    /// Why the statement's result cannot be determined.
    pub opaque: Option<&'static str>,
}

/// What a statement of a definition returns and writes.
pub(crate) struct Followed {
    pub rows: Rows,
    pub flows: Vec<Flow>,
    /// It depends on a definition that has not been read yet.
    pub waits: bool,
}

/// Analyses a statement of a definition; its parameters carry nothing.
pub(crate) fn follow(node: Node<'_>, catalog: Names<'_>, parameters: &[&str]) -> Followed {
    if let Node::ReturnStmt(statement) = node {
        return follow_value(statement.returnval(), catalog, parameters);
    }
    let mut resolver = Resolver::within(catalog, parameters);
    let rows = resolver.query(node);
    Followed::of(resolver, rows)
}

/// Analyses an expression of a definition, as the only column of one row.
pub(crate) fn follow_value(value: Node<'_>, catalog: Names<'_>, parameters: &[&str]) -> Followed {
    let mut resolver = Resolver::within(catalog, parameters);
    let value = resolver.value(value);
    let rows = Rows::of(vec![Column { name: None, value }]);
    Followed::of(resolver, rows)
}

/// The lineage of one statement.
pub(crate) fn of(node: Node<'_>, catalog: Names<'_>, masks: &Masks) -> Lineage {
    let mut resolver = Resolver::new(catalog);
    resolver.masks = Some(masks);
    let (outputs, inner) = resolver.statement(node);
    resolver.record_guesses();
    Lineage {
        outputs,
        inner,
        flows: resolver.flows,
        uses: resolver.uses,
        uses_anything: resolver.uses_anything,
        called: resolver.called.into_inner(),
        opaque: resolver.opaque,
    }
}

impl Followed {
    fn of(resolver: Resolver<'_>, rows: Rows) -> Self {
        Self {
            rows,
            waits: resolver.waits.get(),
            flows: resolver.flows,
        }
    }
}

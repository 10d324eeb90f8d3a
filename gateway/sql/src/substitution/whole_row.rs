//! A row of a derived table is a record: it has no type of its own, and its fields have the names of the derived table. A
//! statement that needs more of a whole row is not edited.

use gatewright_parser::{Node, Strings, children, nodes};

use super::error::{SubstituteError, Unsupported};
use super::references::{Reference, References};
use super::syntax::name_of;
use crate::catalog::{Catalog, Relation};

/// Refuses a statement that needs the type of a replaced table's row, or its own names.
pub(super) fn check(
    node: Node<'_>,
    references: &References<'_>,
    catalog: &Catalog,
) -> Result<(), SubstituteError> {
    let rows = Rows {
        replaced: &references.replaced,
        catalog,
    };
    rows.visit(node, false)
}

struct Rows<'r, 't> {
    replaced: &'r [Reference<'t>],
    catalog: &'r Catalog,
}

impl Rows<'_, '_> {
    /// `listed`: a star stands for the columns, not for the row.
    fn visit(&self, node: Node<'_>, listed: bool) -> Result<(), SubstituteError> {
        let needs_type = match node {
            Node::FuncCall(call) => self.wants_type(call),
            Node::TypeCast(cast) => self.is_row(cast.arg()) && self.is_row_type(cast.type_name()),
            // `(row).field` itself is found in the derived table.
            Node::A_Indirection(part) => match (part.arg(), part.indirection().strings().first()) {
                (Node::ColumnRef(column), Some(name)) => {
                    let row = self.row(column, false);
                    if row.is_none_or(|row| is_renamed(row) || row.relation.has_column(name)) {
                        return Ok(());
                    }
                    self.catalog.has_function(name)
                }
                (Node::RowExpr(_), _) | (_, None) => false,
                (value, Some(_)) => self.contains_row(value, false),
            },
            Node::ColumnRef(column) => {
                let renamed = self.row(column, listed).is_some_and(is_renamed);
                renamed || self.is_call(column)
            }
            _ => false,
        };
        if needs_type {
            return Err(Unsupported("the type of a whole row"));
        }
        let mut outcome = Ok(());
        children(node, &mut |part| {
            if outcome.is_ok() {
                outcome = self.visit(part, lists(node));
            }
        });
        outcome
    }

    /// Whether a call may need a row of the table's own type.
    fn wants_type(&self, call: &nodes::FuncCall) -> bool {
        let names = call.funcname().strings();
        let Some(name) = names.last() else {
            return false;
        };
        if *name == "unnest" {
            let mut arguments = call.args().iter();
            return arguments.any(|argument| self.contains_row(argument, false));
        }
        names.first() != Some(&"pg_catalog")
            && self.catalog.shadows_function(name)
            && call.args().iter().any(|argument| self.is_row(argument))
    }

    /// Whether `item.name` calls a function with the row: the table has no such column.
    fn is_call(&self, column: &nodes::ColumnRef) -> bool {
        let names = column.fields().strings();
        let ([.., item, name], true) = (names.as_slice(), names.len() == column.fields().len())
        else {
            return false;
        };
        let is_column = |reference: &Reference<'_>| {
            is_renamed(reference) || reference.relation.has_column(name)
        };
        self.catalog.has_function(name)
            && self
                .replaced
                .iter()
                .any(|reference| name_of(reference.item) == *item && !is_column(reference))
    }

    fn is_row_type(&self, kind: Option<&nodes::TypeName>) -> bool {
        let names = kind.map(|kind| kind.names().strings()).unwrap_or_default();
        let found = match names.as_slice() {
            [name] => self.catalog.lookup(None, name),
            [.., schema, name] => self.catalog.lookup(Some(schema), name),
            [] => return false,
        };
        !found.is_empty()
    }

    fn contains_row(&self, node: Node<'_>, listed: bool) -> bool {
        if let Node::ColumnRef(column) = node {
            return self.row(column, listed).is_some();
        }
        let mut found = false;
        children(node, &mut |part| {
            found = found || self.contains_row(part, lists(node));
        });
        found
    }

    fn is_row(&self, node: Node<'_>) -> bool {
        matches!(node, Node::ColumnRef(column) if self.row(column, false).is_some())
    }

    /// The replaced table whose whole row is meant, unless its own column has the name.
    fn row(&self, column: &nodes::ColumnRef, listed: bool) -> Option<&Reference<'_>> {
        let names = column.fields().strings();
        let star = matches!(column.fields().iter().next_back(), Some(Node::A_Star(_)));
        let item = match (names.as_slice(), star) {
            ([item], false) => item,
            ([.., item], true) if !listed => item,
            _ => return None,
        };
        let has = |relation: &Relation| relation.columns.iter().any(|known| known.name == *item);
        let mut replaced = self.replaced.iter();
        replaced.find(|reference| {
            name_of(reference.item) == *item && (star || !has(reference.relation))
        })
    }
}

/// Whether its columns have other names in the statement, which are not those of the table's row.
fn is_renamed(reference: &Reference<'_>) -> bool {
    let alias = reference.item.alias();
    alias.is_some_and(|alias| !alias.colnames().is_empty())
}

/// Whether a star in this node stands for a list of columns.
fn lists(node: Node<'_>) -> bool {
    matches!(
        node,
        Node::ResTarget(_) | Node::RowExpr(_) | Node::NodeList(_)
    )
}

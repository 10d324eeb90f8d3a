//! References, operators, rows and subqueries in expressions. `scope` resolves names.

use std::sync::Arc;

use gatewright_parser::{Node, Strings, nodes};

use super::level::ends_in_star;
use super::resolver::Resolver;
use crate::facts::Transform;
use crate::provenance::{Column, Provenance, Source};
use crate::rows::Rows;

impl<'t> Resolver<'t> {
    pub(super) fn operator(&mut self, expression: &'t nodes::A_Expr) -> Provenance {
        let mut value = Provenance::constant();
        for side in [expression.lexpr(), expression.rexpr()] {
            let side = self.value(side);
            value.absorb(&side, Transform::Expression);
        }
        self.absorb_operator(&expression.name().strings(), &mut value);
        value
    }

    /// What the functions behind an operator add to what its operands carry.
    fn absorb_operator(&self, names: &[&str], value: &mut Provenance) {
        if names.is_empty() {
            return;
        }
        for operator in self.catalog.operator_functions(names) {
            let (schema, function) = &operator.function;
            match self.yields(&[schema, function]) {
                Some(rows) => rows.make(value),
                None => value.unknown = true,
            }
        }
    }

    /// Whether a plain column is NULL reveals nothing of its value; `walker` reports the use.
    pub(super) fn null_test(&mut self, test: &'t nodes::NullTest) -> Provenance {
        let tested = self.value(test.arg());
        let is_plain =
            |source: &Source| source.transform == Transform::Identity && source.attnum > 0;
        let plain = matches!(test.arg(), Node::ColumnRef(_))
            && !tested.unknown
            && !tested.changed
            && tested.sources().iter().all(is_plain);
        match plain {
            true => Provenance::constant(),
            false => tested.into(Transform::Expression),
        }
    }

    pub(super) fn row(&mut self, row: &'t nodes::RowExpr) -> Provenance {
        match self.elements(row.args()) {
            Ok(values) => {
                let values = values.into_iter().enumerate();
                let named = |(at, value)| Column::named(&format!("f{}", at + 1), value);
                Provenance::row(Arc::new(values.map(named).collect()))
            }
            Err(any) => any.into(Transform::Expression),
        }
    }

    pub(super) fn column_ref(&mut self, column: &'t nodes::ColumnRef) -> Provenance {
        let star = ends_in_star(column.fields());
        let names = column.fields().strings();
        match (names.as_slice(), star) {
            ([name], false) => self.bare(name),
            ([item, name], false) => self.qualified("", item, name),
            ([.., schema, item, name], false) => self.qualified(schema, item, name),
            // A star where one value is expected: count(t.*), ROW(t.*).
            ([item], true) => self.row_of("", item),
            ([.., schema, item], true) => self.row_of(schema, item),
            _ => Provenance::unknown(),
        }
    }

    fn row_of(&mut self, schema: &str, item: &str) -> Provenance {
        match self.item(schema, item) {
            Some(item) => item.row(self),
            // The row that a check applies to.
            None if self.parameters.contains(&item) => Provenance::constant(),
            None => Provenance::unknown(),
        }
    }

    /// `(value).field[1]`. A star at the end is the row itself here.
    pub(super) fn indirection(&mut self, indirection: &'t nodes::A_Indirection) -> Provenance {
        let mut value = self.value(indirection.arg());
        for (at, step) in indirection.indirection().iter().enumerate() {
            match step {
                Node::String(name) => {
                    let variable = at == 0 && matches!(indirection.arg(), Node::ColumnRef(_));
                    let name = name.sval().unwrap_or_default();
                    value = self.field_or_call(&value, name, variable);
                }
                Node::A_Star(_) => {}
                Node::A_Indices(at) => {
                    let mut element = value.into(Transform::Expression);
                    for bound in [at.lidx(), at.uidx()] {
                        let bound = self.value(bound);
                        element.absorb(&bound, Transform::Expression);
                    }
                    value = element;
                }
                _ => value = Provenance::unknown(),
            }
        }
        value
    }

    pub(super) fn sublink(&mut self, link: &'t nodes::SubLink) -> Provenance {
        self.counted = link.sub_link_type == nodes::SubLinkType::EXISTS_SUBLINK;
        let rows = self.query(link.subselect());
        self.counted = false;
        match link.sub_link_type {
            nodes::SubLinkType::EXISTS_SUBLINK => rows.chosen.into(Transform::Expression),
            nodes::SubLinkType::EXPR_SUBLINK => {
                let mut value = match rows.columns.as_ref().map(|columns| columns.as_slice()) {
                    Some([only]) => only.value.clone(),
                    _ => rows.all().into(Transform::Expression),
                };
                value.chosen_by(&rows.chosen);
                value
            }
            _ => {
                let mut value = self.of_rows(&rows);
                let test = self.value(link.testexpr());
                value.absorb(&test, Transform::Expression);
                self.absorb_operator(&link.oper_name().strings(), &mut value);
                value
            }
        }
    }

    /// One value made of a query's rows.
    pub(super) fn of_rows(&mut self, rows: &Rows) -> Provenance {
        let mut value = rows.all().into(Transform::Expression);
        value.absorb(&rows.chosen, Transform::Expression);
        value
    }

    /// `(a, b) = source`: the part for one column.
    pub(super) fn multi_assign(&mut self, assigned: &'t nodes::MultiAssignRef) -> Provenance {
        let at = usize::try_from(assigned.colno).unwrap_or(0).checked_sub(1);
        match (assigned.source(), at) {
            (Node::None, _) => Provenance::unknown(),
            (Node::RowExpr(row), Some(at)) => match self.elements(row.args()) {
                Ok(values) => values
                    .into_iter()
                    .nth(at)
                    .unwrap_or_else(Provenance::unknown),
                Err(any) => any.into(Transform::Expression),
            },
            (Node::SubLink(link), Some(at)) => {
                let rows = self.query(link.subselect());
                let column = rows.columns.as_ref().and_then(|columns| columns.get(at));
                let mut value = match column {
                    Some(column) => column.value.clone(),
                    None => rows.all(),
                };
                value.chosen_by(&rows.chosen);
                value
            }
            (other, _) => self.value(other),
        }
    }
}

//! WHERE: which columns a condition uses, and whether it tells more of them than that they equal a value.

use gatewright_parser::{Node, Strings};

use super::level::Columns;
use super::resolver::Resolver;
use crate::equation::{can_fail, conjuncts, equated, is_not_null};
use crate::facts::{Transform, Usage};
use crate::provenance::{Column, Provenance};

impl<'t> Resolver<'t> {
    /// A condition that all rows must meet.
    pub(super) fn condition(&mut self, condition: Node<'t>) -> Provenance {
        let mut parts = Vec::new();
        conjuncts(condition, &mut |part| parts.push(part));
        let mut chosen = Provenance::constant();
        for part in parts {
            let value = self.value(part);
            match equated(part) {
                Some(column) if self.is_one_value(column, part) => {
                    let column = self.value(column);
                    self.record_equation(&column, part);
                }
                _ => self.record(&value, Usage::Filter),
            }
            chosen.absorb(&value, Transform::Expression);
        }
        chosen
    }

    /// Whether the column is an unchanged one, so that comparing it tells no more than whether that column equals the
    /// constant.
    fn is_one_value(&mut self, column: Node<'t>, condition: Node<'t>) -> bool {
        let value = self.value(column);
        let unchanged = !value.changed
            && !value.unknown
            && value
                .sources()
                .iter()
                .all(|source| source.transform == Transform::Identity);
        // The order of rows may show more. `walker` decides for the columns of a relation.
        unchanged && (!is_not_null(condition) || self.is_of_relation(column))
    }

    fn is_of_relation(&self, column: Node<'t>) -> bool {
        let Node::ColumnRef(column) = column else {
            return false;
        };
        let Some(level) = self.levels.last() else {
            return false;
        };
        let names = column.fields().strings();
        let mut items = level.items.iter().filter(|item| match names.as_slice() {
            [.., item_name, _] => item.name == *item_name,
            _ => true,
        });
        items.all(|item| matches!(item.columns, Columns::Relations(_)))
    }

    /// Records columns that a dropped value reveals because computing it may fail.
    pub(super) fn record_failing(&mut self, node: Node<'t>, value: &Provenance) {
        let catalog = self.catalog;
        if !value.is_nothing() && can_fail(node, catalog, &mut self.can_fail) {
            self.record(value, Usage::Argument);
        }
    }

    /// The expressions of a list. A star in a row or in VALUES stands for its columns. `Err`: what any of them carries, if
    /// their number is unknown.
    pub(super) fn elements(
        &mut self,
        list: impl IntoIterator<Item = Node<'t>>,
    ) -> Result<Vec<Provenance>, Provenance> {
        let mut values: Vec<Provenance> = Vec::new();
        let mut open: Option<Provenance> = None;
        for node in list {
            match self.expanded(node) {
                Some(Ok(star)) => values.extend(star.into_iter().map(|Column { value, .. }| value)),
                Some(Err(any)) => match &mut open {
                    Some(open) => open.or(&any),
                    None => open = Some(any),
                },
                None => values.push(self.value(node)),
            }
        }
        match open {
            None => Ok(values),
            Some(mut any) => {
                for value in &values {
                    any.or(value);
                }
                any.changed = true;
                Err(any)
            }
        }
    }
}

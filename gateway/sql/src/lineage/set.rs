//! UNION, INTERSECT, EXCEPT and VALUES: columns merged by position.

use std::sync::Arc;

use gatewright_parser::{Node, NodeList, nodes};

use super::resolver::Resolver;
use crate::facts::{Transform, Usage};
use crate::provenance::{Column, Provenance};
use crate::rows::Rows;

impl<'t> Resolver<'t> {
    pub(super) fn set_operation(
        &mut self,
        select: &'t nodes::SelectStmt,
        left: &'t nodes::SelectStmt,
        right: &'t nodes::SelectStmt,
    ) -> Rows {
        let mut rows = self.select(left);
        let other = self.select(right);
        // INTERSECT, EXCEPT and UNION without ALL compare whole rows.
        let union = select.op == nodes::SetOperation::SETOP_UNION;
        if !(union && select.all) {
            for value in [rows.all(), other.all()] {
                self.record(&value, Usage::Join);
                rows.chosen.absorb(&value, Transform::Expression);
            }
        }
        either(&mut rows, &other);
        rows
    }

    /// PostgreSQL names the columns of VALUES `column1` and so on.
    pub(super) fn values(&mut self, lists: &'t NodeList) -> Rows {
        let mut columns: Option<Vec<Column>> = Some(Vec::new());
        let mut moving = Provenance::constant();
        for (nth, list) in lists.iter().enumerate() {
            let Node::NodeList(list) = list else {
                return Rows::unknown();
            };
            let values = match self.elements(list) {
                Ok(values) => values,
                Err(any) => {
                    columns = None;
                    vec![any]
                }
            };
            for value in &values {
                moving.absorb(value, Transform::Expression);
            }
            if self.levels.len() > 1 {
                let all = moving.clone();
                list.iter().for_each(|item| self.record_failing(item, &all));
            }
            match &mut columns {
                Some(columns) if nth == 0 => {
                    let named = |(at, value)| Column::named(&format!("column{}", at + 1), value);
                    *columns = values.into_iter().enumerate().map(named).collect();
                }
                Some(known) if known.len() == values.len() => {
                    for (column, value) in known.iter_mut().zip(&values) {
                        column.value.or(value);
                    }
                }
                _ => columns = None,
            }
        }
        let mut rows = match columns {
            Some(columns) => Rows::of(columns),
            None => Rows::open(moving.clone()),
        };
        rows.chosen = moving;
        rows
    }
}

/// The rows of either query, with the column names of the first.
pub(super) fn either(rows: &mut Rows, other: &Rows) {
    rows.chosen.absorb(&other.chosen, Transform::Expression);
    match (&mut rows.columns, &other.columns) {
        (Some(left), Some(right)) if left.len() == right.len() => {
            for (left, right) in Arc::make_mut(left).iter_mut().zip(right.iter()) {
                left.value.or(&right.value);
            }
        }
        _ => {
            let mut any = rows.all();
            any.or(&other.all());
            rows.columns = None;
            rows.any = any;
        }
    }
}

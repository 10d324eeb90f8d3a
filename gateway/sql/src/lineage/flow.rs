//! What flows into which column of which table. A flow of a column into itself is reported, too.

use gatewright_parser::{NodeList, Strings, nodes};

use super::level::{Assigned, Columns, Item};
use super::resolver::Resolver;
use crate::catalog::Relation;
use crate::facts::{ColumnSource, Flow, Transform};
use crate::provenance::Provenance;
use crate::rows::Rows;

/// More flows than this are reported as unknown.
const MOST: usize = 10_000;

impl<'t> Resolver<'t> {
    pub(super) fn flow(
        &mut self,
        relation: Option<&'t nodes::RangeVar>,
        target: &Item<'t>,
        assigned: &Assigned,
    ) {
        let Some(relation) = relation else { return };
        for (name, value) in assigned {
            if value.is_nothing() && !self.within {
                continue;
            }
            let mut reached = Provenance::null();
            if let Columns::Relations(relations) = &target.columns {
                for relation in relations {
                    for column in &relation.columns {
                        if name.as_deref().is_none_or(|name| name == column.name) {
                            reached.or(&self.base(relation, column.attnum));
                        }
                    }
                }
            }
            // Of two relations that the name may mean, one may be written from the other.
            let certain = matches!(&target.columns, Columns::Relations(known) if known.len() == 1);
            if certain && !self.within && name.is_some() && stays(value, &reached) {
                continue;
            }
            let (targets, _) = self.named(&reached);
            let mut targets = targets.unwrap_or_default();
            if targets.is_empty() {
                let column = name.as_deref().unwrap_or("*");
                targets.push(written(relation, column));
            }
            for target in targets {
                self.push_flow(target, value);
            }
        }
    }

    /// CREATE TABLE AS, SELECT INTO, CREATE VIEW.
    pub(super) fn flow_into(
        &mut self,
        relation: Option<&'t nodes::RangeVar>,
        names: &'t NodeList,
        rows: &Rows,
    ) {
        let Some(relation) = relation else { return };
        let names = names.strings();
        let Some(columns) = &rows.columns else {
            self.push_flow(written(relation, "*"), &rows.any);
            return;
        };
        for (at, column) in columns.iter().enumerate() {
            let name = names.get(at).copied().or(column.name.as_deref());
            if !column.value.is_nothing() {
                self.push_flow(written(relation, name.unwrap_or("*")), &column.value);
            }
        }
    }

    /// A flow into a relation that the statement does not name.
    pub(super) fn flow_to(&mut self, relation: &Relation, value: &Provenance) {
        let target = ColumnSource {
            schema: relation.schema.clone(),
            table: relation.name.clone(),
            column: "*".to_owned(),
            transform: Transform::Identity,
        };
        self.push_flow(target, value);
    }

    fn push_flow(&mut self, target: ColumnSource, value: &Provenance) {
        let (sources, exact) = if self.flows.len() < MOST {
            self.named(value)
        } else {
            (None, false)
        };
        if self.flows.len() > MOST {
            return;
        }
        self.add_flows(vec![Flow {
            target,
            sources,
            exact,
        }]);
    }

    /// Adds the flows of definitions that the statement runs.
    pub(super) fn add_flows(&mut self, flows: Vec<Flow>) {
        for flow in flows {
            let carries = self.within || flow.sources.as_ref().is_none_or(|of| !of.is_empty());
            if carries && self.flows.len() <= MOST && !self.flows.contains(&flow) {
                self.flows.push(flow);
            }
        }
    }
}

/// Whether an unchanged value stays in the column, or in that of a parent or child, which is read as the same column.
fn stays(value: &Provenance, column: &Provenance) -> bool {
    let identical = |value: &Provenance| {
        let mut sources = value.sources().iter();
        !value.unknown
            && !value.changed
            && sources.all(|source| source.transform == Transform::Identity)
    };
    identical(value)
        && identical(column)
        && !value.sources().is_empty()
        && value
            .sources()
            .iter()
            .all(|source| column.sources().contains(source))
}

fn written(relation: &nodes::RangeVar, column: &str) -> ColumnSource {
    ColumnSource {
        schema: relation.schemaname().unwrap_or_default().to_owned(),
        table: relation.relname().unwrap_or_default().to_owned(),
        column: column.to_owned(),
        transform: Transform::Identity,
    }
}

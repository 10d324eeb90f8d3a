//! The derived table that stands for a relation.

use gatewright_parser::{Node, children, nodes, parse};

use super::error::SubstituteError;
use super::expression::{identifier, inner_column, of_policy};
use super::references::{Reference, References};
use super::rules::{Reading, Rules, column_of};
use super::written::Written;
use crate::catalog::{Catalog, Column, Relation};
use crate::facts::RelationKind;
use crate::masks::{INNER, Masked, Masks};

/// The derived table of one reference.
pub(super) struct Derived {
    /// `SELECT ... FROM ...`, without parentheses and alias.
    pub select: Written,
}

impl Derived {
    /// `conditions` are those of the query that compare the columns themselves.
    pub fn of(
        reference: &Reference<'_>,
        references: &References<'_>,
        rules: &Rules<'_>,
        conditions: &[Written],
    ) -> Result<Self, SubstituteError> {
        let relation = reference.relation;
        let mut targets = Vec::with_capacity(relation.columns.len());
        for column in &relation.columns {
            let mask = mask(relation, column, rules)?;
            targets.push(mask.unwrap_or_else(|| inner_column(&column.name)));
        }
        if has_system_columns(relation) {
            targets.extend(references.system.iter().map(|name| inner_column(name)));
        }
        let mut select = Written::from(format!(
            "SELECT {} FROM {}{} AS {INNER}",
            targets.join(", "),
            if reference.item.inh { "" } else { "ONLY " },
            qualified(relation),
        ));
        let mut conjuncts = conditions.to_vec();
        for filter in rules.filters_of(relation) {
            let columns = |name: &str| column_of(relation, name);
            let predicate = of_policy(&filter.predicate, &columns);
            let predicate = predicate.map_err(|reason| SubstituteError::Expression {
                place: format!("{}.{}", filter.schema, filter.table),
                reason,
            })?;
            conjuncts.push(Written::from(predicate));
        }
        for (at, conjunct) in conjuncts.iter().enumerate() {
            select.push_str(if at == 0 { " WHERE " } else { " AND " });
            select.push(conjunct);
        }
        Ok(Derived { select })
    }
}

/// The masks that the rules give the relations of an edited statement. Those are found by their form: a table by itself in FROM,
/// under the name [`INNER`].
pub(super) fn masks(
    node: Node<'_>,
    catalog: &Catalog,
    rules: &Rules<'_>,
    standard: bool,
) -> Result<Masks, SubstituteError> {
    let mut masks = Masks::default();
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        if let Node::RangeVar(item) = node
            && item.alias().and_then(nodes::Alias::aliasname) == Some(INNER)
            && let [relation] =
                *catalog.lookup(item.schemaname(), item.relname().unwrap_or_default())
            && !masks.has(&relation.schema, &relation.name)
            && let Some(masked) = masked(relation, rules, standard)?
        {
            masks.add(masked);
        }
        children(node, &mut |part| open.push(part));
    }
    Ok(masks)
}

fn masked(
    relation: &Relation,
    rules: &Rules<'_>,
    standard: bool,
) -> Result<Option<Masked>, SubstituteError> {
    let mut targets = Vec::new();
    let mut columns = Vec::new();
    for column in &relation.columns {
        if let Some(mask) = mask(relation, column, rules)? {
            targets.push(mask);
            columns.push(column.name.clone());
        }
    }
    if targets.is_empty() {
        return Ok(None);
    }
    let targets = format!("SELECT {}", targets.join(", "));
    let targets = parse(&targets, standard).map_err(|_| SubstituteError::Unverified)?;
    Ok(Some(Masked {
        schema: relation.schema.clone(),
        name: relation.name.clone(),
        targets,
        columns,
    }))
}

/// `mask AS column`; `None` if the column itself is read.
fn mask(
    relation: &Relation,
    column: &Column,
    rules: &Rules<'_>,
) -> Result<Option<String>, SubstituteError> {
    let replaced = match rules.reading(relation, column) {
        Reading::Itself => return Ok(None),
        Reading::Replaced(replaced) => Some(replaced),
        Reading::Null => None,
    };
    let written = rules.written(relation, column, replaced)?;
    Ok(Some(format!("{written} AS {}", identifier(&column.name))))
}

pub(super) fn qualified(relation: &Relation) -> String {
    let (schema, name) = (identifier(&relation.schema), identifier(&relation.name));
    format!("{schema}.{name}")
}

fn has_system_columns(relation: &Relation) -> bool {
    matches!(
        relation.kind,
        RelationKind::Table
            | RelationKind::Partitioned
            | RelationKind::MaterializedView
            | RelationKind::Foreign
            | RelationKind::Temporary
    )
}

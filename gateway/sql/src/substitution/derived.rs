//! The derived table that stands for a relation.

use gatewright_parser::parse;

use super::SubstituteError;
use super::expression::{identifier, inner_column, of_policy};
use super::references::{Reference, References};
use super::rules::{Reading, Rules, column_of};
use crate::catalog::Relation;
use crate::facts::RelationKind;
use crate::masks::{INNER, Masked};

/// The derived table of one reference.
pub(super) struct Derived<'t> {
    relation: &'t Relation,
    /// `SELECT ... FROM ...`, without parentheses and alias.
    pub select: String,
    /// `mask AS column` for each column that is not read itself.
    masks: Vec<String>,
    /// The names of those columns.
    masked: Vec<String>,
}

impl<'t> Derived<'t> {
    /// `conditions` are those of the query that compare the columns themselves.
    pub fn of(
        reference: &Reference<'t>,
        references: &References<'t>,
        rules: &Rules<'_>,
        conditions: &[String],
    ) -> Result<Self, SubstituteError> {
        let relation = reference.relation;
        let (mut masks, mut masked) = (Vec::new(), Vec::new());
        let mut targets = Vec::with_capacity(relation.columns.len());
        for column in &relation.columns {
            let name = identifier(&column.name);
            let replaced = match rules.reading(relation, column) {
                Reading::Itself => {
                    targets.push(inner_column(&column.name));
                    continue;
                }
                Reading::Replaced(replaced) => Some(replaced),
                Reading::Null => None,
            };
            let mask = format!("{} AS {name}", rules.written(relation, column, replaced)?);
            masks.push(mask.clone());
            masked.push(column.name.clone());
            targets.push(mask);
        }
        if has_system_columns(relation) {
            targets.extend(references.system.iter().map(|name| inner_column(name)));
        }
        let mut select = format!(
            "SELECT {} FROM {}{} AS {INNER}",
            targets.join(", "),
            if reference.item.inh { "" } else { "ONLY " },
            qualified(relation),
        );
        let mut conjuncts = conditions.to_vec();
        for filter in rules.filters_of(relation) {
            let columns = |name: &str| column_of(relation, name);
            let predicate = of_policy(&filter.predicate, &columns);
            conjuncts.push(predicate.map_err(|reason| SubstituteError::Expression {
                place: format!("{}.{}", filter.schema, filter.table),
                reason,
            })?);
        }
        if !conjuncts.is_empty() {
            select.push_str(" WHERE ");
            select.push_str(&conjuncts.join(" AND "));
        }
        Ok(Derived {
            relation,
            select,
            masks,
            masked,
        })
    }

    /// What the analysis of the edited statement has to know of it.
    pub fn masked(&self, standard: bool) -> Result<Option<Masked>, SubstituteError> {
        if self.masks.is_empty() {
            return Ok(None);
        }
        let targets = format!("SELECT {}", self.masks.join(", "));
        let targets = parse(&targets, standard).map_err(|_| SubstituteError::Unverified)?;
        Ok(Some(Masked {
            schema: self.relation.schema.clone(),
            name: self.relation.name.clone(),
            targets,
            columns: self.masked.clone(),
        }))
    }
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

//! The edits by table, and what they mean for the columns of any relation: a view, a partition or a parent of a protected table
//! shows the same values.

use gatewright_contract::{ColumnReplacement, Edit, PartialMask, ReplacementValue, RowFilter};

use crate::catalog::{Catalog, Column, Relation, WrittenType};
use crate::facts::{ColumnSource, Transform};

use super::error::{Settle, SubstituteError};
use super::expression::{inner_column, literal, of_policy, partial};

/// Stands for the replaced column in an expression, as in a CHECK of a domain.
const VALUE: &str = "value";

pub(super) struct Rules<'e> {
    catalog: &'e Catalog,
    settle: Settle<'e>,
    replacements: Vec<&'e ColumnReplacement>,
    filters: Vec<&'e RowFilter>,
    pub limit: Option<u64>,
}

/// What is read in place of one column.
pub(super) enum Reading<'e> {
    /// The column itself.
    Itself,
    /// What this replacement says.
    Replaced(&'e ColumnReplacement),
    /// NULL: the column is computed from protected ones, or several replacements differ.
    Null,
}

impl<'e> Rules<'e> {
    pub fn of(edits: &'e [Edit], catalog: &'e Catalog, settle: Settle<'e>) -> Self {
        let mut rules = Rules {
            catalog,
            settle,
            replacements: Vec::new(),
            filters: Vec::new(),
            limit: None,
        };
        for edit in edits {
            match edit {
                Edit::ReplaceColumn(replaced) => rules.replacements.push(replaced),
                Edit::FilterRows(filter) => rules.filters.push(filter),
                Edit::CapLimit(rows) => {
                    rules.limit = Some(rules.limit.map_or(*rows, |limit| limit.min(*rows)));
                }
            }
        }
        rules
    }

    /// Whether a relation of this name, in any schema, has edits.
    pub fn name(&self, table: &str) -> bool {
        self.replacements.iter().any(|known| known.table == table)
            || self.filters.iter().any(|known| known.table == table)
    }

    /// Whether the statement must not read the relation as it is.
    pub fn concern(&self, relation: &Relation) -> bool {
        self.filters_of(relation).next().is_some()
            || relation
                .columns
                .iter()
                .any(|column| !matches!(self.reading(relation, column), Reading::Itself))
    }

    pub fn filters_of(&self, relation: &Relation) -> impl Iterator<Item = &'e RowFilter> {
        self.filters
            .iter()
            .filter(|filter| filter.schema == relation.schema && filter.table == relation.name)
            .copied()
    }

    /// Whether a relation that is not the table itself shows rows of a table with a filter.
    pub fn filters_behind(&self, relation: &Relation) -> bool {
        if self.filters.is_empty() {
            return false;
        }
        let mut related = self.catalog.relatives(relation.oid);
        let reads = self.catalog.reads(relation.oid).iter();
        related.extend(reads.filter_map(|(oid, _)| self.catalog.relation(*oid)));
        related
            .into_iter()
            .any(|related| related.oid != relation.oid && self.filters_of(related).next().is_some())
    }

    /// What stands for a column of any relation.
    pub fn reading(&self, relation: &Relation, column: &Column) -> Reading<'e> {
        if self.replacements.is_empty() {
            return Reading::Itself;
        }
        let Some((sources, exact)) = self.catalog.carried_by(relation.oid, column.attnum) else {
            return Reading::Null;
        };
        let mut found: Option<&'e ColumnReplacement> = None;
        let mut same = exact;
        for source in &sources {
            for replaced in self
                .replacements
                .iter()
                .filter(|known| is_of(known, source))
            {
                same &= source.transform == Transform::Identity && source.column == replaced.column;
                same &= found.is_none_or(|found| found.value == replaced.value);
                found = Some(replaced);
            }
        }
        match found {
            None => Reading::Itself,
            Some(replaced) if same => Reading::Replaced(replaced),
            Some(_) => Reading::Null,
        }
    }

    /// The SQL of what stands for the column, in its type and collation.
    pub fn written(
        &self,
        relation: &Relation,
        column: &Column,
        replaced: Option<&ColumnReplacement>,
    ) -> Result<String, SubstituteError> {
        let place = || format!("{}.{}.{}", relation.schema, relation.name, column.name);
        let Some(kind) = column.written.as_deref() else {
            return Err(SubstituteError::UnwrittenType(place()));
        };
        let own = inner_column(&column.name);
        let value = match replaced {
            None => None,
            Some(replaced) => self.value(relation, column, kind, replaced)?,
        };
        let value = match value {
            None => "NULL".to_owned(),
            Some(value) => format!("CASE WHEN {own} IS NULL THEN NULL ELSE {value} END"),
        };
        let mut written = format!("CAST({value} AS {})", kind.name);
        if let Some(collation) = &kind.collation {
            written.push_str(" COLLATE ");
            written.push_str(collation);
        }
        Ok(written)
    }

    /// The value for rows in which the column is not NULL; `None` is NULL.
    fn value(
        &self,
        relation: &Relation,
        column: &Column,
        kind: &WrittenType,
        replaced: &ColumnReplacement,
    ) -> Result<Option<String>, SubstituteError> {
        let own = inner_column(&column.name);
        let is_table = relation.schema == replaced.schema && relation.name == replaced.table;
        // Another relation shows the column under a name of its own, and may not have the others.
        let columns = |name: &str| match (name, is_table) {
            (VALUE, _) => Some(own.clone()),
            (name, true) => column_of(relation, name),
            (_, false) => None,
        };
        let expression = |text: &str| {
            of_policy(text, &columns).map_err(|reason| SubstituteError::Expression {
                place: format!("{}.{}.{}", relation.schema, relation.name, column.name),
                reason,
            })
        };
        Ok(match &replaced.value {
            ReplacementValue::Null => None,
            ReplacementValue::Fixed(text) if text.contains('\0') => None,
            ReplacementValue::Fixed(text) if kind.is_string => Some(literal(text)),
            ReplacementValue::Fixed(text) => {
                (self.settle)(column.type_oid, text).map(|text| literal(&text))
            }
            ReplacementValue::Partial(PartialMask { fill: '\0', .. }) => None,
            ReplacementValue::Partial(mask) if kind.is_string => Some(partial(&own, mask)),
            ReplacementValue::Text(text) if kind.is_string => Some(expression(text)?),
            ReplacementValue::Partial(_) | ReplacementValue::Text(_) => None,
            ReplacementValue::Expression(text) => Some(expression(text)?),
        })
    }
}

/// The column of the inner table with this name.
pub(super) fn column_of(relation: &Relation, name: &str) -> Option<String> {
    let mut columns = relation.columns.iter();
    columns
        .any(|column| column.name == name)
        .then(|| inner_column(name))
}

fn is_of(replaced: &ColumnReplacement, source: &ColumnSource) -> bool {
    replaced.table == source.table
        && replaced.schema == source.schema
        && (replaced.column == source.column || source.column == "*")
}

//! What a policy has changed in a statement before the server sees it.

use serde::Serialize;

use crate::PartialMask;

/// A change that the gateway makes to a statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edit {
    /// Rows of a table for which the predicate is not true do not exist for the statement.
    FilterRows(RowFilter),
    /// The statement reads something else wherever it reads a column.
    ReplaceColumn(ColumnReplacement),
    /// The outermost query returns at most this many rows.
    CapLimit(u64),
}

/// Rows of a table for which the predicate is not true do not exist for the statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct RowFilter {
    /// The table's schema.
    pub schema: String,
    /// The table's name.
    pub table: String,
    /// An SQL expression of type boolean over the table's columns. See [`ReplacementValue::Expression`].
    pub predicate: String,
}

/// What a statement reads in place of a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct ColumnReplacement {
    /// The table's schema.
    pub schema: String,
    /// The table's name.
    pub table: String,
    /// The column's name.
    pub column: String,
    /// What is read instead. NULL stays NULL, whatever the value.
    pub value: ReplacementValue,
    /// How many conditions of the form `column = constant`, which all rows of a query must meet, still compare the column itself.
    pub look_ups: u32,
}

/// What is read in place of a column. It has the column's type; where it cannot have it, NULL is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplacementValue {
    /// NULL.
    Null,
    /// The same value in every row.
    Fixed(String),
    /// The value with all but its ends replaced; NULL if the column is not of a string type.
    Partial(PartialMask),
    /// As `Expression`, of type text; NULL if the column is not of a string type.
    Text(String),
    /// An SQL expression over the table's columns, converted to the column's type. VALUE is the column itself, as in a CHECK of a
    /// domain, and the only name that also holds for views. It may contain constants, plain column names, CASE WHEN, COALESCE, AND, OR, NOT, IS NULL, and functions, operators, types and collations that are written with the
    /// schema pg_catalog.
    Expression(String),
}

/// What became of the edits that a statement's policies asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Editing {
    /// No policy has asked for one yet.
    #[default]
    None,
    /// The statement is the edited one.
    Applied,
    /// The statement cannot be edited; the text says why. It runs only if no policy asks for edits again.
    Impossible(String),
}

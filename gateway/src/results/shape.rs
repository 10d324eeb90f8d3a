//! What a result looks like and what each policy asked for, as the editor is told it before the first row.
//! Refuses to know where the plan came from. Next: `editor`.

use gatewright_contract::ColumnAction;

/// The wire format of one column (PostgreSQL's format codes 0 and 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Text,
    Binary,
}

/// One column of a RowDescription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeColumn {
    pub name: String,
    pub type_oid: u32,
    /// `pg_attribute.atttypmod` as RowDescription gives it, -1 for none: the length of a varchar or char column.
    pub type_modifier: i32,
    /// Ignored by the COPY codecs, whose format is that of the whole COPY.
    pub format: Format,
}

/// The columns of a result, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowShape {
    pub columns: Vec<ShapeColumn>,
}

/// One policy's plan: an action per column. A column without an action is nullified: a plan that does not fit its
/// result must not let a value through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub actions: Vec<ColumnAction>,
}

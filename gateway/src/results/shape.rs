//! The description of a result and the plans of the policies, as given to the editor before the first row.

use gatewright_contract::ColumnAction;

/// The wire format of a column (format codes 0 and 1).
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
    /// `pg_attribute.atttypmod` as in RowDescription, -1 for none: the length of a varchar or char column.
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
/// result must not let a value pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub actions: Vec<ColumnAction>,
}

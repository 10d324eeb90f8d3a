//! A relation of the server with its columns.

use crate::facts::RelationKind;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub attnum: i16,
    pub name: String,
    pub type_oid: u32,
    /// `None`: SQL cannot name the type.
    pub written: Option<Box<WrittenType>>,
}

/// The type of a column as SQL text that means the same in every session. A domain is its base type, as in a RowDescription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenType {
    /// With schema and modifier.
    pub name: String,
    /// With schema; `None` if it is the database's default.
    pub collation: Option<String>,
    /// Whether it is text, varchar, char, name or citext.
    pub is_string: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    pub oid: u32,
    pub schema: String,
    pub name: String,
    pub kind: RelationKind,
    /// Ordered by attribute number.
    pub columns: Vec<Column>,
}

/// System columns by attribute number (PostgreSQL documentation, System Columns).
const SYSTEM_COLUMNS: [(i16, &str); 6] = [
    (-1, "ctid"),
    (-2, "xmin"),
    (-3, "cmin"),
    (-4, "xmax"),
    (-5, "cmax"),
    (-6, "tableoid"),
];

impl Relation {
    /// Whether the relation has a column with this name, including system columns.
    pub fn has_column(&self, name: &str) -> bool {
        self.system_column(name).is_some() || self.columns.iter().any(|column| column.name == name)
    }

    /// Whether every table has a column of this name, which is not among its own.
    pub fn is_system_column(name: &str) -> bool {
        SYSTEM_COLUMNS.iter().any(|(_, known)| *known == name)
    }

    /// The attribute number of a system column.
    pub fn system_column(&self, name: &str) -> Option<i16> {
        let mut columns = SYSTEM_COLUMNS.iter();
        columns
            .find(|(_, known)| *known == name)
            .map(|(attnum, _)| *attnum)
    }

    /// The name of a column by its attribute number; 0 is the whole row, `*`.
    pub fn attribute_name(&self, attnum: i16) -> Option<&str> {
        if attnum == 0 {
            return Some("*");
        }
        if attnum < 0 {
            let mut columns = SYSTEM_COLUMNS.iter();
            return columns
                .find(|(known, _)| *known == attnum)
                .map(|(_, name)| *name);
        }
        let mut columns = self.columns.iter();
        columns
            .find(|column| column.attnum == attnum)
            .map(|column| column.name.as_str())
    }
}

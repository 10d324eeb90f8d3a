//! Casts that call functions, and what is known of the type of an operand.

/// A cast that calls a function outside pg_catalog.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cast {
    /// The names of its types, without schema.
    pub target: String,
    pub source_name: String,
    pub source: u32,
    /// Applied implicitly: to arguments, or on assignment.
    pub unwritten: bool,
    /// Schema and name.
    pub function: (String, String),
}

/// What is known of the type of the value that is cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operand<'n> {
    Any,
    /// A string or parameter without a type: the target type's input function reads it.
    Untyped,
    Oid(u32),
    /// The name of a type, without schema.
    Named(&'n str),
}

/// FirstNormalObjectId: user-defined types start here.
const FIRST_OWN: u32 = 16384;

/// Names that denote base types, not domains, if the name is PostgreSQL's.
const BASE_TYPES: [&str; 24] = [
    "bool",
    "bpchar",
    "bytea",
    "date",
    "float4",
    "float8",
    "inet",
    "int2",
    "int4",
    "int8",
    "interval",
    "json",
    "jsonb",
    "name",
    "numeric",
    "oid",
    "regclass",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "uuid",
    "varchar",
    "xml",
];

/// Whether the name of a type is that of a base type of PostgreSQL's, unless someone has another of this name.
pub(crate) fn is_base_type(name: &str) -> bool {
    BASE_TYPES.contains(&name)
}

impl Cast {
    /// The function's name, schema first.
    pub fn called(&self) -> [&str; 2] {
        [&self.function.0, &self.function.1]
    }

    pub(super) fn may_take(&self, operand: Operand<'_>) -> bool {
        match operand {
            Operand::Any => true,
            Operand::Untyped => false,
            // A user-defined type may be a domain over the source.
            Operand::Oid(oid) => oid == self.source || oid >= FIRST_OWN,
            Operand::Named(name) => name == self.source_name || !is_base_type(name),
        }
    }
}

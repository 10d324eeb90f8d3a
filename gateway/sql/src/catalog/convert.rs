//! What a type conversion calls: cast functions outside pg_catalog and checks of domains. Callers supply what they know
//! of the operand's type.

use std::sync::Arc;

use super::Catalog;
use crate::definition::Body;

/// A cast that calls a function outside pg_catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
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

impl Cast {
    /// The function's name, schema first.
    pub fn called(&self) -> [&str; 2] {
        [&self.function.0, &self.function.1]
    }

    fn may_take(&self, operand: Operand<'_>) -> bool {
        match operand {
            Operand::Any => true,
            Operand::Untyped => false,
            // A user-defined type may be a domain over the source.
            Operand::Oid(oid) => oid == self.source || oid >= FIRST_OWN,
            Operand::Named(name) => name == self.source_name || !BASE_TYPES.contains(&name),
        }
    }
}

impl Catalog {
    pub(crate) fn has_casts(&self) -> bool {
        !self.casts.is_empty()
    }

    /// Casts to the named type that apply to such a value.
    pub(crate) fn casts_to<'c>(
        &'c self,
        target: &str,
        operand: Operand<'_>,
    ) -> impl Iterator<Item = &'c Cast> {
        let casts = self.casts.iter();
        casts.filter(move |cast| cast.target == target && cast.may_take(operand))
    }

    /// Implicit casts from the named type.
    pub(crate) fn unwritten_casts<'c>(&'c self, source: &str) -> impl Iterator<Item = &'c Cast> {
        let casts = self.casts.iter();
        casts.filter(move |cast| cast.unwritten && cast.source_name == source)
    }

    /// Implicit casts from a type given by its OID.
    pub(crate) fn unwritten_casts_of(&self, source: u32) -> impl Iterator<Item = &Cast> {
        let casts = self.casts.iter();
        casts.filter(move |cast| cast.unwritten && cast.source == source)
    }

    /// What creating a value of the named types does: checks and defaults of domains.
    pub(crate) fn checks_of_type(&self, name: &str) -> impl Iterator<Item = &Arc<Body>> {
        let types = self.domains.get(name).into_iter().flatten();
        types.flat_map(|oid| self.bodies.of_domain(*oid))
    }

    /// Whether a check of the named types has not been read yet.
    pub(crate) fn type_waits(&self, name: &str) -> bool {
        let mut types = self.domains.get(name).into_iter().flatten();
        types.any(|oid| self.bodies.domain_waits(*oid))
    }
}

//! What is called where a value becomes one of another type: casts by functions outside pg_catalog, checks of domains.
//! It refuses to find out types: whoever asks tells what it knows of the operand's. Next room: `definition`, for what is called.

use std::sync::Arc;

use super::Catalog;
use crate::definition::Body;

/// A cast that calls a function outside pg_catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cast {
    /// The names of its types, without their schemas.
    pub target: String,
    pub source_name: String,
    pub source: u32,
    /// It is applied where none is written: to arguments, or to what is assigned.
    pub unwritten: bool,
    /// Schema and name.
    pub function: (String, String),
}

/// What is known of the type of a value that is cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operand<'n> {
    Any,
    /// A string or parameter that has no type yet: the type's own input reads it.
    Untyped,
    Oid(u32),
    /// The name of a type, without its schema.
    Named(&'n str),
}

/// The first number of types that are not PostgreSQL's own (FirstNormalObjectId).
const FIRST_OWN: u32 = 16384;

/// Names of types which are no domains over another wherever the name is PostgreSQL's.
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
            // A type of the database's own may be a domain over the source.
            Operand::Oid(oid) => oid == self.source || oid >= FIRST_OWN,
            Operand::Named(name) => name == self.source_name || !BASE_TYPES.contains(&name),
        }
    }
}

impl Catalog {
    pub(crate) fn has_casts(&self) -> bool {
        !self.casts.is_empty()
    }

    /// Casts to the type of that name that such a value may take.
    pub(crate) fn casts_to<'c>(
        &'c self,
        target: &str,
        operand: Operand<'_>,
    ) -> impl Iterator<Item = &'c Cast> {
        let casts = self.casts.iter();
        casts.filter(move |cast| cast.target == target && cast.may_take(operand))
    }

    /// Casts that values of the type of that name may take where none is written.
    pub(crate) fn unwritten_casts<'c>(&'c self, source: &str) -> impl Iterator<Item = &'c Cast> {
        let casts = self.casts.iter();
        casts.filter(move |cast| cast.unwritten && cast.source_name == source)
    }

    /// The same for columns of a type by its number.
    pub(crate) fn unwritten_casts_of(&self, source: u32) -> impl Iterator<Item = &Cast> {
        let casts = self.casts.iter();
        casts.filter(move |cast| cast.unwritten && cast.source == source)
    }

    /// What making a value of the types of that name does beside making it.
    pub(crate) fn checks_of_type(&self, name: &str) -> impl Iterator<Item = &Arc<Body>> {
        let types = self.domains.get(name).into_iter().flatten();
        types.flat_map(|oid| self.bodies.of_domain(*oid))
    }

    /// Whether a check of the types of that name is still to be read.
    pub(crate) fn type_waits(&self, name: &str) -> bool {
        let mut types = self.domains.get(name).into_iter().flatten();
        types.any(|oid| self.bodies.domain_waits(*oid))
    }
}

//! The schemas in which a name is looked up.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::relation::Relation;
use crate::facts::RelationKind;

/// NAMEDATALEN.
const MAX_NAME: usize = 64;

/// The schemas that unqualified names may mean. PostgreSQL's own schema and the temporary ones need not be named.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SearchPath(Arc<BTreeSet<Box<str>>>);

impl SearchPath {
    /// The path of these elements, for a session that may have any of these roles. `None`: an element is cut to an unknown
    /// length.
    pub fn of(elements: &[Box<str>], roles: &[Box<str>]) -> Option<Self> {
        let mut schemas = BTreeSet::new();
        for element in elements {
            match &**element {
                "$user" => schemas.extend(roles.iter().cloned()),
                name if name.len() >= MAX_NAME => return None,
                name => {
                    schemas.insert(name.into());
                }
            }
        }
        Some(Self(Arc::new(schemas)))
    }

    /// The path with PostgreSQL's own schema only.
    pub(super) fn built_in() -> Self {
        Self(Arc::default())
    }

    /// Whether an unqualified name may mean an object of this schema.
    pub fn includes(&self, schema: &str) -> bool {
        schema == "pg_catalog" || self.0.contains(schema)
    }

    /// Relations are looked up in the session's temporary schema, too, which may be any.
    pub(super) fn has_relation(&self, relation: &Relation) -> bool {
        relation.kind == RelationKind::Temporary
            || relation.schema.starts_with("pg_temp_")
            || self.includes(&relation.schema)
    }
}

/// Where a name is looked up.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Schemas<'p> {
    Every,
    One(&'p str),
    On(&'p SearchPath),
}

impl Schemas<'_> {
    pub fn have(self, schema: &str) -> bool {
        match self {
            Schemas::Every => true,
            Schemas::One(name) => name == schema,
            Schemas::On(path) => path.includes(schema),
        }
    }
}

/// The last part of a name, and where that is looked up.
pub(super) fn split<'p>(parts: &[&'p str]) -> Option<(&'p str, Schemas<'p>)> {
    match parts {
        [] => None,
        [name] => Some((name, Schemas::Every)),
        [.., schema, name] => Some((name, Schemas::One(schema))),
    }
}

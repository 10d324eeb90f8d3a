//! The definitions that a catalog contains as text: which object each one defines.

use crate::facts::Access;

/// The object that is defined.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Subject {
    View(u32),
    /// A generated column.
    Column(u32, i16),
    /// An expression of a row of a relation: a default, a generated column, a check.
    Computed {
        relation: u32,
        column: Option<i16>,
        on: Access,
    },
    /// What runs on some accesses to a relation (0: on DDL) without being named or writing: a row security policy, an expression of an
    /// index, a partition key or a statistic, an event trigger.
    Unnamed(u32),
    /// The condition of a trigger.
    Condition {
        relation: u32,
        on: Access,
    },
    /// A check or default of a domain, for a type that contains its values.
    Domain(u32),
    /// One of the functions with this schema and name, distinguished by `oid`.
    Function {
        oid: u32,
        schema: String,
        name: String,
    },
}

/// A definition as the server reports it, with every name outside pg_catalog qualified.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Definition {
    pub subject: Subject,
    pub text: String,
}

impl Subject {
    /// The relation that it is a part of, or is. `None`: a function, a domain, or what runs on DDL.
    pub fn relation(&self) -> Option<u32> {
        match self {
            Self::View(oid) | Self::Column(oid, _) => Some(*oid),
            Self::Computed { relation, .. } | Self::Condition { relation, .. } => Some(*relation),
            Self::Unnamed(oid) => (*oid != 0).then_some(*oid),
            Self::Domain(_) | Self::Function { .. } => None,
        }
    }
}

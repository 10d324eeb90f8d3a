//! The enumerations and flags that the facts of a statement are told in.

use bitflags::bitflags;
use serde::{Serialize, Serializer};

/// When the statement is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// A statement of a simple Query message, complete with its constants.
    Simple,
    /// At Parse, before any parameter is bound.
    Parse,
    /// At Bind and Execute, with the parameters known.
    Execute,
    /// A fast-path FunctionCall message.
    FunctionCall,
}

/// Declares [`Verb`] with its names, so that a new verb cannot lack one.
macro_rules! verbs {
    ($($(#[$doc:meta])* $case:ident = $name:literal,)*) => {
        /// The kind of a statement, by its outermost command.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Verb { $($(#[$doc])* $case,)* }

        impl Verb {
            /// Every verb, in the order of the contract.
            pub const ALL: &'static [Verb] = &[$(Verb::$case,)*];

            /// The name as it is spelled in records, metrics and the WIT: kebab-case.
            pub const fn name(self) -> &'static str {
                match self { $(Verb::$case => $name,)* }
            }
        }
    };
}

verbs! {
    /// SELECT, VALUES and TABLE.
    Select = "select",
    /// INSERT.
    Insert = "insert",
    /// UPDATE.
    Update = "update",
    /// DELETE.
    Delete = "delete",
    /// MERGE.
    Merge = "merge",
    /// TRUNCATE.
    Truncate = "truncate",
    /// COPY ... FROM.
    CopyIn = "copy-in",
    /// COPY ... TO.
    CopyOut = "copy-out",
    /// CALL of a procedure.
    Call = "call",
    /// DO, an anonymous code block.
    DoBlock = "do-block",
    /// A statement that defines, changes or drops objects, and every command without a kind of its own.
    Ddl = "ddl",
    /// GRANT and REVOKE, of privileges and of roles.
    Grant = "grant",
    /// BEGIN, COMMIT, ROLLBACK, savepoints and two-phase commit.
    Transaction = "transaction",
    /// SET, RESET and SET CONSTRAINTS.
    Set = "set",
    /// EXPLAIN.
    Explain = "explain",
    /// DECLARE, FETCH, MOVE and CLOSE.
    Cursor = "cursor",
    /// PREPARE, EXECUTE and DEALLOCATE.
    Prepare = "prepare",
    /// LISTEN, UNLISTEN and NOTIFY.
    Listen = "listen",
    /// LOCK.
    Lock = "lock",
    /// VACUUM, ANALYZE, CLUSTER, REINDEX and CHECKPOINT.
    Maintenance = "maintenance",
    /// SHOW, DISCARD and LOAD.
    Utility = "utility",
    /// Not known, such as what a FunctionCall message runs.
    Unknown = "unknown",
}

impl Serialize for Verb {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

bitflags! {
    /// What a statement does to one relation.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub struct Access: u8 {
        /// Reads rows.
        const SELECT = 1 << 0;
        /// Adds rows.
        const INSERT = 1 << 1;
        /// Changes rows.
        const UPDATE = 1 << 2;
        /// Removes rows.
        const DELETE = 1 << 3;
        /// Removes all rows by TRUNCATE.
        const TRUNCATE = 1 << 4;
        /// Creates, changes or drops the relation itself.
        const DDL = 1 << 5;
        /// Runs it: a function or procedure.
        const EXECUTE = 1 << 6;
        /// Locks the relation (LOCK) or its rows (FOR UPDATE and the like).
        const LOCK = 1 << 7;
    }
}

impl Access {
    /// The names of the flags that are set, in the order of the contract.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        const NAMES: [&str; 8] = [
            "select", "insert", "update", "delete", "truncate", "ddl", "execute", "lock",
        ];
        NAMES
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| self.bits() & (1 << bit) != 0)
            .map(|(_, name)| name)
    }
}

impl Serialize for Access {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

/// Where a column is used; there is one [`ColumnRef`](crate::ColumnRef) for each pair of column and usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Usage {
    /// In the select list of a query.
    Output,
    /// In WHERE, HAVING or another condition.
    Filter,
    /// In a join condition.
    Join,
    /// In GROUP BY or DISTINCT.
    Group,
    /// In ORDER BY.
    Order,
    /// Inside an aggregate function.
    Aggregate,
    /// Inside a window function or its definition.
    Window,
    /// Written by INSERT, UPDATE, MERGE or COPY.
    Assigned,
    /// In RETURNING.
    Returning,
    /// As the argument of a function or procedure.
    Argument,
    /// Anywhere else.
    Other,
}

impl Usage {
    /// Every usage, in the order of the contract.
    pub const ALL: [Self; 11] = [
        Self::Output,
        Self::Filter,
        Self::Join,
        Self::Group,
        Self::Order,
        Self::Aggregate,
        Self::Window,
        Self::Assigned,
        Self::Returning,
        Self::Argument,
        Self::Other,
    ];
}

/// What kind of relation a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RelationKind {
    /// An ordinary table, or a relation that is none of the others.
    Table,
    /// A partitioned table.
    Partitioned,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A function that returns rows. The gateway does not report any so far.
    Function,
    /// A foreign table.
    Foreign,
    /// A temporary relation.
    Temporary,
    /// A relation of the system catalogs or of information_schema.
    Catalog,
    /// Not in the gateway's catalog.
    Unresolved,
}

/// How a value depends on the column it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transform {
    /// The column's value, unchanged.
    Identity,
    /// Computed from it.
    Expression,
    /// Computed from it over many rows.
    Aggregate,
    /// The value does not depend on the column's values.
    Constant,
    /// Not known: the value may be the column's own or computed from it.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_names_follow_the_bits() {
        for (name, flag) in Access::all().iter_names() {
            let names: Vec<_> = flag.names().collect();
            assert_eq!(names, [name.to_ascii_lowercase().as_str()]);
        }
    }
}

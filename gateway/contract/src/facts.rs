use std::sync::Arc;

use bitflags::bitflags;
use serde::{Serialize, Serializer};

/// When the statement is judged: a simple Query, at Parse, at Bind/Execute (parameters known), or a fast-path FunctionCall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    Simple,
    Parse,
    Execute,
    FunctionCall,
}

/// The statement's own kind, as the grammar sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    Select,
    Insert,
    Update,
    Delete,
    Merge,
    Truncate,
    CopyIn,
    CopyOut,
    Call,
    DoBlock,
    Ddl,
    Grant,
    Transaction,
    Set,
    Explain,
    Cursor,
    Prepare,
    Listen,
    Lock,
    Maintenance,
    Utility,
    Unknown,
}

bitflags! {
    /// What a statement does to one relation.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
    pub struct Access: u8 {
        const SELECT = 1 << 0;
        const INSERT = 1 << 1;
        const UPDATE = 1 << 2;
        const DELETE = 1 << 3;
        const TRUNCATE = 1 << 4;
        const DDL = 1 << 5;
        const EXECUTE = 1 << 6;
        const LOCK = 1 << 7;
    }
}

impl Serialize for Access {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter_names().map(|(name, _)| name.to_ascii_lowercase()))
    }
}

/// Where a column is used; one [`ColumnRef`] per (column, usage).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Usage {
    Output,
    Filter,
    Join,
    Group,
    Order,
    Aggregate,
    Window,
    Assigned,
    Returning,
    Argument,
    Other,
}

/// What kind of relation a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RelationKind {
    Table,
    Partitioned,
    View,
    MaterializedView,
    Function,
    Foreign,
    Temporary,
    Catalog,
    Unresolved,
}

/// How a value depends on the column it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transform {
    Identity,
    Expression,
    Aggregate,
    Constant,
    Unknown,
}

/// A key with a value: an identity claim, or a note a policy leaves in the record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Attribute {
    pub key: String,
    pub value: String,
}

/// Who runs the statement, as proven by authentication. `agent` and `task` are claims, never taken from the statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Identity {
    pub subject: String,
    pub issuer: String,
    pub groups: Vec<String>,
    pub agent: Option<String>,
    pub task: Option<String>,
    pub attributes: Vec<Attribute>,
}

/// The connection a statement came over. `started_ms` counts from the Unix epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Session {
    pub id: u64,
    pub database: String,
    pub role: String,
    pub application: String,
    pub client_address: String,
    pub in_transaction: bool,
    pub started_ms: u64,
}

/// A relation the statement touches. `schema` is empty when the relation is not in the gateway's catalog. A name without
/// schema that several schemas hold is there once for each of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableRef {
    pub schema: String,
    pub name: String,
    pub kind: RelationKind,
    pub access: Access,
}

/// A column the statement uses. `table` indexes [`Facts::tables`]; `None` is not tied to one table. The name `*` is the whole row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnRef {
    pub table: Option<u32>,
    pub name: String,
    pub usage: Usage,
}

/// A base column that a value can carry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct ColumnSource {
    pub schema: String,
    pub table: String,
    pub column: String,
    pub transform: Transform,
}

/// Data written by the statement: what can end up in `target`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataFlow {
    pub target: ColumnSource,
    pub sources: Vec<ColumnSource>,
    pub exact: bool,
}

/// What is the same each time a statement runs; what few policies read is behind [`crate::StatementView`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementFacts {
    pub fingerprint: u64,
    pub verb: Verb,
    /// PostgreSQL's command tags: the statement's own first, then each command nested in it.
    pub commands: Vec<String>,
    /// Empty when the statement is fully understood; else the reasons why not.
    pub opaque: Vec<String>,
    /// An UPDATE or DELETE, at any depth, whose target is not narrowed by a WHERE clause.
    pub unbounded_write: bool,
    /// Constant LIMIT of the outermost query.
    pub limit: Option<u64>,
    pub parameter_count: u32,
    pub tables: Vec<TableRef>,
    pub columns: Vec<ColumnRef>,
    pub functions: Vec<String>,
}

/// The hot facts of one statement in hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    pub statement_id: u64,
    pub session_id: u64,
    /// Milliseconds since the Unix epoch.
    pub now_ms: u64,
    pub phase: Phase,
    #[serde(flatten, serialize_with = "by_value")]
    pub statement: Arc<StatementFacts>,
    #[serde(serialize_with = "by_value")]
    pub identity: Arc<Identity>,
}

fn by_value<T: Serialize, S: Serializer>(
    shared: &Arc<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    (**shared).serialize(serializer)
}

/// A bound parameter in PostgreSQL's text form, whatever the wire format; `None` is NULL. `ordinal` counts from 1, as in `$1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub ordinal: u32,
    pub type_name: String,
    pub value: Option<String>,
}

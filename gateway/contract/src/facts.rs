//! What a policy is told of a statement and of who runs it.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::{
    Access, AccessGrantId, Phase, RelationKind, SessionId, StatementId, Transform, Usage, Verb,
};

/// A key with a value: an identity claim, or a note a policy leaves in the record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Attribute {
    /// Its name.
    pub key: String,
    /// Its value as text.
    pub value: String,
}

/// Who runs the statement, as proven by authentication; nothing here is taken from the statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Identity {
    /// The issuer's stable name for the user; of a login without token, the name the gateway gave it.
    pub subject: String,
    /// Who vouches for `subject`: subjects of two issuers are two users.
    pub issuer: String,
    /// Groups the issuer puts the user in.
    pub groups: Vec<String>,
    /// The claim that names the agent acting for the user.
    pub agent: Option<String>,
    /// The claim that names the task the agent works on.
    pub task: Option<String>,
    /// Further claims, as configured.
    pub attributes: Vec<Attribute>,
}

/// The connection a statement came over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Session {
    /// Unique across gateways and restarts.
    pub id: SessionId,
    /// The database connected to.
    pub database: String,
    /// The role on the server.
    pub role: String,
    /// What the client calls itself (`application_name`): a claim.
    pub application: String,
    /// Where the client connects from, without the port.
    pub client_address: String,
    /// Whether a transaction block is open.
    pub in_transaction: bool,
    /// When the connection was made, in milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// What the client set as it connected, in its startup parameters and `options`.
    pub settings: Vec<SettingChange>,
}

/// A setting of the server that a statement or a client changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct SettingChange {
    /// Its name in lower case; `all` for RESET ALL and DISCARD ALL.
    pub name: String,
    /// What it becomes.
    pub value: SettingValue,
    /// Only until the transaction ends.
    pub local: bool,
}

/// What a setting becomes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingValue {
    /// This value, in the text form of SET; a list is separated by commas.
    Constant(String),
    /// What the connection began with: RESET and DEFAULT.
    Initial,
    /// The value is not a constant.
    Unknown,
}

/// A relation that the statement names, or that a named view reads. A name without schema that several schemas hold is there
/// once for each of them. A relation without any access is one that code may read which the statement does not name, such as row security
/// policies and expressions of indexes; without a name, it is any: that code could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct TableRef {
    /// Empty when the relation is not in the catalog and was written without a schema.
    pub schema: String,
    /// The name without schema.
    pub name: String,
    /// What kind of relation it is.
    pub kind: RelationKind,
    /// What the statement does to it.
    pub access: Access,
}

/// One use of one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnRef {
    /// Index into [`StatementFacts::tables`]; `None` when it cannot be tied to one table.
    pub table: Option<u32>,
    /// The column's name; `*` is the whole row.
    pub name: String,
    /// Where it is used.
    pub usage: Usage,
}

/// A base column that a value can carry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct ColumnSource {
    /// The table's schema; empty when it is not known.
    pub schema: String,
    /// The table.
    pub table: String,
    /// The column; `*` is any.
    pub column: String,
    /// How the value depends on it.
    pub transform: Transform,
}

/// Data written by the statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataFlow {
    /// The column written to.
    pub target: ColumnSource,
    /// What can end up in it. Empty with `exact` false: not known.
    pub sources: Vec<ColumnSource>,
    /// The sources are what the target certainly receives, not only all that it could.
    pub exact: bool,
}

/// What is the same each time a statement runs; what few policies read is behind the host's view of the statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementFacts {
    /// Equal for statements that differ only in constants that no fact reports. It changes with the catalog and with
    /// releases of the gateway.
    pub fingerprint: u64,
    /// The kind of the outermost command.
    pub verb: Verb,
    /// PostgreSQL's command tags: the statement's own first, then each command nested in it.
    pub commands: Vec<String>,
    /// Empty when the statement is fully understood; else the reasons why not.
    pub opaque: Vec<String>,
    /// An UPDATE or DELETE, at any depth, whose target is not narrowed by a WHERE clause.
    pub unbounded_write: bool,
    /// Constant LIMIT of the outermost query.
    pub limit: Option<u64>,
    /// How many parameters (`$n`) the statement has.
    pub parameter_count: u32,
    /// The relations it touches.
    pub tables: Vec<TableRef>,
    /// The columns it uses, once for each usage.
    pub columns: Vec<ColumnRef>,
    /// The functions it calls, with their schema where that is known.
    pub functions: Vec<String>,
}

/// The facts of one statement in hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// This run of the statement.
    pub statement_id: StatementId,
    /// The connection it came over.
    pub session_id: SessionId,
    /// The gateway's clock, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// When it is judged.
    pub phase: Phase,
    /// What is the same each time it runs.
    #[serde(flatten, serialize_with = "by_value")]
    pub statement: Arc<StatementFacts>,
    /// Who runs it.
    #[serde(serialize_with = "by_value")]
    pub identity: Arc<Identity>,
}

/// What people have allowed whoever runs the statement, for a time. It holds for the database of the session, and now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessGrant {
    /// Which one.
    pub id: AccessGrantId,
    /// What it is for.
    pub tables: Vec<GrantedTable>,
    /// How many rows may still be returned and changed under it; `None`: any number.
    pub rows_left: Option<u64>,
    /// When it ends, in milliseconds since the Unix epoch.
    pub expires_ms: u64,
}

/// A table of an access grant, or all tables of a schema.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct GrantedTable {
    /// The schema.
    pub schema: String,
    /// The table's name; `None`: every relation of the schema.
    pub name: Option<String>,
    /// What may be done to it.
    pub verbs: Access,
}

pub(crate) fn by_value<T: Serialize, S: Serializer>(
    shared: &Arc<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    (**shared).serialize(serializer)
}

/// A bound parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Counts from 1, as in `$1`.
    pub ordinal: u32,
    /// The name of its type, `unknown` where the gateway does not know it.
    pub type_name: String,
    /// PostgreSQL's text form in UTF-8, whatever the wire format; `None` is NULL.
    pub value: Option<String>,
}

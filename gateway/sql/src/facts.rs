//! The facts of one statement, as policies see them. `walker` fills them in.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

/// The kind of a statement, by its outermost command.
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

/// What is done to a relation: a set of flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Access(u8);

impl Access {
    pub const SELECT: Self = Self(1);
    pub const INSERT: Self = Self(2);
    pub const UPDATE: Self = Self(4);
    pub const DELETE: Self = Self(8);
    pub const TRUNCATE: Self = Self(16);
    pub const DDL: Self = Self(32);
    pub const EXECUTE: Self = Self(64);
    pub const LOCK: Self = Self(128);

    /// The accesses that reach the relations behind a view, which its definition does not.
    pub(crate) fn of_rows(self) -> Self {
        Self(self.0 & !(Self::DDL.0 | Self::EXECUTE.0))
    }

    /// The flags as bits, in the order of the contract: select is bit 0, lock is bit 7.
    pub fn bits(self) -> u8 {
        self.0
    }

    pub(crate) fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The names of the set flags, in the order of the contract.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        const NAMES: [&str; 8] = [
            "select", "insert", "update", "delete", "truncate", "ddl", "execute", "lock",
        ];
        NAMES
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, name)| name)
    }
}

impl std::ops::BitOr for Access {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::ops::BitOrAssign for Access {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl Serialize for Access {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

/// Where a column is used.
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

impl Usage {
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

/// A relation that the statement names, or that a named view reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct TableRef {
    /// Empty if the relation is not in the catalog and was written without a schema.
    pub schema: String,
    pub name: String,
    pub kind: RelationKind,
    pub access: Access,
}

/// One use of one column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct ColumnRef {
    /// Index into `Facts::tables`; `None` if the column cannot be resolved to one table.
    pub table: Option<usize>,
    /// `*` is the whole row.
    pub name: String,
    pub usage: Usage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transform {
    Identity,
    Expression,
    Aggregate,
    Constant,
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct ColumnSource {
    pub schema: String,
    pub table: String,
    pub column: String,
    pub transform: Transform,
}

/// One output column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Output {
    pub name: Option<String>,
    /// `None`: unknown. Empty: provably carries no data of any column.
    pub sources: Option<Vec<ColumnSource>>,
    /// The value is an unchanged value of one of the sources whose transform is `Identity`; other sources only selected it.
    /// Also true if there are no sources.
    pub exact: bool,
}

/// What the statement writes into one column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Flow {
    /// `schema` is as written if the relation is new or not in the catalog; column `*` is any column.
    pub target: ColumnSource,
    /// `None`: unknown. A value that carries no column is not a flow.
    pub sources: Option<Vec<ColumnSource>>,
    pub exact: bool,
}

impl Flow {
    /// The value may also be computed from these. `None`: from anything.
    pub(crate) fn add(&mut self, sources: Option<&[ColumnSource]>) {
        let (Some(known), Some(more)) = (&mut self.sources, sources) else {
            self.sources = None;
            self.exact = false;
            return;
        };
        for source in more {
            let same = |known: &ColumnSource| {
                known.column == source.column
                    && known.table == source.table
                    && known.schema == source.schema
            };
            self.exact = false;
            if !known.iter().any(same) {
                known.push(ColumnSource {
                    transform: Transform::Expression,
                    ..source.clone()
                });
            }
        }
    }
}

/// What is known of the result columns before the statement runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outputs {
    /// The statement returns no rows.
    None,
    /// It may return rows; the number of columns is unknown.
    Unknown,
    /// One entry per output column, in order.
    Columns(Vec<Output>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransactionCommand {
    Begin,
    Commit { chain: bool },
    Rollback { chain: bool },
    Savepoint(String),
    Release(String),
    RollbackTo(String),
    PrepareTransaction,
    CommitPrepared,
    RollbackPrepared,
}

/// What the gateway itself must track on the connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionEffect {
    None,
    Transaction(TransactionCommand),
    Prepare {
        name: String,
        inner: Box<Facts>,
    },
    Execute {
        name: String,
    },
    /// `None`: ALL.
    Deallocate(Option<String>),
    /// The facts of the statement are those of the cursor's query.
    DeclareCursor {
        name: String,
    },
    /// FETCH and MOVE.
    Fetch {
        name: String,
    },
    /// `None`: ALL.
    CloseCursor(Option<String>),
    CopyOut(CopyOut),
    CopyIn,
    DiscardAll,
    /// `value` is `None` for RESET, DEFAULT and FROM CURRENT; `name` is `all` for RESET ALL.
    Set {
        name: String,
        value: Option<String>,
        local: bool,
    },
    /// `executes`: the name of the prepared statement in EXPLAIN EXECUTE name.
    Explain {
        analyze: bool,
        executes: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyDestination {
    Stdout,
    File,
    Program,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyFormat {
    Text,
    Csv,
    Binary,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForceQuote {
    All,
    Columns(Vec<String>),
    None,
}

/// A COPY ... TO with its options resolved to PostgreSQL's defaults.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct CopyOut {
    pub destination: CopyDestination,
    pub format: CopyFormat,
    pub delimiter: u8,
    pub quote: u8,
    pub escape: u8,
    pub null: String,
    pub header: bool,
    pub force_quote: ForceQuote,
    pub encoding: Option<String>,
    /// A query with the same row description as the copied rows.
    pub describe: String,
}

/// Whether a statement may leave this session, or a later one, with another role on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleEffect {
    /// All code that runs was analysed, and none sets the role.
    #[default]
    Kept,
    /// It runs or defines code that was not analysed.
    Unread,
    /// It sets the role, or a setting whose name only the server will know.
    Set,
}

impl RoleEffect {
    pub(crate) fn is_kept(&self) -> bool {
        *self == Self::Kept
    }
}

/// Everything known of one statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Facts {
    pub verb: Verb,
    /// PostgreSQL's command tags: the outermost first, then each nested command.
    pub commands: Vec<String>,
    /// The reasons why the statement is not fully analysed; empty if it is.
    pub opaque: Vec<String>,
    /// Whether an UPDATE or DELETE at any depth has no narrowing WHERE clause.
    pub unbounded_write: bool,
    /// The constant LIMIT of the outermost query.
    pub limit: Option<u64>,
    pub parameter_count: u32,
    pub tables: Vec<TableRef>,
    pub columns: Vec<ColumnRef>,
    pub functions: Vec<String>,
    /// Indexes into `columns` of uses that reveal at most whether values are equal: `column = constant` and IS NULL as
    /// conditions that all rows must meet, and the bare column in count() and ON CONFLICT.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub equated: Vec<usize>,
    /// Equal for statements that differ only in constants, unless a fact reports the constant. Differs if any other fact
    /// differs, so it also changes with the catalog.
    pub fingerprint: u64,
    pub outputs: Outputs,
    /// The columns of the rows that are returned by COPY, or later through a cursor.
    pub inner: Outputs,
    pub flows: Vec<Flow>,
    pub session: SessionEffect,
    #[serde(skip_serializing_if = "RoleEffect::is_kept")]
    pub role: RoleEffect,
}

impl Facts {
    /// `tree` is the fingerprint of the syntax tree without its constants.
    pub(crate) fn set_fingerprint(&mut self, tree: u64) {
        if let SessionEffect::Prepare { inner, .. } = &mut self.session {
            inner.set_fingerprint(tree);
        }
        self.fingerprint = 0;
        let mut hasher = DefaultHasher::new();
        (tree, &*self).hash(&mut hasher);
        self.fingerprint = hasher.finish();
    }
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            verb: Verb::Unknown,
            commands: Vec::new(),
            opaque: Vec::new(),
            unbounded_write: false,
            limit: None,
            parameter_count: 0,
            tables: Vec::new(),
            columns: Vec::new(),
            functions: Vec::new(),
            equated: Vec::new(),
            fingerprint: 0,
            outputs: Outputs::None,
            inner: Outputs::None,
            flows: Vec::new(),
            session: SessionEffect::None,
            role: RoleEffect::Kept,
        }
    }
}

//! The facts of one statement, as policies see them. `walker` fills them in.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

pub use gatewright_contract::{
    Access, ColumnSource, RelationKind, SettingChange, SettingValue, TableRef, Transform, Usage,
    Verb,
};

/// What reaches the rows of the relations behind a view: not its definition.
pub(crate) fn of_rows(access: Access) -> Access {
    access.difference(Access::DDL | Access::EXECUTE)
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

/// How a definition may concern temporary tables alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Temporary {
    /// It creates a temporary table.
    Created(Box<str>),
    /// It drops or indexes tables by these names.
    Named(Vec<Box<str>>),
}

/// What a statement makes that outlives its transaction and is seen by its session alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lasting {
    /// DECLARE … WITH HOLD.
    Cursor,
    /// A temporary relation that the commit does not drop.
    Temporary,
    /// A relation of SELECT INTO, which the search path may make a temporary one.
    Relation,
}

/// A value of `search_path` as a statement sets it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PathValue {
    Schemas(Vec<Box<str>>),
    /// What the session began with.
    Default,
    Unknown,
}

/// A change of `search_path`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathChange {
    pub value: PathValue,
    /// Up to the end of the transaction.
    pub local: bool,
    /// The statement makes the change if it succeeds; otherwise it only may.
    pub certain: bool,
}

impl PathChange {
    /// It may set the path, to whatever.
    pub(crate) fn unknown() -> Self {
        Self {
            value: PathValue::Unknown,
            local: false,
            certain: false,
        }
    }
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
    /// The channels of LISTEN.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
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
    /// Of the server, that the statement or code that it calls changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<SettingChange>,
    #[serde(skip_serializing_if = "RoleEffect::is_kept")]
    pub role: RoleEffect,
    /// A name means other objects with another search path.
    #[serde(skip)]
    pub varies: bool,
    /// The session's search path leaves out objects that a name would mean without it.
    #[serde(skip)]
    pub narrowed: bool,
    #[serde(skip)]
    pub temporary: Option<Temporary>,
    #[serde(skip)]
    pub lasting: Option<Lasting>,
    /// What the statement itself does to the search path, apart from code that it calls.
    #[serde(skip)]
    pub path: Option<PathChange>,
    /// Something that it calls outside pg_catalog was not read, such as a function in C: what it leaves is not known.
    #[serde(skip)]
    pub calls_unread: bool,
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
            channels: Vec::new(),
            equated: Vec::new(),
            fingerprint: 0,
            outputs: Outputs::None,
            inner: Outputs::None,
            flows: Vec::new(),
            session: SessionEffect::None,
            settings: Vec::new(),
            role: RoleEffect::Kept,
            varies: false,
            narrowed: false,
            temporary: None,
            lasting: None,
            path: None,
            calls_unread: false,
        }
    }
}

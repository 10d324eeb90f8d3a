//! A test double of the host: builders for facts and columns, a statement to query, and host services local to the
//! test's thread.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use crate::{
    Access, AccessGrant, Batch, BatchColumn, ColumnRef, ColumnSource, Completion, DataFlow,
    Editing, Facts, GrantedTable, Id, Identity, Level, Outcome, PackedColumn, Parameter, Phase,
    Policy, RelationKind, ResultColumn, Scope, Session, SettingChange, Statement, TableRef,
    Transform, Usage, Verb,
};

/// The id of every test statement.
const STATEMENT: Id = Id {
    high: 0x0198_a3c5_7d20_7abc,
    low: 1,
};
/// The id of every test session.
const SESSION: Id = Id {
    high: 0x0198_a3c5_7d20_7abc,
    low: 2,
};

/// The id of every test access grant.
const GRANT: Id = Id {
    high: 0x0198_a3c5_7d20_7abc,
    low: 3,
};

/// Creates a policy from settings in JSON, as the gateway does.
///
/// # Errors
/// The message that the operator would see.
pub fn policy<P: Policy>(settings: &str) -> Result<P, String> {
    crate::start(settings, "test", "0").map(|(policy, _)| policy)
}

/// Facts of a simple-protocol statement by an identity without groups. Tables are pairs of `schema.name` and access.
pub fn facts(verb: Verb, commands: &[&str], tables: &[(&str, Access)]) -> Facts {
    Facts {
        statement_id: STATEMENT,
        session_id: SESSION,
        now_ms: 1_700_000_000_000,
        fingerprint: 1,
        phase: Phase::Simple,
        verb,
        commands: commands.iter().map(|&command| command.to_owned()).collect(),
        opaque: Vec::new(),
        unbounded_write: false,
        limit: None,
        parameter_count: 0,
        tables: tables
            .iter()
            .map(|&(name, access)| table(name, access))
            .collect(),
        columns: Vec::new(),
        functions: Vec::new(),
        identity: Identity {
            subject: "ada".to_owned(),
            issuer: "https://issuer.test".to_owned(),
            groups: Vec::new(),
            agent: None,
            task: None,
            attributes: Vec::new(),
        },
    }
}

/// Facts of a plain SELECT from these tables.
pub fn select(tables: &[&str]) -> Facts {
    let tables: Vec<_> = tables.iter().map(|&name| (name, Access::SELECT)).collect();
    facts(Verb::Select, &["SELECT"], &tables)
}

/// A table named `schema.name`. Without a schema it is unresolved, that is, not in the catalog.
pub fn table(name: &str, access: Access) -> TableRef {
    let (schema, name) = name.split_once('.').unwrap_or(("", name));
    let kind = if schema.is_empty() {
        RelationKind::Unresolved
    } else {
        RelationKind::Table
    };
    TableRef {
        schema: schema.to_owned(),
        name: name.to_owned(),
        kind,
        access,
    }
}

/// An access grant for tables given as `schema.name`, or as `schema.*` for all of a schema.
pub fn access_grant(tables: &[(&str, Access)]) -> AccessGrant {
    let table = |&(name, verbs): &(&str, Access)| {
        let (schema, name) = name.split_once('.').unwrap_or((name, "*"));
        GrantedTable {
            schema: schema.to_owned(),
            name: (name != "*").then(|| name.to_owned()),
            verbs,
        }
    };
    AccessGrant {
        id: GRANT,
        tables: tables.iter().map(table).collect(),
        rows_left: None,
        expires_ms: 1_700_000_060_000,
    }
}

/// A column of `facts.tables[table]`.
pub fn column(table: u32, name: &str, usage: Usage) -> ColumnRef {
    ColumnRef {
        table: Some(table),
        name: name.to_owned(),
        usage,
    }
}

/// A result column of type text with exactly these sources, each given as `schema.table.column`.
pub fn result_column(name: &str, sources: &[&str]) -> ResultColumn {
    ResultColumn {
        name: name.to_owned(),
        type_name: "text".to_owned(),
        type_oid: 25,
        readable: true,
        exact: true,
        sources: sources.iter().map(|&name| source(name)).collect(),
    }
}

/// A source given as `schema.table.column`. Missing leading parts are empty.
pub fn source(name: &str) -> ColumnSource {
    let mut parts = name.rsplitn(3, '.').map(str::to_owned);
    let column = parts.next().unwrap_or_default();
    let table = parts.next().unwrap_or_default();
    let schema = parts.next().unwrap_or_default();
    ColumnSource {
        schema,
        table,
        column,
        transform: Transform::Identity,
    }
}

/// The first batch of a result. Each column has a label and one value per row.
pub fn batch(columns: &[(&str, &[Option<&str>])]) -> Batch {
    let column = |(index, &(label, cells)): (usize, &(&str, &[Option<&str>]))| BatchColumn {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        label: label.to_owned(),
        data: cells.iter().copied().collect::<PackedColumn>(),
    };
    let rows = columns.first().map_or(0, |(_, cells)| cells.len());
    Batch {
        rows: u32::try_from(rows).unwrap_or(u32::MAX),
        sequence: 0,
        columns: columns.iter().enumerate().map(column).collect(),
    }
}

/// The completion of a successful statement that returned this many rows and bytes.
pub fn completion(rows: u64, bytes: u64) -> Completion {
    Completion {
        statement_id: STATEMENT,
        outcome: Outcome::Completed,
        rows,
        bytes,
        masked_cells: 0,
        elapsed_us: 1000,
        sqlstate: "00000".to_owned(),
    }
}

/// The test double of a statement: each field is what the method of that name returns.
#[derive(Debug, Clone)]
pub struct StatementDouble {
    /// The query string, also returned by `normalized`.
    pub sql: String,
    /// The client's query string, if a policy rewrote the statement.
    pub original_sql: Option<String>,
    /// What became of the edits that policies asked for.
    pub editing: Editing,
    /// The syntax tree.
    pub ast_json: Option<String>,
    /// The client session.
    pub session: Session,
    /// Bound parameters.
    pub parameters: Vec<Parameter>,
    /// Predicted sources of each output column.
    pub outputs: Vec<Vec<ColumnSource>>,
    /// What the statement writes, and from where.
    pub flows: Vec<DataFlow>,
    /// Settings of the server that the statement changes.
    pub settings: Vec<SettingChange>,
    /// The channels of LISTEN.
    pub channels: Vec<String>,
    /// Indexes into the facts' columns of uses that reveal only equality.
    pub equated: Vec<u32>,
    /// The access grants that are held.
    pub access_grants: Vec<AccessGrant>,
    /// Tags of the sqlcommenter comment.
    pub comment_tags: HashMap<String, String>,
}

impl StatementDouble {
    /// A statement in the database `shop`.
    pub fn new(sql: &str) -> Self {
        Self {
            sql: sql.to_owned(),
            original_sql: None,
            editing: Editing::None,
            ast_json: None,
            session: Session {
                id: SESSION,
                database: "shop".to_owned(),
                role: "app".to_owned(),
                application: "test".to_owned(),
                client_address: "127.0.0.1".to_owned(),
                in_transaction: false,
                started_ms: 1_700_000_000_000,
                settings: Vec::new(),
            },
            parameters: Vec::new(),
            outputs: Vec::new(),
            flows: Vec::new(),
            settings: Vec::new(),
            channels: Vec::new(),
            equated: Vec::new(),
            access_grants: Vec::new(),
            comment_tags: HashMap::new(),
        }
    }

    /// The statement as passed to the policy.
    pub fn view(&self) -> Statement<'_> {
        Statement::new(self)
    }

    pub(crate) fn sql(&self) -> String {
        self.sql.clone()
    }

    pub(crate) fn original_sql(&self) -> Option<String> {
        self.original_sql.clone()
    }

    pub(crate) fn editing(&self) -> Editing {
        self.editing.clone()
    }

    pub(crate) fn id_text(&self) -> String {
        STATEMENT.to_string()
    }

    pub(crate) fn normalized(&self) -> String {
        self.sql.clone()
    }

    pub(crate) fn ast_json(&self) -> Option<String> {
        self.ast_json.clone()
    }

    pub(crate) fn session(&self) -> Session {
        self.session.clone()
    }

    pub(crate) fn parameters(&self) -> Vec<Parameter> {
        self.parameters.clone()
    }

    pub(crate) fn outputs(&self) -> Vec<Vec<ColumnSource>> {
        self.outputs.clone()
    }

    pub(crate) fn flows(&self) -> Vec<DataFlow> {
        self.flows.clone()
    }

    pub(crate) fn settings(&self) -> Vec<SettingChange> {
        self.settings.clone()
    }

    pub(crate) fn channels(&self) -> Vec<String> {
        self.channels.clone()
    }

    pub(crate) fn equated(&self) -> Vec<u32> {
        self.equated.clone()
    }

    pub(crate) fn access_grants(&self) -> Vec<AccessGrant> {
        self.access_grants.clone()
    }

    pub(crate) fn comment_tag(&self, key: &str) -> Option<String> {
        self.comment_tags.get(key).cloned()
    }
}

/// The host services of this thread.
#[derive(Debug, Default)]
struct Host {
    now_ms: u64,
    counters: HashMap<Key, (i64, u64)>,
    sets: HashMap<Key, (BTreeSet<String>, u64)>,
    values: HashMap<Key, (Vec<u8>, u64)>,
    log: Vec<(Level, String)>,
    metrics: HashMap<String, f64>,
}

type Key = (u8, String);

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

/// Sets the clock of this thread's host and removes expired state.
pub fn set_now_ms(now: u64) {
    HOST.with_borrow_mut(|host| {
        host.now_ms = now;
        host.counters.retain(|_, (_, until)| *until > now);
        host.sets.retain(|_, (_, until)| *until > now);
        host.values.retain(|_, (_, until)| *until > now);
    });
}

/// The lines logged in this thread so far.
pub fn logged() -> Vec<(Level, String)> {
    HOST.with_borrow(|host| host.log.clone())
}

/// The sum of a metric in this thread.
pub fn metric(name: &str) -> f64 {
    HOST.with_borrow(|host| host.metrics.get(name).copied().unwrap_or_default())
}

pub(crate) mod services {
    use super::{HOST, Host, Key, Level, Scope};

    pub(crate) fn log(level: Level, message: &str) {
        HOST.with_borrow_mut(|host| host.log.push((level, message.to_owned())));
    }

    pub(crate) fn now_ms() -> u64 {
        HOST.with_borrow(|host| host.now_ms)
    }

    pub(crate) fn counter_add(scope: Scope, key: &str, delta: i64, ttl_ms: u64) -> i64 {
        HOST.with_borrow_mut(|host| {
            let until = until(host, ttl_ms);
            let (value, _) = host.counters.entry(full(scope, key)).or_insert((0, until));
            *value = value.saturating_add(delta);
            *value
        })
    }

    pub(crate) fn distinct_add(scope: Scope, key: &str, value: &str, ttl_ms: u64) -> u64 {
        HOST.with_borrow_mut(|host| {
            let until = until(host, ttl_ms);
            let (set, _) = host
                .sets
                .entry(full(scope, key))
                .or_insert_with(|| (Default::default(), until));
            set.insert(value.to_owned());
            set.len() as u64
        })
    }

    pub(crate) fn value_get(scope: Scope, key: &str) -> Option<Vec<u8>> {
        HOST.with_borrow(|host| {
            host.values
                .get(&full(scope, key))
                .map(|(value, _)| value.clone())
        })
    }

    pub(crate) fn value_set(scope: Scope, key: &str, value: &[u8], ttl_ms: u64) {
        HOST.with_borrow_mut(|host| {
            let until = until(host, ttl_ms);
            host.values
                .insert(full(scope, key), (value.to_vec(), until));
        });
    }

    pub(crate) fn metric_add(name: &str, value: f64) {
        HOST.with_borrow_mut(|host| *host.metrics.entry(name.to_owned()).or_default() += value);
    }

    fn until(host: &Host, ttl_ms: u64) -> u64 {
        if ttl_ms == 0 {
            u64::MAX
        } else {
            host.now_ms.saturating_add(ttl_ms)
        }
    }

    fn full(scope: Scope, key: &str) -> Key {
        (scope as u8, key.to_owned())
    }
}

//! Fixtures: a statement to evaluate, and an observer that records.

use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use gatewright_contract::{
    Access, AccessGrant, Attribute, ColumnRef, ColumnSource, Completion, DataFlow, Denial, Facts,
    GrantedTable, Identity, Level, Outcome, Parameter, Phase, RelationKind, ResultColumn, Session,
    SessionId, SettingChange, StatementFacts, StatementId, TableRef, Usage, Verb,
};
use gatewright_policy_host::{
    Fault, HostSettings, Observer, Policy, PolicyHost, PolicySettings, ReloadEvent, StatementView,
};

#[derive(Default)]
pub struct Remembering {
    pub calls: Mutex<Vec<(String, &'static str)>>,
    pub handed_over: Mutex<Vec<String>>,
    pub faults: Mutex<Vec<Fault>>,
    pub reloads: Mutex<Vec<ReloadEvent>>,
    pub lines: Mutex<Vec<(Level, String)>>,
    pub metrics: Mutex<Vec<(String, f64)>>,
}

impl Observer for Remembering {
    fn call(&self, policy: &str, hook: &'static str, _elapsed: Duration) {
        self.calls.lock().unwrap().push((policy.to_owned(), hook));
    }

    fn handed_over(&self, policy: &str) {
        self.handed_over.lock().unwrap().push(policy.to_owned());
    }

    fn fault(&self, _policy: &str, fault: &Fault) {
        self.faults.lock().unwrap().push(fault.clone());
    }

    fn reload(&self, event: &ReloadEvent) {
        self.reloads.lock().unwrap().push(event.clone());
    }

    fn log(&self, _policy: &str, level: Level, message: &str) {
        self.lines.lock().unwrap().push((level, message.to_owned()));
    }

    fn metric(&self, _policy: &str, name: &str, value: f64) {
        self.metrics.lock().unwrap().push((name.to_owned(), value));
    }
}

pub struct World {
    pub host: Arc<PolicyHost>,
    pub observer: Arc<Remembering>,
}

impl World {
    pub fn new() -> World {
        World::with(HostSettings {
            total_instances: 16,
            ..HostSettings::default()
        })
    }

    pub fn with(settings: HostSettings) -> World {
        let observer = Arc::new(Remembering::default());
        World {
            host: Arc::new(PolicyHost::new(settings, observer.clone()).unwrap()),
            observer,
        }
    }

    pub fn load(&self, wasm: &[u8]) -> Arc<Policy> {
        self.host
            .load("fixture", wasm, &PolicySettings::default())
            .unwrap()
    }
}

/// The upper half of every id; tests choose the lower half.
pub const HIGH: u64 = 0x0198_a3c5_7d20_7abc;

pub fn statement_id(number: u64) -> StatementId {
    uuid::Uuid::from_u64_pair(HIGH, number).into()
}

pub fn session_id(number: u64) -> SessionId {
    uuid::Uuid::from_u64_pair(HIGH, number).into()
}

pub struct Statement {
    pub session: SessionId,
    pub subject: String,
    pub task: Option<String>,
    pub length: usize,
    /// A defect of the host: deriving something from the text panics.
    pub panics: bool,
    /// The threads on which something was derived from the text.
    pub derived_on: Mutex<Vec<ThreadId>>,
}

impl Default for Statement {
    fn default() -> Self {
        Statement {
            session: session_id(7),
            subject: "ada".into(),
            task: None,
            length: 24,
            panics: false,
            derived_on: Mutex::default(),
        }
    }
}

pub fn statement() -> Arc<dyn StatementView> {
    in_session(7)
}

pub fn in_session(session: u64) -> Arc<dyn StatementView> {
    Arc::new(Statement {
        session: session_id(session),
        ..Statement::default()
    })
}

impl StatementView for Statement {
    fn statement_id(&self) -> StatementId {
        statement_id(1)
    }

    fn original_sql(&self) -> Option<String> {
        Some("SELECT * FROM customers".into())
    }

    fn sql(&self) -> String {
        "SELECT ssn FROM customers".into()
    }

    fn length(&self) -> usize {
        self.length
    }

    fn normalized(&self) -> Option<String> {
        let mut derived_on = self.derived_on.lock().unwrap();
        derived_on.push(thread::current().id());
        drop(derived_on);
        assert!(!self.panics, "a defect of the host");
        Some(self.sql())
    }

    fn ast_json(&self) -> Option<String> {
        let mut derived_on = self.derived_on.lock().unwrap();
        derived_on.push(thread::current().id());
        None
    }

    fn session(&self) -> Session {
        Session {
            id: self.session,
            ..Session::default()
        }
    }

    fn parameters(&self) -> Vec<Parameter> {
        Vec::new()
    }

    fn outputs(&self) -> Vec<Vec<ColumnSource>> {
        Vec::new()
    }

    fn flows(&self) -> Vec<DataFlow> {
        Vec::new()
    }

    fn settings(&self) -> Vec<SettingChange> {
        Vec::new()
    }

    fn equated(&self) -> Vec<u32> {
        Vec::new()
    }

    fn access_grants(&self) -> Vec<AccessGrant> {
        vec![AccessGrant {
            id: uuid::Uuid::from_u64_pair(HIGH, 5).into(),
            tables: vec![GrantedTable {
                schema: "sales".into(),
                name: None,
                verbs: Access::DELETE | Access::TRUNCATE,
            }],
            rows_left: Some(17),
            expires_ms: 19,
        }]
    }

    fn comment_tag(&self, _key: &str) -> Option<String> {
        None
    }

    fn session_id(&self) -> SessionId {
        self.session
    }

    fn identity_key(&self) -> &str {
        &self.subject
    }

    fn task_key(&self) -> Option<&str> {
        self.task.as_deref()
    }
}

pub fn facts() -> Facts {
    Facts {
        statement_id: statement_id(1),
        session_id: session_id(7),
        now_ms: 3,
        phase: Phase::Simple,
        statement: Arc::new(StatementFacts {
            fingerprint: 4,
            verb: Verb::Select,
            commands: vec!["SELECT".into()],
            opaque: vec!["function shop.f has an unknown body".into()],
            unbounded_write: true,
            limit: Some(10),
            parameter_count: 2,
            tables: vec![TableRef {
                schema: "shop".into(),
                name: "customers".into(),
                kind: RelationKind::View,
                access: Access::SELECT | Access::LOCK,
            }],
            columns: vec![ColumnRef {
                table: None,
                name: "ssn".into(),
                usage: Usage::Filter,
            }],
            functions: vec!["pg_catalog.lower".into()],
        }),
        identity: Arc::new(Identity {
            subject: "ada".into(),
            issuer: "https://issuer".into(),
            groups: vec!["analysts".into()],
            agent: Some("robot".into()),
            task: None,
            attributes: vec![Attribute {
                key: "team".into(),
                value: "blue".into(),
            }],
        }),
    }
}

pub fn denial() -> Denial {
    Denial {
        code: "no-ssn".into(),
        message: "not yours".into(),
        hint: Some("ask".into()),
        sqlstate: Some("42501".into()),
    }
}

pub fn column(readable: bool) -> ResultColumn {
    ResultColumn {
        name: "ssn".into(),
        type_name: "text".into(),
        type_oid: 25,
        readable,
        exact: true,
        sources: Vec::new(),
    }
}

pub fn completion() -> Completion {
    Completion {
        statement_id: statement_id(1),
        outcome: Outcome::Suspended,
        rows: 2,
        bytes: 3,
        masked_cells: 4,
        elapsed_us: 5,
        sqlstate: "00000".into(),
    }
}

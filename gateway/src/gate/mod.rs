//! The gate decides: it has statements analysed and judged, admits executions and takes note of their ends. Only this module can make a
//! [`Permit`] or an [`Admitted`], and the session forwards no statement without them. It knows facts, policies and identities; it does not
//! know sockets or protocol messages.

mod again;
mod analysis;
mod analysts;
mod approval;
mod batch;
mod calling;
mod case;
mod chain;
mod commits;
mod delivery;
mod denial;
mod editing;
mod ending;
mod facts;
mod granted;
mod judge;
mod judging;
mod kept;
mod known;
mod names;
mod notification;
mod people;
mod permit;
mod plan;
mod preview;
mod recent;
mod recorded;
mod rewriting;
mod role;
#[cfg(test)]
mod tests;
mod text;
mod ticket;
mod told;
mod view;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use gatewright_contract::{self as contract, StatementId};
use gatewright_policy_host::{Directory, PolicyHost, PolicySet};
use gatewright_sql::{Catalog, Limits as ParserLimits, Verb};

use crate::access::{AccessGrants, Active, Holder};
use crate::catalog::CatalogHandle;
use crate::identity::{CATALOG_MAX_AGE, Identity};
use crate::pool::PoolMode;
use crate::recording::SessionRecord;
use crate::session::Completion;
use analysts::Analysts;
use approval::Waiting;
use commits::Uncommitted;
use delivery::{Delivery, Refreshed};
use editing::EditedTexts;
use known::Analyses;
use recent::Recent;
use recorded::{Call, Judging};
use ticket::Pending;
use view::SessionFacts;

pub use denial::printable;
pub use ending::Admitted;
pub use people::People;
pub use permit::Permit;
pub use preview::{PolicyAnswer, Preview, ResultPreview};
pub use text::AnalyzedText;
pub use told::Listeners;

/// The source of the policies in force.
pub enum Policies {
    /// No policies: every statement that can be analysed may run.
    None(Arc<PolicySet>),
    /// A watched directory, and the host that runs the policies in it.
    Directory {
        directory: Directory,
        host: Arc<PolicyHost>,
    },
}

impl Policies {
    /// No policies.
    pub fn none() -> Self {
        Policies::None(Arc::new(PolicySet::empty()))
    }

    /// The policies in force now. Sets are compared by address: the same set gives the same answers.
    pub fn current(&self) -> Arc<PolicySet> {
        match self {
            Policies::None(empty) => Arc::clone(empty),
            Policies::Directory { directory, .. } => directory.current(),
        }
    }
}

/// Counts the gate's decisions. Implemented by `admin`.
pub trait GateMetrics: Send + Sync {
    fn verdict(&self, verb: Verb, verdict: &'static str);
    fn completed(&self, verb: Verb, seconds: f64, done: &Completion);
    /// A statement is held for approval, or not any more.
    fn held(&self, is_held: bool);
    /// What became of a request for approval.
    fn decided(&self, outcome: &'static str);
    /// What a policy in shadow mode would have said of a statement.
    fn shadow(&self, policy: &str, verdict: &'static str);
    /// What counts for the database with this name in the configuration, if anything does.
    fn database(&self, name: &str) -> Option<Arc<dyn DatabaseMetrics>>;
}

/// Counts what happens in the sessions of one database.
pub trait DatabaseMetrics: Send + Sync {
    /// A session begins, or has ended.
    fn session(&self, is_open: bool);
    fn verdict(&self, verdict: &'static str);
    fn delivered(&self, done: &Completion);
    fn held(&self, is_held: bool);
}

/// Settings of the gate.
#[derive(Debug, Clone)]
pub struct GateSettings {
    pub parser: ParserLimits,
    /// Size of the cache of analysed texts, in bytes of text.
    pub cache_bytes: u64,
    /// Refuse SET ROLE and everything equivalent: the grant alone determines the role on the server.
    pub lock_role: bool,
}

impl Default for GateSettings {
    fn default() -> Self {
        GateSettings {
            parser: ParserLimits::default(),
            cache_bytes: 64 << 20,
            lock_role: true,
        }
    }
}

/// The state that all sessions share.
pub struct Gate {
    settings: GateSettings,
    policies: Arc<Policies>,
    analyses: Analyses,
    edited: EditedTexts,
    analysts: Analysts,
    people: People,
    access: Option<AccessGrants>,
    metrics: Arc<dyn GateMetrics>,
}

impl Gate {
    pub fn new(
        settings: GateSettings,
        policies: Arc<Policies>,
        people: People,
        access: Option<AccessGrants>,
        metrics: Arc<dyn GateMetrics>,
    ) -> Arc<Self> {
        let analyses = Analyses::new(settings.cache_bytes);
        let edited = EditedTexts::new(settings.cache_bytes);
        Arc::new(Gate {
            settings,
            policies,
            analyses,
            edited,
            analysts: Analysts::new(),
            people,
            access,
            metrics,
        })
    }

    /// A catalog has been replaced by a newer one. What was analysed with it would keep it in memory.
    pub fn forget(&self, catalog: &Arc<Catalog>) {
        self.analyses.forget(catalog);
        self.edited.forget(catalog);
    }

    /// The judge of one session.
    pub fn session(
        self: &Arc<Self>,
        session: contract::Session,
        identity: &Identity,
        catalog: Arc<CatalogHandle>,
    ) -> SessionGate {
        let facts = Arc::new(SessionFacts::new(session, identity));
        let access = self.access.as_ref();
        SessionGate {
            gate: Arc::clone(self),
            set: self.policies.current(),
            holder: access.map(|access| access.holder(&facts.identity, &facts.session.database)),
            active: Arc::default(),
            facts,
            catalog,
            catalog_max_age: CATALOG_MAX_AGE,
            pooled: false,
            pending: Vec::new(),
            tickets: 0,
            waiting: Waiting::default(),
            delivery: Delivery::default(),
            stale_catalog: false,
            refreshed: None,
            reshaped: false,
            temporaries: BTreeSet::new(),
            looked_for: None,
            waited_for: None,
            statement: StatementId::default(),
            recent: Recent::default(),
            delivered: (0, 0),
            uncommitted: Uncommitted::default(),
            record: SessionRecord::default(),
            listeners: None,
            call: None,
            judging: Judging::default(),
            database: None,
        }
    }
}

/// Judges the statements of one session.
pub struct SessionGate {
    gate: Arc<Gate>,
    /// The policies that judge the current statement; a reload takes effect with the next one.
    set: Arc<PolicySet>,
    facts: Arc<SessionFacts>,
    /// What access grants the identity holds; `None`: there are none here.
    holder: Option<Holder>,
    /// Those that were active when the current statement was judged.
    active: Arc<Active>,
    catalog: Arc<CatalogHandle>,
    /// How old what is known of the catalog may be when a message is judged.
    catalog_max_age: Duration,
    /// What a statement leaves on its server connection matters to others, so that it must be known what it calls.
    pooled: bool,
    /// The answers that are under way.
    pending: Vec<Pending>,
    tickets: u64,
    /// What the client is told of the statement that it waits for.
    waiting: Waiting,
    /// Delivers the analysis of a long text.
    delivery: Delivery,
    /// DDL of this session has run: the next statement needs a fresh catalog.
    stale_catalog: bool,
    /// Whether the fresh catalog could be read, for the statement that waits for it.
    refreshed: Option<Refreshed>,
    /// The open transaction has run DDL, whose effect the catalog cannot show before it commits.
    reshaped: bool,
    /// Temporary tables that it has created: their names hide others.
    temporaries: BTreeSet<Box<str>>,
    /// The catalog generation and change count at which an unknown relation was last looked for.
    looked_for: Option<(u64, u64)>,
    /// The change count up to which the catalog was waited for.
    waited_for: Option<u64>,
    /// Id of the current statement.
    statement: StatementId,
    /// Cached answers for statements with identical facts.
    recent: Recent,
    /// Rows and bytes delivered by all statements whose end policies were told.
    delivered: (u64, u64),
    /// What the open transaction has changed, where people review that.
    uncommitted: Uncommitted,
    record: SessionRecord,
    /// `None`: there are no others that are told.
    listeners: Option<Arc<Listeners>>,
    /// The function call by message that is judged now.
    call: Option<Call>,
    /// What the record is to be told of the statement that is judged now.
    judging: Judging,
    /// Counts for the database, unless nobody is served.
    database: Option<Arc<dyn DatabaseMetrics>>,
}

impl SessionGate {
    /// The same, with another limit for the age of what is known of the catalog.
    pub fn with_catalog_age(mut self, limit: Duration) -> Self {
        self.catalog_max_age = limit;
        self
    }

    /// The same, with a record.
    pub fn with_record(mut self, record: SessionRecord) -> Self {
        self.record = record;
        self
    }

    /// The same, with others that are told what becomes of statements.
    pub fn with_listeners(mut self, listeners: Listeners) -> Self {
        self.listeners = listeners.are_there().then(|| Arc::new(listeners));
        self
    }

    /// The same, counted as a session of the database with this name in the configuration.
    pub fn with_database(mut self, name: &str) -> Self {
        self.database = self.gate.metrics.database(name);
        if let Some(database) = &self.database {
            database.session(true);
        }
        self
    }

    /// Whether somebody is told of statements: the record or others.
    fn tells(&self) -> bool {
        self.record.keeps_statements() || self.listeners.is_some()
    }

    /// Counts a verdict on a statement.
    fn count(&self, verb: Verb, verdict: &'static str) {
        self.gate.metrics.verdict(verb, verdict);
        if let Some(database) = &self.database {
            database.verdict(verdict);
        }
    }

    /// The same, on a server connection of a pool.
    pub fn with_pool(mut self, mode: PoolMode) -> Self {
        self.pooled = mode != PoolMode::None;
        self
    }
}

impl Drop for SessionGate {
    fn drop(&mut self) {
        if let Some(database) = &self.database {
            database.session(false);
        }
        if let Policies::Directory { host, .. } = &*self.gate.policies {
            host.session_ended(self.facts.session.id);
        }
    }
}

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
mod view;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use gatewright_contract::{self as contract, StatementId};
use gatewright_policy_host::{Directory, PolicyHost, PolicySet};
use gatewright_sql::{Analysis, Catalog, Limits as ParserLimits, SearchPath, Verb};

use crate::access::{AccessGrants, Active, Holder};
use crate::catalog::CatalogHandle;
use crate::identity::{CATALOG_MAX_AGE, Identity};
use crate::pool::PoolMode;
use crate::recording::SessionRecord;
use crate::results::Stop;
use crate::session::{
    Answer, Bound, Completion, Departure, Field, Judge, Judged, Limit, Limits, Notice, Plan,
    Question, Refusal, Rehearsal, Rehearsed, Showing, Ticket, Verdict,
};
use analysts::Analysts;
use approval::Waiting;
use commits::Uncommitted;
use delivery::{Delivery, Refreshed};
use editing::EditedTexts;
use known::Analyses;
use recent::Recent;
use recorded::Judging;
use ticket::Pending;
use view::SessionFacts;

pub use denial::printable;
pub use ending::Admitted;
pub use people::People;
pub use permit::Permit;
pub use preview::{PolicyAnswer, Preview, ResultPreview};
pub use text::AnalyzedText;

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
            judging: Judging::default(),
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
    /// What the record is to be told of the statement that is judged now.
    judging: Judging,
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

    /// The same, on a server connection of a pool.
    pub fn with_pool(mut self, mode: PoolMode) -> Self {
        self.pooled = mode != PoolMode::None;
        self
    }
}

impl Drop for SessionGate {
    fn drop(&mut self) {
        if let Policies::Directory { host, .. } = &*self.gate.policies {
            host.session_ended(self.facts.session.id);
        }
    }
}

impl Judge for SessionGate {
    type Text = Arc<AnalyzedText>;
    type Permit = Arc<Permit>;
    type Admitted = Admitted;

    fn catch_up(&mut self) -> Judged<Result<(), Refusal>> {
        self.catch_up_with_database()
    }

    fn analyze(
        &mut self,
        text: &str,
        standard_conforming_strings: bool,
        path: Option<&SearchPath>,
    ) -> Judged<Result<Self::Text, Refusal>> {
        let analysis = self.analyze_text(text, standard_conforming_strings, path);
        self.note_analysis(text, analysis)
    }

    fn analysis(text: &Self::Text) -> &Analysis {
        &text.analysis
    }

    fn source(text: &Self::Text) -> &str {
        &text.source
    }

    fn bytes(text: &Self::Text) -> usize {
        text.bytes()
    }

    fn client_position(text: &Self::Text, position: u32) -> Option<u32> {
        match &text.edited {
            Some(from) => editing::client_position(&from.client.source, &text.source, position),
            None => Some(position),
        }
    }

    fn is_settled(&self, text: &Self::Text) -> bool {
        SessionGate::is_settled(self, text)
    }

    fn analyze_anew(&mut self, text: &Self::Text) -> Judged<Result<Self::Text, Refusal>> {
        let analysis = SessionGate::analyze_anew(self, text);
        self.note_analysis(&text.source, analysis)
    }

    fn judge(&mut self, question: Question<'_, Self>) -> Judged<Result<Verdict<Self>, Refusal>> {
        let verdict = self.judge_statement(question);
        self.note_verdict(verdict)
    }

    fn judge_function_call(
        &mut self,
        function_oid: u32,
        in_transaction: bool,
    ) -> Judged<Result<Verdict<Self>, Refusal>> {
        let verdict = self.judge_call(function_oid, in_transaction);
        self.note_verdict(verdict)
    }

    fn is_current(&self, permit: &Self::Permit) -> bool {
        Arc::ptr_eq(&permit.set, &self.gate.policies.current()) && permit.view.active.hold()
    }

    fn messages(permit: &Self::Permit) -> contract::Messages {
        permit.messages()
    }

    fn wants_notifications(&self) -> bool {
        let set = self.gate.policies.current();
        let mut policies = set.policies.iter();
        !set.missing.is_empty()
            || policies.any(|policy| policy.hooks().contains(contract::Hooks::NOTIFICATION))
    }

    fn judge_notification(
        &mut self,
        channel: &str,
        payload: &str,
    ) -> Judged<contract::NotificationReply> {
        self.ask_of_notification(channel, payload)
    }

    fn wants_plan(permit: &Self::Permit) -> bool {
        !permit.planners.is_empty()
    }

    fn covers(planned_for: &Self::Permit, now: &Self::Permit) -> bool {
        Arc::ptr_eq(&planned_for.set, &now.set)
            && planned_for.planners == now.planners
            && Arc::ptr_eq(&planned_for.view.active, &now.view.active)
    }

    fn limits(permit: &Self::Permit) -> Limits {
        permit.limits
    }

    fn needs_approval(permit: &Self::Permit) -> bool {
        permit.needs_approval()
    }

    fn wants_parameters(&self) -> bool {
        self.gate.policies.current().wants_parameters()
    }

    fn plan(&mut self, permit: &Self::Permit, fields: &[Field]) -> Judged<Result<Plan, Refusal>> {
        self.plan_result(permit, fields)
    }

    fn follows_all(permit: &Self::Permit) -> bool {
        permit.is_reviewed_commit()
    }

    fn rehearsal(&self, permit: &Self::Permit) -> Option<Rehearsal> {
        self.rehearsal_of(permit)
    }

    fn showing(&mut self, permit: &Self::Permit) -> Judged<Result<Showing<Self>, String>> {
        self.showing_of(permit)
    }

    fn bound_to(admitted: &Admitted) -> Option<Bound> {
        admitted.bound_to()
    }

    fn effect_differs(&mut self, admitted: &Admitted, changed: Option<u64>) -> Refusal {
        self.gate.metrics.decided("effect_mismatch");
        admitted.effect_differs(changed)
    }

    fn admit(
        &mut self,
        permit: &Self::Permit,
        effect: Option<&Rehearsed>,
    ) -> Judged<Result<Admitted, Refusal>> {
        self.admit_execution(permit, effect)
    }

    fn on_batch(
        &mut self,
        permit: &Self::Permit,
        step: usize,
        batch: &Arc<contract::Batch>,
    ) -> Judged<Result<contract::BatchReply, contract::Denial>> {
        self.ask_of_batch(permit, step, batch)
    }

    fn complete(&mut self, admitted: Admitted, done: Completion) -> Judged<()> {
        self.execution_ended(admitted, done)
    }

    fn resume(&mut self, ticket: Ticket) -> Judged<Answer<Self>> {
        let answer = self.resume_ticket(ticket);
        self.note_answer(answer)
    }

    fn is_under_way(&self, ticket: &Ticket) -> bool {
        self.is_ticket_under_way(ticket)
    }

    fn withdraw(&mut self, ticket: Ticket, why: Departure) {
        self.withdraw_ticket(&ticket, why);
    }

    fn notice(&mut self) -> Option<Notice> {
        self.waiting.take_notice()
    }

    fn stopped(&mut self, permit: &Self::Permit, stop: Stop) -> Refusal {
        self.gate.metrics.verdict(permit.verb, "stop");
        denial::stopped(permit, stop)
    }

    fn limit_reached(&mut self, permit: &Self::Permit, limit: Limit) -> Refusal {
        self.gate.metrics.verdict(permit.verb, "stop");
        denial::limit(permit, limit)
    }

    fn refused(&mut self, refusal: &Refusal) {
        self.session_refused(refusal);
    }
}

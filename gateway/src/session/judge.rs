//! What the session asks of whoever judges statements. The gate answers; tests answer with a few lines.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use gatewright_policy_host::contract;
use gatewright_sql::{Analysis, Facts};

use super::name::Name;
use super::names::Names;
use super::refusal::Refusal;
use crate::results::{Step, Stop};

/// An answer that may need more time, such as the parse of a large text or a fresh catalog.
/// The session puts the client's message back and offers it again when the relay says that time has passed.
#[derive(Debug)]
pub enum Judged<T> {
    Ready(T),
    Later,
}

/// When a statement is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A statement of a simple Query.
    Simple,
    /// At Parse: no parameter is known.
    Parse,
    /// At Bind: the parameters are known.
    Execute,
}

/// Bound parameters as the client sent them (protocol 3.0, Bind).
#[derive(Debug, Clone, Copy)]
pub struct BoundParameters<'a> {
    /// The body of the Bind message, already known to be well formed.
    pub bind: &'a [u8],
    /// Type OIDs from the server's ParameterDescription; empty when nobody asked for it.
    pub types: &'a [u32],
}

/// One statement to be judged.
pub struct Question<'a, J: Judge> {
    pub phase: Phase,
    pub text: &'a J::Text,
    /// Index into the analysis' statements.
    pub index: usize,
    pub parameters: Option<BoundParameters<'a>>,
    /// The permit given at Parse, whose answers may be reused where the policies said so.
    pub earlier: Option<&'a J::Permit>,
    pub in_transaction: bool,
    /// No transaction is open, of whatever kind, and nothing that was sent is still to be answered.
    pub at_rest: bool,
    /// What EXECUTE and FETCH name on this connection.
    pub names: &'a dyn NameFacts,
}

/// Facts behind the names that a connection has given to statements and cursors.
pub trait NameFacts {
    fn statement(&self, name: &str) -> Option<Arc<Facts>>;
    fn cursor(&self, name: &str) -> Option<Arc<Facts>>;
}

/// One column as the server described it (RowDescription).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// 0 when the column is no plain column of a table.
    pub table_oid: u32,
    /// 0 likewise, or for a whole row.
    pub attribute: i16,
    pub type_oid: u32,
    /// -1 for none.
    pub type_modifier: i32,
}

/// What the policies decided for the columns of one result.
#[derive(Debug, Clone)]
pub struct Plan {
    pub fields: Vec<Field>,
    /// As values of which type each field's are read and written: its own, or one whose values look the same.
    pub types: Vec<u32>,
    pub steps: Vec<Step>,
}

/// Limits that come with a permit. `None`: unlimited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
    /// From when it is the statement's turn on the server.
    pub time: Option<Duration>,
}

impl Limits {
    pub fn any(&self) -> bool {
        self.rows.is_some() || self.bytes.is_some() || self.time.is_some()
    }
}

/// Which limit a result reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    Rows(u64),
    Bytes(u64),
    /// The statement took longer than this.
    Time(Duration),
    /// A single row larger than the gateway may hold in memory to edit it.
    RowSize(u64),
}

/// How a permitted statement ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    pub rows: u64,
    pub bytes: u64,
    pub masked_cells: u64,
    /// `00000` on success.
    pub sqlstate: String,
}

/// Judges statements. Every method returns at once; what needs time answers [`Judged::Later`].
pub trait Judge {
    /// An analysed text.
    type Text: Clone;
    /// The proof that one statement was judged and may run. Only the judge can make one.
    type Permit: Clone;

    /// Understands a text. `Err` is what the client is told instead.
    fn analyze(
        &mut self,
        text: &str,
        standard_conforming_strings: bool,
    ) -> Judged<Result<Self::Text, Refusal>>;
    fn analysis(text: &Self::Text) -> &Analysis;
    fn source(text: &Self::Text) -> &str;

    /// Asks every policy in force, once.
    fn judge(&mut self, question: Question<'_, Self>) -> Judged<Result<Verdict<Self>, Refusal>>
    where
        Self: Sized;
    /// Judges a fast-path function call (protocol: FunctionCall).
    fn judge_function_call(
        &mut self,
        function_oid: u32,
        in_transaction: bool,
    ) -> Judged<Result<Self::Permit, Refusal>>;

    /// True while the permit speaks for the policies now in force.
    fn is_current(&self, permit: &Self::Permit) -> bool;
    /// True when some policy must see the row description before the statement may run.
    fn wants_plan(permit: &Self::Permit) -> bool;
    /// True when a plan made under `planned_for` holds for `now` too: the same policies would be asked.
    fn covers(planned_for: &Self::Permit, now: &Self::Permit) -> bool;
    fn limits(permit: &Self::Permit) -> Limits;
    /// True when policies read parameters, so that their types must be known before Bind.
    fn wants_parameters(&self) -> bool;

    /// Shows the result's columns to the policies that asked for them.
    fn plan(&mut self, permit: &Self::Permit, fields: &[Field]) -> Result<Plan, Refusal>;
    /// Hands a batch to the policy behind one step of a plan.
    fn on_batch(
        &mut self,
        permit: &Self::Permit,
        step: usize,
        batch: &contract::Batch,
    ) -> Result<contract::BatchReply, contract::Denial>;
    /// The refusal for a result that a policy stopped, or that could not be edited.
    fn stopped(&mut self, permit: &Self::Permit, stop: Stop) -> Refusal;
    /// The refusal for a result that reached a limit of its permit.
    fn limit_reached(&mut self, permit: &Self::Permit, limit: Limit) -> Refusal;
    /// The statement is over.
    fn completed(&mut self, permit: &Self::Permit, done: &Completion);
}

/// What is asked of a judge besides judging: to tell when an answer that took time has come.
pub trait PendingJudge: Judge {
    /// Ready when the message that was put back may be offered again. Pending forever while nothing is awaited.
    fn poll_pending(&mut self, context: &mut Context<'_>) -> Poll<()>;
}

/// What comes of judging: leave to run, or another text to run instead.
pub enum Verdict<J: Judge> {
    Permit(J::Permit),
    /// A policy rewrote the statement; the text was analysed and judged again.
    Rewrite {
        text: J::Text,
        permit: J::Permit,
    },
}

/// Looks names up in the session's own tables.
impl<J: Judge> NameFacts for Names<J> {
    fn statement(&self, name: &str) -> Option<Arc<Facts>> {
        self.statement_facts(&Name::new(name))
    }

    fn cursor(&self, name: &str) -> Option<Arc<Facts>> {
        self.cursor_facts(&Name::new(name))
    }
}

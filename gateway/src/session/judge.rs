//! What the session asks of whoever judges statements. The gate answers; tests answer with a few lines.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use gatewright_contract as contract;
use gatewright_sql::{Analysis, Facts, ReturnedRows, SearchPath};
use gatewright_wire::frontend;

use crate::recording::{self, RehearsalRecord};
use crate::results::{Step, Stop};
use crate::session::effect::{Bound, DigestOfRows, Rehearsal, Rehearsed};
use crate::session::refusal::Refusal;

pub use contract::{Judged, Outcome, Ticket, Wait};

/// When a statement is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A statement of a simple Query.
    Simple,
    /// At Parse: no parameter is known.
    Parse,
    /// At Bind: the parameters are known.
    Execute,
    /// A SELECT that does what a FunctionCall does.
    FunctionCall,
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
    /// It runs in a transaction block, so that its own end commits nothing.
    pub in_block: bool,
    /// No transaction is open, of whatever kind, and every reply is in.
    pub at_rest: bool,
    /// What EXECUTE and FETCH name on this connection.
    pub names: &'a dyn NameFacts,
    /// The search path of the connection; `None` if it is not known.
    pub path: Option<&'a SearchPath>,
    /// The value of `search_path`, where it is certain.
    pub path_value: Option<&'a str>,
    /// Texts of the client are in UTF-8, also those of its parameters.
    pub is_utf8: bool,
}

/// Facts behind the names that a connection has given to statements and cursors.
pub trait NameFacts {
    fn statement(&self, name: &str) -> Option<Arc<Facts>>;
    fn cursor(&self, name: &str) -> Option<Arc<Facts>>;
    /// The text that made the statement, as far as it is known.
    fn statement_text(&self, name: &str) -> Option<String>;
    /// The text that made the cursor, as far as it is known.
    fn cursor_text(&self, name: &str) -> Option<String>;
}

/// Why nobody waits for an answer any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Departure {
    /// The client closed its connection, or its half of it.
    ClientLeft,
    /// The client sent a cancel request.
    Cancelled,
    /// Something before it in its pipeline failed.
    Skipped,
    /// The statement is refused for another reason.
    Refused,
    /// The session was ended.
    #[default]
    SessionEnded,
    GatewayStopped,
}

/// What a client is told while its statement is held (NoticeResponse).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub message: String,
    /// Machine-readable, JSON.
    pub detail: String,
    pub hint: String,
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
    /// The type as which each field's values are read and written: its own, or one with the same representation.
    pub types: Vec<u32>,
    pub steps: Vec<Step>,
}

/// Limits that come with a permit. `None`: unlimited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
    /// Counts from when it is the statement's turn on the server.
    pub time: Option<Duration>,
    /// Rows that the session may have had in all when the result ends.
    pub session_rows: Option<u64>,
    /// The same for bytes.
    pub session_bytes: Option<u64>,
}

impl Limits {
    pub fn any(&self) -> bool {
        *self != Limits::default()
    }

    /// The limits of a result that begins now. `delivered`: rows and bytes of all that ended before in the session. `passed`: how many
    /// of them were of this result.
    pub fn after(self, delivered: (u64, u64), passed: (u64, u64)) -> Limits {
        let left = |most: Option<u64>, delivered: u64, passed: u64| {
            most.map(|most| most.saturating_sub(delivered).saturating_add(passed))
        };
        let smaller = |own: Option<u64>, left: Option<u64>| own.into_iter().chain(left).min();
        Limits {
            rows: smaller(self.rows, left(self.session_rows, delivered.0, passed.0)),
            bytes: smaller(self.bytes, left(self.session_bytes, delivered.1, passed.1)),
            ..self
        }
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

/// The end of an admitted statement. There is exactly one for each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    pub outcome: Outcome,
    /// Rows delivered to the client.
    pub rows: u64,
    /// Bytes of those rows' messages, as delivered.
    pub bytes: u64,
    pub masked_cells: u64,
    /// How many rows it changed, where the server says so.
    pub changed: Option<u64>,
    /// It was undone, because its effect was not the one that it was admitted for.
    pub effect_differs: bool,
    /// `00000` on success.
    pub sqlstate: String,
}

/// The form of a statement in which it returns the rows that it changes, judged like any statement.
pub struct Showing<J: Judge> {
    /// Of one statement.
    pub text: J::Text,
    pub permit: J::Permit,
    pub which: ReturnedRows,
    /// Two runs that change the same rows return the same.
    pub is_comparable: bool,
}

impl<J: Judge> Showing<J> {
    /// What two runs are compared by. `None`: their rows cannot be compared.
    pub fn comparing(&self) -> Option<DigestOfRows> {
        let which = Some(self.which).filter(|_| self.is_comparable);
        which.and_then(DigestOfRows::comparing)
    }
}

/// An answer that was under way.
pub enum Answer<J: Judge> {
    CaughtUp(Result<(), Refusal>),
    Text(Result<J::Text, Refusal>),
    Verdict(Result<Verdict<J>, Refusal>),
    Plan(Result<Plan, Refusal>),
    Showing(Result<Showing<J>, String>),
    Rehearsal(Result<RehearsalRecord, Refusal>),
    Admission(Result<J::Admitted, Refusal>),
    Batch(Result<contract::BatchReply, contract::Denial>),
    Notification(contract::NotificationReply),
    Completed,
}

/// Judges statements. A method that needs time answers [`Judged::Pending`]; the session then calls [`Judge::resume`] with the
/// ticket until the answer is there, and never asks the same question twice.
pub trait Judge: Sized {
    /// An analysed text.
    type Text: Clone;
    /// The proof that one statement was judged and may run. Only the judge can make one.
    type Permit: Clone;
    /// The proof that one execution of a permitted statement was written down and may be sent. Only the judge can make one;
    /// each is given back to [`Judge::complete`] exactly once.
    type Admitted;

    /// Brings what is known of the database up to date, before the next message of the client is looked at. `Err`: it could not be, so
    /// nothing may be judged.
    fn catch_up(&mut self) -> Judged<Result<(), Refusal>>;
    /// Understands a text whose names are looked up along the path. `Err` is what the client is told instead.
    fn analyze(
        &mut self,
        text: &str,
        standard_conforming_strings: bool,
        path: Option<&SearchPath>,
    ) -> Judged<Result<Self::Text, Refusal>>;
    /// True while what the names in the text mean is as it was analysed, as far as is known.
    fn is_settled(&self, text: &Self::Text) -> bool;
    /// Understands the text once more, as its names are now. The answer is an [`Answer::Text`].
    fn analyze_anew(&mut self, text: &Self::Text) -> Judged<Result<Self::Text, Refusal>>;
    fn analysis(text: &Self::Text) -> &Analysis;
    fn source(text: &Self::Text) -> &str;
    /// About how much memory the text takes with everything that is known of it, in bytes.
    fn bytes(text: &Self::Text) -> usize;
    /// Where the client's own text has what stands at this character of the source, counted from 1. `None`: it does not have it.
    fn client_position(text: &Self::Text, position: u32) -> Option<u32>;

    /// Asks every policy in force, once.
    fn judge(&mut self, question: Question<'_, Self>) -> Judged<Result<Verdict<Self>, Refusal>>;
    /// Judges a fast-path function call (protocol: FunctionCall).
    fn judge_function_call(
        &mut self,
        call: &frontend::FunctionCall<'_>,
        in_transaction: bool,
    ) -> Judged<Result<Verdict<Self>, Refusal>>;

    /// True while the permit speaks for the policies now in force, and no access grant has ended that it was given under.
    fn is_current(&self, permit: &Self::Permit) -> bool;
    /// What the client gets of the texts of the statement's errors and notices.
    fn messages(permit: &Self::Permit) -> contract::Messages;
    /// True when some policy judges notifications.
    fn wants_notifications(&self) -> bool;
    /// What becomes of a notification.
    fn judge_notification(
        &mut self,
        channel: &str,
        payload: &str,
    ) -> Judged<contract::NotificationReply>;
    /// True when some policy must see the row description before the statement may run.
    fn wants_plan(permit: &Self::Permit) -> bool;
    /// True when a plan made under `planned_for` holds for `now` too: the same policies would be asked, under the same access grants.
    fn covers(planned_for: &Self::Permit, now: &Self::Permit) -> bool;
    fn limits(permit: &Self::Permit) -> Limits;
    /// True when people have to approve the statement. They are asked by [`Judge::admit`], and shown its parameters.
    fn needs_approval(permit: &Self::Permit) -> bool;
    /// True when all that was sent before has to be answered before it is admitted.
    fn follows_all(permit: &Self::Permit) -> bool;
    /// What is to be found out of the statement's effect before it is admitted. `None`: nothing.
    fn rehearsal(&self, permit: &Self::Permit) -> Option<Rehearsal>;
    /// The form in which the statement returns the rows that it changes. `Err`: why nobody can be shown them.
    fn showing(&mut self, permit: &Self::Permit) -> Judged<Result<Showing<Self>, String>>;
    /// Writes down that a statement is about to be rehearsed, which has to be before it is sent.
    fn record_rehearsal(
        &mut self,
        permit: &Self::Permit,
        rehearsal: recording::Rehearsal,
    ) -> Judged<Result<RehearsalRecord, Refusal>>;
    /// The effects that were admitted; `None`: all.
    fn bound_to(admitted: &Self::Admitted) -> Option<Bound>;
    /// The refusal of a statement that had another effect than the one that was admitted.
    fn effect_differs(&mut self, admitted: &Self::Admitted, changed: Option<u64>) -> Refusal;
    /// True when policies read parameters, so that their types must be known before Bind.
    fn wants_parameters(&self) -> bool;

    /// Shows the result's columns to the policies that asked for them.
    fn plan(&mut self, permit: &Self::Permit, fields: &[Field]) -> Judged<Result<Plan, Refusal>>;
    /// Writes down that a permitted statement is about to be sent. The last question before it leaves for the server. `effect`: what its
    /// rehearsal has shown, where one was wanted.
    fn admit(
        &mut self,
        permit: &Self::Permit,
        effect: Option<&Rehearsed>,
    ) -> Judged<Result<Self::Admitted, Refusal>>;
    /// Hands a batch to the policy behind one step of a plan.
    fn on_batch(
        &mut self,
        permit: &Self::Permit,
        step: usize,
        batch: &Arc<contract::Batch>,
    ) -> Judged<Result<contract::BatchReply, contract::Denial>>;
    /// The end of an admitted statement. The client sees nothing of the end before this is answered.
    fn complete(&mut self, admitted: Self::Admitted, done: Completion) -> Judged<()>;

    /// The answer behind a ticket, or the ticket again while it is still under way.
    fn resume(&mut self, ticket: Ticket) -> Judged<Answer<Self>>;
    /// True while the answer behind a ticket is not there.
    fn is_under_way(&self, ticket: &Ticket) -> bool;
    /// Nobody waits for this answer any more: the client left, cancelled, or an error took the statement with it.
    fn withdraw(&mut self, ticket: Ticket, why: Departure);
    /// What the client is to be told now of the statement that is held.
    fn notice(&mut self) -> Option<Notice>;

    /// The refusal for a result that a policy stopped, or that could not be edited.
    fn stopped(&mut self, permit: &Self::Permit, stop: Stop) -> Refusal;
    /// The refusal for a result that reached a limit of its permit.
    fn limit_reached(&mut self, permit: &Self::Permit, limit: Limit) -> Refusal;
    /// A refusal that the session made itself, so that it is counted like any other.
    fn refused(&mut self, refusal: &Refusal);
}

/// What is asked of a judge besides judging: to tell when an answer that took time has come.
pub trait PendingJudge: Judge {
    /// Ready when a ticket may be resumed. Pending forever while there is none.
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

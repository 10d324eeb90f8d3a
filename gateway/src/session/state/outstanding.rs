//! Outstanding replies: one entry for each message sent to the server that it has not answered yet, oldest first.

use std::collections::VecDeque;
use std::rc::Rc;

use gatewright_sql::{Facts, Statement};

use crate::pool::Serial;
use crate::session::judge::{Judge, Plan};
use crate::session::refusal::Refusal;
use crate::session::state::copy_probe::CopySyncProbe;
use crate::session::state::name::Name;
use crate::session::state::names::{Portal, Prepared, can_stop};
use crate::session::state::rehearsal::Rehearsing;

/// Who gets the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Client,
    /// The gateway sent the message itself; the client sees only an error.
    Gateway,
}

pub enum Outstanding<J: Judge> {
    Query(QueryRun<J>),
    Parse {
        name: Name,
        prepared: Rc<Prepared<J>>,
    },
    /// A statement of the client's that is made once more, on another connection.
    PrepareAgain(Serial),
    Bind {
        name: Name,
        portal: Rc<Portal<J>>,
        /// Where the statement has another name on the server.
        renamed: Option<Box<Renamed>>,
        /// The client has had the answer to this Bind before.
        again: bool,
    },
    /// Bind of a statement that does not exist: always an error.
    BindUnknown,
    Describe {
        target: Described<J>,
        audience: Audience,
    },
    Execute {
        portal: Rc<Portal<J>>,
        /// `None` for a portal without a statement, and once its end was reported.
        admitted: Option<J::Admitted>,
    },
    /// Execute of an unknown portal in a failed transaction, where the server runs nothing: an error or EmptyQueryResponse.
    ExecuteUnknown,
    Close {
        target: CloseTarget,
        audience: Audience,
    },
    /// The stand-in for a refused extended message: always an error.
    Refused(Refusal),
    /// A text that the gateway cannot read, sent for the server's error: always an error, of the server or the refusal.
    Unread(Unread),
    /// A stand-in whose error is not forwarded: the client has received one already.
    Silenced,
    FunctionCall {
        permit: J::Permit,
        /// `None` once its end was reported.
        admitted: Option<J::Admitted>,
        /// The result has arrived.
        answered: bool,
    },
    Sync,
    /// The gateway's question for a setting: an error of it is the client's.
    Asked(Asked),
    /// A statement that the gateway tries, and undoes.
    Rehearsal(Rehearsing<J>),
    /// The gateway's probe for which Syncs the server answers after a failed COPY FROM STDIN.
    CopySyncProbe(CopySyncProbe),
}

/// A prepared statement's name on a shared connection, and its client's.
pub struct Renamed {
    pub on_server: String,
    pub clients: String,
}

/// A setting that the server was asked for with SHOW.
pub struct Asked {
    pub setting: &'static str,
    pub value: Option<Vec<u8>>,
    /// How many of the portal and the statement are closed.
    pub closed: u8,
}

/// A Parse of a text that the gateway cannot read, the Close of it, and a stand-in.
pub struct Unread {
    /// Of the statement.
    pub name: Name,
    /// For a text that the server accepts.
    pub refusal: Refusal,
    /// The server has accepted it.
    pub accepted: bool,
}

/// A simple Query that was sent.
pub struct QueryRun<J: Judge> {
    pub text: Option<J::Text>,
    pub permits: Vec<J::Permit>,
    /// One per permit; `None` once its end was reported.
    pub admitted: Vec<Option<J::Admitted>>,
    pub plans: Vec<Option<Rc<Plan>>>,
    /// Bodies of notices that the text raised before any of it ran, so that they hold no values of rows.
    pub notices: Vec<Box<[u8]>>,
    /// The statement whose reply is expected next.
    pub index: usize,
    /// Set when a stand-in was sent instead: the server's error gets this text.
    pub refusal: Option<Refusal>,
    /// The client has received an error already; the stand-in only aborts the transaction.
    pub silent_error: bool,
    pub sent: Sent,
}

/// How a Query went to the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sent {
    #[default]
    Whole,
    /// As Parse, Bind, Describe, Execute and Flush, so that its effect can still be undone.
    InParts,
    /// The Sync that ends it has followed.
    InPartsWithSync,
}

impl<J: Judge> QueryRun<J> {
    pub fn stand_in(refusal: Refusal) -> Self {
        QueryRun {
            text: None,
            permits: Vec::new(),
            admitted: Vec::new(),
            plans: Vec::new(),
            notices: Vec::new(),
            index: 0,
            refusal: Some(refusal),
            silent_error: false,
            sent: Sent::Whole,
        }
    }

    pub fn statements(&self) -> &[Statement] {
        let text = self.text.as_ref();
        text.map_or(&[], |text| J::analysis(text).statements.as_slice())
    }

    /// True when some statement of the message satisfies the condition.
    pub fn any(&self, kind: impl Fn(&Facts) -> bool) -> bool {
        let mut statements = self.statements().iter();
        statements.any(|statement| kind(&statement.facts))
    }

    /// True when the gateway may stop the result of some statement.
    pub fn can_stop(&self) -> bool {
        self.permits
            .iter()
            .zip(&self.plans)
            .any(|(permit, plan)| can_stop::<J>(permit, plan.as_deref()))
    }
}

impl<J: Judge> Outstanding<J> {
    /// The permit of the statement whose reply is expected now.
    pub fn permit(&self) -> Option<&J::Permit> {
        match self {
            Outstanding::Query(run) => run.permits.get(run.index),
            Outstanding::Execute { portal, .. } => portal.permit.as_ref(),
            Outstanding::FunctionCall {
                permit,
                answered: false,
                ..
            } => Some(permit),
            _ => None,
        }
    }

    /// Takes the admission of the statement whose reply is expected now.
    pub fn take_current(&mut self) -> Option<J::Admitted> {
        match self {
            Outstanding::Query(run) => run.admitted.get_mut(run.index)?.take(),
            Outstanding::Execute { admitted, .. } | Outstanding::FunctionCall { admitted, .. } => {
                admitted.take()
            }
            _ => None,
        }
    }

    /// Takes all remaining admissions.
    pub fn take_all(&mut self) -> Vec<J::Admitted> {
        match self {
            Outstanding::Query(run) => run.admitted.iter_mut().filter_map(Option::take).collect(),
            Outstanding::Execute { admitted, .. } | Outstanding::FunctionCall { admitted, .. } => {
                admitted.take().into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// True when it is cancelled once its time is up.
    fn has_time_limit(&self) -> bool {
        let limited = |permit: &J::Permit| J::limits(permit).time.is_some();
        match self {
            Outstanding::Query(run) => run.permits.iter().any(limited),
            Outstanding::Execute { portal, .. } => portal.permit.as_ref().is_some_and(limited),
            Outstanding::FunctionCall { permit, .. } => limited(permit),
            _ => false,
        }
    }

    /// True when the gateway may stop its result.
    pub fn can_stop(&self) -> bool {
        match self {
            Outstanding::Query(run) => run.can_stop(),
            Outstanding::Execute { portal, .. } => portal.can_stop(),
            Outstanding::FunctionCall { permit, .. } => can_stop::<J>(permit, None),
            _ => false,
        }
    }

    /// True when its effect may have to be undone once it is known: nothing is sent behind it.
    pub fn is_bound(&self) -> bool {
        match self {
            Outstanding::Query(run) => run.sent != Sent::Whole,
            Outstanding::Execute { admitted, .. } => admitted
                .as_ref()
                .is_some_and(|admitted| J::bound_to(admitted).is_some()),
            _ => false,
        }
    }

    /// True for an Execute that may change something.
    pub fn may_write(&self) -> bool {
        match self {
            Outstanding::Execute { portal, .. } => !portal.prepared.is(Facts::changes_nothing),
            Outstanding::ExecuteUnknown => true,
            _ => false,
        }
    }

    /// The admission of the statement whose reply is expected now.
    pub fn current(&self) -> Option<&J::Admitted> {
        match self {
            Outstanding::Query(run) => run.admitted.get(run.index)?.as_ref(),
            Outstanding::Execute { admitted, .. } => admitted.as_ref(),
            _ => None,
        }
    }

    /// True when the server answers without a Flush.
    pub fn answered_anyway(&self) -> bool {
        matches!(
            self,
            Outstanding::Sync
                | Outstanding::Query(_)
                | Outstanding::FunctionCall { .. }
                | Outstanding::Rehearsal(_)
                | Outstanding::CopySyncProbe(_)
        )
    }
}

pub enum Described<J: Judge> {
    /// A known prepared statement.
    Statement(Rc<Prepared<J>>),
    Portal(Rc<Portal<J>>),
    /// One statement of the simple Query that is held.
    InHand,
    /// An unknown name; the server answers with its own error.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloseTarget {
    Statement(Name),
    Portal(Name),
    /// One that only the gateway knows.
    OnServer,
}

/// The queue of outstanding replies.
pub struct Queue<J: Judge> {
    entries: VecDeque<Outstanding<J>>,
    /// How many entries can change the meaning of a name.
    naming: usize,
    /// How many entries contained a COPY FROM STDIN when they were sent.
    copying: usize,
    /// How many entries may begin, end or abort a transaction block.
    transacting: usize,
    /// How many entries are cancelled when their time is up.
    timed: usize,
    /// About how much memory the texts that the entries keep take, in bytes.
    texts: usize,
    /// How many were taken out.
    taken: u64,
}

impl<J: Judge> Default for Queue<J> {
    fn default() -> Self {
        Queue {
            entries: VecDeque::new(),
            naming: 0,
            copying: 0,
            transacting: 0,
            timed: 0,
            texts: 0,
            taken: 0,
        }
    }
}

impl<J: Judge> Queue<J> {
    pub fn push(&mut self, reply: Outstanding<J>) {
        self.naming += usize::from(names_something(&reply));
        self.copying += usize::from(holds_copy_in(&reply));
        self.transacting += usize::from(may_change_transaction(&reply));
        self.timed += usize::from(reply.has_time_limit());
        self.texts += text_of(&reply);
        self.entries.push_back(reply);
    }

    pub fn pop(&mut self) -> Option<Outstanding<J>> {
        let reply = self.entries.pop_front();
        if let Some(reply) = &reply {
            self.taken += 1;
            self.naming -= usize::from(names_something(reply));
            self.copying -= usize::from(holds_copy_in(reply));
            self.transacting -= usize::from(may_change_transaction(reply));
            self.timed -= usize::from(reply.has_time_limit());
            self.texts -= text_of(reply);
        }
        reply
    }

    pub fn front(&self) -> Option<&Outstanding<J>> {
        self.entries.front()
    }

    pub fn front_mut(&mut self) -> Option<&mut Outstanding<J>> {
        self.entries.front_mut()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many replies are outstanding.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True while a message is outstanding that the server runs something for.
    pub fn runs_anything(&self) -> bool {
        let runs = |reply: &Outstanding<J>| {
            matches!(
                reply,
                Outstanding::Query(_)
                    | Outstanding::Execute { .. }
                    | Outstanding::ExecuteUnknown
                    | Outstanding::FunctionCall { .. }
            )
        };
        self.entries.iter().any(runs)
    }

    /// The number of the next message that is pushed, counted from 1. Where Syncs were dropped from between, messages before may have
    /// higher numbers.
    pub fn next_number(&self) -> u64 {
        self.taken + self.entries.len() as u64 + 1
    }

    /// The number of the oldest message.
    pub fn oldest_number(&self) -> Option<u64> {
        (!self.entries.is_empty()).then_some(self.taken + 1)
    }

    /// True while an outstanding reply may change the meaning of a name.
    pub fn names_pending(&self) -> bool {
        self.naming > 0
    }

    /// Upper bound of the names that outstanding replies may create.
    pub fn most_names(&self) -> usize {
        self.naming
    }

    /// About how much memory the texts kept for outstanding replies take, in bytes.
    pub fn texts(&self) -> usize {
        self.texts
    }

    /// True while the server may still enter COPY FROM STDIN.
    pub fn may_copy_in(&self) -> bool {
        self.copying > 0 && self.entries.iter().any(copies_in)
    }

    /// True while a statement may be cancelled because its time is up.
    pub fn has_time_limit(&self) -> bool {
        self.timed > 0
    }

    /// True while an outstanding reply may begin, end or abort a transaction block.
    pub fn may_change_transaction(&self) -> bool {
        self.transacting > 0
    }

    /// The entries that an error of the first one ends: itself, and those that the server skips up to the next Sync.
    pub fn failing(&mut self) -> impl Iterator<Item = &mut Outstanding<J>> {
        let alone = matches!(
            self.entries.front(),
            Some(
                Outstanding::Query(_)
                    | Outstanding::FunctionCall { .. }
                    | Outstanding::Sync
                    | Outstanding::CopySyncProbe(_)
            )
        );
        let mut first = true;
        self.entries.iter_mut().take_while(move |reply| {
            std::mem::take(&mut first)
                || !alone && !matches!(reply, Outstanding::Sync | Outstanding::CopySyncProbe(_))
        })
    }

    /// All entries, mutable.
    pub fn each(&mut self) -> impl Iterator<Item = &mut Outstanding<J>> {
        self.entries.iter_mut()
    }

    /// All entries, oldest first.
    pub fn oldest_first(&self) -> impl Iterator<Item = &Outstanding<J>> {
        self.entries.iter()
    }

    /// All entries, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Outstanding<J>> {
        self.entries.iter().rev()
    }

    /// After an error in the extended protocol the server skips messages until Sync: drops the entries before it. Returns false when no Sync
    /// was sent yet.
    pub fn skip_to_sync(&mut self) -> bool {
        while let Some(reply) = self.entries.front() {
            if matches!(reply, Outstanding::Sync | Outstanding::CopySyncProbe(_)) {
                return true;
            }
            if let Some(
                Outstanding::Parse { prepared, .. }
                | Outstanding::Describe {
                    target: Described::Statement(prepared),
                    ..
                },
            ) = self.pop().as_ref()
            {
                prepared.describing.set(false);
            }
        }
        false
    }

    /// The server ignores Sync during COPY FROM STDIN (protocol: COPY Operations): drops the Syncs right behind the COPY and returns their number.
    pub fn drop_syncs_behind_front(&mut self) -> usize {
        let mut dropped = 0;
        while matches!(self.entries.get(1), Some(Outstanding::Sync)) {
            self.entries.remove(1);
            self.transacting -= 1;
            dropped += 1;
        }
        dropped
    }

    /// True while a statement is tried. Nothing is sent behind it.
    pub fn is_rehearsing(&self) -> bool {
        matches!(self.entries.back(), Some(Outstanding::Rehearsal(_)))
    }

    /// True while a probe for Syncs is outstanding. Nothing is sent behind it.
    pub fn is_probing(&self) -> bool {
        matches!(self.entries.back(), Some(Outstanding::CopySyncProbe(_)))
    }
}

/// About how much memory the text that the entry keeps takes, in bytes.
fn text_of<J: Judge>(reply: &Outstanding<J>) -> usize {
    match reply {
        Outstanding::Parse { prepared, .. } => J::bytes(&prepared.text),
        Outstanding::Query(run) => run.text.as_ref().map_or(0, J::bytes),
        _ => 0,
    }
}

fn may_change_transaction<J: Judge>(reply: &Outstanding<J>) -> bool {
    matches!(
        reply,
        Outstanding::Query(_)
            | Outstanding::Execute { .. }
            | Outstanding::FunctionCall { .. }
            | Outstanding::Sync
    )
}

fn names_something<J: Judge>(reply: &Outstanding<J>) -> bool {
    match reply {
        Outstanding::Parse { .. }
        | Outstanding::Bind { .. }
        | Outstanding::Close { .. }
        | Outstanding::Unread(_) => true,
        Outstanding::Query(run) => run.text.is_some(),
        Outstanding::Execute { .. } => true,
        Outstanding::Describe { .. }
        | Outstanding::Refused(_)
        | Outstanding::Silenced
        | Outstanding::FunctionCall { .. }
        | Outstanding::ExecuteUnknown
        | Outstanding::BindUnknown
        | Outstanding::PrepareAgain(_)
        | Outstanding::Asked(_)
        | Outstanding::Rehearsal(_)
        | Outstanding::CopySyncProbe(_)
        | Outstanding::Sync => false,
    }
}

/// True when the message contains a COPY FROM STDIN, finished or not.
fn holds_copy_in<J: Judge>(reply: &Outstanding<J>) -> bool {
    match reply {
        Outstanding::Query(run) => copies_in_from(run, 0),
        _ => copies_in(reply),
    }
}

/// True when the message may still enter COPY FROM STDIN.
fn copies_in<J: Judge>(reply: &Outstanding<J>) -> bool {
    match reply {
        Outstanding::Query(run) => copies_in_from(run, run.index),
        Outstanding::Execute { portal, .. } => portal.prepared.is(Facts::is_copy_in),
        _ => false,
    }
}

fn copies_in_from<J: Judge>(run: &QueryRun<J>, index: usize) -> bool {
    run.text.as_ref().is_some_and(|text| {
        let statements = J::analysis(text).statements.iter().skip(index);
        statements
            .into_iter()
            .any(|statement| statement.facts.is_copy_in())
    })
}

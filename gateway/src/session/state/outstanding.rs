//! Outstanding replies: one entry for each message sent to the server that it has not answered yet, oldest first.

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

/// Many may be outstanding at once, so what is large or rare lies elsewhere.
pub enum Outstanding<J: Judge> {
    Query(Box<QueryRun<J>>),
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
    Refused(Box<Refusal>),
    /// A text that the gateway cannot read, sent for the server's error: always an error, of the server or the refusal.
    Unread(Box<Unread>),
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
    Rehearsal(Box<Rehearsing<J>>),
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
    pub fn has_time_limit(&self) -> bool {
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

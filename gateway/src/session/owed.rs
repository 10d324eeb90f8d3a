//! The replies that the server still owes, one entry for each message forwarded to it, oldest first.

use std::collections::VecDeque;
use std::rc::Rc;

use gatewright_sql::Facts;

use super::copy_probe::CopySyncProbe;
use super::judge::{Judge, Plan};
use super::name::Name;
use super::names::{Portal, Prepared, can_stop};
use super::refusal::Refusal;

/// Who gets the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Client,
    /// The gateway asked for itself; the client sees nothing of it but an error.
    Gateway,
}

pub enum Owed<J: Judge> {
    Query(QueryRun<J>),
    Parse {
        name: Name,
        prepared: Rc<Prepared<J>>,
    },
    Bind {
        name: Name,
        portal: Rc<Portal<J>>,
    },
    /// Of a statement that there is not: always an error.
    BindUnknown,
    Describe {
        target: Described<J>,
        audience: Audience,
    },
    Execute {
        portal: Rc<Portal<J>>,
        /// `None` for a portal without a statement, and once the end was reported.
        admitted: Option<J::Admitted>,
    },
    /// Of a portal that the gateway does not know, in a transaction that has failed: the server runs nothing but the end of it there,
    /// so all that may come is an error, or word that there is nothing to run.
    ExecuteUnknown,
    Close {
        target: CloseTarget,
        audience: Audience,
    },
    /// The stand-in for a refused extended message: always an error.
    Refused(Refusal),
    /// A stand-in whose error the client must not see: it had its own before.
    Silenced,
    FunctionCall {
        permit: J::Permit,
        /// `None` once the end was reported.
        admitted: Option<J::Admitted>,
        /// Its result came.
        answered: bool,
    },
    Sync,
    /// The gateway's own question which Syncs a failed COPY FROM STDIN has left to be answered.
    CopySyncProbe(CopySyncProbe),
}

/// A simple Query on its way.
pub struct QueryRun<J: Judge> {
    pub text: Option<J::Text>,
    pub permits: Vec<J::Permit>,
    /// One for each permit; `None` once the end was reported.
    pub admitted: Vec<Option<J::Admitted>>,
    pub plans: Vec<Option<Rc<Plan>>>,
    /// The statement whose reply is expected next.
    pub index: usize,
    /// Set when a stand-in was sent instead: the error that comes back wears these words.
    pub refusal: Option<Refusal>,
    /// The client has its error already; the stand-in only aborts the transaction.
    pub silent_error: bool,
}

impl<J: Judge> QueryRun<J> {
    pub fn stand_in(refusal: Refusal) -> Self {
        QueryRun {
            text: None,
            permits: Vec::new(),
            admitted: Vec::new(),
            plans: Vec::new(),
            index: 0,
            refusal: Some(refusal),
            silent_error: false,
        }
    }

    /// True when some statement of the message is of this kind.
    pub fn any(&self, kind: impl Fn(&Facts) -> bool) -> bool {
        self.text.as_ref().is_some_and(|text| {
            let statements = &J::analysis(text).statements;
            statements.iter().any(|statement| kind(&statement.facts))
        })
    }

    /// True when the result of some statement may be stopped on its way.
    pub fn can_stop(&self) -> bool {
        self.permits
            .iter()
            .zip(&self.plans)
            .any(|(permit, plan)| can_stop::<J>(permit, plan.as_deref()))
    }
}

impl<J: Judge> Owed<J> {
    /// The permit of the statement whose reply is expected now.
    pub fn permit(&self) -> Option<&J::Permit> {
        match self {
            Owed::Query(run) => run.permits.get(run.index),
            Owed::Execute { portal, .. } => portal.permit.as_ref(),
            Owed::FunctionCall {
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
            Owed::Query(run) => run.admitted.get_mut(run.index)?.take(),
            Owed::Execute { admitted, .. } | Owed::FunctionCall { admitted, .. } => admitted.take(),
            _ => None,
        }
    }

    /// Takes every admission that is left.
    pub fn take_all(&mut self) -> Vec<J::Admitted> {
        match self {
            Owed::Query(run) => run.admitted.iter_mut().filter_map(Option::take).collect(),
            Owed::Execute { admitted, .. } | Owed::FunctionCall { admitted, .. } => {
                admitted.take().into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// True for a message whose result may be stopped.
    pub fn can_stop(&self) -> bool {
        match self {
            Owed::Query(run) => run.can_stop(),
            Owed::Execute { portal, .. } => portal.can_stop(),
            Owed::FunctionCall { permit, .. } => can_stop::<J>(permit, None),
            _ => false,
        }
    }

    /// True when the server answers it without being asked to flush.
    pub fn answered_anyway(&self) -> bool {
        matches!(
            self,
            Owed::Sync | Owed::Query(_) | Owed::FunctionCall { .. } | Owed::CopySyncProbe(_)
        )
    }
}

pub enum Described<J: Judge> {
    /// A statement that the gateway knows.
    Statement(Rc<Prepared<J>>),
    Portal(Rc<Portal<J>>),
    /// One statement of the simple Query in hand.
    InHand,
    /// Nothing that the gateway knows; the server answers with its own error.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloseTarget {
    Statement(Name),
    Portal(Name),
}

/// The queue itself.
pub struct Queue<J: Judge> {
    entries: VecDeque<Owed<J>>,
    /// How many entries can change what a name means.
    naming: usize,
    /// How many entries could make the server copy in when they were forwarded.
    copying: usize,
    /// Bytes of the texts that the entries keep.
    texts: usize,
}

impl<J: Judge> Default for Queue<J> {
    fn default() -> Self {
        Queue {
            entries: VecDeque::new(),
            naming: 0,
            copying: 0,
            texts: 0,
        }
    }
}

impl<J: Judge> Queue<J> {
    pub fn push(&mut self, owed: Owed<J>) {
        self.naming += usize::from(names_something(&owed));
        self.copying += usize::from(holds_copy_in(&owed));
        self.texts += text_of(&owed);
        self.entries.push_back(owed);
    }

    pub fn pop(&mut self) -> Option<Owed<J>> {
        let owed = self.entries.pop_front();
        if let Some(owed) = &owed {
            self.naming -= usize::from(names_something(owed));
            self.copying -= usize::from(holds_copy_in(owed));
            self.texts -= text_of(owed);
        }
        owed
    }

    pub fn front(&self) -> Option<&Owed<J>> {
        self.entries.front()
    }

    pub fn front_mut(&mut self) -> Option<&mut Owed<J>> {
        self.entries.front_mut()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many replies are owed.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True while some forwarded message may still change what a name means.
    pub fn names_pending(&self) -> bool {
        self.naming > 0
    }

    /// The most names that forwarded messages may still make.
    pub fn most_names(&self) -> usize {
        self.naming
    }

    /// Bytes of the texts that are kept until their replies are in.
    pub fn texts(&self) -> usize {
        self.texts
    }

    /// True while some forwarded statement may still make the server copy in.
    pub fn may_copy_in(&self) -> bool {
        self.copying > 0 && self.entries.iter().any(copies_in)
    }

    /// True while some forwarded message may begin, end or abort a transaction block.
    pub fn may_change_transaction(&self) -> bool {
        self.entries.iter().any(|owed| {
            matches!(
                owed,
                Owed::Query(_) | Owed::Execute { .. } | Owed::FunctionCall { .. } | Owed::Sync
            )
        })
    }

    /// What an error of the entry in front takes with it: that entry, and those up to the next Sync that the server skips.
    pub fn failing(&mut self) -> impl Iterator<Item = &mut Owed<J>> {
        let alone = matches!(
            self.entries.front(),
            Some(Owed::Query(_) | Owed::FunctionCall { .. } | Owed::Sync | Owed::CopySyncProbe(_))
        );
        let mut first = true;
        self.entries.iter_mut().take_while(move |owed| {
            std::mem::take(&mut first)
                || !alone && !matches!(owed, Owed::Sync | Owed::CopySyncProbe(_))
        })
    }

    /// Every entry, to take admissions from.
    pub fn each(&mut self) -> impl Iterator<Item = &mut Owed<J>> {
        self.entries.iter_mut()
    }

    /// Entries in the order in which the server answers them.
    pub fn oldest_first(&self) -> impl Iterator<Item = &Owed<J>> {
        self.entries.iter()
    }

    /// Entries from the newest to the oldest.
    pub fn newest_first(&self) -> impl Iterator<Item = &Owed<J>> {
        self.entries.iter().rev()
    }

    /// After an error in the extended protocol the server skips to Sync: nothing before it is answered any more.
    /// Returns true when that Sync is among the messages already forwarded.
    pub fn skip_to_sync(&mut self) -> bool {
        while let Some(owed) = self.entries.front() {
            if matches!(owed, Owed::Sync | Owed::CopySyncProbe(_)) {
                return true;
            }
            if let Some(
                Owed::Parse { prepared, .. }
                | Owed::Describe {
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

    /// The server reads no Sync while it is copying in, so those right behind the COPY are never answered
    /// (protocol: COPY Operations). Returns how many there were.
    pub fn drop_syncs_behind_front(&mut self) -> usize {
        let mut dropped = 0;
        while matches!(self.entries.get(1), Some(Owed::Sync)) {
            self.entries.remove(1);
            dropped += 1;
        }
        dropped
    }

    /// True while the server is asked which Syncs it has still to answer. Nothing is forwarded behind that question.
    pub fn is_probing(&self) -> bool {
        matches!(self.entries.back(), Some(Owed::CopySyncProbe(_)))
    }
}

/// Bytes of the text that the entry keeps.
fn text_of<J: Judge>(owed: &Owed<J>) -> usize {
    match owed {
        Owed::Parse { prepared, .. } => J::source(&prepared.text).len(),
        Owed::Query(run) => run.text.as_ref().map_or(0, |text| J::source(text).len()),
        _ => 0,
    }
}

fn names_something<J: Judge>(owed: &Owed<J>) -> bool {
    match owed {
        Owed::Parse { .. } | Owed::Bind { .. } | Owed::Close { .. } => true,
        Owed::Query(run) => run.text.is_some(),
        Owed::Execute { .. } => true,
        Owed::Describe { .. }
        | Owed::Refused(_)
        | Owed::Silenced
        | Owed::FunctionCall { .. }
        | Owed::ExecuteUnknown
        | Owed::BindUnknown
        | Owed::CopySyncProbe(_)
        | Owed::Sync => false,
    }
}

/// True when the message may copy in, or has done so already.
fn holds_copy_in<J: Judge>(owed: &Owed<J>) -> bool {
    match owed {
        Owed::Query(run) => copies_in_from(run, 0),
        _ => copies_in(owed),
    }
}

/// True when the message may yet copy in.
fn copies_in<J: Judge>(owed: &Owed<J>) -> bool {
    match owed {
        Owed::Query(run) => copies_in_from(run, run.index),
        Owed::Execute { portal, .. } => portal.prepared.is(Facts::is_copy_in),
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

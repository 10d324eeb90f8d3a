//! The queue of outstanding replies, with what is asked about all of it kept as counts: the queue may be long, and is asked about with
//! every message.

use std::collections::VecDeque;

use gatewright_sql::Facts;

use crate::session::judge::Judge;
use crate::session::state::outstanding::{CloseTarget, Described, Outstanding, QueryRun};

/// A reply, and how it was counted when its message was sent.
struct Entry<J: Judge> {
    reply: Outstanding<J>,
    counted: Counted,
}

#[derive(Clone, Copy)]
struct Counted {
    naming: bool,
    preparing: bool,
    copying: bool,
    transacting: bool,
    timed: bool,
    text: usize,
}

impl Counted {
    fn of<J: Judge>(reply: &Outstanding<J>) -> Self {
        Counted {
            naming: names_something(reply),
            preparing: names_statement(reply),
            copying: holds_copy_in(reply),
            transacting: may_change_transaction(reply),
            timed: reply.has_time_limit(),
            text: text_of(reply),
        }
    }
}

/// The queue of outstanding replies.
pub struct Queue<J: Judge> {
    entries: VecDeque<Entry<J>>,
    /// How many entries can change the meaning of a name.
    naming: usize,
    /// How many of them can change that of a prepared statement's.
    preparing: usize,
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
            preparing: 0,
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
        let counted = Counted::of(&reply);
        self.naming += usize::from(counted.naming);
        self.preparing += usize::from(counted.preparing);
        self.copying += usize::from(counted.copying);
        self.transacting += usize::from(counted.transacting);
        self.timed += usize::from(counted.timed);
        self.texts += counted.text;
        self.entries.push_back(Entry { reply, counted });
    }

    pub fn pop(&mut self) -> Option<Outstanding<J>> {
        let Entry { reply, counted } = self.entries.pop_front()?;
        self.taken += 1;
        self.discount(counted);
        Some(reply)
    }

    fn discount(&mut self, counted: Counted) {
        self.naming -= usize::from(counted.naming);
        self.preparing -= usize::from(counted.preparing);
        self.copying -= usize::from(counted.copying);
        self.transacting -= usize::from(counted.transacting);
        self.timed -= usize::from(counted.timed);
        self.texts -= counted.text;
    }

    pub fn front(&self) -> Option<&Outstanding<J>> {
        self.entries.front().map(|entry| &entry.reply)
    }

    pub fn front_mut(&mut self) -> Option<&mut Outstanding<J>> {
        self.entries.front_mut().map(|entry| &mut entry.reply)
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
        self.oldest_first().any(runs)
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

    /// True while an outstanding reply may change the meaning of a prepared statement's name.
    pub fn statements_pending(&self) -> bool {
        self.preparing > 0
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
        self.copying > 0 && self.oldest_first().any(copies_in)
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
            self.front(),
            Some(
                Outstanding::Query(_)
                    | Outstanding::FunctionCall { .. }
                    | Outstanding::Sync
                    | Outstanding::CopySyncProbe(_)
            )
        );
        let mut first = true;
        self.each().take_while(move |reply| {
            std::mem::take(&mut first)
                || !alone && !matches!(reply, Outstanding::Sync | Outstanding::CopySyncProbe(_))
        })
    }

    /// All entries, mutable.
    pub fn each(&mut self) -> impl Iterator<Item = &mut Outstanding<J>> {
        self.entries.iter_mut().map(|entry| &mut entry.reply)
    }

    /// All entries, oldest first.
    pub fn oldest_first(&self) -> impl Iterator<Item = &Outstanding<J>> {
        self.entries.iter().map(|entry| &entry.reply)
    }

    /// All entries, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Outstanding<J>> {
        self.entries.iter().rev().map(|entry| &entry.reply)
    }

    /// After an error in the extended protocol the server skips messages until Sync: drops the entries before it. Returns false when no Sync
    /// was sent yet.
    pub fn skip_to_sync(&mut self) -> bool {
        while let Some(reply) = self.front() {
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
        let is_sync = |entry: &Entry<J>| matches!(entry.reply, Outstanding::Sync);
        while self.entries.get(1).is_some_and(is_sync)
            && let Some(sync) = self.entries.remove(1)
        {
            self.discount(sync.counted);
            dropped += 1;
        }
        dropped
    }

    /// True while a statement is tried. Nothing is sent behind it.
    pub fn is_rehearsing(&self) -> bool {
        matches!(self.newest_first().next(), Some(Outstanding::Rehearsal(_)))
    }

    /// True while a probe for Syncs is outstanding. Nothing is sent behind it.
    pub fn is_probing(&self) -> bool {
        matches!(
            self.newest_first().next(),
            Some(Outstanding::CopySyncProbe(_))
        )
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

fn names_statement<J: Judge>(reply: &Outstanding<J>) -> bool {
    match reply {
        Outstanding::Parse { .. }
        | Outstanding::Close {
            target: CloseTarget::Statement(_),
            ..
        }
        | Outstanding::Unread(_)
        | Outstanding::Query(_) => true,
        Outstanding::Execute { portal, .. } => portal.prepared.is(Facts::names_statements),
        Outstanding::Close {
            target: CloseTarget::Portal(_) | CloseTarget::OnServer,
            ..
        }
        | Outstanding::Bind { .. }
        | Outstanding::Describe { .. }
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

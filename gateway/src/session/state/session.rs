//! The session's state: a short struct of parts, each of which owns its fields. The steps are in the files beside it.

use std::sync::Arc;

use gatewright_sql::{Facts, SessionEffect, TransactionCommand};

use crate::pool::NamesAtStart;
use crate::results::PseudonymKey;
use crate::session::doors::output::{Output, Taken};
use crate::session::judge::{Judge, Ticket};
use crate::session::state::ends::Ends;
use crate::session::state::held::Held;
use crate::session::state::name::Name;
use crate::session::state::names::Names;
use crate::session::state::outstanding::Outstanding;
use crate::session::state::pipeline::{Block, Pipeline};
use crate::session::state::queue::Queue;
use crate::session::state::reading::Reading;
use crate::session::state::running::Turn;
use crate::session::state::search_path::PathState;
use crate::session::state::server::{ServerAtStart, ServerState};
use crate::session::state::streaming::Streaming;
use crate::session::state::transaction::Transaction;

/// Facts about the server's settings that the session starts with (ParameterStatus).
#[derive(Debug)]
pub struct SessionStart {
    pub standard_conforming_strings: bool,
    pub client_encoding: String,
    pub server_encoding: String,
    /// `None`: it could not be asked.
    pub names: Option<NamesAtStart>,
    /// From ReadyForQuery: `I`, `T` or `E`.
    pub status: u8,
    /// Longest message that is read whole, in bytes.
    pub max_message: usize,
    pub server: ServerAtStart,
}

/// One client connection with its server connection.
pub struct Session<J: Judge> {
    /// Outstanding replies.
    pub(in crate::session) queue: Queue<J>,
    pub(in crate::session) names: Names<J>,
    pub(in crate::session) reading: Reading,
    pub(in crate::session) path: PathState,
    pub(in crate::session) transaction: Transaction,
    pub(in crate::session) pipeline: Pipeline,
    pub(in crate::session) turn: Turn,
    /// The client's message that waits.
    pub(in crate::session) held: Option<Held<J>>,
    pub(in crate::session) ends: Ends<J>,
    /// The notification in hand is being judged.
    pub(in crate::session) notification: Option<Ticket>,
    pub(in crate::session) from_client: Option<Streaming>,
    pub(in crate::session) from_server: Option<Streaming>,
    pub(in crate::session) server: ServerState,
    pub(in crate::session) key: Arc<PseudonymKey>,
}

impl<J: Judge> Session<J> {
    pub fn new(start: SessionStart, key: Arc<PseudonymKey>) -> Self {
        Session {
            queue: Queue::default(),
            names: Names::default(),
            reading: Reading::new(
                start.standard_conforming_strings,
                &start.client_encoding,
                start.server_encoding,
                start.max_message,
            ),
            path: PathState::new(start.names),
            transaction: Transaction::new(start.status),
            pipeline: Pipeline::default(),
            turn: Turn::default(),
            held: None,
            ends: Ends::default(),
            notification: None,
            from_client: None,
            from_server: None,
            server: ServerState::new(start.server),
            key,
        }
    }

    /// True when no reply is outstanding, no statement is held and no transaction is open: a good moment to end the connection.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && !self.transaction.is_open() && self.held.is_none()
    }

    /// True while a reply of the server is outstanding.
    pub fn awaits_server(&self) -> bool {
        !self.queue.is_empty()
    }

    /// True when what was forwarded to the server ends with the end of a message.
    pub fn is_between_messages(&self) -> bool {
        self.from_client.is_none()
    }

    /// True between transactions, also those that the server opens for extended messages up to Sync.
    pub(in crate::session) fn is_at_rest(&self) -> bool {
        !self.transaction.is_open() && self.queue.is_empty() && !self.pipeline.unsynced
    }

    /// True when the next statement certainly runs in a transaction block.
    pub(in crate::session) fn is_in_block(&self) -> bool {
        match self.pipeline.block {
            Block::AsTold => self.transaction.is_open(),
            Block::Begun => true,
            Block::NotCertain => false,
        }
    }

    /// A statement is about to be sent: what it may change for the reading of texts and the meaning of names.
    pub(in crate::session) fn note_sent(&mut self, facts: &Facts) {
        let runs_named = facts.is_dynamic() || matches!(facts.session, SessionEffect::Fetch { .. });
        let named = match &facts.session {
            SessionEffect::Execute { name }
            | SessionEffect::Explain {
                executes: Some(name),
                ..
            } => self.names.statement_facts(&Name::new(name)),
            SessionEffect::Fetch { name } => self.names.cursor_facts(&Name::new(name)),
            _ => None,
        };
        let named_changes = || named.as_deref().is_none_or(Facts::changes_reading);
        if facts.changes_reading() || runs_named && named_changes() {
            self.reading.changes(self.queue.next_number());
        }
        match &facts.session {
            SessionEffect::Transaction(TransactionCommand::Begin) => {
                self.pipeline.block = Block::Begun;
            }
            SessionEffect::Transaction(TransactionCommand::RollbackTo(_)) => {}
            _ if facts.may_end_transaction() => self.pipeline.block = Block::NotCertain,
            _ => {}
        }
        self.server.leaves(|| facts.residue());
        if matches!(
            facts.session,
            SessionEffect::Deallocate(None) | SessionEffect::DiscardAll
        ) && let Some(attached) = self.server.attached()
        {
            attached.statements.clear();
        }
        self.path.sent(facts, named.as_deref());
        self.pipeline.drain_first |= facts.changes_reading() || facts.path.is_some();
    }

    /// Remembers a message that the server will answer.
    pub(in crate::session) fn expect(&mut self, reply: Outstanding<J>) {
        self.reading.sent();
        self.pipeline.flushed = false;
        if reply.answered_anyway() && self.pipeline.block == Block::Begun {
            self.pipeline.block = Block::NotCertain;
        }
        self.pipeline.unsynced = !reply.answered_anyway();
        let executes = matches!(
            reply,
            Outstanding::Execute { .. } | Outstanding::ExecuteUnknown
        );
        self.pipeline.executed = self.pipeline.unsynced && (self.pipeline.executed || executes);
        self.pipeline.wrote = self.pipeline.unsynced && (self.pipeline.wrote || reply.may_write());
        self.queue.push(reply);
    }

    /// The message must wait for replies: makes sure that the server sends them.
    pub(in crate::session) fn hold_for_replies(&mut self, output: &mut Output) -> Taken {
        let newest = self.queue.newest_first().next();
        let comes_anyway = newest.is_none_or(Outstanding::answered_anyway);
        if !comes_anyway && !self.pipeline.flushed {
            output.to_server.flush();
            self.pipeline.flushed = true;
        }
        Taken::Hold
    }
}

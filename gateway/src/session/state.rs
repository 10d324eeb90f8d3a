//! The session's state: a short struct of parts, each of which owns its fields. The steps are in the files beside it.

use std::sync::Arc;

use super::ends::Ends;
use super::held::Held;
use super::judge::Judge;
use super::names::Names;
use super::output::{Output, Taken};
use super::outstanding::{Outstanding, Queue};
use super::pipeline::Pipeline;
use super::reading::Reading;
use super::running::Turn;
use super::streaming::Streaming;
use super::transaction::Transaction;
use crate::results::PseudonymKey;

/// Facts about the server's settings that the session starts with (ParameterStatus).
#[derive(Debug, Clone)]
pub struct SessionStart {
    pub standard_conforming_strings: bool,
    pub client_encoding: String,
    pub server_encoding: String,
    /// From ReadyForQuery: `I`, `T` or `E`.
    pub status: u8,
    /// Longest message that is read whole, in bytes.
    pub max_message: usize,
}

/// One client connection with its server connection.
pub struct Session<J: Judge> {
    /// Outstanding replies.
    pub(super) queue: Queue<J>,
    pub(super) names: Names<J>,
    pub(super) reading: Reading,
    pub(super) transaction: Transaction,
    pub(super) pipeline: Pipeline,
    pub(super) turn: Turn,
    /// The client's message that waits.
    pub(super) held: Option<Held<J>>,
    pub(super) ends: Ends<J>,
    pub(super) from_client: Option<Streaming>,
    pub(super) from_server: Option<Streaming>,
    pub(super) key: Arc<PseudonymKey>,
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
            transaction: Transaction::new(start.status),
            pipeline: Pipeline::default(),
            turn: Turn::default(),
            held: None,
            ends: Ends::default(),
            from_client: None,
            from_server: None,
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
    pub(super) fn is_at_rest(&self) -> bool {
        !self.transaction.is_open() && self.queue.is_empty() && !self.pipeline.unsynced
    }

    /// Remembers a message that the server will answer.
    pub(super) fn expect(&mut self, reply: Outstanding<J>) {
        self.pipeline.flushed = false;
        self.pipeline.unsynced = !reply.answered_anyway();
        self.queue.push(reply);
    }

    /// The message must wait for replies: makes sure that the server sends them.
    pub(super) fn hold_for_replies(&mut self, output: &mut Output) -> Taken {
        let newest = self.queue.newest_first().next();
        let comes_anyway = newest.is_none_or(Outstanding::answered_anyway);
        if !comes_anyway && !self.pipeline.flushed {
            output.to_server.flush();
            self.pipeline.flushed = true;
        }
        Taken::Hold
    }
}

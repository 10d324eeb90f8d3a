//! The session: what the messages of one connection mean, and what follows from each. Bytes in, bytes out, no I/O.
//! It knows the protocol and the order of things; it does not know sockets, policies, identities or SQL's meaning,
//! which it asks its [`Judge`] about. The next room is `gate`, which judges; `relay` moves the bytes.

mod bind;
mod client;
mod completion;
mod copy;
mod cursor;
mod describe;
mod encoding;
mod errors;
mod execute;
mod extended;
mod judge;
mod lookup;
mod name;
mod names;
mod outgoing;
mod owed;
mod query;
mod redaction;
mod refusal;
mod results;
mod server;
mod stop;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use bytes::BytesMut;
use gatewright_wire::frame::FrameError;
use thiserror::Error;

use crate::results::PseudonymKey;
use encoding::Encoding;
use names::Names;
use owed::Queue;
use query::QueryInHand;
use results::Running;

pub use judge::{
    BoundParameters, Completion, Field, Judge, Judged, Limit, Limits, NameFacts, PendingJudge,
    Phase, Plan, Question, Verdict,
};
pub use names::merge as merge_facts;
pub use refusal::Refusal;

/// Output is produced only while less than this many bytes wait to be written, so that a slow peer holds the other back.
pub const HIGH_WATER: usize = 256 * 1024;

/// A message longer than this is passed on in pieces where nobody needs to see it whole.
const STREAM_ABOVE: usize = 64 * 1024;

/// Bytes that wait to be written, and what else the relay must do.
#[derive(Debug, Default)]
pub struct Output {
    pub to_server: BytesMut,
    pub to_client: BytesMut,
    /// The statement in hand is to be cancelled on the server.
    pub cancel: bool,
    /// The client said good-bye.
    pub terminated: bool,
}

/// Who sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Client,
    Server,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Peer::Client => "the client",
            Peer::Server => "the server",
        })
    }
}

/// What a peer did that ends the connection.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Violation {
    #[error("the client sent a malformed message: {0}")]
    ClientFrame(FrameError),
    #[error("the client sent a message of type {0}, which no session has")]
    ClientMessage(u8),
    #[error("the server sent a malformed message: {0}")]
    ServerFrame(FrameError),
    #[error("the server sent a {message} message that cannot be read: {reason}")]
    ServerMessage {
        message: &'static str,
        reason: String,
    },
    #[error("{by} sent a message of {length} bytes; max_message is {limit} bytes")]
    TooLong {
        by: Peer,
        length: usize,
        limit: usize,
    },
    #[error("the server sent message '{0}', which nothing asked for")]
    Unexpected(char),
    #[error("the server's result has other columns than it described, so it cannot be masked")]
    ShapeChanged,
    #[error("replication is not served")]
    Replication,
}

impl Violation {
    /// What the client is told (SQLSTATE and text) before the connection ends.
    pub fn client_text(&self) -> (&'static str, Cow<'static, str>) {
        let (sqlstate, text) = match self {
            Violation::TooLong { .. } => {
                return ("54000", format!("terminating connection: {self}").into());
            }
            Violation::ClientFrame(_) => ("08P01", "invalid message format"),
            Violation::ClientMessage(tag) => {
                return (
                    "08P01",
                    format!("invalid frontend message type {tag}").into(),
                );
            }
            Violation::ServerFrame(_)
            | Violation::ServerMessage { .. }
            | Violation::Unexpected(_) => (
                "08006",
                "the gateway ended the connection: the server broke the protocol",
            ),
            Violation::ShapeChanged => (
                "0A000",
                "the gateway ended the connection: the result changed its columns after it was judged",
            ),
            Violation::Replication => ("0A000", "replication is not served by this gateway"),
        };
        (sqlstate, text.into())
    }

    /// True when the client is to blame.
    pub fn is_clients(&self) -> bool {
        matches!(
            self,
            Violation::ClientFrame(_)
                | Violation::ClientMessage(_)
                | Violation::TooLong {
                    by: Peer::Client,
                    ..
                }
        )
    }
}

/// How the client's messages are read now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Ready,
    /// After an error in the extended protocol: everything up to Sync is dropped, as the server does.
    Skipping,
    /// The server takes COPY data.
    CopyIn,
}

/// What became of a message that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Yes,
    /// Offer the same message again once something has changed.
    Hold,
}

/// A message that passes in pieces.
#[derive(Debug, Clone, Copy)]
struct Streaming {
    remaining: usize,
    forward: bool,
}

impl Streaming {
    /// Takes the next piece of the message. Returns how many bytes of `bytes` belong to it.
    fn pass(&mut self, bytes: &[u8], out: &mut BytesMut) -> usize {
        let piece = self.remaining.min(bytes.len());
        if self.forward {
            out.extend_from_slice(&bytes[..piece]);
        }
        self.remaining -= piece;
        piece
    }

    fn is_over(&self) -> bool {
        self.remaining == 0
    }
}

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
    queue: Queue<J>,
    names: Names<J>,
    mode: Mode,
    /// Transaction status of the last ReadyForQuery.
    status: u8,
    /// Moves on whenever a statement may have changed what names mean.
    epoch: u64,
    /// The epoch in which the transaction began.
    transaction_epoch: u64,
    /// Extended messages went out that no Sync followed yet.
    unsynced: bool,
    /// Policies plan the result of a statement of the transaction in progress: what is deferred to the end of it may speak of the same.
    txn_has_planned_result: bool,
    standard_conforming_strings: bool,
    encoding: Encoding,
    server_encoding: String,
    max_message: usize,
    key: Arc<PseudonymKey>,
    running: Option<Running>,
    in_hand: Option<QueryInHand<J>>,
    /// The permit of a Bind that waits for a description.
    held_bind: Option<J::Permit>,
    /// The FETCH as which an Execute of a cursor is judged, until it is.
    held_fetch: Option<Rc<names::Prepared<J>>>,
    /// A Flush of our own went out after the newest message.
    flushed: bool,
    /// Nothing is read from the client until every reply is in.
    drain_first: bool,
    /// Syncs that went out while the server was taking COPY data, and that it ignores unless the copy has failed before.
    copy_syncs: usize,
    /// Forwarded statements whose result may yet be stopped.
    stoppable: usize,
    /// Counts the messages that had their turn on the server.
    turns: u64,
    /// What the client is told when the server heeds the cancel of a statement that took too long.
    overdue: Option<Refusal>,
    /// The next ReadyForQuery must find the transaction aborted.
    abort_on_ready: bool,
    from_client: Option<Streaming>,
    from_server: Option<Streaming>,
}

impl<J: Judge> Session<J> {
    pub fn new(start: SessionStart, key: Arc<PseudonymKey>) -> Self {
        Session {
            queue: Queue::default(),
            names: Names::default(),
            mode: Mode::Ready,
            status: start.status,
            epoch: 0,
            transaction_epoch: 0,
            unsynced: false,
            txn_has_planned_result: false,
            standard_conforming_strings: start.standard_conforming_strings,
            encoding: Encoding::new(&start.client_encoding, &start.server_encoding),
            server_encoding: start.server_encoding,
            max_message: start.max_message,
            key,
            running: None,
            in_hand: None,
            held_bind: None,
            held_fetch: None,
            flushed: false,
            drain_first: false,
            copy_syncs: 0,
            stoppable: 0,
            turns: 0,
            overdue: None,
            abort_on_ready: false,
            from_client: None,
            from_server: None,
        }
    }

    /// True when the server owes nothing and no transaction is open: a good moment to end the connection.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.status == b'I' && self.in_hand.is_none()
    }

    /// True while the server owes a reply.
    pub fn awaits_server(&self) -> bool {
        !self.queue.is_empty()
    }

    /// True when what was forwarded to the server ends with the end of a message.
    pub fn is_between_messages(&self) -> bool {
        self.from_client.is_none()
    }

    fn in_transaction(&self) -> bool {
        self.status != b'I'
    }

    /// True between transactions, also those that the server opens for extended messages up to Sync.
    fn is_at_rest(&self) -> bool {
        !self.in_transaction() && self.queue.is_empty() && !self.unsynced
    }

    /// Remembers a message that the server will answer.
    fn owe(&mut self, owed: owed::Owed<J>) {
        self.flushed = false;
        self.unsynced = !matches!(
            owed,
            owed::Owed::Sync
                | owed::Owed::Query(_)
                | owed::Owed::FunctionCall { .. }
                | owed::Owed::CopySyncProbe(_)
        );
        self.queue.push(owed);
    }

    /// The message must wait for replies: makes sure that the server sends them.
    fn hold_for_replies(&mut self, output: &mut Output) -> Taken {
        let answered_anyway = matches!(
            self.queue.newest_first().next(),
            None | Some(
                owed::Owed::Sync
                    | owed::Owed::Query(_)
                    | owed::Owed::FunctionCall { .. }
                    | owed::Owed::CopySyncProbe(_)
            )
        );
        if !answered_anyway && !self.flushed {
            gatewright_wire::build::flush(&mut output.to_server);
            self.flushed = true;
        }
        Taken::Hold
    }
}

/// Result format codes as Bind gives them, for one column.
fn format_of(formats: &[i16], column: usize) -> i16 {
    match formats {
        [] => 0,
        [all] => *all,
        each => each.get(column).copied().unwrap_or(0),
    }
}

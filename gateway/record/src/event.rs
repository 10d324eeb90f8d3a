//! What happened in a session, one event after the other. Each is a CBOR array of its number and a map with integer keys: a reader passes
//! over keys that it does not know, so fields can be added. A number that it does not know is an error; a new kind of event takes a new
//! version of the format.

mod rehearsal;
mod withheld;

use std::borrow::Cow;

use gatewright_contract::{Outcome, RequestId, SessionId, StatementId};
use minicbor::{Decode, Encode};

use crate::cbor;
pub use rehearsal::{Rehearsal, RehearsalWay};
pub use withheld::{Literals, Withheld, WithheldText};

/// Microseconds since 1970, UTC.
pub type Time = u64;

/// An event of a session.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Event<'a> {
    /// The session began. The first event of its first segment.
    #[n(0)]
    Opened(#[n(0)] Box<Opened>),
    /// A statement was judged.
    #[n(1)]
    Judged(#[n(0)] Box<Judged>),
    /// A statement is about to be sent to the server. Exactly one `Completed` follows for each.
    #[n(2)]
    Attempted(#[n(0)] Attempted),
    /// Bytes for the client: protocol messages, without the greeting.
    #[n(3)]
    Delivered(#[b(0)] Transfer<'a>),
    /// Messages of the client with which it copies in: CopyData, CopyDone, CopyFail.
    #[n(4)]
    Received(#[b(0)] Transfer<'a>),
    /// An attempted statement has ended.
    #[n(5)]
    Completed(#[n(0)] Completed),
    /// Something is missing here.
    #[n(6)]
    Truncated(#[n(0)] Truncated),
    /// The session goes on in the next segment. The last event of a segment.
    #[n(7)]
    Continued(#[n(0)] Continued),
    /// The session ended. The last event of its last segment.
    #[n(8)]
    Ended(#[n(0)] Ended),
    /// Here stands an event, or a piece of one, that is encrypted. Only in segments of version 2, and only read without a key.
    #[n(9)]
    Sealed(#[n(0)] Sealed),
    /// Somebody has looked at what was recorded. In sessions of their own, whose client is the viewer.
    #[n(10)]
    Viewed(#[n(0)] Viewed),
}

/// Who was connected to what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Opened {
    #[cbor(n(0), with = "cbor::id")]
    pub session: SessionId,
    #[n(1)]
    pub at: Time,
    /// Version of the gateway.
    #[n(2)]
    pub gateway: String,
    /// As the client named it.
    #[n(3)]
    pub database: String,
    /// On the server.
    #[n(4)]
    pub role: String,
    #[n(5)]
    pub issuer: String,
    #[n(6)]
    pub subject: String,
    #[n(7)]
    pub groups: Vec<String>,
    #[n(8)]
    pub agent: Option<String>,
    #[n(9)]
    pub task: Option<String>,
    #[n(10)]
    pub client_address: String,
    #[n(11)]
    pub application: String,
    #[n(12)]
    pub keep: Keep,
    /// `None`: they are kept.
    #[n(13)]
    pub literals: Option<Literals>,
}

/// How much of a session is recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Keep {
    /// Who was connected, and when.
    #[n(0)]
    Nothing,
    /// Statements, decisions and how they ended as well.
    #[n(1)]
    Statements,
    /// What was delivered, and COPY data, as well.
    #[default]
    #[n(2)]
    Rows,
}

/// What became of one statement before it could run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Judged {
    #[cbor(n(0), with = "cbor::id")]
    pub statement: StatementId,
    #[n(1)]
    pub at: Time,
    #[n(2)]
    pub when: Stage,
    /// As the client sent it; empty for a function call by message.
    #[n(3)]
    pub text: String,
    /// What was permitted instead, if policies rewrote or edited it.
    #[n(4)]
    pub instead: Option<String>,
    #[n(5)]
    pub decision: Decision,
    /// Of a refusal.
    #[n(6)]
    pub sqlstate: Option<String>,
    /// The refusal's message.
    #[n(7)]
    pub message: Option<String>,
    /// Those that were asked, in their order.
    #[n(8)]
    pub policies: Vec<PolicyVerdict>,
    #[n(9)]
    pub verb: String,
    #[n(10)]
    pub tables: Vec<String>,
    /// `None`: the text is as the client sent it.
    #[n(11)]
    pub withheld: Option<Withheld>,
    /// The values of a Bind that was refused. Those of what was permitted are in its [`Attempted`].
    #[n(12)]
    pub parameters: Option<Vec<Parameter>>,
    /// Where the values of its result come from, a column after the other. `None`: that is not known, or not recorded.
    #[n(13)]
    pub columns: Option<Vec<ResultColumn>>,
}

/// What a column of a result can carry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ResultColumn {
    #[n(0)]
    pub name: Option<String>,
    /// Columns of tables, as `schema.table.column`; the column `*` is any. `None`: it may carry anything.
    #[n(1)]
    pub sources: Option<Vec<String>>,
}

/// The message with which a statement was judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Stage {
    #[default]
    #[n(0)]
    Query,
    #[n(1)]
    Parse,
    #[n(2)]
    Bind,
    #[n(3)]
    FunctionCall,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Decision {
    #[n(0)]
    Permitted,
    /// It runs once people have approved it.
    #[n(1)]
    NeedsApproval,
    #[default]
    #[n(2)]
    Refused,
}

/// What one policy made of a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PolicyVerdict {
    #[n(0)]
    pub name: String,
    #[n(1)]
    pub version: String,
    /// SHA-256 of the policy's file, in hexadecimal.
    #[n(2)]
    pub hash: String,
    #[n(3)]
    pub answer: PolicyAnswer,
    /// Of a policy in shadow mode: what it would have said if its answer had an effect.
    #[n(4)]
    pub shadow: Option<PolicyAnswer>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum PolicyAnswer {
    #[default]
    #[n(0)]
    Allowed,
    #[n(1)]
    Denied,
    #[n(2)]
    RequiresApproval,
    #[n(3)]
    Rewrote,
    /// It has no hook for statements.
    #[n(4)]
    NotAsked,
}

/// One execution of a judged statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Attempted {
    /// Counts the session's executions, from 1.
    #[n(0)]
    pub execution: u64,
    /// Which [`Judged`] it was permitted by.
    #[cbor(n(1), with = "cbor::id")]
    pub statement: StatementId,
    #[n(2)]
    pub at: Time,
    #[n(3)]
    pub parameters: Vec<Parameter>,
    /// The approvals that it uses up.
    #[cbor(n(4), with = "cbor::ids")]
    pub approvals: Vec<RequestId>,
    /// `None`: it runs for the client.
    #[n(5)]
    pub rehearsal: Option<Rehearsal>,
    /// The OID of the function that a FunctionCall message calls. The parameters are then its arguments.
    #[n(6)]
    pub function: Option<u32>,
}

/// A parameter as the client bound it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Parameter {
    /// 0 where it was not asked for.
    #[n(0)]
    pub type_oid: u32,
    /// 0 for text, 1 for binary.
    #[n(1)]
    pub format: i16,
    /// `None` for NULL, and for one that is withheld.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub value: Option<Vec<u8>>,
    /// The length of a value that is withheld.
    #[n(3)]
    pub withheld: Option<u64>,
}

/// Bytes to or from the client. Where one such event ends has no meaning: the next goes on with the same message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Transfer<'a> {
    #[n(0)]
    pub at: Time,
    #[cbor(b(1), with = "minicbor::bytes")]
    pub bytes: Cow<'a, [u8]>,
    /// So many bytes are withheld here.
    #[n(2)]
    pub withheld: Option<u64>,
}

/// The end of an execution.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Completed {
    #[n(0)]
    pub execution: u64,
    #[n(1)]
    pub at: Time,
    #[cbor(n(2), with = "cbor::outcome")]
    pub outcome: Outcome,
    /// Rows delivered to the client.
    #[n(3)]
    pub rows: u64,
    /// Bytes of their messages.
    #[n(4)]
    pub bytes: u64,
    #[n(5)]
    pub masked_cells: u64,
    /// Rows that it changed, where the server says so.
    #[n(6)]
    pub changed: Option<u64>,
    /// `00000` on success; empty where it is not known.
    #[n(7)]
    pub sqlstate: String,
    #[n(8)]
    pub elapsed_us: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Truncated {
    #[n(0)]
    pub at: Time,
    #[n(1)]
    pub why: String,
    /// From here on no more than this is kept. `None`: as much as before.
    #[n(2)]
    pub keep: Option<Keep>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Continued {
    #[n(0)]
    pub at: Time,
    /// The number of the next segment.
    #[n(1)]
    pub segment: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Ended {
    #[n(0)]
    pub at: Time,
    #[n(1)]
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Sealed {
    /// The number of the event's kind; `None` for a piece that is not its first.
    #[n(0)]
    pub kind: Option<u8>,
    /// Its length, with what stands in front of it.
    #[n(1)]
    pub length: u64,
    /// Of an attempt.
    #[n(2)]
    pub execution: Option<u64>,
}

/// What somebody was shown of the record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Viewed {
    #[n(0)]
    pub at: Time,
    #[n(1)]
    pub what: View,
    /// The sessions of which something was shown. Of a list, which shows who was connected, they are left out.
    #[cbor(n(2), with = "cbor::ids")]
    pub sessions: Vec<SessionId>,
    /// The number of the statement in it.
    #[n(3)]
    pub statement: Option<u64>,
    /// What was searched for. It is left out where the record is encrypted.
    #[n(4)]
    pub search: Option<String>,
}

/// The kind of what was shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum View {
    /// A list of sessions.
    #[default]
    #[n(0)]
    Sessions,
    /// The statements of a session.
    #[n(1)]
    Session,
    /// A statement with its parameters and results.
    #[n(2)]
    Statement,
    /// What a search has found.
    #[n(3)]
    Search,
}

impl Event<'_> {
    /// When it happened. `None`: it is encrypted.
    pub fn at(&self) -> Option<Time> {
        match self {
            Event::Opened(event) => Some(event.at),
            Event::Judged(event) => Some(event.at),
            Event::Attempted(event) => Some(event.at),
            Event::Delivered(event) | Event::Received(event) => Some(event.at),
            Event::Completed(event) => Some(event.at),
            Event::Truncated(event) => Some(event.at),
            Event::Continued(event) => Some(event.at),
            Event::Ended(event) => Some(event.at),
            Event::Viewed(event) => Some(event.at),
            Event::Sealed(_) => None,
        }
    }

    /// True for the last event of a segment.
    pub fn closes(&self) -> bool {
        matches!(self, Event::Continued(_) | Event::Ended(_))
    }

    /// Keeps what it borrowed.
    pub fn into_owned(self) -> Event<'static> {
        let keep = |transfer: Transfer<'_>| Transfer {
            at: transfer.at,
            bytes: Cow::Owned(transfer.bytes.into_owned()),
            withheld: transfer.withheld,
        };
        match self {
            Event::Opened(event) => Event::Opened(event),
            Event::Judged(event) => Event::Judged(event),
            Event::Attempted(event) => Event::Attempted(event),
            Event::Delivered(event) => Event::Delivered(keep(event)),
            Event::Received(event) => Event::Received(keep(event)),
            Event::Completed(event) => Event::Completed(event),
            Event::Truncated(event) => Event::Truncated(event),
            Event::Continued(event) => Event::Continued(event),
            Event::Ended(event) => Event::Ended(event),
            Event::Sealed(event) => Event::Sealed(event),
            Event::Viewed(event) => Event::Viewed(event),
        }
    }
}

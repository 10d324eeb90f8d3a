//! The session: what the messages of one connection mean, and what follows from each. Bytes in, bytes out, no I/O.
//! It knows the protocol, and of SQL what a statement does to the session ([`gatewright_sql::SessionEffect`]). It does not know sockets,
//! policies or identities: it asks its [`Judge`]. The module above is `gate`, which judges; `relay` moves the bytes.

mod asking;
mod bind;
mod client;
mod completion;
mod copy;
mod copy_probe;
mod cursor;
mod describe;
mod encoding;
mod ends;
mod errors;
mod execute;
mod extended;
mod held;
mod judge;
mod leaving;
mod lookup;
mod name;
mod names;
mod output;
mod owed;
mod parse;
mod pipeline;
mod query;
mod reading;
mod redaction;
mod refusal;
mod refusing;
mod results;
mod running;
mod server;
mod state;
mod stop;
mod streaming;
#[cfg(test)]
pub(crate) mod tests;
mod to_client;
mod to_server;
mod transaction;
mod violation;

pub use judge::{
    Answer, BoundParameters, Completion, Field, Judge, Judged, Limit, Limits, NameFacts, Outcome,
    PendingJudge, Phase, Plan, Question, Ticket, Verdict, Wait,
};
pub use output::{HIGH_WATER, Outgoing, Output, Progress};
pub use refusal::Refusal;
pub use state::{Session, SessionStart};
pub use to_client::ToClient;
pub use to_server::ToServer;
pub use violation::{Peer, Violation};

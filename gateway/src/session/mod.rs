//! The session: what the messages of one connection mean, and what follows from each. Bytes in, bytes out, no I/O.
//! It knows the protocol, and of SQL what a statement does to the session ([`gatewright_sql::SessionEffect`]). It does not know sockets,
//! policies or identities: it asks its [`Judge`]. The module above is `gate`, which judges; `relay` moves the bytes.

mod asking;
mod client;
mod doors;
mod effect;
mod judge;
mod leaving;
mod lending;
mod refusal;
mod server;
mod state;
#[cfg(test)]
pub(crate) mod tests;
mod violation;

pub use doors::outgoing::{HIGH_WATER, Outgoing, shrink};
pub use doors::output::{Output, Progress};
pub use doors::to_client::ToClient;
pub use doors::to_server::ToServer;
pub use effect::{Bound, Rehearsal, RehearsalWay, Rehearsed, RowsDigest, Seen, SeenRows};
pub use judge::{
    Answer, BoundParameters, Completion, Departure, Field, Judge, Judged, Limit, Limits, NameFacts,
    Notice, Outcome, PendingJudge, Phase, Plan, Question, Showing, Ticket, Verdict, Wait,
};
pub use refusal::Refusal;
pub use state::server::ServerAtStart;
pub use state::session::{Session, SessionStart};
pub use violation::{Peer, Violation};

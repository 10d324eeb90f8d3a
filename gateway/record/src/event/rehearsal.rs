//! What the gateway has the server run for reviewers.

use minicbor::{Decode, Encode};

/// A run with which the gateway finds out what the statement would do, so that people see it. It is rolled back, and the client gets nothing
/// of it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Rehearsal {
    #[n(0)]
    pub way: RehearsalWay,
    /// What runs, if that is not the statement itself.
    #[n(1)]
    pub text: Option<String>,
    /// What the gateway sends before it, and behind it to undo it.
    #[n(2)]
    pub before: Vec<String>,
    #[n(3)]
    pub after: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RehearsalWay {
    /// It is planned, with EXPLAIN.
    #[n(0)]
    Estimate,
    /// It runs behind a savepoint, or in a transaction of the gateway's own.
    #[default]
    #[n(1)]
    Run,
}

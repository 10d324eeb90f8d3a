//! The index in the store: a row for each session, and one for each execution and each refusal.

mod reading;
mod rows;
mod writing;

use gatewright_record::event::{Keep, ResultColumn};
use gatewright_record::follow::Place;
use gatewright_record::sealed::Identities;
use serde::{Deserialize, Serialize};

use crate::library::masks::RecordMask;
use crate::store::Store;

pub use reading::{Listing, Page};
pub use writing::Indexed;
#[cfg(test)]
pub(super) use {
    reading::search_sql,
    rows::{SESSION, STATEMENT},
};

/// How much is in the index.
#[derive(Clone)]
pub struct IndexSettings {
    /// Sessions, statements, and the words of what was delivered.
    pub keep: Keep,
    /// What is encrypted for one of these is indexed like everything else, so the index must be as secret. The gateway has none.
    pub identities: Identities,
    /// What somebody may not see is found by nobody.
    pub masks: Vec<RecordMask>,
}

/// The index of the records of all gateways that share a store.
#[derive(Clone)]
pub struct Index {
    store: Store,
}

/// A session, as the index has it. Times are microseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionEntry {
    pub id: String,
    /// The name of the record's log, which says which record it is in.
    pub record: String,
    /// Version of the gateway.
    pub gateway: String,
    pub opened_at: i64,
    pub ended_at: Option<i64>,
    pub ended: Option<String>,
    pub issuer: String,
    pub subject: String,
    pub groups: Vec<String>,
    pub agent: Option<String>,
    pub task: Option<String>,
    pub database: String,
    pub role: String,
    pub client_address: String,
    pub application: String,
    pub keep: String,
    pub literals: String,
    pub executions: i64,
    /// Of an encrypted session, they are not known.
    pub refusals: i64,
    pub rows: i64,
    /// What was looked at of the record in it.
    pub viewings: i64,
    pub is_sealed: bool,
    /// So many blocks could not be read.
    pub damages: i64,
}

/// An execution or a refusal, as the index has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatementEntry {
    /// Its place in the session, from 1.
    pub number: i64,
    /// `None`: it was refused.
    pub execution: Option<i64>,
    pub began_at: i64,
    /// `None`: it runs, or was refused.
    pub elapsed_us: Option<i64>,
    /// `None`: it is encrypted.
    pub decision: Option<String>,
    pub outcome: Option<String>,
    pub sqlstate: Option<String>,
    /// Of a refusal.
    pub message: Option<String>,
    pub verb: String,
    pub tables: Vec<String>,
    /// `None`: it is encrypted, or its judgement is not recorded.
    pub text: Option<String>,
    pub instead: Option<String>,
    /// The text is longer.
    pub is_cut: bool,
    pub policies: Vec<StatementPolicy>,
    /// The requests whose approval it used up.
    pub approvals: Vec<String>,
    pub rehearsal: Option<String>,
    pub rows: i64,
    pub masked_values: i64,
    pub changed: Option<i64>,
    /// Where the values of its result come from.
    pub columns: Option<Vec<ResultColumn>>,
    /// Where its attempt, or its refusal, is in the record.
    pub attempted_in: Option<Place>,
    /// Where its results begin.
    pub results_in: Option<Place>,
    /// Words of what was delivered, which are searched and not shown.
    pub(super) result_words: Vec<String>,
}

/// What somebody was shown of recorded sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewingEntry {
    /// Its place among those of its viewer's session, from 1.
    pub number: i64,
    pub at: i64,
    /// Those of which something was shown.
    pub sessions: Vec<String>,
    pub statement: Option<i64>,
}

/// A viewing of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewedEntry {
    pub at: i64,
    pub issuer: String,
    pub subject: String,
    /// From where, and through what.
    pub client_address: String,
    pub application: String,
    pub statement: Option<i64>,
    /// The viewer's own session.
    pub session: String,
}

/// What a policy said about a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementPolicy {
    pub name: String,
    pub version: String,
    pub answer: String,
    /// In shadow mode, what it would have said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<String>,
}

impl Index {
    pub fn new(store: Store) -> Self {
        Index { store }
    }
}

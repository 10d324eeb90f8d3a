//! What `gate` and this module tell each other about one request.

use std::time::SystemTime;

use gatewright_contract::{self as contract, RequestId, SessionId, StatementId};
use serde::{Deserialize, Serialize};

use super::{Binding, Effect};

/// Stands between a statement's text and the text of what it names.
pub const NAMED: &str = "\n-- where this is what it names:\n";

/// A statement for which a policy wants an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub binding: Binding,
    /// What the policy wants. `wait` is what holds in the end, where the client or the configuration has chosen.
    pub wanted: contract::Approval,
    /// The policy and its version.
    pub policy: String,
    pub policy_version: String,
    pub shown: Shown,
    /// Why it runs without waiting for reviewers. Whoever sends it may do that.
    pub break_glass: Option<String>,
}

/// What reviewers are shown besides the binding. An approval does not bind it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    pub statement_id: StatementId,
    pub session_id: SessionId,
    /// The statement as text, decoded.
    pub text: String,
    /// The groups of whoever sent the statement.
    pub groups: Vec<String>,
    pub task: Option<String>,
    pub application: String,
    pub client_address: String,
    /// `DELETE`, `DROP TABLE` and the like.
    pub verb: String,
    /// What the statement does, one short sentence each.
    pub effects: Vec<String>,
    /// The tables it names, with their schemas.
    pub tables: Vec<String>,
    /// What it would change. `None`: its policy does not want to show that.
    pub effect: Option<Effect>,
    /// For a statement that commits: what its transaction has changed.
    pub transaction: Vec<Change>,
}

/// A statement of a transaction that is to be committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// `DELETE` and the like.
    pub verb: String,
    /// The tables that it names, with their schemas.
    pub tables: Vec<String>,
    /// How many rows it changed, where the server said so.
    pub rows: Option<u64>,
    /// Its text, or the beginning of it.
    pub statement: String,
}

impl Change {
    /// On one line.
    pub fn in_words(&self) -> String {
        match self.rows {
            Some(1) => format!("1 row: {}", self.statement),
            Some(rows) => format!("{rows} rows: {}", self.statement),
            None => self.statement.clone(),
        }
    }
}

/// What became of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// Reviewers are asked.
    Waiting {
        id: RequestId,
        /// Where a person can decide.
        url: String,
        /// When the request ends if nobody has decided.
        expires_at: SystemTime,
        /// From when on people decide; `None`: they do now.
        reviewers_from: Option<SystemTime>,
    },
    /// An approval for exactly this was waiting, and is now used up: the statement may run. Its end must be told with
    /// `finished`, or that it does not run with `withdraw`.
    Claimed { id: RequestId, approved: Approved },
}

/// Who agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// The subjects of the reviewers, in the order of their approvals, separated by commas.
    pub by: String,
    /// What the last of them gave as the reason.
    pub reason: Option<String>,
    /// The effect that they were shown.
    pub effect: Option<Effect>,
}

/// How a request that was waited for ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The approval is used up: the statement may run, once. Its end must be told with `finished`, or that it does not run
    /// with `withdraw`.
    Approved(Approved),
    Rejected {
        by: String,
        reason: Option<String>,
    },
    /// Approved, and taken back before it was used.
    Revoked {
        by: String,
        reason: Option<String>,
    },
    /// Nobody decided in time, or what was held could not be held longer.
    Expired,
    /// Taken back for whoever sent it, by this gateway or by others that took it for dead.
    Withdrawn,
}

/// Why a request is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawal {
    /// The client closed its connection, or its half of it.
    ClientLeft,
    /// The client sent a cancel request.
    Cancelled,
    /// The session was ended: a time limit, a token that expired, the server's connection.
    SessionEnded,
    GatewayStopped,
    /// What was approved is not what would run now: policies, catalog or search path have changed.
    Changed,
    /// Something before it in its pipeline failed.
    Skipped,
    /// The statement was refused for another reason, such as another request.
    Refused,
}

/// How an approved statement ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// It completed, and returned or changed this many rows.
    Executed { rows: u64 },
    /// The server refused it, or it was stopped.
    Failed { sqlstate: String },
    /// It was not run, because something before it failed.
    Skipped,
    /// The connection ended first: whether it ran is not known.
    Lost,
    /// Its effect was not the approved one, and was rolled back.
    EffectMismatch,
}

impl Withdrawal {
    /// As it is stored and shown.
    pub fn label(self) -> &'static str {
        match self {
            Self::ClientLeft => "client left",
            Self::Cancelled => "cancelled",
            Self::SessionEnded => "session ended",
            Self::GatewayStopped => "gateway stopped",
            Self::Changed => "no longer what was approved",
            Self::Skipped => "skipped",
            Self::Refused => "refused for another reason",
        }
    }
}

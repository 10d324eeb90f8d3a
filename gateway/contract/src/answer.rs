//! What a policy answers when it judges a statement, and what it says of itself.

use bitflags::bitflags;
use serde::{Serialize, Serializer};

use crate::{Attribute, Edit};

/// How long the host may reuse an answer without calling again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reuse {
    /// Each run of a statement is judged anew. Required of an answer that counted, stored, or read the clock or a parameter.
    #[default]
    Never,
    /// For every run of the same prepared statement.
    Statement,
    /// For every statement of the same fingerprint, identity, session facts, access grants and generation of policies.
    Fingerprint,
}

/// A refusal as the client sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Denial {
    /// The stable reason, for programs: it is in the record and in the error's DETAIL.
    pub code: String,
    /// The error's MESSAGE.
    pub message: String,
    /// The error's HINT: what to do instead.
    pub hint: Option<String>,
    /// The error's SQLSTATE; `None` is 42501, insufficient_privilege.
    pub sqlstate: Option<String>,
}

/// The statement may run, as `allowance` says, once reviewers agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// The stable reason, for programs.
    pub code: String,
    /// Why a reviewer has to agree; reviewers and the client read it.
    pub reason: String,
    /// Names of the users or groups that may agree; empty: whoever the gateway's configuration names.
    pub reviewers: Vec<String>,
    /// How many different reviewers have to agree; at least 1.
    pub approvals: u32,
    /// What happens to the statement meanwhile.
    pub wait: ApprovalWait,
    /// How long it is held at most, in milliseconds; the gateway's configuration may allow less.
    pub hold_ms: u64,
    /// How long an approval lasts once given, in milliseconds; the gateway's configuration may allow less.
    pub valid_ms: u64,
    /// What of the statement's effect reviewers are shown.
    pub effect: ApprovalEffect,
    /// Reviewers are asked only about more rows than this, or where the number is not known; with fewer the statement runs at once, and
    /// is undone if it changes more after all.
    pub above_rows: Option<u64>,
    /// The conditions under which the approved statement runs.
    pub allowance: Allowance,
}

/// What happens to a statement while reviewers decide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalWait {
    /// It is held on its connection and runs there once approved.
    #[default]
    Hold,
    /// It is refused at once with the id of the request; the client runs it again once that is approved.
    ReturnId,
}

/// What of a statement's effect reviewers are shown, each more than the one before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalEffect {
    /// Nothing but the statement.
    #[default]
    None,
    /// The server's estimate (EXPLAIN), without running it.
    Estimate,
    /// What a run that was rolled back changed, counted.
    Preview,
    /// The same, and the approval holds only for a run that has that effect.
    Bound,
}

/// The statement to run in place of the client's, and why. It is judged in its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replacement {
    /// One statement.
    pub sql: String,
    /// Why, for the record.
    pub reason: String,
}

/// What the client gets of the texts of errors and notices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Messages {
    /// All of them, as the server sends them.
    #[default]
    All,
    /// Not those that functions and other code of the database raised, or that came up while such code ran.
    OutsideCode,
    /// Only the server's own that hold no values, as of every statement with a result plan.
    WithoutValues,
}

/// The statement may run, within these limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Allowance {
    /// How long this answer stands.
    pub reuse: Reuse,
    /// Ask this policy for a plan once the row description is known.
    pub plan_result: bool,
    /// What the client gets of the texts of errors and notices.
    pub messages: Messages,
    /// The result ends with an error after so many rows.
    pub row_limit: Option<u64>,
    /// The result ends with an error after so many bytes of row data.
    pub byte_limit: Option<u64>,
    /// The statement is cancelled after so many milliseconds.
    pub timeout_ms: Option<u64>,
    /// What to keep in the record.
    pub notes: Vec<Attribute>,
    /// Changes to the statement. The edited statement is judged in its turn.
    pub edits: Vec<Edit>,
    /// So many rows may all results of the session still have together: this one, and those of statements that were judged before it
    /// and have not ended yet.
    pub session_rows: Option<u64>,
    /// The same for bytes of row data.
    pub session_bytes: Option<u64>,
}

/// What a policy says of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It may run.
    Allow(Allowance),
    /// It must not run.
    Deny(Denial),
    /// It may run once reviewers agree.
    RequireApproval(Approval),
    /// Another statement is to run instead.
    Rewrite(Replacement),
}

bitflags! {
    /// The calls a policy asked for when it registered; the others are never made.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
    pub struct Hooks: u8 {
        /// `on-statement` where the statement itself is judged.
        const STATEMENT = 1 << 0;
        /// `on-statement` again once parameters are bound.
        const PARAMETERS = 1 << 1;
        /// `on-result` for what was allowed with [`Allowance::plan_result`].
        const RESULT_PLAN = 1 << 2;
        /// `on-batch` for columns that are inspected or observed.
        const BATCH = 1 << 3;
        /// `on-completion` when a statement has ended.
        const COMPLETION = 1 << 4;
        /// `on-notification` for what other sessions notify of.
        const NOTIFICATION = 1 << 5;
    }
}

impl Serialize for Hooks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            self.iter_names()
                .map(|(name, _)| name.to_ascii_lowercase().replace('_', "-")),
        )
    }
}

/// What a policy says of itself when it is set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registration {
    /// Its own name; what counts is the name of its file.
    pub name: String,
    /// Its own version, for records and errors.
    pub version: String,
    /// One sentence on what it does, for operators.
    pub description: String,
    /// The calls it wants.
    pub hooks: Hooks,
    /// JSON Schema of the settings the policy takes.
    pub settings_schema: Option<String>,
}

/// Whose counters, sets and values a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The connection; forgotten when it ends.
    Session,
    /// The user, by issuer and subject.
    Identity,
    /// The task of the user's agent; without one, the user's statements outside any task.
    Task,
    /// The policy, for all alike.
    Policy,
}

/// How much a policy's log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// For following single steps.
    Trace,
    /// For finding faults.
    Debug,
    /// For the record of normal work.
    Info,
    /// For what somebody should look at.
    Warn,
    /// For what is broken.
    Error,
}

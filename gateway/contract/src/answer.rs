use bitflags::bitflags;
use serde::{Serialize, Serializer};

use super::Attribute;

/// How long the host may reuse an answer without calling again. `Fingerprint`: same normalized statement, identity, session
/// facts and module generation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reuse {
    #[default]
    Never,
    Statement,
    Fingerprint,
}

/// A refusal as the client sees it; `code` is the stable reason in the record and in DETAIL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Denial {
    pub code: String,
    pub message: String,
    pub hint: Option<String>,
    pub sqlstate: Option<String>,
}

/// The statement may run once a reviewer agrees. `hold_ms`: how long the client waits; `valid_ms`: how long an approval lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approval {
    pub code: String,
    pub reason: String,
    pub reviewers: Vec<String>,
    pub hold_ms: u64,
    pub valid_ms: u64,
    pub dry_run: bool,
}

/// The statement to run instead, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replacement {
    pub sql: String,
    pub reason: String,
}

/// The statement may run, within these limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Allowance {
    pub reuse: Reuse,
    /// Ask this policy for a plan once the row description is known.
    pub plan_result: bool,
    pub row_limit: Option<u64>,
    pub byte_limit: Option<u64>,
    pub timeout_ms: Option<u64>,
    pub notes: Vec<Attribute>,
}

/// What a policy says of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Allow(Allowance),
    Deny(Denial),
    RequireApproval(Approval),
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
        const RESULT_PLAN = 1 << 2;
        const BATCH = 1 << 3;
        const COMPLETION = 1 << 4;
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
    pub name: String,
    pub version: String,
    pub description: String,
    pub hooks: Hooks,
    /// JSON Schema of the settings the policy takes.
    pub settings_schema: Option<String>,
}

/// Whose counters, sets and values a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    Session,
    Identity,
    Task,
    Policy,
}

/// How much a policy's log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

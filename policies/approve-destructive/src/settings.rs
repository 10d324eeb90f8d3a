//! The settings of approve-destructive.

use std::collections::BTreeSet;

use gatewright_policy::is_command_tag;
use gatewright_policy::name::{Names, Qualified};
use serde::Deserialize;

/// The policy's section of the configuration. README.md documents each key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    pub commands: Vec<String>,
    pub writes: Writes,
    pub functions: Names,
    pub opaque: Choice,
    pub access_grants: Grants,
    pub exempt_groups: BTreeSet<String>,
    pub reviewers: Vec<String>,
    pub approvals: u32,
    pub wait: Wait,
    pub effect: Effect,
    pub above_rows: Option<u64>,
    pub hold_seconds: u64,
    pub valid_seconds: u64,
}

/// Which UPDATE, DELETE and MERGE need approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Writes {
    None,
    /// UPDATE and DELETE without a narrowing WHERE; MERGE that updates or deletes, which has none.
    Unbounded,
    /// All of them, also in code that the statement runs.
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    Allow,
    Approve,
}

/// Whether what an access grant covers needs no approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grants {
    Ignore,
    Accept,
}

/// What happens to the statement while reviewers decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wait {
    Hold,
    Return,
}

/// What reviewers are shown of the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    None,
    Estimate,
    Preview,
    /// For UPDATE and DELETE; other statements are previewed as far as they can be.
    Bound,
}

impl Default for Settings {
    fn default() -> Self {
        let functions = ["lo_unlink", "lo_truncate", "lo_truncate64"];
        Self {
            commands: ["DROP", "TRUNCATE", "ALTER", "GRANT", "REVOKE", "REASSIGN"]
                .map(str::to_owned)
                .to_vec(),
            writes: Writes::Unbounded,
            functions: functions
                .into_iter()
                .filter_map(|name| Qualified::parse(name).ok())
                .collect(),
            opaque: Choice::Approve,
            access_grants: Grants::Ignore,
            exempt_groups: BTreeSet::new(),
            reviewers: Vec::new(),
            approvals: 1,
            wait: Wait::Hold,
            effect: Effect::Estimate,
            above_rows: None,
            hold_seconds: 300,
            valid_seconds: 300,
        }
    }
}

impl Settings {
    /// Checks what serde cannot.
    pub fn check(&self) -> Result<(), String> {
        if let Some(command) = self.commands.iter().find(|tag| !is_command_tag(tag)) {
            return Err(format!(
                "setting commands: {command:?} is not a command tag; separate words with one space, as in \"DROP TABLE\""
            ));
        }
        for (name, value) in [
            ("approvals", u64::from(self.approvals)),
            ("hold_seconds", self.hold_seconds),
            ("valid_seconds", self.valid_seconds),
        ] {
            if value == 0 {
                return Err(format!("setting {name}: must be at least 1"));
            }
        }
        Ok(())
    }
}

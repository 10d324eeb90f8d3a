//! The settings of deny-list.

use std::collections::BTreeSet;

use gatewright_policy::name::Names;
use gatewright_policy::{Verb, is_command_tag};
use serde::Deserialize;

/// The policy's section of the configuration. README.md documents each key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    pub commands: Vec<String>,
    pub kinds: Vec<Kind>,
    pub tables: Names,
    pub functions: Names,
    pub unbounded_writes: Choice,
    pub opaque: Choice,
    pub access_grants: Grants,
    pub exempt_groups: BTreeSet<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            commands: ["DROP", "TRUNCATE"].map(str::to_owned).to_vec(),
            kinds: Vec::new(),
            tables: Names::default(),
            functions: Names::default(),
            unbounded_writes: Choice::Deny,
            opaque: Choice::Allow,
            access_grants: Grants::Ignore,
            exempt_groups: BTreeSet::new(),
        }
    }
}

impl Settings {
    /// Checks what serde cannot: that each entry of `commands` has the form of a command tag.
    pub fn check(&self) -> Result<(), String> {
        match self.commands.iter().find(|tag| !is_command_tag(tag)) {
            Some(command) => Err(format!(
                "setting commands: {command:?} is not a command tag; separate words with one space, as in \"DROP TABLE\""
            )),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    Allow,
    Deny,
}

/// Whether what an access grant covers is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grants {
    Ignore,
    Accept,
}

/// A statement's verb, spelled as in the policy contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Select,
    Insert,
    Update,
    Delete,
    Merge,
    Truncate,
    CopyIn,
    CopyOut,
    Call,
    DoBlock,
    Ddl,
    Grant,
    Transaction,
    Set,
    Explain,
    Cursor,
    Prepare,
    Listen,
    Lock,
    Maintenance,
    Utility,
    Unknown,
}

impl Kind {
    pub fn is(self, verb: Verb) -> bool {
        self.verb() == verb
    }

    fn verb(self) -> Verb {
        match self {
            Self::Select => Verb::Select,
            Self::Insert => Verb::Insert,
            Self::Update => Verb::Update,
            Self::Delete => Verb::Delete,
            Self::Merge => Verb::Merge,
            Self::Truncate => Verb::Truncate,
            Self::CopyIn => Verb::CopyIn,
            Self::CopyOut => Verb::CopyOut,
            Self::Call => Verb::Call,
            Self::DoBlock => Verb::DoBlock,
            Self::Ddl => Verb::Ddl,
            Self::Grant => Verb::Grant,
            Self::Transaction => Verb::Transaction,
            Self::Set => Verb::Set,
            Self::Explain => Verb::Explain,
            Self::Cursor => Verb::Cursor,
            Self::Prepare => Verb::Prepare,
            Self::Listen => Verb::Listen,
            Self::Lock => Verb::Lock,
            Self::Maintenance => Verb::Maintenance,
            Self::Utility => Verb::Utility,
            Self::Unknown => Verb::Unknown,
        }
    }

    /// Commands that make a statement of this kind when they are nested in another statement.
    pub fn nested(self) -> &'static [&'static str] {
        match self {
            Self::Insert => &["INSERT"],
            Self::Update => &["UPDATE"],
            Self::Delete => &["DELETE"],
            Self::Merge => &["MERGE"],
            _ => &[],
        }
    }
}

//! What the host tells whoever watches it.

use std::time::Duration;

use crate::contract::Level;
use crate::fault::Fault;

/// Told of everything the host does on behalf of policies. Called on the data path: must not block.
pub trait Observer: Send + Sync {
    /// A call was made and took this long, whether it succeeded or not.
    fn call(&self, policy: &str, hook: &'static str, elapsed: Duration);
    fn fault(&self, policy: &str, fault: &Fault);
    fn reload(&self, event: &ReloadEvent);
    /// A policy logged a line; size and rate are bounded.
    fn log(&self, policy: &str, level: Level, message: &str);
    /// A policy added to one of its metrics; the number of names is bounded.
    fn metric(&self, policy: &str, name: &str, value: f64);
}

/// What happened to a policy when its file or settings changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadEvent {
    pub policy: String,
    pub outcome: ReloadOutcome,
    /// The generation of the set in force afterwards.
    pub generation: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReloadOutcome {
    /// In force; `digest` is the SHA-256 of the file in hex, `version` the policy's own.
    Loaded { digest: String, version: String },
    /// Could not be loaded. `kept`: the version loaded before stays in force.
    Failed { reason: String, kept: bool },
    /// Its file is gone or it is switched off.
    Removed,
    /// A required policy is not there: everything is refused until it is.
    Missing { reason: String },
}

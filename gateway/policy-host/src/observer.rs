//! The interface through which the host reports what happens.

use std::time::Duration;

use crate::contract::Level;
use crate::fault::Fault;

/// Receives calls, faults, reloads, log lines and metrics. Called on the data path: must not block.
pub trait Observer: Send + Sync {
    /// A call completed, successfully or not, after `elapsed`.
    fn call(&self, policy: &str, hook: &'static str, elapsed: Duration);
    /// A call took so long that it goes on on the threads for long calls.
    fn handed_over(&self, policy: &str);
    /// A call gave no usable answer.
    fn fault(&self, policy: &str, fault: &Fault);
    /// A policy was loaded, removed, failed to load or is missing.
    fn reload(&self, event: &ReloadEvent);
    /// A policy logged a line. Its length and the rate are limited.
    fn log(&self, policy: &str, level: Level, message: &str);
    /// A policy added to one of its metrics. The number of names is limited.
    fn metric(&self, policy: &str, name: &str, value: f64);
}

/// What happened to a policy when its file or settings changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadEvent {
    pub policy: String,
    pub outcome: ReloadOutcome,
    /// The generation of the resulting set.
    pub generation: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReloadOutcome {
    /// The policy is in force. `digest` is the file's SHA-256 in hex; `version` is the one the policy registered.
    Loaded { digest: String, version: String },
    /// Loading failed. If `kept`, the previous version stays in force.
    Failed { reason: String, kept: bool },
    /// The file was removed or the policy switched off.
    Removed,
    /// A required policy is not loaded. Every statement is denied until it is.
    Missing { reason: String },
}

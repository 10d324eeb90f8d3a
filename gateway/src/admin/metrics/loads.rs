//! What became of each policy's last load, for people to read.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use gatewright_policy_host::{ReloadEvent, ReloadOutcome};

use super::Metrics;

/// A load of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    pub at: SystemTime,
    /// Why it failed; `None`: the policy is in force.
    pub error: Option<String>,
}

/// The last of each policy that is not gone.
#[derive(Default)]
pub(super) struct Loads(Mutex<BTreeMap<String, Load>>);

impl Loads {
    pub fn note(&self, event: &ReloadEvent) {
        let error = match &event.outcome {
            ReloadOutcome::Loaded { .. } => None,
            ReloadOutcome::Failed { reason, .. } | ReloadOutcome::Missing { reason } => {
                Some(reason.clone())
            }
            ReloadOutcome::Removed => {
                let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                known.remove(&event.policy);
                return;
            }
        };
        let load = Load {
            at: SystemTime::now(),
            error,
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(event.policy.clone(), load);
    }
}

impl Metrics {
    /// What became of each policy's last load.
    pub fn loads(&self) -> BTreeMap<String, Load> {
        let known = self.loads.0.lock();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

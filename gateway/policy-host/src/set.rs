//! The set of policies in force.

use std::sync::Arc;

use crate::contract::Hooks;
use crate::policy::Policy;

/// The policies in force. It is an immutable snapshot: a holder keeps its version while a newer one replaces it.
#[derive(Clone)]
pub struct PolicySet {
    /// Increases with every change of the set.
    pub generation: u64,
    /// In evaluation order.
    pub policies: Vec<Arc<Policy>>,
    /// Required policies that are not loaded. While there are any, every statement must be denied.
    pub missing: Vec<Missing>,
}

/// A required policy that is not in force, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The name in the settings.
    pub name: String,
    /// Why it is not loaded, for the operator.
    pub reason: String,
}

impl PolicySet {
    /// Whether there are neither loaded nor missing policies.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty() && self.missing.is_empty()
    }

    /// Whether any policy registered for bound parameters.
    pub fn wants_parameters(&self) -> bool {
        self.policies
            .iter()
            .any(|policy| policy.hooks().contains(Hooks::PARAMETERS))
    }

    /// The SHA-256, in hex, of the policies' names, files and settings in their order: equal for sets that judge alike.
    pub fn fingerprint(&self) -> String {
        let policies: Vec<_> = self
            .policies
            .iter()
            .map(|policy| policy.in_force_as())
            .collect();
        hex::encode(crate::load::digest(policies.join("\n").as_bytes()))
    }

    /// A set without policies, which allows everything.
    pub fn empty() -> PolicySet {
        PolicySet::of(Vec::new())
    }

    /// A set of these policies in this order, with none missing.
    pub fn of(policies: Vec<Arc<Policy>>) -> PolicySet {
        PolicySet {
            generation: 0,
            policies,
            missing: Vec::new(),
        }
    }
}

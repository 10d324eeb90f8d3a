//! The policies in force together.

use std::sync::Arc;

use crate::contract::Hooks;
use crate::policy::Policy;

/// The policies in force together. Whoever holds one goes on with it unaltered while a newer one takes its place.
#[derive(Clone)]
pub struct PolicySet {
    /// Grows with every change of the set.
    pub generation: u64,
    /// In the order they are asked.
    pub policies: Vec<Arc<Policy>>,
    /// Required policies that are not there: everything must be refused.
    pub missing: Vec<Missing>,
}

/// A required policy that is not in force, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub name: String,
    pub reason: String,
}

impl PolicySet {
    /// True when nothing is asked and nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty() && self.missing.is_empty()
    }

    /// True when some policy reads bound parameters.
    pub fn wants_parameters(&self) -> bool {
        self.policies
            .iter()
            .any(|policy| policy.hooks().contains(Hooks::PARAMETERS))
    }

    /// No policies: everything is allowed.
    pub fn empty() -> PolicySet {
        PolicySet::of(Vec::new())
    }

    /// These policies in this order, none missing.
    pub fn of(policies: Vec<Arc<Policy>>) -> PolicySet {
        PolicySet {
            generation: 0,
            policies,
            missing: Vec::new(),
        }
    }
}

//! What policies require of people before a statement may run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gatewright_contract as contract;

use crate::gate::kept::KeptQuestion;

/// The approval that one policy requires, or the gateway's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::gate) struct Wanted {
    /// The policy's index in its set. `None`: the gateway itself, for what commits changes.
    pub policy: Option<usize>,
    pub approval: contract::Approval,
}

/// All approvals that a permit needs, and what it was judged for.
pub(in crate::gate) struct Requirement {
    pub wanted: Vec<Wanted>,
    pub question: Arc<KeptQuestion>,
    /// The approvals were used up by an execution under this permit that has not been skipped. Where a portal is read in parts, what
    /// follows is part of that.
    is_used: AtomicBool,
}

impl Requirement {
    pub fn new(wanted: Vec<Wanted>, question: Arc<KeptQuestion>) -> Self {
        Requirement {
            wanted,
            question,
            is_used: AtomicBool::new(false),
        }
    }

    pub fn is_used(&self) -> bool {
        self.is_used.load(Ordering::Acquire)
    }

    pub fn set_used(&self, used: bool) {
        self.is_used.store(used, Ordering::Release);
    }
}

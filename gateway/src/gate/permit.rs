//! The proof that a statement was judged, and what its policies asked for.

use std::sync::Arc;
use std::time::Instant;

use gatewright_policy_host::{Policy, PolicySet, StatementView, contract};
use gatewright_sql::Verb;
use smallvec::SmallVec;

use super::view::View;
use crate::session::Limits;

/// Leave to run one statement. Made by the gate alone, after every policy in force has answered.
pub struct Permit {
    pub(super) set: Arc<PolicySet>,
    pub(super) view: Arc<View>,
    pub(super) verb: Verb,
    /// One entry a policy of the set.
    pub(super) answers: SmallVec<[Answer; 4]>,
    pub(super) limits: Limits,
    /// Policies that must see the row description, as indexes into the set.
    pub(super) planners: SmallVec<[usize; 4]>,
    pub(super) started: Instant,
}

/// What one policy allowed, kept where it may be reused.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// The policy has no statement hook, or only watches.
    NotAsked,
    Allowed(contract::Allowance),
}

impl Answer {
    pub fn allowance(&self) -> Option<&contract::Allowance> {
        match self {
            Answer::NotAsked => None,
            Answer::Allowed(allowance) => Some(allowance),
        }
    }
}

impl Permit {
    /// The policy behind one step of a plan.
    pub(super) fn planner(&self, step: usize) -> Option<&Arc<Policy>> {
        self.set.policies.get(*self.planners.get(step)?)
    }

    pub(super) fn view_for_policies(&self) -> Arc<dyn StatementView> {
        Arc::clone(&self.view) as Arc<dyn StatementView>
    }
}

impl Permit {
    /// The policy whose limit this is.
    pub(super) fn limited_by(&self, limit: crate::session::Limit) -> Option<&Arc<Policy>> {
        use crate::session::Limit;
        let index = self.answers.iter().position(|answer| {
            answer.allowance().is_some_and(|allowance| match limit {
                Limit::Rows(rows) => allowance.row_limit == Some(rows),
                Limit::Bytes(bytes) => allowance.byte_limit == Some(bytes),
                Limit::RowSize(_) => false,
            })
        })?;
        self.set.policies.get(index)
    }
}

//! A request that is open: whatever happens to its statement, the store is told once.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use gatewright_contract::RequestId;

use super::requirement::Requirement;
use super::{effect, refusals};
use crate::approvals::{Approvals, Approved, Finished, Withdrawal};
use crate::session::{Bound, Completion, Departure, Outcome, Refusal};

/// Why the session leaves what it leaves now.
pub(in crate::gate) type Reason = Rc<Cell<Departure>>;

/// A request that waits for its decision, or an approval that was used up for a statement that has not ended yet. Dropped before its end was
/// told, it is withdrawn.
pub(in crate::gate) struct Claim {
    approvals: Approvals,
    id: RequestId,
    reason: Reason,
    /// The one effect that it was given for.
    bound: Option<Bound>,
    is_over: bool,
}

impl Claim {
    pub fn new(approvals: Approvals, id: RequestId, reason: Reason) -> Self {
        Claim {
            approvals,
            id,
            reason,
            bound: None,
            is_over: false,
        }
    }

    /// The same, for the effect alone that was approved.
    pub fn bound(mut self, approved: &Approved) -> Result<Self, Refusal> {
        let effect = approved.effect.as_ref();
        match effect.and_then(effect::as_bound) {
            Some(bound) => {
                self.bound = Some(bound);
                Ok(self)
            }
            None => {
                self.withdraw_changed();
                let message = "what was approved has no effect that the statement could be held to";
                Err(Refusal::new("42501", message))
            }
        }
    }

    /// Others have ended it: there is nothing to tell.
    pub fn forget(mut self) {
        self.is_over = true;
    }

    /// What was approved is not what would run now.
    pub fn withdraw_changed(mut self) {
        self.is_over = true;
        self.approvals.withdraw(self.id, Withdrawal::Changed);
    }

    fn finish(mut self, how: Finished) {
        self.is_over = true;
        self.approvals.finished(self.id, how);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.is_over {
            let why = withdrawal(self.reason.get());
            self.approvals.withdraw(self.id, why);
        }
    }
}

/// All approvals that one execution uses up.
pub(in crate::gate) struct Claims {
    claims: Vec<Claim>,
    requirement: Arc<Requirement>,
}

impl Claims {
    pub fn new(claims: Vec<Claim>, requirement: &Arc<Requirement>) -> Self {
        requirement.set_used(true);
        Claims {
            claims,
            requirement: Arc::clone(requirement),
        }
    }

    /// The requests whose approvals they are.
    pub fn ids(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.claims.iter().map(|claim| claim.id)
    }

    /// The one effect that was approved.
    pub fn bound_to(&self) -> Option<Bound> {
        self.claims.iter().find_map(|claim| claim.bound)
    }

    /// The refusal of a statement that had another.
    pub fn effect_differs(&self, changed: Option<u64>) -> Option<Refusal> {
        let mut claims = self.claims.iter();
        let (id, approved) = claims.find_map(|claim| Some((claim.id, claim.bound?)))?;
        Some(refusals::effect_differs(id, approved, changed))
    }

    /// The execution has ended.
    pub fn end(self, done: &Completion) {
        if done.outcome == Outcome::Skipped {
            // It did not run. What is executed again needs an approval again.
            self.requirement.set_used(false);
        }
        for claim in self.claims {
            claim.finish(finished(done));
        }
    }
}

fn finished(done: &Completion) -> Finished {
    if done.effect_differs {
        return Finished::EffectMismatch;
    }
    match done.outcome {
        // The rest of a portal that is read in parts comes under the same approval.
        Outcome::Completed | Outcome::Suspended => Finished::Executed {
            rows: done.changed.unwrap_or(done.rows),
        },
        Outcome::Failed => Finished::Failed {
            sqlstate: done.sqlstate.clone(),
        },
        Outcome::Skipped => Finished::Skipped,
        Outcome::Lost => Finished::Lost,
    }
}

fn withdrawal(why: Departure) -> Withdrawal {
    match why {
        Departure::ClientLeft => Withdrawal::ClientLeft,
        Departure::Cancelled => Withdrawal::Cancelled,
        Departure::Skipped => Withdrawal::Skipped,
        Departure::Refused => Withdrawal::Refused,
        Departure::SessionEnded => Withdrawal::SessionEnded,
        Departure::GatewayStopped => Withdrawal::GatewayStopped,
    }
}

//! Whom the gate can ask, and what becomes of a statement where that is nobody.

use std::sync::Arc;

use gatewright_contract as contract;

use super::approval::{Requirement, Wanted};
use super::case::Case;
use super::kept::KeptQuestion;
use super::permit::Permit;
use super::{SessionGate, denial};
use crate::approvals::Approvals;
use crate::session::{Phase, Refusal};

/// Whom the gate asks for approvals.
#[derive(Clone)]
pub enum People {
    /// Nobody: what needs an approval is refused.
    Nobody,
    /// Nobody is asked, since nothing runs.
    Explained,
    Asked(Approvals),
}

impl People {
    /// Those who decide for this gateway.
    pub fn of(approvals: Option<Approvals>) -> Self {
        approvals.map_or(People::Nobody, People::Asked)
    }

    pub(super) fn asked(&self) -> Option<&Approvals> {
        match self {
            People::Asked(approvals) => Some(approvals),
            People::Nobody | People::Explained => None,
        }
    }
}

impl SessionGate {
    /// Why none of this can be asked for.
    pub(super) fn cannot_ask(&self, wanted: &[Wanted], case: &Case) -> Option<Refusal> {
        let wanted = wanted.first()?;
        if !matches!(self.gate.people, People::Nobody) {
            return None;
        }
        self.count(case.verb, "deny");
        let policy = wanted.policy.and_then(|index| self.set.policies.get(index));
        let name = policy.map_or("unknown", |policy| policy.name());
        Some(denial::of_gateway(
            &wanted.approval.code,
            format!(
                "policy \"{name}\" wants a person's approval for this statement, and this gateway has nobody to ask: it has no [approvals]"
            ),
            Some(&wanted.approval.reason),
            case.view.statement_id,
        ))
    }

    /// Nobody is asked for a statement that does not run.
    pub(super) fn refuse_unasked(&self, wanted: &contract::Approval) -> Refusal {
        denial::of_gateway(
            &wanted.code,
            "this statement needs a person's approval, and nobody is asked",
            Some(&wanted.reason),
            self.statement_id(),
        )
    }

    /// The permit with what people are to be asked about.
    pub(super) fn with_requirement(
        &self,
        mut permit: Box<Permit>,
        question: &Arc<KeptQuestion>,
        case: &Case,
    ) -> Result<Arc<Permit>, Refusal> {
        if case.is_tried {
            return Ok(Arc::from(permit));
        }
        permit.wanted.extend(self.review_of(question, case)?);
        if permit.wanted.is_empty() {
            self.count(case.verb, "allow");
            return Ok(Arc::from(permit));
        }
        if question.phase == Phase::FunctionCall {
            return Err(self.refuse_call_that_needs_approval(case));
        }
        self.count(case.verb, "ask");
        let wanted = std::mem::take(&mut permit.wanted);
        permit.requirement = Some(Arc::new(Requirement::new(wanted, Arc::clone(question))));
        Ok(Arc::from(permit))
    }

    /// The arguments of a FunctionCall cannot be shown to anybody.
    pub(super) fn refuse_call_that_needs_approval(&self, case: &Case) -> Refusal {
        self.count(case.verb, "deny");
        denial::of_gateway(
            "approval-of-call",
            "this call needs approval, and a function called by message cannot be shown to reviewers",
            Some("Call it with SELECT."),
            case.view.statement_id,
        )
    }
}

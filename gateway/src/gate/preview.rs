//! What the gate would answer, for people who ask before a statement is sent. Nothing is forwarded, so nothing needs a session.
//! It goes the way of every statement: the same facts, the same chain, the same plan.

use std::sync::Arc;

use gatewright_contract as contract;
use gatewright_sql::Facts;

use super::analysis::AnalyzedText;
use super::permit::Permit;
use super::{SessionGate, denial, plan};
use crate::session::{Field, NameFacts, Phase, Question, Refusal, Verdict};

/// What one policy says.
#[derive(Debug, Clone)]
pub struct PolicyAnswer<T> {
    pub policy: String,
    pub version: String,
    pub answer: T,
}

/// What all policies say of a statement, and what comes of it.
pub struct Preview {
    pub verdicts: Vec<PolicyAnswer<contract::Verdict>>,
    /// The permit to go on with, and the text that would run in the statement's place if one was rewritten.
    pub outcome: Result<(Arc<Permit>, Option<Arc<AnalyzedText>>), Refusal>,
}

/// What all policies that asked for it say of a result.
pub struct ResultPreview {
    pub columns: Vec<contract::ResultColumn>,
    pub plans: Vec<PolicyAnswer<contract::Plan>>,
    pub refusal: Option<Refusal>,
}

/// A connection on which nothing was prepared or declared.
struct NoNames;

impl NameFacts for NoNames {
    fn statement(&self, _: &str) -> Option<Arc<Facts>> {
        None
    }

    fn cursor(&self, _: &str) -> Option<Arc<Facts>> {
        None
    }
}

impl SessionGate {
    /// Asks every policy about one statement of a text, also those behind one that refuses; then judges it.
    pub fn preview(&mut self, text: &Arc<AnalyzedText>, index: usize) -> Preview {
        let question = || Question {
            phase: Phase::Simple,
            text,
            index,
            parameters: None,
            earlier: None,
            in_transaction: false,
            at_rest: true,
            names: &NoNames,
        };
        let verdicts = self.verdicts(&question());
        let outcome = self
            .judge_statement(question())
            .map(|verdict| match verdict {
                Verdict::Permit(permit) => (permit, None),
                Verdict::Rewrite { text, permit } => (permit, Some(text)),
            });
        Preview { verdicts, outcome }
    }

    /// Shows the columns to the policies that asked to see them.
    pub fn preview_result(&self, permit: &Permit, fields: &[Field]) -> ResultPreview {
        let columns = plan::columns(permit, fields, &self.catalog.current());
        let view = permit.view_for_policies();
        let (mut plans, mut refusal) = (Vec::new(), None);
        let planners = permit.planners.iter();
        for policy in planners.filter_map(|index| permit.set.policies.get(*index)) {
            let answer = plan::answer(policy, &view, &columns);
            if let contract::Plan::Deny(denied) = &answer {
                refusal.get_or_insert_with(|| {
                    denial::of_policy(policy, denied.clone(), permit.view.statement_id)
                });
            }
            plans.push(PolicyAnswer {
                policy: policy.name().to_owned(),
                version: policy.version().to_owned(),
                answer,
            });
        }
        ResultPreview {
            columns,
            plans,
            refusal,
        }
    }
}

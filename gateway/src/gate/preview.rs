//! Previews of verdicts and plans for `gatewright explain`. Uses the same facts, chain and plans as a real statement, but needs no session and
//! forwards nothing.

use std::sync::Arc;

use gatewright_contract as contract;
use gatewright_sql::SearchPath;

use super::names::NoNames;
use super::permit::Permit;
use super::text::AnalyzedText;
use super::{SessionGate, denial, plan};
use crate::session::{Field, Phase, Question, Refusal, Verdict};

/// One policy's answer.
#[derive(Debug, Clone)]
pub struct PolicyAnswer<T> {
    pub policy: String,
    pub version: String,
    pub answer: T,
}

/// Every policy's verdict on a statement, and the resulting decision.
pub struct Preview {
    pub verdicts: Vec<PolicyAnswer<contract::Verdict>>,
    /// The permit, and the replacement text if a policy rewrote the statement.
    pub outcome: Result<(Arc<Permit>, Option<Arc<AnalyzedText>>), Refusal>,
}

/// The plans of all policies that asked to see a result.
pub struct ResultPreview {
    pub columns: Vec<contract::ResultColumn>,
    pub plans: Vec<PolicyAnswer<contract::Plan>>,
    pub refusal: Option<Refusal>,
}

impl SessionGate {
    /// Asks every policy about one statement of a text, including those after one that denies, then judges the statement.
    pub fn preview(
        &mut self,
        text: &Arc<AnalyzedText>,
        index: usize,
        path: Option<&SearchPath>,
    ) -> Preview {
        let question = || Question {
            phase: Phase::Simple,
            text,
            index,
            parameters: None,
            earlier: None,
            in_transaction: false,
            at_rest: true,
            names: &NoNames,
            path,
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

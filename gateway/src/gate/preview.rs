//! Previews of verdicts and plans for `gatewright explain`. Uses the same facts, chain and plans as a real statement, but needs no session and
//! forwards nothing.

use std::future::poll_fn;
use std::sync::Arc;

use gatewright_contract as contract;
use gatewright_policy_host::{Call, Fault, StatementView};
use gatewright_sql::SearchPath;

use super::case::Version;
use super::chain::verdict_of;
use super::names::NoNames;
use super::permit::Permit;
use super::text::AnalyzedText;
use super::ticket::answered;
use super::{SessionGate, denial, plan};
use crate::session::{
    Answer, BoundParameters, Field, Judge, Judged, PendingJudge, Phase, Question, Refusal, Verdict,
};

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
    pub async fn preview(
        &mut self,
        text: &Arc<AnalyzedText>,
        index: usize,
        path: Option<&SearchPath>,
    ) -> Preview {
        let verdicts = self.verdicts(&alone(text, index, path)).await;
        let mut judged = self.judge_statement(alone(text, index, path));
        let outcome = loop {
            let ticket = match judged {
                Judged::Ready(outcome) => break outcome,
                Judged::Pending(ticket) => ticket,
            };
            poll_fn(|context| self.poll_pending(context)).await;
            judged = self.resume(ticket).map(|answer| match answer {
                Answer::Verdict(verdict) => verdict,
                _ => Err(Refusal::new("XX000", "the statement was not judged")),
            });
        };
        let outcome = outcome.map(|verdict| match verdict {
            Verdict::Permit(permit) => (permit, None),
            Verdict::Rewrite { text, permit } => (permit, Some(text)),
        });
        Preview { verdicts, outcome }
    }

    /// The verdict of every policy on one statement of a text, the next one of the session. `parameters`: it is bound to these.
    pub async fn answers(
        &mut self,
        text: &Arc<AnalyzedText>,
        index: usize,
        path: Option<&SearchPath>,
        parameters: Option<BoundParameters<'_>>,
    ) -> Vec<PolicyAnswer<contract::Verdict>> {
        self.begin_statement();
        let phase = match parameters {
            Some(_) => Phase::Execute,
            None => Phase::Simple,
        };
        let question = Question {
            phase,
            parameters,
            ..alone(text, index, path)
        };
        self.verdicts(&question).await
    }

    /// The verdict of every policy, regardless of the other verdicts and of the role lock. Has no effect.
    async fn verdicts(
        &mut self,
        question: &Question<'_, Self>,
    ) -> Vec<PolicyAnswer<contract::Verdict>> {
        let kept = self.keep_question(question);
        let first = Version::first(&kept.text, kept.index);
        let Ok(case) = self.unlocked_case(&kept, &first) else {
            return Vec::new();
        };
        let facts = self.contract_facts(&case);
        let view = Arc::clone(&case.view) as Arc<dyn StatementView>;
        let asked = contract::Hooks::STATEMENT | contract::Hooks::PARAMETERS;
        let mut verdicts = Vec::new();
        for policy in &self.set.policies {
            if !policy.hooks().intersects(asked) {
                continue;
            }
            let answer = of_call(policy.on_statement(&view, &facts)).await;
            verdicts.push(PolicyAnswer {
                policy: policy.name().to_owned(),
                version: policy.version().to_owned(),
                answer: verdict_of(policy, &case, answer),
            });
        }
        verdicts
    }

    /// Shows the columns to the policies that asked to see them.
    pub async fn preview_result(&self, permit: &Permit, fields: &[Field]) -> ResultPreview {
        let columns = plan::columns(permit, fields, &self.catalog.current());
        let view = permit.view_for_policies();
        let (mut plans, mut refusal) = (Vec::new(), None);
        let planners = permit.planners.iter();
        for policy in planners.filter_map(|index| permit.set.policies.get(*index)) {
            let answer = of_call(policy.on_result(&view, &columns)).await;
            let answer = plan::plan_of(policy, answer);
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
            columns: columns.to_vec(),
            plans,
            refusal,
        }
    }
}

/// The question about a statement that is sent by itself, without parameters.
fn alone<'q>(
    text: &'q Arc<AnalyzedText>,
    index: usize,
    path: Option<&'q SearchPath>,
) -> Question<'q, SessionGate> {
    Question {
        phase: Phase::Simple,
        text,
        index,
        parameters: None,
        earlier: None,
        in_transaction: false,
        at_rest: true,
        in_block: false,
        names: &NoNames,
        path,
        path_value: None,
        is_utf8: true,
    }
}

async fn of_call<R>(call: Call<R>) -> Result<R, Fault> {
    match call {
        Call::Done(answer) => answer,
        Call::Running(running) => answered(running).await,
    }
}

//! The chain of policies: each is asked once. A denial overrides a request for approval, which overrides permission.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gatewright_contract::{self as contract, StatementId};
use gatewright_policy_host::{Mode, Policy, StatementView};
use gatewright_sql::Verb;

use super::case::{Case, Version};
use super::permit::{Answers, Permit};
use super::preview::PolicyAnswer;
use super::recent::Earlier;
use super::{SessionGate, denial};
use crate::session::{Limits, Question, Refusal};

/// The result of the chain.
pub(super) enum Outcome {
    Permit(Arc<Permit>),
    Rewrite(usize, contract::Replacement),
}

impl SessionGate {
    /// The id of the current statement.
    pub(super) fn statement_id(&self) -> StatementId {
        self.statement
    }

    pub(super) fn ask_all(
        &mut self,
        case: &Case,
        earlier: Option<&Earlier>,
    ) -> Result<Outcome, Refusal> {
        if let Some(missing) = self.set.missing.first() {
            let message = format!(
                "the policy \"{}\" is not loaded, so every statement is refused",
                missing.name
            );
            return Err(self.refuse("policy-missing", message, case.verb));
        }
        let mut answers = Answers::with_capacity(self.set.policies.len());
        let mut contract_facts = None;
        let mut approval = None;
        for (index, policy) in self.set.policies.iter().enumerate() {
            if !policy
                .hooks()
                .intersects(contract::Hooks::STATEMENT | contract::Hooks::PARAMETERS)
            {
                answers.push(None);
                continue;
            }
            if let Some(known) = earlier.and_then(|earlier| earlier.answer(index)) {
                answers.push(Some(known.clone()));
                continue;
            }
            let facts = contract_facts.get_or_insert_with(|| self.contract_facts(case));
            match self.ask(policy, case, facts) {
                contract::Verdict::Allow(allowance) => answers.push(Some(allowance)),
                contract::Verdict::Deny(denied) => {
                    self.gate.metrics.verdict(case.verb, "deny");
                    self.log_denial(policy, &denied, case);
                    return Err(denial::of_policy(policy, denied, case.view.statement_id));
                }
                contract::Verdict::RequireApproval(wanted) => {
                    approval.get_or_insert((index, wanted));
                    answers.push(None);
                }
                contract::Verdict::Rewrite(replacement) => {
                    return Ok(Outcome::Rewrite(index, replacement));
                }
            }
        }
        if let Some((index, wanted)) = approval {
            return Err(self.refuse_approval(index, &wanted, case));
        }
        Ok(Outcome::Permit(Arc::new(
            self.permit(case, Arc::new(answers)),
        )))
    }

    /// The verdict of every policy, regardless of the other verdicts and of the role lock. Has no effect.
    pub(super) fn verdicts(
        &mut self,
        question: &Question<'_, Self>,
    ) -> Vec<PolicyAnswer<contract::Verdict>> {
        let Ok(case) = self.unlocked_case(question, &Version::first(question.text, question.index))
        else {
            return Vec::new();
        };
        let facts = self.contract_facts(&case);
        let asked = contract::Hooks::STATEMENT | contract::Hooks::PARAMETERS;
        self.set
            .policies
            .iter()
            .filter(|policy| policy.hooks().intersects(asked))
            .map(|policy| PolicyAnswer {
                policy: policy.name().to_owned(),
                version: policy.version().to_owned(),
                answer: self.ask(policy, &case, &facts),
            })
            .collect()
    }

    /// One policy's verdict. A policy in shadow mode always allows; one that fails denies.
    fn ask(&self, policy: &Arc<Policy>, case: &Case, facts: &contract::Facts) -> contract::Verdict {
        let view = Arc::clone(&case.view) as Arc<dyn StatementView>;
        let verdict = policy.on_statement(&view, facts);
        let shadow = policy.mode() == Mode::Shadow;
        match verdict {
            Ok(contract::Verdict::Allow(allowance)) if !shadow => {
                contract::Verdict::Allow(allowance)
            }
            Ok(verdict) if shadow => {
                tracing::info!(
                    policy = policy.name(),
                    verdict = kind_of(&verdict),
                    decision = %case.view.statement_id,
                    "shadow verdict"
                );
                contract::Verdict::Allow(contract::Allowance::default())
            }
            Ok(verdict) => verdict,
            Err(fault) => {
                tracing::error!(policy = policy.name(), %fault, shadow, "the policy gave no verdict");
                if shadow {
                    contract::Verdict::Allow(contract::Allowance::default())
                } else {
                    contract::Verdict::Deny(denial::of_fault(policy, &fault))
                }
            }
        }
    }

    fn permit(&self, case: &Case, answers: Arc<Answers>) -> Permit {
        let smallest = |limit: fn(&contract::Allowance) -> Option<u64>| {
            answers
                .iter()
                .filter_map(|answer| answer.as_ref().and_then(limit))
                .min()
        };
        // What a policy allows counts from what it was told of.
        let in_all = |left: Option<u64>, told: u64| left.map(|left| left.saturating_add(told));
        let limits = Limits {
            rows: smallest(|allowance| allowance.row_limit),
            bytes: smallest(|allowance| allowance.byte_limit),
            time: smallest(|allowance| allowance.timeout_ms).map(Duration::from_millis),
            session_rows: in_all(
                smallest(|allowance| allowance.session_rows),
                self.delivered.0,
            ),
            session_bytes: in_all(
                smallest(|allowance| allowance.session_bytes),
                self.delivered.1,
            ),
        };
        let planners = answers
            .iter()
            .enumerate()
            .filter(|(_, answer)| {
                answer
                    .as_ref()
                    .is_some_and(|allowance| allowance.plan_result)
            })
            .filter(|(index, _)| {
                self.set
                    .policies
                    .get(*index)
                    .is_some_and(|policy| policy.hooks().contains(contract::Hooks::RESULT_PLAN))
            })
            .map(|(index, _)| index)
            .collect();
        Permit {
            set: Arc::clone(&self.set),
            view: Arc::clone(&case.view),
            verb: case.verb,
            answers,
            limits,
            planners,
        }
    }

    fn contract_facts(&self, case: &Case) -> contract::Facts {
        let now_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| {
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            });
        contract::Facts {
            statement_id: case.view.statement_id,
            session_id: self.facts.session.id,
            now_ms,
            phase: case.phase,
            statement: Arc::clone(&case.facts),
            identity: Arc::clone(&self.facts.identity),
        }
    }

    fn refuse_approval(&self, index: usize, wanted: &contract::Approval, case: &Case) -> Refusal {
        self.gate.metrics.verdict(case.verb, "deny");
        let name = self
            .set
            .policies
            .get(index)
            .map_or("unknown", |policy| policy.name());
        denial::of_gateway(
            &wanted.code,
            format!(
                "policy \"{name}\" wants a person's approval for this statement, and this gateway has nobody to ask yet"
            ),
            Some(&wanted.reason),
            case.view.statement_id,
        )
    }

    pub(super) fn refuse(&self, code: &str, message: impl Into<String>, verb: Verb) -> Refusal {
        self.gate.metrics.verdict(verb, "deny");
        denial::of_gateway(
            code,
            message,
            Some("Tell whoever runs the gateway."),
            self.statement_id(),
        )
    }

    pub(super) fn not_editable(&self, reason: &str, case: &Case) -> Refusal {
        self.gate.metrics.verdict(case.verb, "deny");
        denial::of_gateway(
            "not-editable",
            format!("a policy edits this statement, and it cannot be edited: {reason}"),
            Some("Write the statement in a plainer form."),
            case.view.statement_id,
        )
    }

    fn log_denial(&self, policy: &Policy, denied: &contract::Denial, case: &Case) {
        tracing::info!(
            policy = policy.name(),
            code = %denied.code,
            subject = %self.facts.identity.subject,
            database = %self.facts.session.database,
            decision = %case.view.statement_id,
            "statement refused"
        );
    }
}

fn kind_of(verdict: &contract::Verdict) -> &'static str {
    match verdict {
        contract::Verdict::Allow(_) => "allow",
        contract::Verdict::Deny(_) => "deny",
        contract::Verdict::RequireApproval(_) => "require-approval",
        contract::Verdict::Rewrite(_) => "rewrite",
    }
}

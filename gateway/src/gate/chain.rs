//! The chain of policies: each is asked once, one after the other. A denial overrides a request for approval, which overrides permission.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gatewright_contract::{self as contract, StatementId};
use gatewright_policy_host::{Call, Fault, Mode, Policy, StatementView};
use gatewright_sql::Verb;

use super::approval::Wanted;
use super::case::Case;
use super::permit::{Answers, Permit};
use super::recent::Earlier;
use super::ticket::answered;
use super::view::View;
use super::{SessionGate, denial};
use crate::session::{Answer, Judged, Limits, Refusal, Verdict};

/// The result of the chain.
pub(super) enum Outcome {
    Permit(Box<Permit>),
    Rewrite(usize, contract::Replacement),
}

/// What follows from the result.
pub(super) trait Then:
    FnOnce(&mut SessionGate, Case, Outcome) -> Judged<Result<Verdict<SessionGate>, Refusal>> + 'static
{
}

impl<N> Then for N where
    N: FnOnce(&mut SessionGate, Case, Outcome) -> Judged<Result<Verdict<SessionGate>, Refusal>>
        + 'static
{
}

/// How far the policies were asked about a case: those that have answered, in their order.
struct Chain {
    case: Case,
    earlier: Option<Earlier>,
    facts: Option<contract::Facts>,
    answers: Answers,
    /// What people have to agree to.
    wanted: Vec<Wanted>,
    /// What the policies had been told of the session when the first was asked. Some may have heard more by the time that they answer.
    told: (u64, u64),
}

impl Chain {
    /// The answer that the policy whose turn it is needs not be asked for.
    fn known(&self, policy: &Policy) -> Option<Option<contract::Allowance>> {
        let asked = contract::Hooks::STATEMENT | contract::Hooks::PARAMETERS;
        if !policy.hooks().intersects(asked) {
            return Some(None);
        }
        let earlier = self.earlier.as_ref()?;
        earlier
            .answer(self.answers.len())
            .map(|known| Some(known.clone()))
    }
}

/// What comes of one policy's answer.
enum Heard {
    GoOn,
    /// The others are not asked.
    End(End),
}

enum End {
    Refused(Refusal),
    Rewrite(usize, contract::Replacement),
}

impl End {
    fn followed_by(
        self,
        gate: &mut SessionGate,
        chain: Chain,
        then: impl Then,
    ) -> Judged<Result<Verdict<SessionGate>, Refusal>> {
        match self {
            End::Refused(refusal) => Judged::Ready(Err(refusal)),
            End::Rewrite(policy, replacement) => {
                then(gate, chain.case, Outcome::Rewrite(policy, replacement))
            }
        }
    }
}

impl SessionGate {
    /// The id of the current statement.
    pub(super) fn statement_id(&self) -> StatementId {
        self.statement
    }

    /// Asks all policies about the case. `then`: what follows from their answers, which may come only later.
    pub(super) fn ask_all<N>(
        &mut self,
        case: Case,
        earlier: Option<Earlier>,
        then: N,
    ) -> Judged<Result<Verdict<Self>, Refusal>>
    where
        N: Then,
    {
        if let Some(missing) = self.set.missing.first() {
            let message = format!(
                "the policy \"{}\" is not loaded, so every statement is refused",
                missing.name
            );
            return Judged::Ready(Err(self.refuse("policy-missing", message, case.verb)));
        }
        let chain = Chain {
            answers: Answers::with_capacity(self.set.policies.len()),
            case,
            earlier,
            facts: None,
            wanted: Vec::new(),
            told: self.delivered,
        };
        self.ask_on(chain, then)
    }

    /// Asks the policies that have not answered yet.
    fn ask_on<N: Then>(
        &mut self,
        mut chain: Chain,
        then: N,
    ) -> Judged<Result<Verdict<Self>, Refusal>> {
        loop {
            let Some(policy) = self.set.policies.get(chain.answers.len()) else {
                let (case, outcome) = self.asked_all(chain);
                return match outcome {
                    Ok(outcome) => then(self, case, outcome),
                    Err(refusal) => Judged::Ready(Err(refusal)),
                };
            };
            if let Some(known) = chain.known(policy) {
                chain.answers.push(known);
                continue;
            }
            let facts = chain
                .facts
                .get_or_insert_with(|| self.contract_facts(&chain.case));
            let view = Arc::clone(&chain.case.view) as Arc<dyn StatementView>;
            let answer = match policy.on_statement(&view, facts) {
                Call::Done(answer) => answer,
                Call::Running(running) => {
                    let ticket = self.pend(answered(running), move |gate, answer| {
                        let verdict = match gate.heard(&mut chain, answer) {
                            Heard::GoOn => gate.ask_on(chain, then),
                            Heard::End(outcome) => outcome.followed_by(gate, chain, then),
                        };
                        verdict.map(Answer::Verdict)
                    });
                    return Judged::Pending(ticket);
                }
            };
            if let Heard::End(outcome) = self.heard(&mut chain, answer) {
                return outcome.followed_by(self, chain, then);
            }
        }
    }

    /// Takes the answer of the policy whose turn it is.
    fn heard(&mut self, chain: &mut Chain, answer: Result<contract::Verdict, Fault>) -> Heard {
        let index = chain.answers.len();
        let Some(policy) = self.set.policies.get(index) else {
            return Heard::GoOn;
        };
        if policy.mode() == Mode::Shadow && !chain.case.is_tried {
            let verdict = answer.as_ref().map_or("fault", kind_of);
            self.gate.metrics.shadow(policy.name(), verdict);
            if self.tells() {
                self.judging.note_shadow(index, &answer);
            }
        }
        match verdict_of(policy, &chain.case, answer) {
            contract::Verdict::Allow(allowance) => chain.answers.push(Some(allowance)),
            contract::Verdict::Deny(denied) => {
                if !chain.case.is_tried {
                    self.count(chain.case.verb, "deny");
                    self.log_denial(policy, &denied, &chain.case);
                    self.note_refused(&chain.case.view);
                }
                let id = chain.case.view.statement_id;
                let refusal = denial::of_policy(policy, denied, id);
                self.note_denied(&chain.answers, index);
                return Heard::End(End::Refused(refusal));
            }
            contract::Verdict::RequireApproval(wanted) => {
                // Under these conditions it runs once approved. For each run the policy is asked again.
                chain.answers.push(Some(contract::Allowance {
                    reuse: contract::Reuse::Never,
                    ..wanted.allowance.clone()
                }));
                chain.wanted.push(Wanted {
                    policy: Some(index),
                    approval: wanted,
                });
            }
            contract::Verdict::Rewrite(replacement) => {
                return Heard::End(End::Rewrite(index, replacement));
            }
        }
        Heard::GoOn
    }

    fn asked_all(&self, chain: Chain) -> (Case, Result<Outcome, Refusal>) {
        if let Some(refusal) = self.cannot_ask(&chain.wanted, &chain.case) {
            return (chain.case, Err(refusal));
        }
        let answers = Arc::new(chain.answers);
        let mut permit = self.permit(chain.case.verb, &chain.case.view, answers, chain.told);
        permit.wanted = chain.wanted;
        (chain.case, Ok(Outcome::Permit(Box::new(permit))))
    }

    pub(super) fn permit(
        &self,
        verb: Verb,
        view: &Arc<View>,
        answers: Arc<Answers>,
        told: (u64, u64),
    ) -> Permit {
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
            session_rows: in_all(smallest(|allowance| allowance.session_rows), told.0),
            session_bytes: in_all(smallest(|allowance| allowance.session_bytes), told.1),
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
            view: Arc::clone(view),
            verb,
            answers,
            limits,
            planners,
            wanted: Vec::new(),
            requirement: None,
            told: OnceLock::new(),
        }
    }

    pub(super) fn contract_facts(&self, case: &Case) -> contract::Facts {
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

    pub(super) fn refuse(&self, code: &str, message: impl Into<String>, verb: Verb) -> Refusal {
        self.count(verb, "deny");
        denial::of_gateway(
            code,
            message,
            Some("Tell whoever runs the gateway."),
            self.statement_id(),
        )
    }

    pub(super) fn not_editable(&self, reason: &str, case: &Case) -> Refusal {
        self.count(case.verb, "deny");
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

/// What a policy's answer comes to. A policy in shadow mode always allows; one that fails denies.
pub(super) fn verdict_of(
    policy: &Policy,
    case: &Case,
    answer: Result<contract::Verdict, Fault>,
) -> contract::Verdict {
    let shadow = policy.mode() == Mode::Shadow;
    match answer {
        Ok(contract::Verdict::Allow(allowance)) if shadow => {
            contract::Verdict::Allow(contract::Allowance {
                reuse: allowance.reuse,
                ..contract::Allowance::default()
            })
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
            match shadow {
                true => contract::Verdict::Allow(contract::Allowance::default()),
                false => contract::Verdict::Deny(denial::of_fault(policy, &fault)),
            }
        }
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

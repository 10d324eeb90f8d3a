//! The chain of policies: each is asked once. A denial overrides a request for approval, which overrides permission.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gatewright_contract::{self as contract, StatementId};
use gatewright_policy_host::{Mode, Policy, StatementView};
use gatewright_sql::{Facts, RelationKind, Temporary, Verb};
use smallvec::SmallVec;

use super::analysis::AnalyzedText;
use super::case::Case;
use super::permit::{Answers, Permit};
use super::preview::PolicyAnswer;
use super::{SessionGate, denial};
use crate::session::{Limits, Phase, Question, Refusal, Verdict};

/// Answers for texts longer than this, in bytes, are not cached.
const KEPT_TEXT: usize = 16 * 1024;

/// Earlier answers that may be reused instead of calling the policies.
enum Earlier {
    /// Given for the same prepared statement.
    SameStatement(Arc<Answers>),
    /// Given for another text with identical facts, in the same session.
    SameFacts(Arc<Answers>),
}

impl Earlier {
    fn answers(&self) -> &Arc<Answers> {
        match self {
            Earlier::SameStatement(answers) | Earlier::SameFacts(answers) => answers,
        }
    }

    /// A policy's earlier answer, if the policy allowed it to be reused here.
    fn answer(&self, index: usize) -> Option<&contract::Allowance> {
        let answer = self.answers().get(index)?.as_ref()?;
        let reuse = answer.reuse;
        let holds = match self {
            Earlier::SameStatement(_) => reuse != contract::Reuse::Never,
            Earlier::SameFacts(_) => reuse == contract::Reuse::Fingerprint,
        };
        holds.then_some(answer)
    }
}

/// The result of the chain.
enum Outcome {
    Permit(Arc<Permit>),
    Rewrite(usize, contract::Replacement),
}

impl SessionGate {
    pub(super) fn judge_statement(
        &mut self,
        question: Question<'_, Self>,
    ) -> Result<Verdict<Self>, Refusal> {
        let mut text = self.as_of_now(question.text, question.path)?;
        let anew = !Arc::ptr_eq(&text, question.text);
        let mut rewritten_by: SmallVec<[usize; 2]> = SmallVec::new();
        loop {
            let case = self.case(&question, &text, !rewritten_by.is_empty())?;
            let earlier = if rewritten_by.is_empty() && !anew {
                self.earlier(&question, &case)
            } else {
                None
            };
            match self.ask_all(&case, earlier.as_ref())? {
                Outcome::Permit(permit) if rewritten_by.is_empty() => {
                    // The cache would keep the facts of a long text in memory for the rest of the session.
                    if question.earlier.is_none() && text.source.len() <= KEPT_TEXT {
                        self.recent.keep(
                            &self.set,
                            &case.facts,
                            case.phase,
                            question.in_transaction,
                            &permit.answers,
                        );
                    }
                    self.note_reshaping(&question, &text);
                    return Ok(Verdict::Permit(permit));
                }
                Outcome::Permit(permit) => {
                    self.note_reshaping(&question, &text);
                    return Ok(Verdict::Rewrite { text, permit });
                }
                Outcome::Rewrite(policy, replacement) => {
                    if rewritten_by.contains(&policy) {
                        return Err(self.refuse(
                            "rewrite-loop",
                            "two policies keep rewriting this statement, so it is refused",
                            case.verb,
                        ));
                    }
                    rewritten_by.push(policy);
                    text = self.rewrite(&text, policy, &replacement, &case)?;
                }
            }
        }
    }

    /// Later statements in the pipeline are judged before this one is known to have run.
    fn note_reshaping(&mut self, question: &Question<'_, Self>, text: &AnalyzedText) {
        if question.phase != Phase::Parse && text.reshapes() {
            for statement in &text.analysis.statements {
                self.reshape(&statement.facts);
            }
        }
    }

    /// A definition has been changed, or will be: what names mean is not known before the transaction ends. Of a temporary
    /// table nothing but its name matters to what names others.
    pub(super) fn reshape(&mut self, facts: &Facts) {
        if facts.verb != Verb::Ddl {
            return;
        }
        match &facts.temporary {
            Some(Temporary::Created(name)) => {
                self.temporaries.insert(name.clone());
            }
            Some(Temporary::Named(names))
                if names.iter().all(|name| self.temporaries.contains(name)) => {}
            _ => self.reshaped = true,
        }
    }

    /// Whether a name of the statement may now mean a temporary table instead of what the catalog has under it.
    pub(super) fn is_hidden(&self, facts: &Facts) -> bool {
        !self.temporaries.is_empty()
            && facts.tables.iter().any(|table| {
                table.kind != RelationKind::Unresolved
                    && self.temporaries.contains(table.name.as_str())
            })
    }

    /// Earlier answers of the policies now in force.
    fn earlier(&self, question: &Question<'_, Self>, case: &Case) -> Option<Earlier> {
        match question.earlier {
            // An answer about a statement holds only while its names mean the same.
            Some(permit) => (Arc::ptr_eq(&permit.set, &self.set) && !case.unsettled)
                .then(|| Earlier::SameStatement(Arc::clone(&permit.answers))),
            None => self
                .recent
                .find(&self.set, &case.facts, case.phase, question.in_transaction)
                .map(|answers| Earlier::SameFacts(Arc::clone(answers))),
        }
    }

    /// The id of the current statement.
    pub(super) fn statement_id(&self) -> StatementId {
        self.statement
    }

    pub(super) fn judge_call(
        &mut self,
        function_oid: u32,
        in_transaction: bool,
    ) -> Result<Verdict<Self>, Refusal> {
        self.begin_statement();
        self.check_role_of_call(function_oid)?;
        let case = self.case_of_call(function_oid, in_transaction);
        match self.ask_all(&case, None)? {
            Outcome::Permit(permit) => Ok(Verdict::Permit(permit)),
            Outcome::Rewrite(..) => Err(self.refuse(
                "rewrite-of-call",
                "a function call by message cannot be rewritten, so it is refused",
                Verb::Unknown,
            )),
        }
    }

    fn ask_all(&mut self, case: &Case, earlier: Option<&Earlier>) -> Result<Outcome, Refusal> {
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
        self.gate.metrics.verdict(case.verb, "allow");
        Ok(Outcome::Permit(Arc::new(
            self.permit(case, Arc::new(answers)),
        )))
    }

    /// The verdict of every policy, regardless of the other verdicts and of the role lock. Has no effect.
    pub(super) fn verdicts(
        &mut self,
        question: &Question<'_, Self>,
    ) -> Vec<PolicyAnswer<contract::Verdict>> {
        let Ok(case) = self.unlocked_case(question, question.text, false) else {
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
        let limits = Limits {
            rows: smallest(|allowance| allowance.row_limit),
            bytes: smallest(|allowance| allowance.byte_limit),
            time: smallest(|allowance| allowance.timeout_ms).map(Duration::from_millis),
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

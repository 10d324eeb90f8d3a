//! FunctionCall: a function that the catalog knows is judged as a SELECT of it.

use std::sync::Arc;

use gatewright_contract as contract;
use gatewright_sql::Verb;

use super::SessionGate;
use super::chain::Outcome;
use super::names::NoNames;
use super::text::AnalyzedText;
use super::ticket::Work;
use crate::session::{Answer, Judged, Phase, Question, Refusal, Verdict};

impl SessionGate {
    pub(super) fn judge_call(
        &mut self,
        function_oid: u32,
        in_transaction: bool,
    ) -> Judged<Result<Verdict<Self>, Refusal>> {
        let text = match self.text_of_call(function_oid) {
            Ok(Ok(Some(text))) => text,
            Ok(Ok(None)) => return self.judge_unknown_call(function_oid, in_transaction),
            Ok(Err(refusal)) => return Judged::Ready(Err(refusal)),
            Err(work) => {
                return Judged::Pending(self.pend_text(work, move |gate| {
                    gate.judge_call(function_oid, in_transaction)
                        .map(Answer::Verdict)
                }));
            }
        };
        self.judge_statement(Question {
            phase: Phase::FunctionCall,
            text: &text,
            index: 0,
            parameters: None,
            earlier: None,
            in_transaction,
            at_rest: false,
            in_block: in_transaction,
            names: &NoNames,
            path: None,
            path_value: None,
            is_utf8: true,
        })
    }

    /// The SELECT that calls the function, if the catalog knows it. Errors: what has to be waited for.
    fn text_of_call(
        &mut self,
        function_oid: u32,
    ) -> Result<Result<Option<Arc<AnalyzedText>>, Refusal>, Work> {
        // Like any text, an empty one waits for a catalog that is not outdated.
        if let Err(refusal) = self.analyze_now("", true, None)? {
            return Ok(Err(refusal));
        }
        match self.catalog.current().call(function_oid) {
            Some(sql) => Ok(self.analyze_now(&sql, true, None)?.map(Some)),
            None => Ok(Ok(None)),
        }
    }

    /// A function of which nothing is known but its OID.
    fn judge_unknown_call(
        &mut self,
        function_oid: u32,
        in_transaction: bool,
    ) -> Judged<Result<Verdict<Self>, Refusal>> {
        self.begin_statement();
        if let Err(refusal) = self.check_role_of_call(function_oid) {
            return Judged::Ready(Err(refusal));
        }
        let case = self.case_of_call(function_oid, in_transaction);
        let edits = |answer: &contract::Allowance| !answer.edits.is_empty();
        self.ask_all(case, None, move |gate, case, outcome| {
            Judged::Ready(match outcome {
                Outcome::Permit(permit) if permit.answers.iter().flatten().any(edits) => {
                    Err(gate.not_editable("it is no SQL", &case))
                }
                Outcome::Permit(permit)
                    if !permit.wanted.is_empty() || !in_transaction && gate.reviews_commits() =>
                {
                    Err(gate.refuse_call_that_needs_approval(&case))
                }
                Outcome::Permit(permit) => {
                    gate.count(case.verb, "allow");
                    Ok(Verdict::Permit(Arc::from(permit)))
                }
                Outcome::Rewrite(..) => Err(gate.refuse(
                    "rewrite-of-call",
                    "a function call by message cannot be rewritten, so it is refused",
                    Verb::Unknown,
                )),
            })
        })
    }
}

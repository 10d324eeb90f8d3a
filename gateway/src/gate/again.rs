//! Statements about which every policy's earlier answer still holds: nobody is asked, and the permit is made at once. Most statements of a
//! session are of this kind.

use std::sync::Arc;

use gatewright_contract as contract;
use gatewright_policy_host::StatementView;
use gatewright_sql::{RoleEffect, SessionEffect};

use super::SessionGate;
use super::case::{Version, contract_phase};
use super::editing::Edits;
use super::permit::Permit;
use super::recent::{Asked, Earlier};
use super::view::{KeptParameters, View};
use crate::session::{Phase, Question};

impl SessionGate {
    /// The permit for a statement that has begun. `None`: it has to be judged as if nothing were known of it.
    pub(super) fn permit_again(&mut self, question: &Question<'_, Self>) -> Option<Arc<Permit>> {
        let permit = self.permit_if_all_hold(question)?;
        debug_assert_eq!(
            self.differs_when_judged(question, &permit),
            None,
            "permitted at once: {}",
            permit.view.sql()
        );
        let statements = &question.text.analysis.statements;
        let statement = statements.get(question.index);
        if let Some(statement) = statement.filter(|_| question.phase != Phase::Parse) {
            self.reshape(&statement.facts);
        }
        Some(permit)
    }

    fn permit_if_all_hold(&mut self, question: &Question<'_, Self>) -> Option<Arc<Permit>> {
        let (text, index) = (question.text, question.index);
        let statement = text.analysis.statements.get(index)?;
        let facts = &statement.facts;
        let names_another = matches!(
            facts.session,
            SessionEffect::Execute { .. }
                | SessionEffect::Explain {
                    executes: Some(_),
                    ..
                }
                | SessionEffect::Fetch { .. }
        );
        let role_is_kept = facts.role == RoleEffect::Kept || !self.gate.settings.lock_role;
        let names_are_settled =
            !self.reshaped && self.temporaries.is_empty() && !text.reshapes_before(index);
        if names_another
            || self.reviews_commits()
            || !role_is_kept
            || !names_are_settled
            || !self.is_as_before(text, question.path)
        {
            return None;
        }
        let edits = text.edits(index);
        let earlier = self.earlier_of(question, &edits)?;
        if !self.all_hold(&earlier) || edits.with(earlier.answers()).is_some() {
            return None;
        }
        let original = match (&text.edited, &edits) {
            (Some(from), Edits::Applied(_)) => Some((Arc::clone(&from.client), index)),
            _ => None,
        };
        let reads = self.set.wants_parameters();
        let shows = self.record.keeps_statements();
        let bound = question.parameters.as_ref().filter(|_| reads || shows);
        let bound = bound.map(|bound| Arc::new(KeptParameters::of(bound)));
        let view = Arc::new(View {
            session: Arc::clone(&self.facts),
            text: Some(Arc::clone(text)),
            index,
            original,
            editing: edits.editing(),
            named: None,
            phase: question.phase,
            in_transaction: question.in_transaction,
            parameters: bound.clone().filter(|_| reads),
            bound: bound.filter(|_| shows),
            statement_id: self.statement_id(),
            active: Arc::clone(&self.active),
        });
        let answers = Arc::clone(earlier.answers());
        let permit = self.permit(facts.verb, &view, answers, self.delivered);
        self.count(facts.verb, "allow");
        Some(Arc::new(permit))
    }

    /// In what the long way comes to another permit. It calls no policy either, since all answers are known. Debug builds ask for each
    /// statement, so that a check that is added there alone fails tests.
    fn differs_when_judged(
        &mut self,
        question: &Question<'_, Self>,
        permit: &Permit,
    ) -> Option<&'static str> {
        let kept = Arc::new(self.keep_begun(question));
        let version = Version::first(question.text, question.index);
        let Ok(case) = self.case(&kept, &version) else {
            return Some("it is refused");
        };
        let earlier = self.earlier(&kept, question.earlier, &version, &case);
        if !earlier.is_some_and(|earlier| self.all_hold(&earlier)) {
            return Some("a policy is asked");
        }
        if !matches!(self.review_of(&kept, &case), Ok(None)) {
            return Some("people are asked");
        }
        let views: [&View; 2] = [&permit.view, &case.view];
        let [sql, others] = views.map(StatementView::sql);
        let [original, others_original] = views.map(StatementView::original_sql);
        let same = permit.verb == case.verb && sql == others && original == others_original;
        (!same).then_some("it is another statement")
    }

    /// What policies have answered for the same statement, or for one with the same facts.
    fn earlier_of(&mut self, question: &Question<'_, Self>, edits: &Edits) -> Option<Earlier> {
        let active = self.active_grants();
        if let Some(permit) = question.earlier {
            return self.answers_under(permit, question.text, &active);
        }
        let asked = Asked {
            phase: contract_phase(question.phase),
            in_transaction: question.in_transaction,
            editing: edits.editing(),
        };
        let facts = question.text.facts.get(question.index)?;
        self.answers_for(facts, &active, &asked)
    }

    /// True when no policy in force has to be asked again.
    fn all_hold(&self, earlier: &Earlier) -> bool {
        let asked = contract::Hooks::STATEMENT | contract::Hooks::PARAMETERS;
        self.set.missing.is_empty()
            && earlier.answers().len() == self.set.policies.len()
            && self.set.policies.iter().enumerate().all(|(index, policy)| {
                !policy.hooks().intersects(asked) || earlier.answer(index).is_some()
            })
    }
}

//! What was approved is judged once more where something has changed meanwhile. It runs only if the answer is the same.

use std::sync::Arc;

use super::asking::Asked;
use super::claim::Claim;
use super::refusals;
use crate::gate::SessionGate;
use crate::gate::kept::KeptQuestion;
use crate::gate::permit::Permit;
use crate::session::{Answer, Judged, Refusal, Verdict};

impl SessionGate {
    /// Admits the statement if it still is what was approved.
    pub(super) fn admit_if_unchanged(
        &mut self,
        asked: Asked,
        claims: Vec<Claim>,
    ) -> Judged<Answer<Self>> {
        let permit = &asked.permit;
        if !Arc::ptr_eq(&permit.set, &self.gate.policies.current()) {
            return refuse(claims, "policies or their settings have changed", permit);
        }
        let caught_up = self.catch_up_with_database().map(Answer::CaughtUp);
        self.followed_by(caught_up, move |gate, answer| match answer {
            Answer::CaughtUp(Ok(())) => gate.admit_if_settled(asked, claims),
            other => refuse_with(claims, error_of(other)),
        })
    }

    fn admit_if_settled(&mut self, asked: Asked, claims: Vec<Claim>) -> Judged<Answer<Self>> {
        let text = Arc::clone(&asked.requirement.question.text);
        if self.is_settled(&text) && asked.permit.view.active.hold() {
            return self.admit_with(&asked, claims);
        }
        let anew = self.analyze_anew(&text).map(Answer::Text);
        self.followed_by(anew, move |gate, answer| match answer {
            Answer::Text(Ok(text)) => {
                let question = Arc::new(KeptQuestion {
                    text,
                    ..(*asked.requirement.question).clone()
                });
                let verdict = gate.judge_kept(question, None).map(Answer::Verdict);
                gate.followed_by(verdict, move |gate, answer| {
                    gate.admit_if_same(asked, claims, answer)
                })
            }
            other => refuse_with(claims, error_of(other)),
        })
    }

    fn admit_if_same(
        &mut self,
        asked: Asked,
        claims: Vec<Claim>,
        answer: Answer<Self>,
    ) -> Judged<Answer<Self>> {
        match answer {
            Answer::Verdict(Ok(Verdict::Permit(now) | Verdict::Rewrite { permit: now, .. }))
                if is_same(&asked.permit, &now) =>
            {
                self.admit_with(&asked, claims)
            }
            Answer::Verdict(Ok(_)) => refuse(
                claims,
                "what the statement names has changed",
                &asked.permit,
            ),
            other => refuse_with(claims, error_of(other)),
        }
    }
}

/// Whether the same statement would run under the same conditions.
fn is_same(before: &Permit, now: &Permit) -> bool {
    let source = |permit: &Permit| {
        let text = permit.view.text.as_ref();
        text.map(|text| (text.source.clone(), permit.view.index))
    };
    let wanted = |permit: &Permit| {
        let requirement = permit.requirement.as_ref();
        requirement.map(|requirement| requirement.wanted.clone())
    };
    Arc::ptr_eq(&before.set, &now.set)
        && source(before) == source(now)
        && before.view.facts() == now.view.facts()
        && before.answers == now.answers
        && before.planners == now.planners
        && wanted(before) == wanted(now)
}

fn refuse(claims: Vec<Claim>, what: &str, permit: &Permit) -> Judged<Answer<SessionGate>> {
    refuse_with(claims, refusals::changed(what, permit.view.statement_id))
}

fn refuse_with(claims: Vec<Claim>, refusal: Refusal) -> Judged<Answer<SessionGate>> {
    claims.into_iter().for_each(Claim::withdraw_changed);
    Judged::Ready(Answer::Admission(Err(refusal)))
}

/// The error in an answer that was to be something else.
fn error_of(answer: Answer<SessionGate>) -> Refusal {
    let error = match answer {
        Answer::CaughtUp(answer) => answer.err(),
        Answer::Text(answer) => answer.err(),
        Answer::Verdict(answer) => answer.err(),
        _ => None,
    };
    error.unwrap_or_else(|| Refusal::new("57014", "the statement was not judged again"))
}

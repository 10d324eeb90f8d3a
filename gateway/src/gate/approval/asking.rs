//! The wait: a request is made, and ends with an approval or with a refusal.

use std::sync::Arc;
use std::time::Duration;

use gatewright_contract::{ApprovalEffect, ApprovalWait};
use gatewright_sql::Verb;
use tokio::time::{Instant, interval_at};

use super::claim::{Claim, Claims};
use super::effect::is_below;
use super::refusals::{self, Place};
use super::requirement::Requirement;
use super::waiting::Waiting;
use crate::approvals::{Approvals, Approved, Draft, Effect, Outcome, Submitted};
use crate::gate::ending::Admitted;
use crate::gate::permit::Permit;
use crate::gate::{DatabaseMetrics, Gate, SessionGate};
use crate::session::{Answer, Judged, Refusal, Rehearsed};

/// What people are asked about.
pub(super) struct Asked {
    pub permit: Arc<Permit>,
    pub requirement: Arc<Requirement>,
    /// Which of the approvals, by their indexes in the requirement.
    asked: Vec<usize>,
    /// The rest are not needed as long as it changes no more rows than this.
    pub at_most: Option<u64>,
    effect: Option<Effect>,
}

/// Whom a request is made to, and who waits for its end.
struct Asking {
    gate: Arc<Gate>,
    database: Option<Arc<dyn DatabaseMetrics>>,
    approvals: Approvals,
    waiting: Waiting,
    /// The pause between notices.
    every: Duration,
}

impl SessionGate {
    /// Admits a statement once all people whom its policies want to be asked have agreed.
    pub(in crate::gate) fn admit_approved(
        &mut self,
        permit: &Arc<Permit>,
        requirement: &Arc<Requirement>,
        effect: Option<&Rehearsed>,
    ) -> Judged<Result<Admitted, Refusal>> {
        if requirement.is_used() {
            return Judged::Ready(Ok(self.admitted(permit, None, None)));
        }
        let effect = self.effect_of(permit, effect);
        let (mut asked, mut at_most) = (Vec::new(), None::<u64>);
        for (index, wanted) in requirement.wanted.iter().enumerate() {
            let above = wanted.approval.above_rows;
            if self.commits_nothing(permit, wanted) {
                continue;
            }
            match is_below(effect.as_ref(), above) {
                true => at_most = at_most.into_iter().chain(above).min(),
                false => asked.push(index),
            }
        }
        // What a SELECT reads is not changed, so it is not undone.
        let at_most = at_most.filter(|_| permit.verb != Verb::Select);
        if asked.is_empty() {
            return Judged::Ready(match permit.view.active.hold() {
                true => Ok(self.admitted(permit, None, at_most)),
                false => Err(self.refuse_ended_grant(permit)),
            });
        }
        let wanted = Asked {
            permit: Arc::clone(permit),
            requirement: Arc::clone(requirement),
            asked,
            at_most,
            effect,
        };
        let answer = self.ask_next(wanted, Vec::new());
        match answer {
            Judged::Pending(ticket) => Judged::Pending(ticket),
            Judged::Ready(Answer::Admission(admitted)) => Judged::Ready(admitted),
            Judged::Ready(_) => Judged::Ready(Err(Refusal::new("57014", "nobody was asked"))),
        }
    }

    /// Asks for the next approval, or admits the statement if it has all.
    pub(super) fn ask_next(
        &mut self,
        asked: Asked,
        mut claims: Vec<Claim>,
    ) -> Judged<Answer<Self>> {
        let next = asked.asked.get(claims.len()).copied();
        let Some(wanted) = next.and_then(|next| asked.requirement.wanted.get(next)) else {
            return self.admit_if_unchanged(asked, claims);
        };
        let question = &asked.requirement.question;
        let draft = self.draft(&asked.permit, question, wanted, asked.effect.as_ref());
        let request = draft.and_then(|draft| Ok((self.asking(&draft)?, draft)));
        let (asking, draft) = match request {
            Ok(request) => request,
            Err(refusal) => return Judged::Ready(Answer::Admission(Err(refusal))),
        };
        let ticket =
            self.pend_decision(asking.decided(draft), move |gate, decided| match decided {
                Ok(claim) => {
                    claims.push(claim);
                    gate.ask_next(asked, claims)
                }
                Err(refusal) => {
                    gate.note_refused(&asked.permit.view);
                    Judged::Ready(Answer::Admission(Err(refusal)))
                }
            });
        Judged::Pending(ticket)
    }

    fn asking(&self, draft: &Draft) -> Result<Asking, Refusal> {
        let Some(approvals) = self.gate.people.asked() else {
            return Err(self.refuse_unasked(&draft.wanted));
        };
        Ok(Asking {
            gate: Arc::clone(&self.gate),
            database: self.database.clone(),
            every: approvals.settings().notice_interval,
            approvals: approvals.clone(),
            waiting: self.waiting.clone(),
        })
    }

    /// The proof for a statement that has all its approvals.
    pub(super) fn admit_with(&mut self, asked: &Asked, claims: Vec<Claim>) -> Judged<Answer<Self>> {
        let claims = Claims::new(claims, &asked.requirement);
        let admitted = self.admitted(&asked.permit, Some(claims), asked.at_most);
        Judged::Ready(Answer::Admission(Ok(admitted)))
    }
}

impl Asking {
    /// The draft is not kept while somebody waits: it has the whole statement.
    async fn decided(self, draft: Draft) -> Result<Claim, Refusal> {
        let (policy, wanted) = (draft.policy.clone(), draft.wanted.clone());
        let statement = draft.shown.statement_id;
        let (break_glass, by) = (draft.break_glass.clone(), draft.binding.subject.clone());
        let claim = |id| Claim::new(self.approvals.clone(), id, self.waiting.reason());
        let is_bound = wanted.effect == ApprovalEffect::Bound;
        let bind = |claim: Claim, approved: &Approved| match is_bound {
            true => claim.bound(approved),
            false => Ok(claim),
        };
        let submitted = self.approvals.submit(draft).await;
        let place = match submitted.map_err(refusals::unasked)? {
            Submitted::Claimed { id, approved } => {
                if let Some(justification) = break_glass {
                    self.gate.metrics.decided("break_glass");
                    tracing::warn!(request = %id, %policy, %by, %justification, "a statement runs without waiting for approval: somebody broke the glass");
                    return Ok(claim(id));
                }
                return bind(claim(id), &approved);
            }
            Submitted::Waiting {
                id,
                url,
                expires_at,
                reviewers_from,
            } => Place {
                id,
                statement,
                url,
                expires_at,
                reviewers_from,
            },
        };
        if wanted.wait == ApprovalWait::ReturnId {
            self.gate.metrics.decided("returned");
            return Err(refusals::returned(&place));
        }
        let claim = claim(place.id);
        let _held = Held::begin(&self);
        tracing::info!(request = %place.id, %policy, "a statement is held for approval");
        let outcome = self.outcome(&place, || refusals::notice(&place, &policy, &wanted));
        let outcome = outcome.await;
        self.gate.metrics.decided(label(&outcome));
        match (refusals::of_outcome(&place, &outcome), &outcome) {
            (None, Outcome::Approved(approved)) => bind(claim, approved),
            (None, _) => Ok(claim),
            (Some(refusal), _) => {
                claim.forget();
                Err(refusal)
            }
        }
    }

    fn count_held(&self, is_held: bool) {
        self.gate.metrics.held(is_held);
        if let Some(database) = &self.database {
            database.held(is_held);
        }
    }

    /// Waits, and tells the client now and then that it does.
    async fn outcome(&self, place: &Place, notice: impl Fn() -> crate::session::Notice) -> Outcome {
        let mut reminders = interval_at(Instant::now(), self.every);
        let outcome = self.approvals.outcome(place.id);
        tokio::pin!(outcome);
        loop {
            tokio::select! {
                biased;
                outcome = &mut outcome => return outcome,
                _ = reminders.tick() => self.waiting.tell(notice()),
            }
        }
    }
}

/// Counts one held statement.
struct Held<'a>(&'a Asking);

impl<'a> Held<'a> {
    fn begin(asking: &'a Asking) -> Self {
        asking.count_held(true);
        Held(asking)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.count_held(false);
    }
}

fn label(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Approved(_) => "approved",
        Outcome::Rejected { .. } => "rejected",
        Outcome::Revoked { .. } => "revoked",
        Outcome::Expired => "expired",
        Outcome::Withdrawn => "withdrawn",
    }
}

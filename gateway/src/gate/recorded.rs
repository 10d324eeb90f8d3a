//! What the gate tells the record and the streams: each judgement, and each execution before it is sent and when it has ended.

mod events;
mod rehearsed;
mod withheld;

use std::sync::Arc;

use gatewright_contract::{self as contract, StatementId};
use gatewright_policy_host::{Fault, Mode, Policy};

use events::{Refused, columns, is_standard, of_question, parameters, permitted, policy_verdict};

use super::SessionGate;
use super::ending::Admitted;
use super::kept::KeptQuestion;
use super::permit::{Answers, Permit};
use super::text::AnalyzedText;
use crate::recording::{
    Attempt, Decision, Failure, Judged as JudgedEvent, PolicyAnswer, PolicyVerdict, Settling,
};
use crate::session::{Answer, Judged, Refusal, Ticket, Verdict};

pub(super) use events::{attempted, completed};
pub(super) use rehearsed::Call;

/// The statement that is judged now, for the record.
#[derive(Default)]
pub(super) struct Judging {
    /// The text whose analysis takes time.
    text: Option<Box<str>>,
    question: Option<Arc<KeptQuestion>>,
    /// What the policies said, where one has denied it.
    policies: Vec<PolicyVerdict>,
    /// What policies in shadow mode would have said, by their places in the order.
    shadows: Vec<(usize, PolicyAnswer)>,
    /// The last refusal is in the record.
    is_noted: bool,
}

impl Judging {
    /// A policy in shadow mode has answered. A fault would have refused the statement.
    pub(super) fn note_shadow(&mut self, index: usize, answer: &Result<contract::Verdict, Fault>) {
        let answer = match answer {
            Ok(contract::Verdict::Allow(_)) => PolicyAnswer::Allowed,
            Ok(contract::Verdict::RequireApproval(_)) => PolicyAnswer::RequiresApproval,
            Ok(contract::Verdict::Rewrite(_)) => PolicyAnswer::Rewrote,
            Ok(contract::Verdict::Deny(_)) | Err(_) => PolicyAnswer::Denied,
        };
        self.shadows.retain(|(place, _)| *place != index);
        self.shadows.push((index, answer));
    }

    /// In shadow mode, what the policy at this place would have said; an answer that was reused allows.
    fn shadow(&self, index: usize, policy: &Policy) -> Option<PolicyAnswer> {
        let own = self.shadows.iter().find(|(place, _)| *place == index);
        let own = own.map_or(PolicyAnswer::Allowed, |(_, answer)| *answer);
        (policy.mode() == Mode::Shadow).then_some(own)
    }
}

impl SessionGate {
    /// A text that cannot be analysed is refused, or sent for the server's own error: it comes to no verdict.
    pub(super) fn note_analysis(
        &mut self,
        text: &str,
        analysis: Judged<Result<Arc<AnalyzedText>, Refusal>>,
    ) -> Judged<Result<Arc<AnalyzedText>, Refusal>> {
        if self.tells() {
            self.judging = Judging::default();
            match &analysis {
                Judged::Ready(Ok(_)) => {}
                Judged::Ready(Err(refusal)) => self.note_unread(text.to_owned(), refusal),
                Judged::Pending(_) => self.judging.text = Some(text.into()),
            }
        }
        analysis
    }

    /// This statement is judged from now on.
    pub(super) fn note_question(&mut self, question: &Arc<KeptQuestion>) {
        if self.tells() {
            self.judging = Judging {
                question: Some(Arc::clone(question)),
                ..Judging::default()
            };
        }
    }

    /// The policy at this place in the order has denied the statement; those before it have answered.
    pub(super) fn note_denied(&mut self, answers: &Answers, index: usize) {
        if !self.tells() {
            return;
        }
        let asked = self.set.policies.iter().take(index + 1).enumerate();
        let verdicts = asked.map(|(place, policy)| {
            let answer = match answers.get(place) {
                Some(Some(_)) => PolicyAnswer::Allowed,
                Some(None) => PolicyAnswer::NotAsked,
                None => PolicyAnswer::Denied,
            };
            policy_verdict(policy, answer, self.judging.shadow(place, policy))
        });
        self.judging.policies = verdicts.collect();
    }

    pub(super) fn note_verdict(
        &mut self,
        verdict: Judged<Result<Verdict<Self>, Refusal>>,
    ) -> Judged<Result<Verdict<Self>, Refusal>> {
        if self.tells()
            && let Judged::Ready(verdict) = &verdict
        {
            self.note(verdict);
        }
        verdict
    }

    /// The same for an answer that took time.
    pub(super) fn note_answer(&mut self, answer: Judged<Answer<Self>>) -> Judged<Answer<Self>> {
        if !self.tells() {
            return answer;
        }
        match &answer {
            Judged::Ready(Answer::Verdict(verdict)) => self.note(verdict),
            Judged::Ready(Answer::Text(Err(refusal))) => {
                let text = self.judging.text.take();
                self.note_unread(text.unwrap_or_default().into(), refusal);
            }
            Judged::Ready(
                Answer::CaughtUp(_)
                | Answer::Text(Ok(_))
                | Answer::Showing(_)
                | Answer::Rehearsal(_)
                | Answer::Plan(_)
                | Answer::Admission(_)
                | Answer::Batch(_)
                | Answer::Notification(_)
                | Answer::Completed,
            )
            | Judged::Pending(_) => {}
        }
        answer
    }

    fn note(&mut self, verdict: &Result<Verdict<Self>, Refusal>) {
        let judging = std::mem::take(&mut self.judging);
        match verdict {
            Ok(Verdict::Permit(permit) | Verdict::Rewrite { permit, .. }) => {
                self.record_permit(permit, &judging);
            }
            Err(refusal) => {
                self.judging.is_noted = true;
                let question = judging.question.as_deref();
                let bound = question.and_then(|question| question.bound.as_deref());
                let event = JudgedEvent {
                    policies: judging.policies,
                    statement: self.statement_id(),
                    parameters: parameters(bound, self.record.literals()),
                    ..question.map(of_question).unwrap_or_default()
                };
                let text = question.map(|question| &*question.text);
                self.record_refusal(event.refused(refusal), text);
            }
        }
    }

    fn record_permit(&self, permit: &Permit, judging: &Judging) {
        let mut event = permitted(permit, |place, policy| judging.shadow(place, policy));
        if self.record.has_origins() {
            event.columns = permit.view.facts().and_then(columns);
        }
        let event = self.without_secrets(event, is_standard(&permit.view));
        if let Some(listeners) = &self.listeners {
            // One that was made once and is used again was told of before.
            let told = listeners.permitted(&event, &permit.view);
            let _ = permit.told.set(told);
        }
        self.record.judged(event);
    }

    /// `text`: where the statement stands. Where that is not known, it is not taken for certain how the server reads it.
    fn record_refusal(&self, event: JudgedEvent, text: Option<&AnalyzedText>) {
        let standard = text.is_some_and(|text| text.standard_conforming_strings);
        let event = self.without_secrets(event, standard);
        if let Some(listeners) = &self.listeners {
            listeners.refused(&event, text);
        }
        self.record.judged(event);
    }

    fn without_secrets(
        &self,
        event: JudgedEvent,
        standard_conforming_strings: bool,
    ) -> JudgedEvent {
        let literals = self.record.literals();
        let event = withheld::judgement(event, literals, standard_conforming_strings);
        if withheld::has_password(&event) {
            self.record.withhold_error_texts();
        }
        event
    }

    fn note_unread(&mut self, text: String, refusal: &Refusal) {
        self.judging.is_noted = true;
        let event = JudgedEvent {
            statement: StatementId::generate(),
            text,
            ..JudgedEvent::default()
        };
        self.record_refusal(event.refused(refusal), None);
    }

    /// A refusal of the session's own, whose statement is not known here.
    pub(super) fn note_session_refusal(&mut self, refusal: &Refusal) {
        let is_noted = std::mem::take(&mut self.judging.is_noted);
        if self.tells() && !is_noted && !refusal.unread {
            self.note_unread(String::new(), refusal);
            self.judging.is_noted = false;
        }
    }

    /// What is admitted is recorded before it is sent, and so is the refusal of people.
    pub(super) fn write_down(
        &mut self,
        permit: &Arc<Permit>,
        agreed: Judged<Result<Admitted, Refusal>>,
    ) -> Judged<Result<Admitted, Refusal>> {
        if !self.tells() {
            return agreed;
        }
        match agreed {
            Judged::Ready(agreed) => self.write_attempt(permit, agreed),
            Judged::Pending(ticket) => {
                let permit = Arc::clone(permit);
                let pending = Judged::Pending(ticket);
                let written = self.followed_by(pending, move |gate, answer| match answer {
                    Answer::Admission(agreed) => {
                        gate.write_attempt(&permit, agreed).map(Answer::Admission)
                    }
                    other => Judged::Ready(other),
                });
                match written {
                    Judged::Pending(ticket) => Judged::Pending(ticket),
                    Judged::Ready(Answer::Admission(admitted)) => Judged::Ready(admitted),
                    Judged::Ready(_) => Judged::Ready(Err(Refusal::new(
                        "57014",
                        "the statement is no longer being judged",
                    ))),
                }
            }
        }
    }

    fn write_attempt(
        &mut self,
        permit: &Arc<Permit>,
        agreed: Result<Admitted, Refusal>,
    ) -> Judged<Result<Admitted, Refusal>> {
        let mut admitted = match agreed {
            Ok(admitted) => admitted.held_back(),
            Err(refusal) => {
                let bound = permit.view.bound.as_deref();
                let event = JudgedEvent {
                    decision: Decision::Refused,
                    parameters: parameters(bound, self.record.literals()),
                    ..permitted(permit, |place, policy| {
                        Judging::default().shadow(place, policy)
                    })
                };
                self.record_refusal(event.refused(&refusal), permit.view.text.as_deref());
                self.judging.is_noted = true;
                return Judged::Ready(Err(refusal));
            }
        };
        if !self.record.keeps_statements() {
            let listeners = self.listeners.as_ref();
            let execution = listeners.map_or(0, |listeners| listeners.stream.next_execution());
            admitted.set_recorded(Attempt::unrecorded(execution));
            return Judged::Ready(Ok(admitted.sent()));
        }
        let attempted = admitted.attempted(self.record.literals());
        let attempted = self.with_arguments(permit, attempted);
        let settling = match self.record.attempted(attempted) {
            Ok((attempt, settling)) => {
                admitted.set_recorded(attempt);
                settling
            }
            Err(failure) => return Judged::Ready(Err(unrecorded(failure))),
        };
        let Some(settling) = settling else {
            return Judged::Ready(Ok(admitted.sent()));
        };
        let ticket = self.pend_record(settling, move |settled| {
            let admitted = settled.map(|()| admitted.sent()).map_err(unrecorded);
            Answer::Admission(admitted)
        });
        Judged::Pending(ticket)
    }

    /// The ticket for what may begin when there is room for it in the record.
    fn pend_record(
        &mut self,
        settling: Settling,
        then: impl FnOnce(Result<(), Failure>) -> Answer<Self> + 'static,
    ) -> Ticket {
        let then = move |_: &mut Self, settled| Judged::Ready(then(settled));
        match settling.is_held() {
            true => self.pend_decision(settling.settled(), then),
            false => self.pend(settling.settled(), then),
        }
    }
}

/// The refusal of what cannot be recorded.
fn unrecorded(failure: Failure) -> Refusal {
    Refusal::new(failure.sqlstate(), failure.message()).with_hint("Tell whoever runs the gateway.")
}

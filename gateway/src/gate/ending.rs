//! From admission to end: one execution of a permitted statement is admitted before it leaves for the server, and ends exactly once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gatewright_contract::{self as contract, RequestId};
use gatewright_policy_host::{Call, Fault, Policy};
use gatewright_sql::Verb;

use super::approval::{Claims, refusals};
use super::permit::Permit;
use super::ticket::answered;
use super::told::Listeners;
use super::{Gate, SessionGate, recorded};
use crate::recording::{Attempt, Attempted, Literals, SessionRecord};
use crate::session::{Answer, Bound, Completion, Judged, Outcome, Refusal, Rehearsed};

/// The proof that one execution was admitted. Given back with its end; dropped without one, it is counted as lost.
pub struct Admitted {
    permit: Arc<Permit>,
    gate: Arc<Gate>,
    started: Instant,
    /// The approvals that it uses up.
    claims: Option<Claims>,
    /// It runs without some, as long as it changes no more rows than this.
    at_most: Option<u64>,
    ended: bool,
    /// In the order of the session, where people review what is committed.
    number: Option<u64>,
    record: SessionRecord,
    listeners: Option<Arc<Listeners>>,
    /// Once it is in the record, and for others.
    attempt: Option<Attempt>,
    /// It may have been sent.
    is_sent: bool,
}

impl Admitted {
    /// What is recorded of it before it is sent.
    pub(super) fn attempted(&self, literals: Literals) -> Attempted {
        recorded::attempted(&self.permit, self.approvals(), literals)
    }

    /// Those that it uses up.
    fn approvals(&self) -> Vec<RequestId> {
        self.claims.iter().flat_map(Claims::ids).collect()
    }

    /// It is in the record.
    pub(super) fn set_recorded(&mut self, attempt: Attempt) {
        self.attempt = Some(attempt);
    }

    /// It must not be sent yet.
    pub(super) fn held_back(mut self) -> Self {
        self.is_sent = false;
        self
    }

    /// It may be sent now.
    pub(super) fn sent(mut self) -> Self {
        self.is_sent = true;
        self
    }

    /// The effects for which it was admitted.
    pub(super) fn bound_to(&self) -> Option<Bound> {
        let approved = self.claims.as_ref().and_then(Claims::bound_to);
        approved.or_else(|| self.at_most.map(Bound::AtMost))
    }

    /// The refusal of a statement that had another.
    pub(super) fn effect_differs(&self, changed: Option<u64>) -> Refusal {
        let claims = self.claims.as_ref();
        let approved = claims.and_then(|claims| claims.effect_differs(changed));
        approved.unwrap_or_else(|| refusals::too_many_rows(self.at_most, &self.permit))
    }

    /// How an execution ends of whose end nobody tells.
    pub(super) fn outcome_if_dropped(&self) -> Outcome {
        self.record.outcome_if_dropped(self.is_sent, self.attempt)
    }

    /// Counts the end. Returns how long the execution took.
    fn end(&mut self, done: &Completion) -> Duration {
        self.ended = true;
        let approvals = self.approvals();
        if let Some(claims) = self.claims.take() {
            claims.end(done);
        }
        let elapsed = self.started.elapsed();
        let metrics = &self.gate.metrics;
        metrics.completed(self.permit.verb, elapsed.as_secs_f64(), done);
        if let Some(attempt) = self.attempt {
            let completed = recorded::completed(attempt.execution, done, elapsed);
            if let Some(listeners) = &self.listeners {
                listeners.executed(self.permit.told.get(), approvals, &completed);
            }
            self.record.completed(completed);
        }
        elapsed
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if !self.ended {
            let outcome = self.outcome_if_dropped();
            self.end(&Completion {
                outcome,
                ..Completion::default()
            });
        }
    }
}

impl SessionGate {
    /// Whoever has to agree has agreed, and it is written down that the statement is about to be sent.
    pub(super) fn admit_execution(
        &mut self,
        permit: &Arc<Permit>,
        effect: Option<&Rehearsed>,
    ) -> Judged<Result<Admitted, Refusal>> {
        let agreed = match &permit.requirement {
            None if !permit.view.active.hold() => {
                Judged::Ready(Err(self.refuse_ended_grant(permit)))
            }
            None => Judged::Ready(Ok(self.admitted(permit, None, None))),
            Some(requirement) => self.admit_approved(permit, requirement, effect),
        };
        self.write_down(permit, agreed)
    }

    pub(super) fn admitted(
        &mut self,
        permit: &Arc<Permit>,
        claims: Option<Claims>,
        at_most: Option<u64>,
    ) -> Admitted {
        let number = match self.reviews_commits() {
            true => Some(self.uncommitted.admit(permit)),
            false => {
                self.uncommitted.overlook(permit);
                None
            }
        };
        Admitted {
            number,
            permit: Arc::clone(permit),
            gate: Arc::clone(&self.gate),
            started: Instant::now(),
            claims,
            at_most,
            ended: false,
            record: self.record.clone(),
            listeners: self.listeners.clone(),
            attempt: None,
            is_sent: true,
        }
    }

    /// Takes note of an end: metrics, what it changed in the database, and the policies that asked to be told.
    pub(super) fn execution_ended(
        &mut self,
        mut admitted: Admitted,
        done: Completion,
    ) -> Judged<()> {
        let elapsed = admitted.end(&done);
        if let Some(database) = &self.database {
            database.delivered(&done);
        }
        let permit = &admitted.permit;
        self.spend(permit, &done);
        if let Some(number) = admitted.number {
            self.uncommitted.ended(number, permit, &done);
        }
        // Of one that was lost nobody knows whether it ran.
        let may_have_run = matches!(done.outcome, Outcome::Completed | Outcome::Lost);
        if permit.verb == Verb::Ddl && may_have_run {
            self.stale_catalog = true;
            self.catalog.note_change();
            match permit.view.facts() {
                Some(facts) => self.reshape(facts),
                None => self.reshaped = true,
            }
        }
        // The catalog that was read in the transaction does not show what it has committed.
        if permit.verb == Verb::Transaction && (self.reshaped || !self.temporaries.is_empty()) {
            self.stale_catalog = true;
            self.catalog.note_change();
        }
        let completion = contract::Completion {
            statement_id: permit.view.statement_id,
            rows: done.rows,
            bytes: done.bytes,
            outcome: done.outcome,
            masked_cells: done.masked_cells,
            elapsed_us: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            sqlstate: done.sqlstate,
        };
        self.tell_on(Told {
            permit: Arc::clone(permit),
            completion,
            next: 0,
        })
    }

    /// Tells the policies that have not been told yet, one after the other.
    fn tell_on(&mut self, mut told: Told) -> Judged<()> {
        while let Some(policy) = told.permit.set.policies.get(told.next) {
            told.next += 1;
            if !policy.hooks().contains(contract::Hooks::COMPLETION) {
                continue;
            }
            let view = told.permit.view_for_policies();
            let call = policy.on_completion(&view, &told.completion);
            let policy = Arc::clone(policy);
            match call {
                Call::Done(outcome) => note_taken(&policy, outcome),
                Call::Running(running) => {
                    let ticket = self.pend(answered(running), move |gate, outcome| {
                        note_taken(&policy, outcome);
                        gate.tell_on(told).map(|()| Answer::Completed)
                    });
                    return Judged::Pending(ticket);
                }
            }
        }
        // Only now: what a policy still allows counts from what it was told of.
        let done = &told.completion;
        self.delivered.0 = self.delivered.0.saturating_add(done.rows);
        self.delivered.1 = self.delivered.1.saturating_add(done.bytes);
        Judged::Ready(())
    }

    /// A refusal of the session's own: the statement never came to a verdict.
    pub(super) fn session_refused(&mut self, refusal: &Refusal) {
        self.note_session_refusal(refusal);
        self.count(Verb::Unknown, "refuse");
        tracing::debug!(
            session = %self.facts.session.id,
            sqlstate = %refusal.sqlstate,
            "message refused by the session"
        );
    }
}

/// An end, and which policy is to be told of it next.
struct Told {
    permit: Arc<Permit>,
    completion: contract::Completion,
    next: usize,
}

/// The statement is over: a failure here is reported by the host and changes nothing for the client.
fn note_taken(policy: &Policy, outcome: Result<(), Fault>) {
    if let Err(fault) = outcome {
        tracing::warn!(policy = policy.name(), %fault, "the policy could not take note of a completed statement");
    }
}

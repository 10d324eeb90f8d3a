//! Answers that need time: the tickets of a session, the work that each stands for, and how it goes on when that is done.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use gatewright_policy_host::{Fault, Running};
use gatewright_sql::SearchPath;

use super::SessionGate;
use super::analysis::catalog_is_late;
use super::delivery::Refreshed;
use crate::session::{Answer, Departure, Judged, PendingJudge, Refusal, Ticket, Wait};

/// What an answer waits for.
pub(super) type Work = Pin<Box<dyn Future<Output = ()>>>;

/// An answer that is under way. A session has few: one for the client's message, one for a batch or an end or a notification.
pub(super) struct Pending {
    id: u64,
    of_text: bool,
    step: Box<dyn Step>,
}

/// Work, and how its answer is arrived at afterwards.
trait Step {
    /// Ready once, when the work is done.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()>;
    fn is_done(&self) -> bool;
    fn go_on(self: Box<Self>, gate: &mut SessionGate) -> Judged<Answer<SessionGate>>;
}

struct Awaited<T, N> {
    work: Pin<Box<dyn Future<Output = T>>>,
    result: Option<T>,
    then: N,
}

impl<T, N> Step for Awaited<T, N>
where
    N: FnOnce(&mut SessionGate, T) -> Judged<Answer<SessionGate>>,
{
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_done() {
            return Poll::Pending;
        }
        self.work.as_mut().poll(context).map(|result| {
            self.result = Some(result);
        })
    }

    fn is_done(&self) -> bool {
        self.result.is_some()
    }

    fn go_on(self: Box<Self>, gate: &mut SessionGate) -> Judged<Answer<SessionGate>> {
        match self.result {
            Some(result) => (self.then)(gate, result),
            None => Judged::Ready(Answer::Text(Err(nothing_under_way()))),
        }
    }
}

/// A step whose answer is part of another one.
struct Followed<N> {
    step: Box<dyn Step>,
    then: N,
}

impl<N> Step for Followed<N>
where
    N: FnOnce(&mut SessionGate, Answer<SessionGate>) -> Judged<Answer<SessionGate>> + 'static,
{
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.step.poll(context)
    }

    fn is_done(&self) -> bool {
        self.step.is_done()
    }

    fn go_on(self: Box<Self>, gate: &mut SessionGate) -> Judged<Answer<SessionGate>> {
        let answer = self.step.go_on(gate);
        gate.followed_by(answer, self.then)
    }
}

/// Stands in while a step is put into another one.
struct Nothing;

impl Step for Nothing {
    fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }

    fn is_done(&self) -> bool {
        true
    }

    fn go_on(self: Box<Self>, _: &mut SessionGate) -> Judged<Answer<SessionGate>> {
        Judged::Ready(Answer::Text(Err(nothing_under_way())))
    }
}

fn nothing_under_way() -> Refusal {
    Refusal::new("57014", "the statement is no longer being judged").with_hint("Send it again.")
}

/// The answer of a policy's call that goes on elsewhere. It is waited for only so long: a call that gets no turn refuses.
pub(super) async fn answered<R>(mut running: Running<R>) -> Result<R, Fault> {
    let patience = running.patience();
    match tokio::time::timeout(patience, &mut running).await {
        Ok(answer) => answer,
        Err(_) => running.give_up(),
    }
}

impl SessionGate {
    /// Brings the catalog up to date, and remembers for the text that waits whether that succeeded.
    pub(super) fn fresh_catalog(&mut self) -> Work {
        let refresh = Arc::clone(&self.catalog).refreshed();
        self.remembering(refresh)
    }

    /// The work, whose success is remembered for what waits for it.
    fn remembering(&mut self, work: impl Future<Output = bool> + 'static) -> Work {
        let outcome = self.refreshed.insert(Refreshed::default()).clone();
        Box::pin(async move {
            outcome.put(work.await);
        })
    }

    /// The ticket for an answer that waits for this work.
    pub(super) fn pend<T: 'static>(
        &mut self,
        work: impl Future<Output = T> + 'static,
        then: impl FnOnce(&mut SessionGate, T) -> Judged<Answer<Self>> + 'static,
    ) -> Ticket {
        self.push(false, Wait::Work, Box::pin(work), then)
    }

    /// The same for an answer that may take as long as people do, and is withdrawn when the client leaves.
    pub(super) fn pend_decision<T: 'static>(
        &mut self,
        work: impl Future<Output = T> + 'static,
        then: impl FnOnce(&mut SessionGate, T) -> Judged<Answer<Self>> + 'static,
    ) -> Ticket {
        self.push(false, Wait::Decision, Box::pin(work), then)
    }

    /// What follows from an answer that is part of another one, which is withdrawn when the client leaves.
    pub(super) fn followed_by(
        &mut self,
        answer: Judged<Answer<Self>>,
        then: impl FnOnce(&mut SessionGate, Answer<Self>) -> Judged<Answer<Self>> + 'static,
    ) -> Judged<Answer<Self>> {
        let ticket = match answer {
            Judged::Ready(answer) => return then(self, answer),
            Judged::Pending(ticket) => ticket,
        };
        let mut pending = self.pending.iter_mut();
        let Some(pending) = pending.find(|pending| pending.id == ticket.id()) else {
            return then(self, Answer::Text(Err(nothing_under_way())));
        };
        let step = std::mem::replace(&mut pending.step, Box::new(Nothing));
        pending.step = Box::new(Followed { step, then });
        Judged::Pending(Ticket::new(ticket.id(), Wait::Decision))
    }

    /// The same for what is found out about a text and the catalog.
    pub(super) fn pend_text(
        &mut self,
        work: Work,
        then: impl FnOnce(&mut SessionGate) -> Judged<Answer<Self>> + 'static,
    ) -> Ticket {
        self.push(true, Wait::Work, work, |gate, ()| then(gate))
    }

    fn push<T: 'static>(
        &mut self,
        of_text: bool,
        wait: Wait,
        work: Pin<Box<dyn Future<Output = T>>>,
        then: impl FnOnce(&mut SessionGate, T) -> Judged<Answer<Self>> + 'static,
    ) -> Ticket {
        self.tickets += 1;
        let step = Awaited {
            work,
            result: None,
            then,
        };
        self.pending.push(Pending {
            id: self.tickets,
            of_text,
            step: Box::new(step),
        });
        Ticket::new(self.tickets, wait)
    }

    /// Has something worked out about a text of this length: here, or on the threads for long texts. `then`: what follows from it; `None` if it
    /// could not be worked out.
    pub(super) fn work_out<T: Send + 'static, A: 'static>(
        &mut self,
        inline: bool,
        length: usize,
        job: impl FnOnce() -> T + Send + 'static,
        wrap: fn(A) -> Answer<Self>,
        then: impl FnOnce(&mut SessionGate, Option<T>) -> Judged<A> + 'static,
    ) -> Judged<A> {
        if inline {
            return then(self, Some(job()));
        }
        let gate = Arc::clone(&self.gate);
        let work = async move { gate.analysts.run(length, job).await };
        Judged::Pending(self.pend(work, move |gate, result| then(gate, result).map(wrap)))
    }

    /// The ticket for the analysis that waits for this work.
    pub(super) fn ticket(
        &mut self,
        text: &str,
        standard_conforming_strings: bool,
        path: Option<&SearchPath>,
        work: Work,
    ) -> Ticket {
        let (text, path) = (Box::<str>::from(text), path.cloned());
        self.pend_text(work, move |gate| {
            gate.analyze_text(&text, standard_conforming_strings, path.as_ref())
                .map(Answer::Text)
        })
    }

    /// What others have changed past this gateway counts from the next message on.
    pub(super) fn catch_up_with_database(&mut self) -> Judged<Result<(), Refusal>> {
        // Where the catalog is read anyway, the analysis waits for it.
        let is_read_anyway = self.stale_catalog || !self.catalog.is_read();
        if is_read_anyway || !self.needs_catalog() || self.catalog.is_fresh(self.catalog_max_age) {
            return Judged::Ready(Ok(()));
        }
        let check = Arc::clone(&self.catalog).checked();
        let work = self.remembering(check);
        Judged::Pending(self.pend_text(work, |gate| {
            Judged::Ready(Answer::CaughtUp(gate.caught_up()))
        }))
    }

    fn caught_up(&mut self) -> Result<(), Refusal> {
        match self.refreshed.take().and_then(|outcome| outcome.take()) {
            Some(true) => Ok(()),
            Some(false) | None => Err(catalog_is_late()),
        }
    }

    pub(super) fn resume_ticket(&mut self, ticket: Ticket) -> Judged<Answer<Self>> {
        let mut pending = self.pending.iter();
        let Some(index) = pending.position(|pending| pending.id == ticket.id()) else {
            return Judged::Ready(Answer::Text(Err(nothing_under_way())));
        };
        if !self.pending[index].step.is_done() {
            return Judged::Pending(ticket);
        }
        let pending = self.pending.swap_remove(index);
        pending.step.go_on(self)
    }

    pub(super) fn is_ticket_under_way(&self, ticket: &Ticket) -> bool {
        let mut pending = self.pending.iter();
        pending.any(|pending| pending.id == ticket.id() && !pending.step.is_done())
    }

    pub(super) fn withdraw_ticket(&mut self, ticket: &Ticket, why: Departure) {
        let mut pending = self.pending.iter();
        let Some(index) = pending.position(|pending| pending.id == ticket.id()) else {
            return;
        };
        let pending = self.pending.swap_remove(index);
        let of_text = pending.of_text;
        let waiting = self.waiting.clone();
        waiting.leaving(why, || drop(pending));
        if of_text {
            self.refreshed = None;
            self.delivery.clear();
        }
    }
}

impl PendingJudge for SessionGate {
    fn poll_pending(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut ready = false;
        for pending in &mut self.pending {
            ready |= pending.step.poll(context).is_ready();
        }
        ready |= self.waiting.take_news();
        ready |= self.record.poll_room(context).is_ready();
        match ready {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

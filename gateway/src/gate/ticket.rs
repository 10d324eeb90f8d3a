//! Answers that need time: the one ticket of a session, the work it stands for, and how that goes on.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::SessionGate;
use super::analysis::Refreshed;
use crate::session::{Answer, Judged, PendingJudge, Refusal, Ticket, Wait};

/// What an analysis waits for.
pub(super) type Work = Pin<Box<dyn Future<Output = ()>>>;

/// The answer that is under way: an analysis, which goes on when its work is done.
pub(super) struct Pending {
    id: u64,
    /// `None` once it is done.
    work: Option<Work>,
    text: Box<str>,
    standard_conforming_strings: bool,
}

impl SessionGate {
    /// Begins work that the analysis of the text in hand has to wait for.
    pub(super) fn wait_for(&mut self, work: impl Future<Output = ()> + 'static) {
        self.work = Some(Box::pin(work));
    }

    /// Brings the catalog up to date, and remembers for the text that waits whether that succeeded.
    pub(super) fn wait_for_catalog(&mut self) {
        let refresh = std::sync::Arc::clone(&self.catalog).refreshed();
        let outcome = self.refreshed.insert(Refreshed::default()).clone();
        self.wait_for(async move {
            outcome.put(refresh.await);
        });
    }

    /// The ticket for the analysis whose work has just begun.
    pub(super) fn ticket(&mut self, text: &str, standard_conforming_strings: bool) -> Ticket {
        self.tickets += 1;
        self.pending = Some(Pending {
            id: self.tickets,
            work: self.work.take(),
            text: text.into(),
            standard_conforming_strings,
        });
        Ticket::new(self.tickets, Wait::Work)
    }

    pub(super) fn resume_ticket(&mut self, ticket: Ticket) -> Judged<Answer<Self>> {
        let Some(pending) = self.pending.take_if(|pending| pending.id == ticket.id()) else {
            let refusal = Refusal::new("57014", "the statement is no longer being analysed");
            return Judged::Ready(Answer::Text(Err(refusal.with_hint("Send it again."))));
        };
        if pending.work.is_some() {
            self.pending = Some(pending);
            return Judged::Pending(ticket);
        }
        self.analyze_text(&pending.text, pending.standard_conforming_strings)
            .map(Answer::Text)
    }

    pub(super) fn withdraw_ticket(&mut self, ticket: &Ticket) {
        let withdrawn = self.pending.take_if(|pending| pending.id == ticket.id());
        if withdrawn.is_some() {
            self.refreshed = None;
        }
    }
}

impl PendingJudge for SessionGate {
    fn poll_pending(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(pending) = &mut self.pending else {
            return Poll::Pending;
        };
        let Some(work) = &mut pending.work else {
            return Poll::Pending;
        };
        if work.as_mut().poll(context).is_ready() {
            pending.work = None;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

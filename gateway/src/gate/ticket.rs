//! Answers that need time: the one ticket of a session, the work it stands for, and how that goes on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use gatewright_sql::SearchPath;

use super::SessionGate;
use super::delivery::Refreshed;
use super::text::AnalyzedText;
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
    /// The text is that of the client, and this is what it was edited to.
    edited: Option<Arc<AnalyzedText>>,
    path: Option<SearchPath>,
}

impl SessionGate {
    /// Brings the catalog up to date, and remembers for the text that waits whether that succeeded.
    pub(super) fn fresh_catalog(&mut self) -> Work {
        let refresh = Arc::clone(&self.catalog).refreshed();
        let outcome = self.refreshed.insert(Refreshed::default()).clone();
        Box::pin(async move {
            outcome.put(refresh.await);
        })
    }

    /// The ticket for the analysis that waits for this work.
    pub(super) fn ticket(
        &mut self,
        text: &str,
        standard_conforming_strings: bool,
        path: Option<&SearchPath>,
        work: Work,
    ) -> Ticket {
        self.tickets += 1;
        self.pending = Some(Pending {
            id: self.tickets,
            work: Some(work),
            text: text.into(),
            standard_conforming_strings,
            edited: None,
            path: path.cloned(),
        });
        Ticket::new(self.tickets, Wait::Work)
    }

    /// The pending analysis is for a text that was edited to this.
    pub(super) fn await_edited(&mut self, edited: &Arc<AnalyzedText>) {
        if let Some(pending) = &mut self.pending {
            pending.edited = Some(Arc::clone(edited));
        }
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
        let answer = match &pending.edited {
            Some(edited) => self.analyze_anew(edited),
            None => self.analyze_text(
                &pending.text,
                pending.standard_conforming_strings,
                pending.path.as_ref(),
            ),
        };
        answer.map(Answer::Text)
    }

    pub(super) fn withdraw_ticket(&mut self, ticket: &Ticket) {
        let withdrawn = self.pending.take_if(|pending| pending.id == ticket.id());
        if withdrawn.is_some() {
            self.refreshed = None;
            self.delivery.clear();
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

//! Answers that need time: the one ticket of a session, the work it stands for, and how that goes on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use gatewright_sql::SearchPath;

use super::SessionGate;
use super::analysis::catalog_is_late;
use super::delivery::Refreshed;
use super::text::AnalyzedText;
use crate::session::{Answer, Judged, PendingJudge, Refusal, Ticket, Wait};

/// What an answer waits for.
pub(super) type Work = Pin<Box<dyn Future<Output = ()>>>;

/// The answer that is under way.
pub(super) struct Pending {
    id: u64,
    /// `None` once it is done.
    work: Option<Work>,
    answer: Awaited,
}

/// What is answered when the work is done.
enum Awaited {
    CatchUp,
    /// An analysis, which goes on then.
    Text {
        text: Box<str>,
        standard_conforming_strings: bool,
        /// The text is that of the client, and this is what it was edited to.
        edited: Option<Arc<AnalyzedText>>,
        path: Option<SearchPath>,
    },
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

    /// The ticket for the analysis that waits for this work.
    pub(super) fn ticket(
        &mut self,
        text: &str,
        standard_conforming_strings: bool,
        path: Option<&SearchPath>,
        work: Work,
    ) -> Ticket {
        self.ticket_for(
            work,
            Awaited::Text {
                text: text.into(),
                standard_conforming_strings,
                edited: None,
                path: path.cloned(),
            },
        )
    }

    fn ticket_for(&mut self, work: Work, answer: Awaited) -> Ticket {
        self.tickets += 1;
        self.pending = Some(Pending {
            id: self.tickets,
            work: Some(work),
            answer,
        });
        Ticket::new(self.tickets, Wait::Work)
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
        Judged::Pending(self.ticket_for(work, Awaited::CatchUp))
    }

    fn caught_up(&mut self) -> Result<(), Refusal> {
        match self.refreshed.take().and_then(|outcome| outcome.take()) {
            Some(true) => Ok(()),
            Some(false) | None => Err(catalog_is_late()),
        }
    }

    /// The pending analysis is for a text that was edited to this.
    pub(super) fn await_edited(&mut self, edited: &Arc<AnalyzedText>) {
        if let Some(Pending {
            answer: Awaited::Text { edited: of, .. },
            ..
        }) = &mut self.pending
        {
            *of = Some(Arc::clone(edited));
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
        match pending.answer {
            Awaited::CatchUp => Judged::Ready(Answer::CaughtUp(self.caught_up())),
            Awaited::Text {
                edited: Some(edited),
                ..
            } => self.analyze_anew(&edited).map(Answer::Text),
            Awaited::Text {
                text,
                standard_conforming_strings,
                path,
                ..
            } => self
                .analyze_text(&text, standard_conforming_strings, path.as_ref())
                .map(Answer::Text),
        }
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

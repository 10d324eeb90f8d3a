//! The ends of admitted statements on their way to the judge: each is told once, and before the client can see it.

use std::collections::VecDeque;

use crate::session::doors::to_client::Delivered;
use crate::session::judge::{Completion, Judge, Judged, Outcome, Ticket};

/// What a statement changed.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::session) struct Changed {
    /// Rows, where the server says so.
    pub rows: Option<u64>,
    /// It is undone, because that was not what it was admitted for.
    pub differs: bool,
}

/// Ends that the judge has still to take note of, oldest first.
pub struct Ends<J: Judge> {
    due: VecDeque<(J::Admitted, Completion)>,
    /// The judge is taking note of one.
    ticket: Option<Ticket>,
    /// Rows and bytes delivered under all of them so far.
    delivered: (u64, u64),
}

impl<J: Judge> Default for Ends<J> {
    fn default() -> Self {
        Ends {
            due: VecDeque::new(),
            ticket: None,
            delivered: (0, 0),
        }
    }
}

impl<J: Judge> Ends<J> {
    /// True when the judge has taken note of all of them.
    pub(in crate::session) fn are_told(&self) -> bool {
        self.due.is_empty() && self.ticket.is_none()
    }

    /// An admission ended, with what was delivered under it.
    pub(in crate::session) fn push(
        &mut self,
        admitted: J::Admitted,
        outcome: Outcome,
        sqlstate: &str,
        delivered: Delivered,
    ) {
        self.push_changed(admitted, outcome, sqlstate, delivered, Changed::default());
    }

    /// The same for a statement of which the server says how many rows it changed.
    pub(in crate::session) fn push_changed(
        &mut self,
        admitted: J::Admitted,
        outcome: Outcome,
        sqlstate: &str,
        delivered: Delivered,
        changed: Changed,
    ) {
        let done = Completion {
            outcome,
            rows: delivered.rows,
            bytes: delivered.bytes,
            masked_cells: delivered.masked_cells,
            changed: changed.rows,
            effect_differs: changed.differs,
            sqlstate: sqlstate.to_owned(),
        };
        self.delivered.0 = self.delivered.0.saturating_add(done.rows);
        self.delivered.1 = self.delivered.1.saturating_add(done.bytes);
        self.due.push_back((admitted, done));
    }

    /// Rows and bytes delivered in the session by what has ended.
    pub(in crate::session) fn delivered(&self) -> (u64, u64) {
        self.delivered
    }

    /// Tells the judge. False: it needs time for one of them.
    pub fn tell(&mut self, judge: &mut J) -> bool {
        loop {
            let told = match self.ticket.take() {
                Some(ticket) => judge.resume(ticket).map(|_| ()),
                None => match self.due.pop_front() {
                    Some((admitted, done)) => judge.complete(admitted, done),
                    None => return true,
                },
            };
            if let Judged::Pending(ticket) = told {
                self.ticket = Some(ticket);
                return false;
            }
        }
    }
}

//! Access grants: which count for a statement, and what happens to it under them.

use std::sync::Arc;

use super::permit::Permit;
use super::view::View;
use super::{SessionGate, denial};
use crate::access::{Active, Refused};
use crate::session::{Completion, Refusal};

impl SessionGate {
    /// The access grants that count for what is judged now.
    pub(super) fn active_grants(&mut self) -> Arc<Active> {
        if let Some(holder) = &mut self.holder {
            self.active = holder.active();
        }
        Arc::clone(&self.active)
    }

    /// The statement was judged under an access grant that has ended since.
    pub(super) fn refuse_ended_grant(&self, permit: &Permit) -> Refusal {
        self.count(permit.verb, "deny");
        denial::of_gateway(
            "access-grant-ended",
            "an access grant ended while this statement was on its way",
            Some("Send it again."),
            permit.view.statement_id,
        )
    }

    /// Access can be asked for by the id of what was refused.
    pub(super) fn note_refused(&self, view: &View) {
        let (Some(access), Some(facts)) = (&self.gate.access, view.facts()) else {
            return;
        };
        let identity = &self.facts.identity;
        let refused = Refused::new(
            view.statement_id,
            identity,
            &self.facts.session.database,
            &facts.tables,
            !facts.opaque.is_empty(),
        );
        access.note_refused(identity, refused);
    }

    /// Counts the rows of an execution against the access grants that it ran under.
    pub(super) fn spend(&self, permit: &Permit, done: &Completion) {
        let view = &permit.view;
        let Some(access) = self
            .gate
            .access
            .as_ref()
            .filter(|_| !view.active.is_empty())
        else {
            return;
        };
        let tables = view.facts().map(|facts| facts.tables.as_slice());
        let rows = done.changed.unwrap_or_default().max(done.rows);
        access.spend(&view.active, tables, rows);
    }
}

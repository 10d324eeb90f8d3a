//! The last permits of a session, by the facts they were given for.

use std::sync::Arc;

use super::facts::StatementFacts;
use super::permit::Permit;

/// A client repeats few kinds of statements at a time.
const KEPT: usize = 16;

/// Finds the permit of a statement with the same facts: the very same object, which texts share when they differ in
/// constants alone.
#[derive(Default)]
pub(super) struct Recent {
    kept: Vec<(Arc<StatementFacts>, Arc<Permit>)>,
    next: usize,
}

impl Recent {
    pub fn find(&self, facts: &Arc<StatementFacts>, in_transaction: bool) -> Option<&Arc<Permit>> {
        self.kept
            .iter()
            .find(|(known, permit)| {
                Arc::ptr_eq(known, facts) && permit.view.in_transaction == in_transaction
            })
            .map(|(_, permit)| permit)
    }

    pub fn keep(&mut self, facts: &Arc<StatementFacts>, permit: &Arc<Permit>) {
        let entry = (Arc::clone(facts), Arc::clone(permit));
        if let Some(known) = self
            .kept
            .iter_mut()
            .find(|(known, _)| Arc::ptr_eq(known, facts))
        {
            *known = entry;
        } else if self.kept.len() < KEPT {
            self.kept.push(entry);
        } else if let Some(oldest) = self.kept.get_mut(self.next) {
            *oldest = entry;
            self.next = (self.next + 1) % KEPT;
        }
    }
}

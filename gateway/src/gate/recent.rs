//! Recent answers of policies in a session, by the facts they were given for.

use std::sync::Arc;

use gatewright_contract::{self as contract, StatementFacts};
use gatewright_policy_host::PolicySet;

use super::permit::Answers;

/// Clients tend to repeat a few kinds of statements at a time.
const KEPT: usize = 16;

/// Cached answers for statements with the same facts. Facts are compared by address: texts that differ only in constants share them. A new
/// set of policies empties the cache.
#[derive(Default)]
pub(super) struct Recent {
    set: Option<Arc<PolicySet>>,
    kept: Vec<Known>,
    next: usize,
}

struct Known {
    facts: Arc<StatementFacts>,
    phase: contract::Phase,
    in_transaction: bool,
    answers: Arc<Answers>,
}

impl Known {
    fn is_of(
        &self,
        facts: &Arc<StatementFacts>,
        phase: contract::Phase,
        in_transaction: bool,
    ) -> bool {
        Arc::ptr_eq(&self.facts, facts)
            && self.phase == phase
            && self.in_transaction == in_transaction
    }
}

impl Recent {
    pub fn find(
        &self,
        set: &Arc<PolicySet>,
        facts: &Arc<StatementFacts>,
        phase: contract::Phase,
        in_transaction: bool,
    ) -> Option<&Arc<Answers>> {
        self.set.as_ref().filter(|known| Arc::ptr_eq(known, set))?;
        self.kept
            .iter()
            .find(|known| known.is_of(facts, phase, in_transaction))
            .map(|known| &known.answers)
    }

    pub fn keep(
        &mut self,
        set: &Arc<PolicySet>,
        facts: &Arc<StatementFacts>,
        phase: contract::Phase,
        in_transaction: bool,
        answers: &Arc<Answers>,
    ) {
        if !self
            .set
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, set))
        {
            self.kept.clear();
            self.next = 0;
            self.set = Some(Arc::clone(set));
        }
        let same = self
            .kept
            .iter_mut()
            .find(|known| known.is_of(facts, phase, in_transaction));
        if let Some(known) = same {
            known.answers = Arc::clone(answers);
            return;
        }
        let entry = Known {
            facts: Arc::clone(facts),
            phase,
            in_transaction,
            answers: Arc::clone(answers),
        };
        if self.kept.len() < KEPT {
            self.kept.push(entry);
        } else if let Some(oldest) = self.kept.get_mut(self.next) {
            *oldest = entry;
            self.next = (self.next + 1) % KEPT;
        }
    }
}

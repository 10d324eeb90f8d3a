//! Recent answers of policies in a session, by the facts they were given for.

use std::sync::Arc;

use gatewright_contract::{self as contract, StatementFacts};
use gatewright_policy_host::PolicySet;

use super::permit::Answers;
use crate::access::Active;

/// Clients tend to repeat a few kinds of statements at a time.
const KEPT: usize = 16;

/// Cached answers for statements with the same facts. Facts are compared by address: texts that differ only in constants share them. A new
/// set of policies, or of access grants, empties the cache.
#[derive(Default)]
pub(super) struct Recent {
    given: Option<(Arc<PolicySet>, Arc<Active>)>,
    kept: Vec<Known>,
    next: usize,
}

struct Known {
    facts: Arc<StatementFacts>,
    asked: Asked,
    answers: Arc<Answers>,
}

/// Under which circumstances policies were asked.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub phase: contract::Phase,
    pub in_transaction: bool,
    pub editing: contract::Editing,
}

impl Known {
    fn is_of(&self, facts: &Arc<StatementFacts>, asked: &Asked) -> bool {
        Arc::ptr_eq(&self.facts, facts) && self.asked == *asked
    }
}

impl Recent {
    pub fn find(
        &self,
        set: &Arc<PolicySet>,
        active: &Arc<Active>,
        facts: &Arc<StatementFacts>,
        asked: &Asked,
    ) -> Option<&Arc<Answers>> {
        if !self.is_of(set, active) {
            return None;
        }
        self.kept
            .iter()
            .find(|known| known.is_of(facts, asked))
            .map(|known| &known.answers)
    }

    pub fn keep(
        &mut self,
        set: &Arc<PolicySet>,
        active: &Arc<Active>,
        facts: &Arc<StatementFacts>,
        asked: &Asked,
        answers: &Arc<Answers>,
    ) {
        if !self.is_of(set, active) {
            self.kept.clear();
            self.next = 0;
            self.given = Some((Arc::clone(set), Arc::clone(active)));
        }
        let same = self.kept.iter_mut().find(|known| known.is_of(facts, asked));
        if let Some(known) = same {
            known.answers = Arc::clone(answers);
            return;
        }
        let entry = Known {
            facts: Arc::clone(facts),
            asked: asked.clone(),
            answers: Arc::clone(answers),
        };
        if self.kept.len() < KEPT {
            self.kept.push(entry);
        } else if let Some(oldest) = self.kept.get_mut(self.next) {
            *oldest = entry;
            self.next = (self.next + 1) % KEPT;
        }
    }

    fn is_of(&self, set: &Arc<PolicySet>, active: &Arc<Active>) -> bool {
        let given = self.given.as_ref();
        given.is_some_and(|(policies, grants)| {
            Arc::ptr_eq(policies, set) && Arc::ptr_eq(grants, active)
        })
    }
}

/// Earlier answers that may be reused instead of calling the policies.
pub(super) enum Earlier {
    /// Given for the same prepared statement.
    SameStatement(Arc<Answers>),
    /// Given for another text with identical facts, in the same session.
    SameFacts(Arc<Answers>),
}

impl Earlier {
    pub fn answers(&self) -> &Arc<Answers> {
        match self {
            Earlier::SameStatement(answers) | Earlier::SameFacts(answers) => answers,
        }
    }

    /// A policy's earlier answer, if the policy allowed it to be reused here.
    pub fn answer(&self, index: usize) -> Option<&contract::Allowance> {
        let answer = self.answers().get(index)?.as_ref()?;
        let reuse = answer.reuse;
        let holds = match self {
            Earlier::SameStatement(_) => reuse != contract::Reuse::Never,
            Earlier::SameFacts(_) => reuse == contract::Reuse::Fingerprint,
        };
        holds.then_some(answer)
    }
}

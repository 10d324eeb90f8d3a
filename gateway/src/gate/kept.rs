//! A question that is kept until it is answered: what it was asked about, whatever changes in the session meanwhile.

use std::sync::Arc;

use gatewright_sql::{Facts, SessionEffect};

use super::SessionGate;
use super::permit::Permit;
use super::text::AnalyzedText;
use super::view::KeptParameters;
use crate::session::{NameFacts, Phase, Question};

/// One statement to be judged.
pub(super) struct KeptQuestion {
    pub phase: Phase,
    pub text: Arc<AnalyzedText>,
    pub index: usize,
    pub parameters: Option<Arc<KeptParameters>>,
    /// The permit given at Parse.
    pub earlier: Option<Arc<Permit>>,
    pub in_transaction: bool,
    pub at_rest: bool,
    pub named: Named,
}

/// What the one name means that EXECUTE, EXPLAIN EXECUTE or FETCH has. `None`: it was not made on this connection.
pub(super) enum Named {
    Nothing,
    Statement(Box<str>, Option<Arc<Facts>>),
    Cursor(Box<str>, Option<Arc<Facts>>),
}

impl NameFacts for Named {
    fn statement(&self, name: &str) -> Option<Arc<Facts>> {
        match self {
            Named::Statement(known, facts) if **known == *name => facts.clone(),
            _ => None,
        }
    }

    fn cursor(&self, name: &str) -> Option<Arc<Facts>> {
        match self {
            Named::Cursor(known, facts) if **known == *name => facts.clone(),
            _ => None,
        }
    }
}

impl SessionGate {
    /// Begins with the statement that is asked about.
    pub(super) fn keep_question(&mut self, question: &Question<'_, Self>) -> KeptQuestion {
        self.begin_statement();
        let statement = question.text.analysis.statements.get(question.index);
        let named = match statement.map(|statement| &statement.facts.session) {
            Some(
                SessionEffect::Execute { name }
                | SessionEffect::Explain {
                    executes: Some(name),
                    ..
                },
            ) => Named::Statement(name.as_str().into(), question.names.statement(name)),
            Some(SessionEffect::Fetch { name }) => {
                Named::Cursor(name.as_str().into(), question.names.cursor(name))
            }
            _ => Named::Nothing,
        };
        let bound = question.parameters.as_ref();
        let bound = bound.filter(|_| self.reads_parameters(&self.set));
        KeptQuestion {
            phase: question.phase,
            text: Arc::clone(question.text),
            index: question.index,
            parameters: bound.map(|bound| {
                Arc::new(KeptParameters {
                    bind: bound.bind.into(),
                    types: bound.types.into(),
                })
            }),
            earlier: question.earlier.cloned(),
            in_transaction: question.in_transaction,
            at_rest: question.at_rest,
            named,
        }
    }
}

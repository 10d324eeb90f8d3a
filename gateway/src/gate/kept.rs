//! A question that is kept until it is answered: what it was asked about, whatever changes in the session meanwhile.

use std::sync::Arc;

use gatewright_sql::{Facts, SearchPath, SessionEffect};

use super::SessionGate;
use super::text::AnalyzedText;
use super::view::KeptParameters;
use crate::session::{NameFacts, Phase, Question};

/// One statement to be judged.
#[derive(Clone)]
pub(super) struct KeptQuestion {
    pub phase: Phase,
    pub text: Arc<AnalyzedText>,
    pub index: usize,
    /// For policies.
    pub parameters: Option<Arc<KeptParameters>>,
    /// For people who may be asked, and for the record.
    pub bound: Option<Arc<KeptParameters>>,
    pub in_transaction: bool,
    pub at_rest: bool,
    pub in_block: bool,
    pub named: Named,
    /// The text behind the name, for people who may be asked.
    pub named_text: Option<String>,
    pub path: Option<SearchPath>,
    /// The value of `search_path`, where it is certain.
    pub path_value: Option<Box<str>>,
    pub is_utf8: bool,
    /// It is only tried, so that people see what it does: nobody is told of its verdict.
    pub is_tried: bool,
}

/// What the one name means that EXECUTE, EXPLAIN EXECUTE or FETCH has. `None`: it was not made on this connection.
#[derive(Clone)]
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

    fn statement_text(&self, _: &str) -> Option<String> {
        None
    }

    fn cursor_text(&self, _: &str) -> Option<String> {
        None
    }
}

impl SessionGate {
    /// Begins with the statement that is asked about.
    pub(super) fn keep_question(&mut self, question: &Question<'_, Self>) -> KeptQuestion {
        self.begin_statement();
        self.keep_begun(question)
    }

    /// The same for one that has begun.
    pub(super) fn keep_begun(&self, question: &Question<'_, Self>) -> KeptQuestion {
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
        let asks_people = self.gate.people.asked().is_some();
        let reads = self.set.wants_parameters();
        let bound = question.parameters.as_ref();
        let shows = asks_people || self.record.keeps_statements();
        let bound = bound
            .filter(|_| reads || shows)
            .map(|bound| Arc::new(KeptParameters::of(bound)));
        let named_text = match &named {
            Named::Statement(name, _) if asks_people => question.names.statement_text(name),
            Named::Cursor(name, _) if asks_people => question.names.cursor_text(name),
            _ => None,
        };
        KeptQuestion {
            phase: question.phase,
            text: Arc::clone(question.text),
            index: question.index,
            parameters: bound.clone().filter(|_| reads),
            bound: bound.filter(|_| shows),
            in_transaction: question.in_transaction,
            at_rest: question.at_rest,
            in_block: question.in_block,
            named,
            named_text,
            path: question.path.cloned(),
            path_value: question.path_value.filter(|_| asks_people).map(Box::from),
            is_utf8: question.is_utf8,
            is_tried: false,
        }
    }
}

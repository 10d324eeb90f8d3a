//! One statement as policies are told of it: its facts together with those behind the names that it uses, its parameters, and what
//! is not known of it.

use std::sync::Arc;

use gatewright_contract as contract;
use gatewright_contract::{Editing, StatementFacts, StatementId};
use gatewright_sql::{Facts, Outputs, RoleEffect, SessionEffect, Verb};
use smallvec::SmallVec;

use super::editing::Edits;
use super::kept::KeptQuestion;
use super::recent::Asked;
use super::text::AnalyzedText;
use super::view::View;
use super::{SessionGate, denial, facts};
use crate::session::{NameFacts, Phase, Refusal};

/// Why the catalog does not tell what names mean. Policies may match this text.
const UNSETTLED: &str = "the transaction has created, altered or dropped something, and what names mean is not known before it ends";

/// One statement on its way through the chain.
pub(super) struct Case {
    /// What names mean is not known: see [`UNSETTLED`].
    pub unsettled: bool,
    pub phase: contract::Phase,
    pub view: Arc<View>,
    pub verb: Verb,
    pub facts: Arc<StatementFacts>,
    /// See [`KeptQuestion::is_tried`].
    pub is_tried: bool,
}

impl Case {
    /// As what an answer about it is kept.
    pub fn asked(&self, question: &KeptQuestion) -> Asked {
        Asked {
            phase: self.phase,
            in_transaction: question.in_transaction,
            editing: self.view.editing.clone(),
        }
    }
}

/// A statement in one of the forms in which policies are asked about it.
pub(super) struct Version {
    pub text: Arc<AnalyzedText>,
    pub index: usize,
    pub edits: Edits,
    /// How often policies were asked about other versions before.
    pub round: usize,
    /// The policies that replaced it. Their text holds it alone.
    pub replaced_by: SmallVec<[usize; 2]>,
}

impl Version {
    /// The statement as the session has it.
    pub fn first(text: &Arc<AnalyzedText>, index: usize) -> Self {
        Version {
            text: Arc::clone(text),
            index,
            edits: text.edits(index),
            round: 0,
            replaced_by: SmallVec::new(),
        }
    }

    pub fn is_first(&self) -> bool {
        self.round == 0
    }

    /// What the client sent, if this is something else.
    fn original(&self, question: &KeptQuestion) -> Option<(Arc<AnalyzedText>, usize)> {
        if !self.replaced_by.is_empty() {
            return Some((Arc::clone(&question.text), question.index));
        }
        let from = self.text.edited.as_ref()?;
        matches!(self.edits, Edits::Applied(_)).then(|| (Arc::clone(&from.client), self.index))
    }
}

impl SessionGate {
    /// A statement that keeps the role, or may change it.
    pub(super) fn case(
        &mut self,
        question: &KeptQuestion,
        version: &Version,
    ) -> Result<Case, Refusal> {
        let case = self.unlocked_case(question, version)?;
        let facts = case.view.facts().ok_or_else(|| self.gone())?;
        self.check_role(facts, case.view.statement_id)?;
        Ok(case)
    }

    /// EXECUTE of a statement that was prepared by message with a path that leaves something out: the server looks its names
    /// up again.
    fn depends_on_path(&self, facts: &Facts, names: &dyn NameFacts) -> Option<Refusal> {
        let (SessionEffect::Execute { name }
        | SessionEffect::Explain {
            executes: Some(name),
            ..
        }) = &facts.session
        else {
            return None;
        };
        names.statement(name).filter(|inner| inner.narrowed)?;
        let message =
            format!("what the prepared statement \"{name}\" names depends on search_path");
        let hint = "Prepare it with PREPARE, or execute it by protocol message.";
        Some(denial::of_gateway(
            "search-path",
            message,
            Some(hint),
            self.statement_id(),
        ))
    }

    fn gone(&self) -> Refusal {
        denial::of_gateway(
            "no-statement",
            "the statement is gone",
            None,
            self.statement_id(),
        )
    }

    /// A statement that the role lock has not seen.
    pub(super) fn unlocked_case(
        &mut self,
        question: &KeptQuestion,
        version: &Version,
    ) -> Result<Case, Refusal> {
        let Version {
            text, index, edits, ..
        } = version;
        let index = *index;
        let (Some(statement), Some(known)) =
            (text.analysis.statements.get(index), text.facts.get(index))
        else {
            return Err(self.gone());
        };
        if question.at_rest {
            self.temporaries.clear();
            self.uncommitted.clear();
            if std::mem::take(&mut self.reshaped) {
                self.catalog.note_change();
            }
        }
        let named = behind_name(&statement.facts, &question.named);
        // The end of a transaction names nothing that could mean something else.
        let unsettled = statement.facts.verb != Verb::Transaction
            && (self.reshaped
                || text.reshapes_before(index)
                || self.is_hidden(named.as_ref().unwrap_or(&statement.facts)));
        if let Some(refusal) = self.depends_on_path(&statement.facts, &question.named) {
            return Err(refusal);
        }
        let named = in_place(&statement.facts, named, unsettled).map(Arc::new);
        let facts = match &named {
            Some(merged) => Arc::new(facts::of_statement(merged)),
            None => Arc::clone(known),
        };
        let view = View {
            session: Arc::clone(&self.facts),
            text: Some(Arc::clone(text)),
            index,
            original: version.original(question),
            editing: edits.editing(),
            named,
            phase: question.phase,
            in_transaction: question.in_transaction,
            parameters: question.parameters.clone(),
            bound: question.bound.clone(),
            statement_id: self.statement_id(),
            active: self.active_grants(),
        };
        Ok(Case {
            unsettled,
            phase: contract_phase(question.phase),
            view: Arc::new(view),
            verb: statement.facts.verb,
            facts,
            is_tried: question.is_tried,
        })
    }

    /// A function called by message, of which nothing but the function is known.
    pub(super) fn case_of_call(&mut self, function_oid: u32, in_transaction: bool) -> Case {
        let view = View {
            session: Arc::clone(&self.facts),
            text: None,
            index: 0,
            original: None,
            editing: Editing::None,
            named: None,
            phase: Phase::FunctionCall,
            in_transaction,
            parameters: None,
            bound: None,
            statement_id: self.statement_id(),
            active: self.active_grants(),
        };
        Case {
            unsettled: false,
            phase: contract::Phase::FunctionCall,
            view: Arc::new(view),
            verb: Verb::Unknown,
            facts: Arc::new(facts::of_function_call(function_oid)),
            is_tried: false,
        }
    }

    /// The next statement gets an id of its own, and the policies that are in force now.
    pub(super) fn begin_statement(&mut self) {
        self.statement = StatementId::generate();
        self.set = self.gate.policies.current();
    }
}

/// The phase as policies are told of it.
pub(super) fn contract_phase(phase: Phase) -> contract::Phase {
    match phase {
        Phase::Simple => contract::Phase::Simple,
        Phase::Parse => contract::Phase::Parse,
        Phase::Execute => contract::Phase::Execute,
        Phase::FunctionCall => contract::Phase::FunctionCall,
    }
}

/// What the statement does where it stands; `None` where that is what its own text says.
fn in_place(facts: &Arc<Facts>, named: Option<Facts>, unsettled: bool) -> Option<Facts> {
    if !unsettled {
        return named;
    }
    let mut facts = named.unwrap_or_else(|| (**facts).clone());
    facts.opaque.push(UNSETTLED.to_owned());
    Some(facts)
}

/// The facts of EXECUTE and FETCH together with those of what they name; `None` for any other statement.
fn behind_name(facts: &Arc<Facts>, names: &dyn NameFacts) -> Option<Facts> {
    let (named, what, name) = match &facts.session {
        SessionEffect::Execute { name }
        | SessionEffect::Explain {
            executes: Some(name),
            ..
        } => (names.statement(name), "prepared statement", name),
        SessionEffect::Fetch { name } => (names.cursor(name), "cursor", name),
        _ => return None,
    };
    let mut merged = (**facts).clone();
    match named {
        Some(inner) => {
            merged.absorb(&inner);
            if !matches!(facts.session, SessionEffect::Explain { .. }) {
                // A cursor's rows are those of the query that it was declared for.
                merged.outputs = match &inner.outputs {
                    Outputs::None => inner.inner.clone(),
                    outputs => outputs.clone(),
                };
            }
        }
        None => {
            merged.role = merged.role.max(RoleEffect::Unread);
            merged
                .opaque
                .push(format!("{what} \"{name}\" was not made on this connection"));
        }
    }
    Some(merged)
}

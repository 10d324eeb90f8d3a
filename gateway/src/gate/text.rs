//! A statement text with what the gate knows of it.

use std::ops::Range;
use std::sync::Arc;

use gatewright_contract::{Edit, StatementFacts};
use gatewright_sql::{
    Analysis, Catalog, Pattern, RelationKind, RoleEffect, SearchPath, SessionEffect, Statement,
    Substituted, Template, Verb,
};

use super::editing::Edits;
use super::facts;

/// About how much a text takes besides itself and its facts, in bytes.
pub(super) const STATEMENT_BYTES: usize = 1024;

/// How many texts to expect in a cache of this many bytes.
pub(super) fn texts_in(bytes: u64) -> usize {
    let entries = usize::try_from(bytes).unwrap_or(usize::MAX) / (4 * STATEMENT_BYTES);
    entries.max(16)
}

/// A statement text with its analysis, and the facts in the form that policies get.
pub struct AnalyzedText {
    pub source: Box<str>,
    pub analysis: Analysis,
    /// One entry per statement.
    pub(super) facts: Vec<Arc<StatementFacts>>,
    pub(super) catalog: Arc<Catalog>,
    /// The setting under which it was read.
    pub(super) standard_conforming_strings: bool,
    /// Its template, if the analysis holds for all texts that have it.
    pub(super) template: Option<Template>,
    /// How it came from the client's text; `None` if it is that text.
    pub(super) edited: Option<EditedFrom>,
    /// The path along which its names were looked up.
    pub(super) path: Option<SearchPath>,
    /// With another path its names would mean other objects.
    varies: bool,
    /// The path leaves out objects that its names would mean without it.
    narrowed: bool,
    /// Index of the first statement after which names may mean something else.
    reshapes_at: Option<usize>,
    /// About how much memory the facts take, in both forms.
    facts_bytes: usize,
}

/// The client's text, and the edits in each of its statements.
pub(super) struct EditedFrom {
    pub client: Arc<AnalyzedText>,
    pub edits: Vec<Edits>,
}

impl AnalyzedText {
    pub(super) fn new(
        source: &str,
        analysis: Analysis,
        catalog: Arc<Catalog>,
        standard_conforming_strings: bool,
        path: Option<&SearchPath>,
    ) -> Self {
        let told = analysis
            .statements
            .iter()
            .map(|statement| Arc::new(facts::of_statement(&statement.facts)))
            .collect();
        let statements = || analysis.statements.iter();
        let reshapes_at = statements().position(|statement| statement.facts.verb == Verb::Ddl);
        // Policies get them in a form of their own.
        let facts_bytes = statements()
            .map(|statement| 2 * statement.facts.bytes())
            .sum();
        let varies = statements().any(|statement| statement.facts.varies);
        let narrowed = statements().any(|statement| statement.facts.narrowed);
        AnalyzedText {
            source: source.into(),
            analysis,
            facts: told,
            catalog,
            standard_conforming_strings,
            template: None,
            edited: None,
            path: path.cloned(),
            varies,
            narrowed,
            reshapes_at,
            facts_bytes,
        }
    }

    /// About how much memory it takes, in bytes. Texts with the same template share their facts, which count for each.
    pub fn bytes(&self) -> usize {
        let client = self
            .edited
            .as_ref()
            .map_or(0, |from| from.client.source.len());
        STATEMENT_BYTES + self.source.len() + client + self.facts_bytes
    }

    /// Remembers the text's template, if the analysis holds for all texts that have it.
    pub(super) fn shared_by(mut self, template: Option<Template>) -> Self {
        self.template = template.filter(|_| self.is_the_same_for_all_constants());
        self
    }

    /// The text with edits in one more statement.
    pub(super) fn edited_from(
        text: &Arc<Self>,
        substituted: Substituted,
        index: usize,
        edits: &Arc<[Edit]>,
    ) -> Self {
        let (client, mut all) = match &text.edited {
            Some(from) => (Arc::clone(&from.client), from.edits.clone()),
            None => (
                Arc::clone(text),
                vec![Edits::None; text.analysis.statements.len()],
            ),
        };
        if let Some(own) = all.get_mut(index) {
            *own = Edits::Applied(Arc::clone(edits));
        }
        let mut edited = AnalyzedText::new(
            &substituted.text,
            substituted.analysis,
            Arc::clone(&text.catalog),
            text.standard_conforming_strings,
            text.path(),
        );
        edited.edited = Some(EditedFrom { client, edits: all });
        edited
    }

    /// Whether it is a client's text with edits.
    pub fn is_edited(&self) -> bool {
        self.edited.is_some()
    }

    /// The edits in the statement at `index`.
    pub(super) fn edits(&self, index: usize) -> Edits {
        let known = self.edited.as_ref().and_then(|from| from.edits.get(index));
        known.cloned().unwrap_or_default()
    }

    /// The path along which its names were looked up; `None` if that was in every schema.
    pub(super) fn path(&self) -> Option<&SearchPath> {
        self.path.as_ref()
    }

    /// True when with another path its names would mean other objects.
    pub(super) fn varies(&self) -> bool {
        self.varies
    }

    pub(super) fn paths(&self) -> Paths<&SearchPath> {
        match self.varies() {
            true => Paths::One(self.path()),
            false => Paths::All,
        }
    }

    /// True when the path leaves out objects that its names would mean without it.
    pub(super) fn is_narrowed(&self) -> bool {
        self.narrowed
    }

    /// True when names may mean something else by the time the statement at `index` runs.
    pub(super) fn reshapes_before(&self, index: usize) -> bool {
        self.reshapes_at.is_some_and(|at| at < index)
    }

    /// True when the analysis does not depend on the values of the text's constants.
    fn is_the_same_for_all_constants(&self) -> bool {
        let [statement] = self.analysis.statements.as_slice() else {
            return false;
        };
        let facts = &statement.facts;
        matches!(
            facts.verb,
            Verb::Select | Verb::Insert | Verb::Update | Verb::Delete
        ) && facts.session == SessionEffect::None
            && facts.limit.is_none()
            && facts.opaque.is_empty()
            && facts.role == RoleEffect::Kept
    }

    /// The analysis of a text that differs from this one only in its constants.
    pub(super) fn alike(&self, source: &str, template: Template) -> Option<Self> {
        let span = 0..template.end;
        Some(AnalyzedText {
            template: Some(template),
            ..self.with_other_constants(source.into(), span)?
        })
    }

    /// The edited text of a client's text that differs from this one's only in its constants. `None` if it does not.
    pub(super) fn edited_alike(&self, pattern: &Pattern, client: &Arc<Self>) -> Option<Self> {
        let edits = self.edited.as_ref()?.edits.clone();
        let source = pattern.fill(&client.source, client.template.as_ref()?)?;
        let own = self.analysis.statements.first()?.span.clone();
        let behind = self.source.len().checked_sub(own.end)?;
        let span = own.start..source.len().checked_sub(behind)?;
        Some(AnalyzedText {
            edited: Some(EditedFrom {
                client: Arc::clone(client),
                edits,
            }),
            ..self.with_other_constants(source.into(), span)?
        })
    }

    fn with_other_constants(&self, source: Box<str>, span: Range<usize>) -> Option<Self> {
        let statement = self.analysis.statements.first()?;
        let statement = Statement {
            span,
            facts: Arc::clone(&statement.facts),
        };
        Some(AnalyzedText {
            source,
            analysis: Analysis {
                statements: vec![statement],
            },
            facts: self.facts.clone(),
            catalog: Arc::clone(&self.catalog),
            standard_conforming_strings: self.standard_conforming_strings,
            template: None,
            edited: None,
            path: self.path.clone(),
            varies: self.varies,
            narrowed: self.narrowed,
            reshapes_at: self.reshapes_at,
            facts_bytes: self.facts_bytes,
        })
    }

    pub(super) fn has_unresolved(&self) -> bool {
        self.analysis.statements.iter().any(|statement| {
            let mut tables = statement.facts.tables.iter();
            let mut opaque = statement.facts.opaque.iter();
            // One without a name stands for what code reads that cannot be read.
            tables.any(|table| table.kind == RelationKind::Unresolved && !table.name.is_empty())
                || opaque.any(|reason| reason.ends_with("is not in the catalog"))
        })
    }
}

/// For which search paths an analysis holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Paths<P> {
    /// Its names mean the same with any.
    All,
    /// `None`: it is not known.
    One(Option<P>),
}

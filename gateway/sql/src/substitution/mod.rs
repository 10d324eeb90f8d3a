//! Edits a statement so that protected columns never enter it: a table that has some is replaced by a derived table, in which
//! masks stand for them. The text is changed in place; the result is parsed again, and must be the client's tree but for the
//! places that were to change.

mod derived;
mod error;
mod expression;
mod grouping;
mod look_up;
mod pattern;
mod references;
mod rules;
mod splice;
mod syntax;
mod verify;
mod whole_row;
mod written;

use std::ops::Range;
use std::sync::Arc;

use gatewright_contract::Edit;
use gatewright_parser::{Node, parse};

use crate::catalog::{Catalog, Names, Noted, SearchPath};
use crate::facts::Facts;
use crate::masks::INNER;
use crate::template::Template;
use crate::{Analysis, AnalyzeError, Settings, Statement, analysis};

use crate::place::Places;
use derived::Derived;
use error::{Unsupported, Unverified};
use pattern::Piece;
use references::References;
use rules::Rules;
use splice::Splices;
use syntax::only;

pub use error::{Settle, SubstituteError};
pub use pattern::Pattern;

/// What a text is read and edited against.
#[derive(Clone, Copy)]
pub struct EditContext<'a> {
    pub catalog: &'a Catalog,
    /// `None`: an unqualified name means every object of that name.
    pub path: Option<&'a SearchPath>,
    pub settings: &'a Settings,
    pub settle: Settle<'a>,
}

/// A text one of whose statements was edited.
#[derive(Debug)]
pub struct Substituted {
    pub text: String,
    pub analysis: Analysis,
    /// How the text follows from every client's text with the same template, if it does.
    pub pattern: Option<Pattern>,
}

/// An edited statement.
struct Edited {
    text: String,
    facts: Facts,
    pieces: Vec<Piece>,
}

/// The text with all edits applied to the statement at `index`; `None` if there is nothing to edit. `template` is that of the text,
/// if the analysis holds for all texts that have it. Needs the stack of [`crate::analyze`].
///
/// # Errors
/// The statement cannot be edited with certainty; it must not run as if it had been.
pub fn substitute(
    text: &str,
    analysis: &Analysis,
    index: usize,
    edits: &[Edit],
    template: Option<&Template>,
    context: &EditContext<'_>,
) -> Result<Option<Substituted>, SubstituteError> {
    let standard = context.settings.standard_conforming_strings;
    if !standard && text.contains('\\') {
        return Err(Unsupported(
            "a backslash with standard_conforming_strings off",
        ));
    }
    let statement = analysis.statements.get(index).ok_or(Unverified)?;
    let own = text.get(statement.span.clone()).ok_or(Unverified)?;
    let Some(edited) = edited(own, edits, &context.at(analysis, index))? else {
        return Ok(None);
    };
    let before = text.get(..statement.span.start).ok_or(Unverified)?;
    let after = text.get(statement.span.end..).ok_or(Unverified)?;
    let whole = [before, edited.text.as_str(), after].concat();
    let spans = verify::spans(text, &whole, index, &edited.text, standard)?;
    let pattern = template.and_then(|template| pattern(text, statement, &edited, &whole, template));
    let statements = analysis.statements.iter().zip(spans).enumerate();
    let edited = Arc::new(edited.facts);
    let statements = statements.map(|(at, (known, span))| Statement {
        span,
        facts: Arc::clone(if at == index { &edited } else { &known.facts }),
    });
    Ok(Some(Substituted {
        text: whole,
        analysis: Analysis {
            statements: statements.collect(),
        },
        pattern,
    }))
}

/// What the edited text has in common with those of other texts with this template.
fn pattern(
    text: &str,
    statement: &Statement,
    edited: &Edited,
    whole: &str,
    template: &Template,
) -> Option<Pattern> {
    // A constant of the client's must not make a mask, which is known by its form.
    if places_inner(text) {
        return None;
    }
    let own = statement.span.start;
    let from_start = |range: &Range<usize>| range.start + own..range.end + own;
    let mut pieces = vec![Piece::Client(0..own)];
    pieces.extend(edited.pieces.iter().map(|piece| match piece {
        Piece::Client(range) => Piece::Client(from_start(range)),
        Piece::Repeated(range) => Piece::Repeated(from_start(range)),
        Piece::Own(written) => Piece::Own(written.clone()),
    }));
    pieces.push(Piece::Client(statement.span.end..text.len()));
    Pattern::of(&pieces, text, whole, template)
}

/// Whether the text has the name of the table inside a derived table, or what may be it.
fn places_inner(text: &str) -> bool {
    let inner = INNER.as_bytes();
    text.as_bytes()
        .windows(inner.len())
        .any(|part| part.eq_ignore_ascii_case(inner))
}

/// The analysis of a text that was edited with an older catalog. `edits` has those of each statement.
///
/// # Errors
/// It cannot be read, or not with this catalog.
pub fn analyze_edited(
    text: &str,
    edits: &[&[Edit]],
    context: &EditContext<'_>,
) -> Result<Analysis, SubstituteError> {
    let plain = crate::analyze_along(text, context.catalog, context.path, context.settings)?;
    let statements = plain.statements.iter().cloned().enumerate();
    let statements = statements.map(|(at, statement)| {
        let own = text.get(statement.span.clone()).ok_or(Unverified)?;
        let edits = edits.get(at).copied().unwrap_or_default();
        if edits.is_empty() {
            return Ok(statement);
        }
        let tree = parse(own, context.settings.standard_conforming_strings);
        let tree = tree.map_err(|_| Unverified)?;
        let rules = Rules::of(edits, context.catalog, context.settle);
        let facts = facts_of(own, only(&tree)?, &rules, &context.at(&plain, at))?;
        Ok(Statement {
            facts: Arc::new(facts),
            ..statement
        })
    });
    Ok(Analysis {
        statements: statements.collect::<Result<_, SubstituteError>>()?,
    })
}

impl EditContext<'_> {
    /// That of one statement among others, which may have changed the path.
    fn at(&self, analysis: &Analysis, index: usize) -> Self {
        let mut before = analysis.statements.iter().take(index);
        let changed = before.any(|statement| statement.facts.may_change_names());
        EditContext {
            path: self.path.filter(|_| !changed),
            ..*self
        }
    }
}

/// The statement with all edits applied; `None` if there is nothing to edit. `text` holds this statement alone.
fn edited(
    text: &str,
    edits: &[Edit],
    context: &EditContext<'_>,
) -> Result<Option<Edited>, SubstituteError> {
    let standard = context.settings.standard_conforming_strings;
    let tree = parse(text, standard).map_err(AnalyzeError::from)?;
    let node = only(&tree)?;
    let rules = Rules::of(edits, context.catalog, context.settle);
    let noted = Noted::default();
    let names = Names::along(context.catalog, context.path, &noted);
    let references = References::find(node, names, &rules)?;
    if references.are_none() && rules.limit.is_none() {
        return Ok(None);
    }
    for query in &references.queries {
        grouping::check(query, &references)?;
    }
    whole_row::check(node, &references, context.catalog)?;
    let places = Places::of(text).ok_or(SubstituteError::Unverified)?;
    let look_ups = look_up::find(&references, &rules, &places);
    let replaced = references.replaced.iter().enumerate();
    let derived = replaced
        .map(|(at, reference)| Derived::of(reference, &references, &rules, &look_ups.of(at)))
        .collect::<Result<Vec<_>, _>>()?;
    let mut splices = Splices::of(text, &places);
    splices.replace_references(&references, &derived)?;
    splices.pin(&references)?;
    splices.shorten_columns(&references)?;
    splices.settle(&look_ups);
    let (edited, mut pieces) = splices.apply()?;
    let again = parse(&edited, standard).map_err(|_| Unverified)?;
    let changed = only(&again)?;
    verify::check(node, changed, &references, &derived, &look_ups, standard)?;
    let capped = match rules.limit {
        Some(limit) => splice::capped(&edited, changed, limit, standard)?,
        None => None,
    };
    if let Some(text) = capped {
        let tree = parse(&text, standard).map_err(|_| Unverified)?;
        let facts = facts_of(&text, only(&tree)?, &rules, context)?;
        match text.strip_prefix(&edited) {
            Some(limit) => pieces.push(Piece::Own(limit.to_owned())),
            None => pieces.clear(),
        }
        return Ok(Some(Edited {
            text,
            facts,
            pieces,
        }));
    }
    if references.are_none() {
        return Ok(None);
    }
    let facts = facts_of(&edited, changed, &rules, context)?;
    Ok(Some(Edited {
        text: edited,
        facts,
        pieces,
    }))
}

fn facts_of(
    text: &str,
    node: Node<'_>,
    rules: &Rules<'_>,
    context: &EditContext<'_>,
) -> Result<Facts, SubstituteError> {
    let standard = context.settings.standard_conforming_strings;
    let masks = derived::masks(node, context.catalog, rules, standard)?;
    let mut facts = analysis::facts(text, node, context.catalog, context.path, &masks);
    facts.set_fingerprint(gatewright_parser::fingerprint(node));
    Ok(facts)
}

//! Edits that policies ask for: which of them a text has, and the text with more of them. The edited statement is judged again.

use std::collections::HashSet;
use std::sync::Arc;

use gatewright_contract::{Edit, Editing};
use gatewright_sql::{EditContext, Pattern, Settings, SubstituteError};
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::SessionGate;
use super::analysis::not_analyzed;
use super::known;
use super::permit::Answers;
use super::text::{AnalyzedText, EditedFrom, STATEMENT_BYTES, texts_in};
use crate::results;
use crate::session::{Answer, Judged, Refusal, Verdict};

/// Longer texts are edited on a thread of their own, so that other sessions of the worker go on. To edit a text it is read several times, which
/// takes as long as the analysis of one of the length that is analysed inline.
const INLINE_EDIT: usize = super::analysis::INLINE_BYTES / 4;

/// The edited text has the columns of a table for each time that the table is named. The same holds where there are more of them: an
/// unoptimized build takes a millisecond for 60 of them, and 25 for 264.
const INLINE_COLUMNS: usize = 64;

/// Longer texts are not edited.
const EDITED_BYTES: usize = 128 * 1024;

/// Each statement that is edited has the whole text read again: the most bytes that are read for one text.
const EDITED_WORK: usize = 1024 * 1024;

/// A statement is edited this often at most, because a policy may ask for more once it sees the edited one.
pub(super) const ROUNDS: usize = 4;

/// What became of the edits for one statement.
#[derive(Clone, Default)]
pub(super) enum Edits {
    #[default]
    None,
    Applied(Arc<[Edit]>),
    Impossible(Arc<str>),
}

impl Edits {
    /// As policies are told.
    pub fn editing(&self) -> Editing {
        match self {
            Edits::None => Editing::None,
            Edits::Applied(_) => Editing::Applied,
            Edits::Impossible(reason) => Editing::Impossible(reason.to_string()),
        }
    }

    fn applied(&self) -> &[Edit] {
        match self {
            Edits::Applied(edits) => edits,
            Edits::None | Edits::Impossible(_) => &[],
        }
    }

    /// Those applied together with those that the policies want; `None` if they want no more.
    pub fn with(&self, answers: &Answers) -> Option<Arc<[Edit]>> {
        let wanted = || answers.iter().flatten().flat_map(|answer| &answer.edits);
        wanted().next()?;
        let mut known: HashSet<&Edit> = self.applied().iter().collect();
        let more: Vec<&Edit> = wanted().filter(|edit| known.insert(edit)).collect();
        let all = self.applied().iter().chain(more.iter().copied()).cloned();
        (!more.is_empty()).then(|| all.collect())
    }
}

/// An edited text; `None` if the edits change nothing in it. Errors: why it cannot be edited.
pub(super) type Edited = Result<Option<Arc<AnalyzedText>>, Arc<str>>;

/// Where the client's text has the character at `position` of the edited one, both counted from 1: before the first edit, or behind
/// the last. `None` in between.
pub(super) fn client_position(client: &str, edited: &str, position: u32) -> Option<u32> {
    let at = usize::try_from(position).ok()?.checked_sub(1)?;
    let same = |pair: &(char, char)| pair.0 == pair.1;
    let before = client.chars().zip(edited.chars()).take_while(same).count();
    if at < before {
        return Some(position);
    }
    let (own, all) = (client.chars().count(), edited.chars().count());
    let pairs = client.chars().rev().zip(edited.chars().rev());
    let behind = pairs.take_while(same).count().min(own - before.min(own));
    let from_end = all.checked_sub(at)?;
    let found = (from_end <= behind).then(|| own - from_end + 1)?;
    u32::try_from(found).ok()
}

/// A client's text, one of its statements, and the edits of it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    text: known::Key,
    index: usize,
    edits: Arc<[Edit]>,
}

#[derive(Clone, Copy, Hash)]
struct KeyRef<'a> {
    text: known::KeyRef<'a>,
    index: usize,
    edits: &'a [Edit],
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.text.equivalent(&key.text) && self.index == key.index && *self.edits == *key.edits
    }
}

/// An edited text, and the catalog whose address its key has.
#[derive(Clone)]
struct Known {
    edited: Edited,
    /// How it follows from every client's text with the same template.
    pattern: Option<Arc<Pattern>>,
    catalog: Arc<gatewright_sql::Catalog>,
}

#[derive(Clone)]
struct ByText;

impl Weighter<Key, Known> for ByText {
    fn weight(&self, key: &Key, known: &Known) -> u64 {
        let edited = match &known.edited {
            Ok(Some(text)) => text.bytes(),
            _ => STATEMENT_BYTES,
        };
        (key.text.text.len() + edited) as u64
    }
}

/// The cache of edited texts.
pub(super) struct EditedTexts(Cache<Key, Known, ByText>);

impl EditedTexts {
    pub fn new(bytes: u64) -> Self {
        EditedTexts(Cache::with_weighter(texts_in(bytes), bytes, ByText))
    }

    /// See [`known::Analyses::forget`].
    pub fn forget(&self, catalog: &Arc<gatewright_sql::Catalog>) {
        self.0
            .retain(|_, known| !Arc::ptr_eq(&known.catalog, catalog));
    }
}

impl SessionGate {
    /// The text with the edits in the statement at `index`. `then`: what follows from it.
    pub(super) fn edited<N>(
        &mut self,
        text: &Arc<AnalyzedText>,
        index: usize,
        edits: &Arc<[Edit]>,
        then: N,
    ) -> Judged<Result<Verdict<Self>, Refusal>>
    where
        N: FnOnce(&mut Self, Edited) -> Judged<Result<Verdict<Self>, Refusal>> + 'static,
    {
        let length = text.source.len();
        if length > EDITED_BYTES || length * text.analysis.statements.len() > EDITED_WORK {
            return then(self, Err("the text is too long".into()));
        }
        if let Some(known) = self.known_edited(text, index, edits) {
            return then(self, known);
        }
        let inline = is_edited_soon(text, edits);
        let settings = self.settings(text.standard_conforming_strings);
        let (text, edits) = (Arc::clone(text), Arc::clone(edits));
        let job = {
            let (text, edits) = (Arc::clone(&text), Arc::clone(&edits));
            move || edit(&text, index, &edits, &settings)
        };
        self.work_out(
            inline,
            length,
            job,
            Answer::Verdict,
            move |gate, worked_out| {
                let Some((edited, pattern)) = worked_out else {
                    return then(gate, Err("the edits could not be worked out".into()));
                };
                gate.keep_edited(&text, index, edits, edited.clone(), pattern);
                then(gate, edited)
            },
        )
    }

    fn known_edited(
        &self,
        text: &Arc<AnalyzedText>,
        index: usize,
        edits: &[Edit],
    ) -> Option<Edited> {
        // A text that was edited before has facts of its own.
        if text.edited.is_some() {
            return None;
        }
        let key = |text| KeyRef { text, index, edits };
        if let Some(template) = known::KeyRef::of_template(text)
            && let Some(known) = self.gate.edited.0.get(&key(template))
            && let Some(alike) = known.for_other_constants(text)
        {
            return Some(alike);
        }
        let own = known::KeyRef::of(text);
        Some(self.gate.edited.0.get(&key(own))?.edited)
    }

    fn keep_edited(
        &self,
        text: &AnalyzedText,
        index: usize,
        edits: Arc<[Edit]>,
        edited: Edited,
        pattern: Option<Pattern>,
    ) {
        if text.edited.is_some() {
            return;
        }
        let own = known::KeyRef::of(text);
        let template = known::KeyRef::of_template(text).filter(|_| pattern.is_some());
        let key = Key {
            text: template.unwrap_or(own).to_key(),
            index,
            edits,
        };
        let known = Known {
            edited,
            pattern: pattern.map(Arc::new),
            catalog: Arc::clone(&text.catalog),
        };
        self.gate.edited.0.insert(key, known);
    }

    /// A text that was edited before, as it is understood with the catalog of the client's text. `then`: what follows from it.
    pub(super) fn edited_anew<A: 'static>(
        &mut self,
        text: &Arc<AnalyzedText>,
        client: Arc<AnalyzedText>,
        wrap: fn(A) -> Answer<Self>,
        then: impl FnOnce(&mut Self, Result<Arc<AnalyzedText>, Refusal>) -> Judged<A> + 'static,
    ) -> Judged<A> {
        let length = text.source.len();
        let inline = length <= INLINE_EDIT;
        let settings = self.settings(text.standard_conforming_strings);
        let text = Arc::clone(text);
        let job = move || edited_anew(&text, client, &settings);
        self.work_out(inline, length, job, wrap, |gate, worked_out| {
            then(gate, worked_out.unwrap_or_else(|| Err(not_analyzed())))
        })
    }
}

/// Whether it takes no longer than other work of a session to edit the text.
fn is_edited_soon(text: &AnalyzedText, edits: &[Edit]) -> bool {
    if text.source.len() > INLINE_EDIT {
        return false;
    }
    let source = text.source.to_ascii_lowercase();
    let mut tables: Vec<(&str, &str)> = edits.iter().filter_map(table_of).collect();
    tables.sort_unstable();
    tables.dedup();
    let columns = tables.into_iter().map(|(schema, table)| {
        let relations = text.catalog.lookup(Some(schema), table);
        let columns: usize = relations
            .iter()
            .map(|relation| relation.columns.len())
            .sum();
        // A view may name it, too.
        columns * source.matches(&table.to_ascii_lowercase()).count().max(1)
    });
    columns.sum::<usize>() <= INLINE_COLUMNS
}

fn table_of(edit: &Edit) -> Option<(&str, &str)> {
    match edit {
        Edit::FilterRows(filter) => Some((&filter.schema, &filter.table)),
        Edit::ReplaceColumn(replaced) => Some((&replaced.schema, &replaced.table)),
        Edit::CapLimit(_) => None,
    }
}

fn edited_anew(
    text: &AnalyzedText,
    client: Arc<AnalyzedText>,
    settings: &Settings,
) -> Result<Arc<AnalyzedText>, Refusal> {
    let Some(from) = &text.edited else {
        return Err(has_changed());
    };
    let edits: Vec<&[Edit]> = from.edits.iter().map(Edits::applied).collect();
    let context = EditContext {
        catalog: &client.catalog,
        path: client.path(),
        settings,
        settle: &results::types::settled,
    };
    let analysis = gatewright_sql::analyze_edited(&text.source, &edits, &context);
    let analysis = analysis.map_err(|error| {
        tracing::debug!(%error, "a statement that was edited cannot be read again");
        has_changed()
    })?;
    let (catalog, standard) = (
        Arc::clone(&client.catalog),
        text.standard_conforming_strings,
    );
    let mut anew = AnalyzedText::new(&text.source, analysis, catalog, standard, client.path());
    let edits = from.edits.clone();
    anew.edited = Some(EditedFrom { client, edits });
    Ok(Arc::new(anew))
}

fn has_changed() -> Refusal {
    let message = "what this statement reads has changed since it was made";
    Refusal::new("55000", message).with_hint("Make it again.")
}

fn edit(
    text: &Arc<AnalyzedText>,
    index: usize,
    edits: &Arc<[Edit]>,
    settings: &Settings,
) -> (Edited, Option<Pattern>) {
    let context = EditContext {
        catalog: &text.catalog,
        path: text.path(),
        settings,
        settle: &results::types::settled,
    };
    let template = text.template.as_ref();
    let (source, analysis) = (&text.source, &text.analysis);
    match gatewright_sql::substitute(source, analysis, index, edits, template, &context) {
        Ok(None) => (Ok(None), None),
        Ok(Some(mut substituted)) => {
            let pattern = substituted.pattern.take();
            let edited = AnalyzedText::edited_from(text, substituted, index, edits);
            (Ok(Some(Arc::new(edited))), pattern)
        }
        Err(error) => {
            if matches!(error, SubstituteError::Expression { .. }) {
                tracing::error!(%error, "a policy's edit cannot be used");
            }
            (Err(error.to_string().into()), None)
        }
    }
}

impl Known {
    /// What this is for a text that differs only in its constants. `None`: that has to be found out.
    fn for_other_constants(&self, client: &Arc<AnalyzedText>) -> Option<Edited> {
        let (Ok(Some(edited)), Some(pattern)) = (&self.edited, &self.pattern) else {
            return None;
        };
        let alike = edited.edited_alike(pattern, client)?;
        Some(Ok(Some(Arc::new(alike))))
    }
}

#[cfg(test)]
mod tests {
    use super::client_position;

    #[test]
    fn positions_outside_the_edits_are_those_of_the_client() {
        let client = "SELECT é, x FROM t WHERE y";
        let edited = "SELECT é, x FROM (SELECT 1 FROM t AS gw) AS t WHERE y";
        let of = |word: &str| {
            let at = edited.find(word).map(|at| edited[..at].chars().count() + 1);
            client_position(client, edited, at.map_or(0, |at| at as u32))
        };
        let at = |word: &str| {
            let at = client.find(word).map(|at| client[..at].chars().count() + 1);
            at.map(|at| at as u32)
        };
        assert_eq!(of("x"), at("x"));
        assert_eq!(of("WHERE"), at("WHERE"));
        assert_eq!(of("y"), at("y"));
        assert_eq!(of("gw"), None);
        assert_eq!(client_position(client, edited, 0), None);
        assert_eq!(client_position("SELECT x", "SELECT x", 8), Some(8));
        // The end of the statement.
        let end = edited.chars().count() as u32 + 1;
        assert_eq!(client_position(client, edited, end), Some(27));
    }
}

//! Analyses of texts: known ones, new ones, and long ones on a thread of their own.

use std::sync::Arc;

use gatewright_sql::{AnalyzeError, Catalog, SearchPath, Settings, Template};

use super::SessionGate;
use super::delivery::{Delivered, Outcome};
use super::known::KeyRef;
use super::text::{AnalyzedText, Paths};
use super::ticket::Work;
use crate::session::{Answer, Judged, Refusal, Verdict};

/// Longer texts are analysed on a thread of their own, so that other sessions of the worker go on. So much takes less than a millisecond,
/// whatever it says; handing it over takes some ten microseconds.
pub(super) const INLINE_BYTES: usize = 2 * 1024;

/// The analysis, or the error for the client.
pub(super) type Analyzed = Result<Arc<AnalyzedText>, Refusal>;

impl SessionGate {
    /// True while the catalog that the text was analysed with is the newest there is, as far as is known.
    pub(super) fn is_settled(&self, text: &AnalyzedText) -> bool {
        let is_late = self.stale_catalog && self.needs_catalog();
        !is_late && self.catalog.is_current(&text.catalog)
    }

    /// The text as it is understood now.
    pub(super) fn analyze_anew(
        &mut self,
        text: &Arc<AnalyzedText>,
    ) -> Judged<Result<Arc<AnalyzedText>, Refusal>> {
        let standard = text.standard_conforming_strings;
        // Another path is looked at when it is judged.
        let path = text.path();
        let Some(from) = &text.edited else {
            return self.analyze_text(&text.source, standard, path);
        };
        match self.analyze_now(&from.client.source, standard, path) {
            Ok(Ok(client)) => {
                self.edited_anew(text, client, Answer::Text, |_, anew| Judged::Ready(anew))
            }
            Ok(Err(refusal)) => Judged::Ready(Err(refusal)),
            Err(work) => {
                let text = Arc::clone(text);
                Judged::Pending(
                    self.pend_text(work, move |gate| gate.analyze_anew(&text).map(Answer::Text)),
                )
            }
        }
    }

    pub(super) fn analyze_text(
        &mut self,
        text: &str,
        standard_conforming_strings: bool,
        path: Option<&SearchPath>,
    ) -> Judged<Result<Arc<AnalyzedText>, Refusal>> {
        match self.analyze_now(text, standard_conforming_strings, path) {
            Ok(answer) => Judged::Ready(answer),
            Err(work) => {
                Judged::Pending(self.ticket(text, standard_conforming_strings, path, work))
            }
        }
    }

    /// The analysis, or the work that it has to wait for, which has been started.
    pub(super) fn analyze_now(
        &mut self,
        text: &str,
        standard_conforming_strings: bool,
        path: Option<&SearchPath>,
    ) -> Result<Analyzed, Work> {
        let refreshed = self.refreshed.take().and_then(|outcome| outcome.take());
        if (self.stale_catalog || !self.catalog.is_read()) && self.needs_catalog() {
            // A statement must not be judged by an outdated catalog.
            match refreshed {
                Some(true) => self.stale_catalog = false,
                Some(false) => return Ok(Err(catalog_is_late())),
                None => return Err(self.fresh_catalog()),
            }
        }
        // What the open transaction has done to schemas and tables, the catalog does not show.
        let path = path.filter(|_| !self.reshaped);
        let catalog = self.catalog.current();
        let key = KeyRef {
            // Catalogs are compared by address: two of them never share one while an entry keeps the first alive.
            catalog: Arc::as_ptr(&catalog) as usize,
            standard_conforming_strings,
            template: false,
            paths: Paths::All,
            text,
        };
        if let Some(known) = self.known(key, path) {
            return self.settle(known);
        }
        let template = standard_conforming_strings
            .then(|| gatewright_sql::template(text))
            .flatten();
        let template = match self.alike(key, path, template) {
            Ok(alike) => return self.settle(alike),
            Err(template) => template,
        };
        let outcome = match self.delivery.take(key, path) {
            Some(outcome) => outcome,
            None if text.len() > INLINE_BYTES => {
                return Err(self.analyze_elsewhere(
                    text,
                    standard_conforming_strings,
                    path,
                    catalog,
                ));
            }
            None => {
                let settings = self.settings(standard_conforming_strings);
                analyze(text, &catalog, path, template, settings)
            }
        };
        let analyzed = match outcome {
            Err(error) => return Ok(Err(not_understood(error))),
            Ok(analyzed) => analyzed,
        };
        self.keep(&analyzed);
        self.settle(analyzed)
    }

    /// Keeps an analysis for others that send the text, or one with the same template.
    fn keep(&self, analyzed: &Arc<AnalyzedText>) {
        let key = KeyRef::of(analyzed);
        let key = KeyRef::of_template(analyzed).unwrap_or(key).to_key();
        self.gate.analyses.0.insert(key, Arc::clone(analyzed));
    }

    /// The analysis that holds for any path, or the one for this.
    fn known(&self, key: KeyRef<'_>, path: Option<&SearchPath>) -> Option<Arc<AnalyzedText>> {
        let analyses = &self.gate.analyses.0;
        analyses.get(&key).or_else(|| {
            analyses.get(&KeyRef {
                paths: Paths::One(path),
                ..key
            })
        })
    }

    /// The analysis of a text that differs from a known one only in its constants. Errors: the template, if there is none.
    fn alike(
        &self,
        key: KeyRef<'_>,
        path: Option<&SearchPath>,
        template: Option<Template>,
    ) -> Result<Arc<AnalyzedText>, Option<Template>> {
        let Some(template) = template else {
            return Err(None);
        };
        let key_of_template = KeyRef {
            template: true,
            text: &template.key,
            ..key
        };
        let Some(known) = self.known(key_of_template, path) else {
            return Err(Some(template));
        };
        known.alike(key.text, template).map(Arc::new).ok_or(None)
    }

    /// A relation or function missing from the catalog may just have been created outside the gateway: refreshes the catalog once per
    /// generation, and again after any session has changed something.
    fn settle(&mut self, analyzed: Arc<AnalyzedText>) -> Result<Analyzed, Work> {
        let looked = (analyzed.catalog.generation, self.catalog.changes());
        if self.looked_for != Some(looked) && analyzed.has_unresolved() && self.needs_catalog() {
            self.looked_for = Some(looked);
            let refresh = Arc::clone(&self.catalog).refreshed();
            return Err(Box::pin(async {
                refresh.await;
            }));
        }
        if analyzed.is_narrowed() && !self.catalog.shows_all_changes() {
            return self.settle_narrowed(&analyzed);
        }
        Ok(Ok(analyzed))
    }

    /// The server knows a table that the catalog does not have: the next statement may find it there.
    pub(super) fn look_again(&mut self, catalog: &Catalog) {
        let looked = (catalog.generation, self.catalog.changes());
        if self.looked_for != Some(looked) {
            self.looked_for = Some(looked);
            self.catalog.read_soon();
        }
    }

    /// Another session has changed something that the catalog does not show yet, perhaps what a name means. Waits for a
    /// catalog that shows it; if there is none, the names mean every object again.
    fn settle_narrowed(&mut self, analyzed: &AnalyzedText) -> Result<Analyzed, Work> {
        let changes = self.catalog.changes();
        if self.waited_for != Some(changes) {
            self.waited_for = Some(changes);
            let refresh = Arc::clone(&self.catalog).refreshed();
            return Err(Box::pin(async {
                refresh.await;
            }));
        }
        self.analyze_now(&analyzed.source, analyzed.standard_conforming_strings, None)
    }

    /// The text as it is to be read now: with another path than it was prepared with, the server looks its names up again. `then`: what
    /// follows from it.
    pub(super) fn as_of_now<N>(
        &mut self,
        text: &Arc<AnalyzedText>,
        path: Option<&SearchPath>,
        then: N,
    ) -> Judged<Result<Verdict<Self>, Refusal>>
    where
        N: FnOnce(&mut Self, Analyzed) -> Judged<Result<Verdict<Self>, Refusal>> + 'static,
    {
        let Some(from) = &text.edited else {
            return self.client_as_of_now(text, path, then);
        };
        let (catalog, path) = self.as_known_now(path);
        if is_as_before(text, &catalog, path) {
            return then(self, Ok(Arc::clone(text)));
        }
        let edited = Arc::clone(text);
        self.client_as_of_now(&from.client, path, move |gate, client| match client {
            Ok(client) => gate.edited_anew(&edited, client, Answer::Verdict, then),
            Err(refusal) => then(gate, Err(refusal)),
        })
    }

    /// The same for a text that is the client's own.
    fn client_as_of_now<N>(
        &mut self,
        text: &Arc<AnalyzedText>,
        path: Option<&SearchPath>,
        then: N,
    ) -> Judged<Result<Verdict<Self>, Refusal>>
    where
        N: FnOnce(&mut Self, Analyzed) -> Judged<Result<Verdict<Self>, Refusal>> + 'static,
    {
        let (catalog, path) = self.as_known_now(path);
        if is_as_before(text, &catalog, path) {
            return then(self, Ok(Arc::clone(text)));
        }
        let standard_conforming_strings = text.standard_conforming_strings;
        let key = KeyRef {
            catalog: Arc::as_ptr(&catalog) as usize,
            standard_conforming_strings,
            template: false,
            paths: Paths::All,
            text: &text.source,
        };
        if let Some(known) = self.known(key, path) {
            return then(self, Ok(known));
        }
        let settings = self.settings(standard_conforming_strings);
        let (length, inline) = (text.source.len(), text.source.len() <= INLINE_BYTES);
        let job = {
            let (text, path) = (Arc::clone(text), path.cloned());
            move || analyze(&text.source, &catalog, path.as_ref(), None, settings)
        };
        self.work_out(inline, length, job, Answer::Verdict, |gate, outcome| {
            let analyzed = match outcome {
                Some(outcome) => outcome.map_err(not_understood),
                None => Err(not_analyzed()),
            };
            if let Ok(analyzed) = &analyzed {
                gate.keep(analyzed);
            }
            then(gate, analyzed)
        })
    }

    /// True while the text means what it meant when it was analysed.
    pub(super) fn is_as_before(&self, text: &AnalyzedText, path: Option<&SearchPath>) -> bool {
        if !may_mean_something_else(text) {
            return true;
        }
        let (catalog, path) = self.as_known_now(path);
        is_as_before(text, &catalog, path)
    }

    /// The catalog, and the path if that is certain. Nothing waits here for a newer catalog.
    fn as_known_now<'p>(
        &self,
        path: Option<&'p SearchPath>,
    ) -> (Arc<Catalog>, Option<&'p SearchPath>) {
        let settled = !self.reshaped && !self.stale_catalog && self.catalog.shows_all_changes();
        (self.catalog.current(), path.filter(|_| settled))
    }

    pub(super) fn settings(&self, standard_conforming_strings: bool) -> Settings {
        Settings {
            standard_conforming_strings,
            limits: self.gate.settings.parser,
        }
    }

    fn analyze_elsewhere(
        &mut self,
        text: &str,
        standard_conforming_strings: bool,
        path: Option<&SearchPath>,
        catalog: Arc<Catalog>,
    ) -> Work {
        let settings = self.settings(standard_conforming_strings);
        let text: Arc<str> = text.into();
        let path = path.cloned();
        let delivery = self.delivery.clone();
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            let analysis = {
                let (text, path, catalog) = (Arc::clone(&text), path.clone(), Arc::clone(&catalog));
                move || analyze(&text, &catalog, path.as_ref(), None, settings)
            };
            let outcome = gate.analysts.run(text.len(), analysis).await;
            delivery.put(Delivered {
                outcome: outcome.unwrap_or(Err(AnalyzeError::Unreadable)),
                text,
                standard_conforming_strings,
                path,
                catalog,
            });
        })
    }
}

fn analyze(
    text: &str,
    catalog: &Arc<Catalog>,
    path: Option<&SearchPath>,
    template: Option<Template>,
    settings: Settings,
) -> Outcome {
    let analysis = gatewright_sql::analyze_along(text, catalog, path, &settings)?;
    let analyzed = AnalyzedText::new(
        text,
        analysis,
        Arc::clone(catalog),
        settings.standard_conforming_strings,
        path,
    );
    Ok(Arc::new(analyzed.shared_by(template)))
}

/// True while the text means with this catalog and path what it meant before.
fn is_as_before(text: &AnalyzedText, catalog: &Arc<Catalog>, path: Option<&SearchPath>) -> bool {
    let same = text.path() == path && Arc::ptr_eq(&text.catalog, catalog);
    !may_mean_something_else(text) || same
}

/// True when the text may mean something else with another catalog or path.
fn may_mean_something_else(text: &AnalyzedText) -> bool {
    text.path().is_some() && text.varies()
}

/// The error for a text that cannot be analysed. A syntax error reads like PostgreSQL's own.
fn not_understood(error: AnalyzeError) -> Refusal {
    match error {
        AnalyzeError::Syntax {
            message,
            position,
            sqlstate,
        } => {
            let mut refusal = Refusal::new(sqlstate, message);
            refusal.position = (position > 0).then_some(position);
            refusal.unread = true;
            refusal
        }
        AnalyzeError::Unreadable => not_analyzed(),
        other => Refusal::new("54001", other.to_string())
            .with_hint("Split the statement, or send its values as parameters."),
    }
}

/// The error for a text at which the parser, or what is made of its tree, fails: a defect of the gateway's.
pub(super) fn not_analyzed() -> Refusal {
    Refusal::new("XX000", "the gateway could not analyze the statement")
        .with_hint("Write it in another way, and report this as a bug.")
}

pub(super) fn catalog_is_late() -> Refusal {
    Refusal::new(
        "57P03",
        "the gateway could not read in time what tables and functions the database has, so the statement was not judged",
    )
    .with_hint("Try again; if it stays so, an operator finds the cause in the gateway's log.")
}

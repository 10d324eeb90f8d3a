//! What comes back from work that a session waited for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gatewright_sql::{AnalyzeError, Catalog, SearchPath};

use super::known::KeyRef;
use super::text::AnalyzedText;

pub(super) type Outcome = Result<Arc<AnalyzedText>, AnalyzeError>;

/// Carries the result of an analysis back from its thread.
#[derive(Clone, Default)]
pub(super) struct Delivery(Arc<Mutex<Option<Delivered>>>);

/// The result of an analysis, and what it holds for.
pub(super) struct Delivered {
    pub text: Arc<str>,
    pub standard_conforming_strings: bool,
    pub path: Option<SearchPath>,
    pub catalog: Arc<Catalog>,
    pub outcome: Outcome,
}

impl Delivery {
    /// Takes the result for this text, unless it was made with another setting or an older catalog.
    pub fn take(&self, key: KeyRef<'_>, path: Option<&SearchPath>) -> Option<Outcome> {
        let delivered = self.slot().take()?;
        let holds = *delivered.text == *key.text
            && delivered.standard_conforming_strings == key.standard_conforming_strings
            && delivered.path.as_ref() == path
            && Arc::as_ptr(&delivered.catalog) as usize == key.catalog;
        holds.then_some(delivered.outcome)
    }

    pub fn put(&self, delivered: Delivered) {
        *self.slot() = Some(delivered);
    }

    /// Forgets the result that nobody waits for any longer.
    pub fn clear(&self) {
        self.slot().take();
    }

    fn slot(&self) -> MutexGuard<'_, Option<Delivered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the catalog that a session waited for could be read.
#[derive(Clone, Default)]
pub(super) struct Refreshed(Arc<Mutex<Option<bool>>>);

impl Refreshed {
    pub fn take(&self) -> Option<bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn put(&self, outcome: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}

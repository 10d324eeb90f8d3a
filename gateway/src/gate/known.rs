//! The cache of analysed texts: a text that many sessions send is parsed once.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use gatewright_sql::{Catalog, SearchPath};
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::text::{AnalyzedText, Paths, texts_in};

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub catalog: usize,
    pub standard_conforming_strings: bool,
    /// The text is the key of a template, which no client's text may stand for.
    pub template: bool,
    pub paths: Paths<SearchPath>,
    pub text: Box<str>,
}

#[derive(Clone, Copy)]
pub(super) struct KeyRef<'a> {
    pub catalog: usize,
    pub standard_conforming_strings: bool,
    pub template: bool,
    pub paths: Paths<&'a SearchPath>,
    pub text: &'a str,
}

impl<'a> KeyRef<'a> {
    /// The key of the text as it is.
    pub fn of(text: &'a AnalyzedText) -> Self {
        KeyRef {
            // Catalogs are compared by address: two of them never share one while an entry keeps the first alive.
            catalog: Arc::as_ptr(&text.catalog) as usize,
            standard_conforming_strings: text.standard_conforming_strings,
            template: false,
            paths: text.paths(),
            text: &text.source,
        }
    }

    /// The key that the text shares with those that differ only in constants.
    pub fn of_template(text: &'a AnalyzedText) -> Option<Self> {
        Some(KeyRef {
            template: true,
            text: &text.template.as_ref()?.key,
            ..KeyRef::of(text)
        })
    }

    pub fn to_key(self) -> Key {
        Key {
            catalog: self.catalog,
            standard_conforming_strings: self.standard_conforming_strings,
            template: self.template,
            paths: match self.paths {
                Paths::All => Paths::All,
                Paths::One(path) => Paths::One(path.cloned()),
            },
            text: self.text.into(),
        }
    }
}

impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.catalog.hash(state);
        self.standard_conforming_strings.hash(state);
        self.template.hash(state);
        self.paths.hash(state);
        self.text.hash(state);
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.catalog == key.catalog
            && self.standard_conforming_strings == key.standard_conforming_strings
            && self.template == key.template
            && match (self.paths, &key.paths) {
                (Paths::All, Paths::All) => true,
                (Paths::One(path), Paths::One(other)) => path == other.as_ref(),
                _ => false,
            }
            && *self.text == *key.text
    }
}

#[derive(Clone)]
pub(super) struct ByText;

impl Weighter<Key, Arc<AnalyzedText>> for ByText {
    fn weight(&self, key: &Key, text: &Arc<AnalyzedText>) -> u64 {
        (key.text.len() + text.bytes()) as u64
    }
}

/// The cache of analysed texts.
pub(super) struct Analyses(pub(super) Cache<Key, Arc<AnalyzedText>, ByText>);

impl Analyses {
    /// Removes what was analysed with this catalog, which would be kept in memory with it.
    pub fn forget(&self, catalog: &Arc<Catalog>) {
        self.0
            .retain(|_, text| !Arc::ptr_eq(&text.catalog, catalog));
    }

    pub fn new(bytes: u64) -> Self {
        Analyses(Cache::with_weighter(texts_in(bytes), bytes, ByText))
    }
}

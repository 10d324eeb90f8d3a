//! The text of a file, parsed as TOML, and the errors found in it.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;

use super::keys::Table;
use super::report::{ConfigError, Report};
use super::section::Section;

/// A file being read, and the errors found in it so far.
pub(super) struct Source<'t> {
    file: PathBuf,
    text: &'t str,
    errors: RefCell<Vec<(usize, String)>>,
    /// Stands for tables that are not in the file, whose keys have their defaults.
    pub(super) empty: DeTable<'t>,
}

impl<'t> Source<'t> {
    pub(super) fn new(file: &Path, text: &'t str) -> Self {
        Self {
            file: file.to_owned(),
            text,
            errors: RefCell::default(),
            empty: DeTable::new(),
        }
    }

    /// Parses what can be parsed, so that a syntax error hides no other error.
    pub(super) fn parse(&self) -> Spanned<DeTable<'t>> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            self.error(at, format!("invalid TOML: {}", error.message()));
        }
        document
    }

    pub(super) fn root<'s>(
        &'s self,
        document: &'s Spanned<DeTable<'t>>,
        keys: &'static Table,
    ) -> Section<'s, 't> {
        Section::new(self, String::new(), keys, document.get_ref(), 0)
    }

    pub(super) fn error(&self, at: usize, message: String) {
        self.errors.borrow_mut().push((at, message));
    }

    /// The directory that relative paths are relative to.
    pub(super) fn directory(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }

    /// What was read, unless there were errors.
    pub(super) fn outcome<T>(self, read: T) -> Result<T, Report> {
        let mut errors = self.errors.into_inner();
        if errors.is_empty() {
            return Ok(read);
        }
        errors.sort();
        errors.dedup();
        let errors = errors
            .into_iter()
            .map(|(at, message)| {
                let (line, column) = place(self.text, at);
                ConfigError {
                    file: self.file.clone(),
                    line,
                    column,
                    message,
                }
            })
            .collect();
        Err(Report { errors })
    }
}

fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line..).unwrap_or_default().chars().count();
    (before.matches('\n').count() + 1, column + 1)
}

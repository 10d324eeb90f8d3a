//! From SQL text to facts, by PostgreSQL's own grammar: a pure function of text, catalog and settings. The gate passes
//! the facts to policies.
//!
//! The modules are declared from the bottom up: each uses only those before it. `analyze` must run on a thread with a stack
//! of at least [`STACK_BYTES`].
#![forbid(unsafe_code)]

mod facts;

mod effects;
pub mod render;

mod provenance;
mod rows;

mod body;
mod catalog;

mod size;
mod strings;
mod version;

mod code;
mod copy;
mod equation;
mod operand;
mod plpgsql;
mod risky;

mod masks;
mod search_path;
mod settings;
mod temporary;

mod leftovers;
mod undoable;

mod lineage;
mod walker;

mod definition;
mod unnamed;

mod analysis;

mod builder;

mod guard;
mod tokens;

mod ast;
mod comment;
mod passwords;
mod place;
mod redaction;
mod replacement;
mod returning;
mod template;

mod substitution;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::Serialize;

pub use builder::CatalogBuilder;
pub use catalog::{Catalog, Column, Relation, SearchPath, WrittenType};
pub use copy::query_within;
pub use facts::*;
pub use gatewright_parser::release_memory;
pub use guard::cuts_names_by_encoding;
pub use leftovers::{Residue, SessionUse};
use masks::Masks;
pub use passwords::{WithoutPasswords, carries_password, without_passwords};
pub use redaction::{redacted, redacted_as_parameters};
pub use replacement::{ReplacementError, verify_replacement};
pub use returning::{ReturnedRows, Returning, returning};
pub use substitution::{
    EditContext, Pattern, Settle, SubstituteError, Substituted, analyze_edited, substitute,
};
pub use template::{Template, template};

/// The stack that `analyze` needs: PostgreSQL's own depth limit is reached first.
pub const STACK_BYTES: usize = 128 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub max_bytes: usize,
    pub max_tokens: usize,
    pub max_comment_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 16 << 20,
            max_tokens: 2_000_000,
            max_comment_depth: 64,
        }
    }
}

/// Session settings that change the meaning of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    pub standard_conforming_strings: bool,
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            standard_conforming_strings: true,
            limits: Limits::default(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Analysis {
    /// Empty if the text contains only white space and comments.
    pub statements: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statement {
    /// The byte range of the statement in the text.
    pub span: Range<usize>,
    #[serde(serialize_with = "shared")]
    pub facts: Arc<Facts>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnalyzeError {
    /// `position` counts characters from 1; 0 if the grammar reports none.
    #[error("{message}")]
    Syntax {
        message: String,
        position: u32,
        sqlstate: &'static str,
    },
    #[error("the statement is {bytes} bytes long; the limit is {limit}")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the statement has more than {limit} tokens")]
    TooManyTokens { limit: usize },
    #[error("comments are nested deeper than {limit}")]
    CommentsTooDeep { limit: usize },
    #[error("the statement is nested too deeply")]
    TooDeep,
    #[error("the statement contains a zero byte")]
    ZeroByte,
    #[error("the parse result cannot be read")]
    Unreadable,
}

/// The facts of every statement of a text. Errors: the text is not valid SQL, or exceeds a limit.
pub fn analyze(
    text: &str,
    catalog: &Catalog,
    settings: &Settings,
) -> Result<Analysis, AnalyzeError> {
    analyze_along(text, catalog, None, settings)
}

/// As [`analyze`], for a session with this search path; without one, an unqualified name means every object of that name.
pub fn analyze_along(
    text: &str,
    catalog: &Catalog,
    path: Option<&SearchPath>,
    settings: &Settings,
) -> Result<Analysis, AnalyzeError> {
    // The bindings to the parser panic at a tree that differs from what PostgreSQL's headers say.
    let analyzed = AssertUnwindSafe(|| statements(text, catalog, path, settings));
    catch_unwind(analyzed).unwrap_or(Err(AnalyzeError::Unreadable))
}

fn statements(
    text: &str,
    catalog: &Catalog,
    mut path: Option<&SearchPath>,
    settings: &Settings,
) -> Result<Analysis, AnalyzeError> {
    let standard = settings.standard_conforming_strings;
    guard::check(text, &settings.limits, standard)?;
    let tree = gatewright_parser::parse(text, standard)?;
    let statements = tree.statements().into_iter().map(|statement| {
        let start = statement.start;
        let end = statement
            .length
            .map_or(text.len(), |length| start.saturating_add(length));
        let own = text.get(start..end).ok_or(AnalyzeError::Unreadable)?;
        let mut facts = analysis::facts(own, statement.node, catalog, path, &Masks::default());
        if facts.may_change_names() {
            path = None;
        }
        facts.set_fingerprint(gatewright_parser::fingerprint(statement.node));
        Ok(Statement {
            span: start..end,
            facts: Arc::new(facts),
        })
    });
    let statements = statements.collect::<Result<_, AnalyzeError>>()?;
    Ok(Analysis { statements })
}

impl From<gatewright_parser::Error> for AnalyzeError {
    fn from(error: gatewright_parser::Error) -> Self {
        use gatewright_parser::Error;
        match error {
            Error::Syntax { message, position } => AnalyzeError::Syntax {
                message,
                position,
                sqlstate: "42601",
            },
            Error::TooDeep => AnalyzeError::TooDeep,
            Error::ZeroByte => AnalyzeError::ZeroByte,
            Error::Unreadable => AnalyzeError::Unreadable,
        }
    }
}

fn shared<S: serde::Serializer>(facts: &Arc<Facts>, serializer: S) -> Result<S::Ok, S::Error> {
    facts.as_ref().serialize(serializer)
}

impl Statement {
    fn own<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.span.clone()).unwrap_or_default()
    }

    /// The text with constants replaced by `$n`.
    pub fn normalized(&self, text: &str) -> String {
        gatewright_parser::normalize(self.own(text)).unwrap_or_default()
    }

    /// sqlparser's tree as JSON; `None` if it does not agree with the facts.
    pub fn ast_json(&self, text: &str) -> Option<String> {
        // Policies ask for it at any stack depth, and sqlparser's tree is recursive.
        on_big_stack(|| ast::json(self.own(text)))?
    }

    /// The value of `key` in a sqlcommenter comment.
    pub fn comment_tag(&self, text: &str, key: &str) -> Option<String> {
        comment::tag(text, key)
    }
}

/// Runs `f` on a thread with a stack of [`STACK_BYTES`]. `None` if the thread could not be started or panicked.
pub fn on_big_stack<T: Send>(f: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, f)
            .ok()?;
        thread.join().ok()
    })
}

//! Whether a text may take the place of a statement that a policy rewrote.
//! It refuses to know who wrote it or why: it trusts a replacement no more than it trusts a client.
//! Next room: the gate, which judges the replacement like any statement.

use std::mem::discriminant;

use pg_query::ParserOptions;

use crate::{Analysis, AnalyzeError, Catalog, Settings, Statement, analyze, tree_equality};

/// Why a replacement cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplacementError {
    #[error("the replacement is no valid statement: {0}")]
    Invalid(#[from] AnalyzeError),
    #[error("the replacement holds {0} statements, but it must be one")]
    NotOne(usize),
    #[error("the replacement uses {used} parameters, but the client sends {sent}")]
    Parameters { used: u32, sent: u32 },
    #[error("the replacement cannot be fully understood: {0}")]
    Opaque(String),
    /// A query cannot become a COPY, a cursor or a COMMIT: the client waits for another reply.
    #[error("the replacement does something else to the session than the statement it replaces")]
    SessionEffect,
    #[error("the replacement means different things with standard_conforming_strings on and off")]
    AmbiguousStrings,
    #[error("the replacement cannot be written back from its syntax tree")]
    Unfaithful,
}

/// The analysis of `replacement`, when it may run in place of `original`.
///
/// It may return other columns and touch other relations: policies see it again. Runs where [`analyze`] does.
pub fn verify_replacement(
    original: &Statement,
    replacement: &str,
    catalog: &Catalog,
    settings: &Settings,
) -> Result<Analysis, ReplacementError> {
    let analysis = analyze(replacement, catalog, settings)?;
    let [statement] = analysis.statements.as_slice() else {
        return Err(ReplacementError::NotOne(analysis.statements.len()));
    };
    let (old, new) = (&original.facts, &statement.facts);
    if new.parameter_count > old.parameter_count {
        return Err(ReplacementError::Parameters {
            used: new.parameter_count,
            sent: old.parameter_count,
        });
    }
    if old.opaque.is_empty()
        && let Some(reason) = new.opaque.first()
    {
        return Err(ReplacementError::Opaque(reason.clone()));
    }
    if discriminant(&old.session) != discriminant(&new.session) {
        return Err(ReplacementError::SessionEffect);
    }
    faithful(replacement)?;
    Ok(analysis)
}

/// The tree reads the same under both string settings and survives being written out.
fn faithful(text: &str) -> Result<(), ReplacementError> {
    let Some(tree) = tree_equality::with_either_setting(text) else {
        return Err(ReplacementError::AmbiguousStrings);
    };
    let unfaithful = |_| ReplacementError::Unfaithful;
    let written = pg_query::deparse(&tree, Default::default()).map_err(unfaithful)?;
    let again = pg_query::parse(&written, ParserOptions::DEFAULT).map_err(unfaithful)?;
    if tree_equality::same(&tree, &again.protobuf) {
        Ok(())
    } else {
        Err(ReplacementError::Unfaithful)
    }
}

//! Whether a text may replace a statement that a policy rewrote. A replacement is trusted no more than a client's
//! statement; the gate judges it like any other.

use std::mem::discriminant;

use crate::strings::with_either_setting;
use crate::{Analysis, AnalyzeError, Catalog, SearchPath, Settings, Statement, analyze_along};

/// Why a replacement cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplacementError {
    #[error("the replacement is not a valid statement: {0}")]
    Invalid(#[from] AnalyzeError),
    #[error("the replacement contains {0} statements; exactly one is allowed")]
    NotOne(usize),
    #[error("the replacement uses {used} parameters, but the original statement has {sent}")]
    Parameters { used: u32, sent: u32 },
    #[error("the replacement cannot be fully analysed: {0}")]
    Opaque(String),
    /// A query cannot become a COPY, a cursor or a COMMIT: the client expects another reply.
    #[error("the replacement has a different effect on the session than the original statement")]
    SessionEffect,
    #[error("the replacement depends on standard_conforming_strings")]
    AmbiguousStrings,
}

/// The analysis of `replacement`, if it may run in place of `original`.
///
/// It may return other columns and use other relations; policies judge it again. Needs the stack of [`analyze`].
pub fn verify_replacement(
    original: &Statement,
    replacement: &str,
    catalog: &Catalog,
    path: Option<&SearchPath>,
    settings: &Settings,
) -> Result<Analysis, ReplacementError> {
    let analysis = analyze_along(replacement, catalog, path, settings)?;
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
    if with_either_setting(replacement).is_none() {
        return Err(ReplacementError::AmbiguousStrings);
    }
    Ok(analysis)
}

//! Why a statement cannot be edited.

use crate::AnalyzeError;

/// Converts a text to what the server would print for it as a value of the type; `None` if it is no such value.
pub type Settle<'a> = &'a dyn Fn(u32, &str) -> Option<String>;

/// Why a statement cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubstituteError {
    #[error("{0} is not supported in a statement that is edited")]
    Unsupported(&'static str),
    #[error("it is not certain which relation {0} means")]
    Ambiguous(String),
    #[error("the type of {0} cannot be written in SQL")]
    UnwrittenType(String),
    #[error("the policy's expression for {place} is not allowed: {reason}")]
    Expression { place: String, reason: String },
    /// The edited text does not say what it was meant to say.
    #[error("the edited statement could not be verified")]
    Unverified,
    #[error(transparent)]
    Analyze(#[from] AnalyzeError),
}

pub(super) use SubstituteError::{Unsupported, Unverified};

//! What can go wrong with rows: what the server sent, and what a policy answered.
//! Refuses to hold any value of a row, since these texts reach logs. Next: whoever ends the result.

use gatewright_contract::Denial;

/// The rows from the server cannot be understood, so they cannot be edited and must not be forwarded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResultError {
    #[error("a row from the server has {found} columns where its description has {expected}")]
    ColumnCount { expected: usize, found: usize },
    #[error("a row from the server is malformed: {0}")]
    Malformed(&'static str),
    #[error(
        "a row is longer than the {limit} bytes that may be held for editing; raise the limit or leave its columns unmasked"
    )]
    RowTooLong { limit: usize },
    #[error("COPY data ended in the middle of a row")]
    Truncated,
    #[error("COPY data goes on after its end marker")]
    AfterEnd,
    /// A flush was refused before; its rows are gone.
    #[error("the result has been stopped")]
    Stopped,
}

/// The result ends here. Nothing of the batch that caused it has been written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Stop {
    /// The policy of that step stopped the result, or its call failed.
    #[error("the policy of step {step} stopped the result: {}", denial.code)]
    Denied { step: usize, denial: Denial },
    /// The policy's reply does not fit the batch it was asked about.
    #[error("the policy of step {step} gave a reply that does not fit its batch: {reason}")]
    Illegal { step: usize, reason: &'static str },
    /// The text form of a column in one batch is longer than the limit.
    #[error(
        "the text form of column {column} exceeds the {limit} bytes that may be held for one batch"
    )]
    TooLarge { column: usize, limit: usize },
    /// The editor failed before and gives no more rows.
    #[error(transparent)]
    Rows(#[from] ResultError),
}

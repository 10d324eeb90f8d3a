//! Errors in rows: in what the server sent, and in what a policy answered. The texts reach logs, so they contain no value
//! of a row.

use gatewright_contract::Denial;

/// The server's rows cannot be decoded, so they can be neither edited nor forwarded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResultError {
    #[error("a row from the server has {found} columns, but its description has {expected}")]
    ColumnCount { expected: usize, found: usize },
    #[error("a row from the server is malformed: {0}")]
    Malformed(&'static str),
    #[error(
        "a row exceeds the {limit} bytes that can be held for editing; raise the limit or leave its columns unmasked"
    )]
    RowTooLong { limit: usize },
    #[error(
        "a value has characters that cannot be converted with certainty from or to the encoding of this COPY"
    )]
    Encoding,
    #[error("COPY data ended in the middle of a row")]
    Truncated,
    #[error("COPY data continues after its end marker")]
    AfterEnd,
    /// A previous flush was refused; its rows are gone.
    #[error("the result has been stopped")]
    Stopped,
}

/// The result ends. Nothing of the batch that caused this was written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Stop {
    /// The policy of that step stopped the result, or its call failed.
    #[error("the policy of step {step} stopped the result: {}", denial.code)]
    Denied { step: usize, denial: Denial },
    /// The policy's reply does not fit its batch.
    #[error("the policy of step {step} returned a reply that does not fit its batch: {reason}")]
    Illegal { step: usize, reason: &'static str },
    /// The text form of a column in one batch exceeds the limit.
    #[error(
        "the text form of column {column} exceeds the {limit} bytes that can be held for one batch"
    )]
    TooLarge { column: usize, limit: usize },
    /// The editor failed earlier and returns no more rows.
    #[error(transparent)]
    Rows(#[from] ResultError),
}

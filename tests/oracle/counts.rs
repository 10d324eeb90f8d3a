//! What a run found.

use std::fmt;

/// How often the gateway agrees, and how often it says more than the server does.
#[derive(Debug, Default)]
pub struct Counts {
    pub statements: usize,
    /// The server does not accept them, or not in a function's body.
    pub rejected: usize,
    /// Refused whole, because a part of them is not understood.
    pub opaque: usize,
    pub outputs: usize,
    /// Output columns whose sources the gateway does not know.
    pub unknown: usize,
    /// Output columns with more sources than the server's tree has.
    pub wider: usize,
    /// Columns that the server lists as dependencies and facts do not mention, because nothing reads them.
    pub unmentioned: usize,
    pub uses: usize,
    /// Columns that the gateway reports as used in a telling way, and the server does not.
    pub more_uses: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} statements, {} not accepted by the server, {} opaque; of {} output columns {} are unknown and {} have more sources than needed; \
             {} columns not mentioned; {} uses, {} columns reported as used that are not",
            self.statements,
            self.rejected,
            self.opaque,
            self.outputs,
            self.unknown,
            self.wider,
            self.unmentioned,
            self.uses,
            self.more_uses
        )
    }
}

//! A use of a column other than as output.

use crate::facts::Usage;

/// A use of a column of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Used {
    pub relation: u32,
    pub attnum: i16,
    pub usage: Usage,
    /// It reveals more than whether the column equals one value.
    pub telling: bool,
}

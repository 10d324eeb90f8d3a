//! Columns that the gateway names.

use std::collections::BTreeSet;

use crate::carried::{Column, Columns};

#[derive(Default)]
pub struct Known {
    pub columns: Columns,
    /// Relations of which it may be any column.
    pub whole: BTreeSet<u32>,
}

impl Known {
    pub fn add(&mut self, other: Self) {
        self.columns.extend(other.columns);
        self.whole.extend(other.whole);
    }

    pub fn has(&self, column: Column) -> bool {
        column.1 < 0 || self.columns.contains(&column) || self.whole.contains(&column.0)
    }

    pub fn is_wider_than(&self, wanted: &Columns) -> bool {
        !self.whole.is_empty() || self.columns.iter().any(|column| !wanted.contains(column))
    }
}

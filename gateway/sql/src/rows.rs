//! What the rows of a query carry: each column, and what selected the rows.

use std::sync::Arc;

use crate::facts::Transform;
use crate::provenance::{Column, Provenance};

/// The rows of a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rows {
    /// `None`: neither their number nor their names are known.
    pub columns: Option<Arc<Vec<Column>>>,
    /// What a column can carry if `columns` is `None`.
    pub any: Provenance,
    /// What determined which rows there are.
    pub chosen: Provenance,
}

impl Rows {
    pub fn of(columns: Vec<Column>) -> Self {
        Self {
            columns: Some(Arc::new(columns)),
            any: Provenance::null(),
            chosen: Provenance::constant(),
        }
    }

    pub fn unknown() -> Self {
        Self::open(Provenance::unknown())
    }

    pub fn open(any: Provenance) -> Self {
        Self {
            columns: None,
            any,
            chosen: Provenance::constant(),
        }
    }

    /// Everything that any column carries.
    pub fn all(&self) -> Provenance {
        let mut value = self.any.clone();
        for column in self.columns.iter().flat_map(|columns| columns.iter()) {
            value.or(&column.value);
        }
        value
    }

    /// Everything that any column carries, and what the rows are selected by.
    pub fn everything(&self) -> Provenance {
        let mut value = self.all();
        value.absorb(&self.chosen, Transform::Expression);
        value
    }

    /// Adds this to a value that is made of the rows.
    pub fn make(&self, value: &mut Provenance) {
        value.absorb(&self.all(), Transform::Expression);
        value.absorb(&self.chosen, Transform::Expression);
    }

    /// Whether the rows provably carry nothing of any column and depend on none.
    pub fn is_nothing(&self) -> bool {
        self.any.is_nothing()
            && self.chosen.is_nothing()
            && self
                .columns
                .iter()
                .flat_map(|columns| columns.iter())
                .all(|column| column.value.is_nothing())
    }
}

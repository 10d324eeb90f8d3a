//! The rows that a statement changes, as a table.

use super::visible::Visible;
use crate::approvals::{Change as Statement, Effect, EffectRow};

/// The table, and what is to be said of it.
pub(super) struct Changes {
    pub about: Visible,
    pub columns: Vec<Visible>,
    pub rows: Vec<Vec<Change>>,
}

/// A value, or the one that it was and the one that it becomes.
pub(super) struct Change {
    pub was: Option<Value>,
    pub is: Value,
}

pub(super) struct Value {
    pub is_null: bool,
    pub text: Visible,
}

/// A statement of a transaction that is to be committed.
pub(super) struct Committed {
    pub rows: Option<u64>,
    pub verb: Visible,
    pub tables: Vec<Visible>,
    pub statement: Visible,
}

impl Committed {
    pub fn new(change: &Statement) -> Self {
        Committed {
            rows: change.rows,
            verb: Visible::line(&change.verb),
            tables: change
                .tables
                .iter()
                .map(|table| Visible::line(table))
                .collect(),
            statement: Visible::text(&change.statement),
        }
    }
}

impl Changes {
    pub fn of(effect: &Effect) -> Option<Self> {
        let about = effect.about_rows()?;
        let shown = effect.rows.as_ref();
        let columns = shown.map_or(&[][..], |shown| &shown.columns);
        let rows = shown.map_or(&[][..], |shown| &shown.rows);
        Some(Changes {
            about: Visible::line(&about),
            columns: columns.iter().map(|name| Visible::line(name)).collect(),
            rows: rows.iter().map(changes).collect(),
        })
    }
}

fn changes(row: &EffectRow) -> Vec<Change> {
    match row.sides() {
        (Some(before), Some(after)) => {
            let values = before.iter().zip(after);
            let change = |(was, is): (&Option<String>, &Option<String>)| Change {
                was: (was != is).then(|| value(was)),
                is: value(is),
            };
            values.map(change).collect()
        }
        (Some(values), None) | (None, Some(values)) => {
            let alone = |is| Change {
                was: None,
                is: value(is),
            };
            values.iter().map(alone).collect()
        }
        (None, None) => Vec::new(),
    }
}

fn value(value: &Option<String>) -> Value {
    Value {
        is_null: value.is_none(),
        text: Visible::text(value.as_deref().unwrap_or_default()),
    }
}

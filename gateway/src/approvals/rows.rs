//! Rows that a statement changes, as reviewers see them: the first of them, and of each value the beginning.

use serde::{Deserialize, Serialize};

/// The characters of a value that are shown, at most.
const LONGEST_VALUE: usize = 200;

/// The bytes of all values that are kept with a request, at most.
const MOST_BYTES: usize = 32 << 10;

/// Rows with the same columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectRows {
    pub columns: Vec<String>,
    pub rows: Vec<EffectRow>,
}

/// The values of a row as texts; `None` is NULL.
pub type Values = Vec<Option<String>>;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectRow {
    /// As far as the server returns it.
    Changed {
        /// As it was.
        before: Option<Values>,
        /// As it becomes; `None` for one that is deleted.
        after: Option<Values>,
    },
    /// What the statement itself returns of it.
    Returned(Values),
}

impl EffectRow {
    /// The beginnings of values.
    pub fn cut(values: &[Option<String>]) -> Values {
        let cut = |value: &String| match value.char_indices().nth(LONGEST_VALUE) {
            Some((at, _)) => format!("{}…", value.get(..at).unwrap_or_default()),
            None => value.clone(),
        };
        values.iter().map(|value| value.as_ref().map(cut)).collect()
    }

    /// As it was, and as it becomes.
    pub fn sides(&self) -> (Option<&Values>, Option<&Values>) {
        match self {
            EffectRow::Changed { before, after } => (before.as_ref(), after.as_ref()),
            EffectRow::Returned(values) => (None, Some(values)),
        }
    }

    fn bytes(&self) -> usize {
        let (before, after) = self.sides();
        let values = before.into_iter().chain(after).flatten();
        values
            .map(|value| 8 + value.as_ref().map_or(0, String::len))
            .sum()
    }
}

impl EffectRows {
    /// As many of the rows as a request keeps.
    pub fn new(columns: &[String], rows: impl Iterator<Item = EffectRow>) -> Self {
        let mut left = MOST_BYTES;
        let fits = |row: &EffectRow| {
            let fits = row.bytes() <= left;
            left = left.saturating_sub(row.bytes());
            fits
        };
        EffectRows {
            columns: columns.to_vec(),
            rows: rows.take_while(fits).collect(),
        }
    }

    /// What is to be said of them, where the statement changes so many.
    pub fn about(&self, all: u64) -> String {
        let count = self.rows.len() as u64;
        let which = match self.rows.first() {
            Some(EffectRow::Returned(_)) => ", as the statement returns them",
            Some(EffectRow::Changed { before: None, .. }) => {
                ", as they become: before PostgreSQL 18 the server does not return what they were"
            }
            Some(EffectRow::Changed { .. }) | None => "",
        };
        let some = match count {
            _ if count == all => format!("All {count} rows"),
            1 => format!("1 of {all} rows"),
            _ => format!("{count} of {all} rows"),
        };
        format!("{some}, with the values that the requester may see{which}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: &str) -> EffectRow {
        EffectRow::Changed {
            before: Some(EffectRow::cut(&[Some(value.to_owned()), None])),
            after: None,
        }
    }

    #[test]
    fn long_values_and_many_rows_are_cut() {
        let columns = ["a".to_owned(), "b".to_owned()];
        let long = "ä".repeat(LONGEST_VALUE + 1);
        let shown = EffectRows::new(&columns, std::iter::once(row(&long)));
        let (before, after) = shown.rows[0].sides();
        let value = before.expect("a row that goes")[0].as_deref();
        let expected = format!("{}…", "ä".repeat(LONGEST_VALUE));
        assert_eq!((value, after), (Some(expected.as_str()), None));
        let shown = EffectRows::new(&columns, (0..1000).map(|_| row(&long)));
        let bytes: usize = shown.rows.iter().map(EffectRow::bytes).sum();
        assert!(bytes <= MOST_BYTES && shown.rows.len() > 50);
        assert!(
            shown
                .about(1000)
                .starts_with(&format!("{} of 1000 rows", shown.rows.len()))
        );
    }

    #[test]
    fn it_is_said_what_is_shown() {
        let of = |row: EffectRow| EffectRows::new(&[], std::iter::once(row)).about(1);
        let values = "All 1 rows, with the values that the requester may see";
        assert_eq!(of(row("x")), format!("{values}."));
        assert!(of(EffectRow::Returned(vec![])).ends_with("as the statement returns them."));
        let new = EffectRow::Changed {
            before: None,
            after: Some(vec![]),
        };
        assert!(of(new).contains("before PostgreSQL 18"));
    }
}

//! Names as in SQL: parts separated by dots, folded to lower case unless in double quotes.

use std::fmt;

pub use crate::names::Names;

use serde::{Deserialize, Deserializer, de};

/// PostgreSQL's NAMEDATALEN minus one. The server truncates longer names, and so does this module.
const LONGEST: usize = 63;

/// A relation or function: `name`, `schema.name` or `database.schema.name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Qualified {
    database: Option<String>,
    schema: Option<String>,
    name: String,
}

/// A column of a relation: `schema.table.column` or `database.schema.table.column`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Column {
    /// The relation that holds it.
    pub table: Qualified,
    /// Its name.
    pub column: String,
}

/// Why a string is not a valid name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A part before, between or after the dots is empty.
    #[error("{0}: part of the name is empty")]
    Empty(String),
    /// A double quote is not closed.
    #[error("{0}: a double quote is not closed")]
    Unclosed(String),
    /// A character that is valid only in a quoted name.
    #[error("{text}: a name containing {character:?} must be double-quoted")]
    NeedsQuotes {
        /// The whole string.
        text: String,
        /// The first such character.
        character: char,
    },
    /// Too few or too many parts.
    #[error("{text}: expected {expected}")]
    Parts {
        /// The whole string.
        text: String,
        /// The accepted forms.
        expected: &'static str,
    },
}

/// Allows `?` in [`Policy::new`](crate::Policy::new).
impl From<NameError> for String {
    fn from(error: NameError) -> Self {
        error.to_string()
    }
}

impl Qualified {
    /// Parses a name of one to three parts.
    ///
    /// # Errors
    /// When the string is not a valid SQL name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        Self::of(parts(text)?).ok_or_else(|| NameError::Parts {
            text: text.to_owned(),
            expected: "name, schema.name or database.schema.name",
        })
    }

    /// The database, if named.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// The schema, if named.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The unqualified name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn of(mut parts: Vec<String>) -> Option<Self> {
        let name = parts.pop()?;
        let schema = parts.pop();
        let database = parts.pop();
        parts.is_empty().then_some(Self {
            database,
            schema,
            name,
        })
    }
}

impl Column {
    /// Parses a column name of three or four parts.
    ///
    /// # Errors
    /// When the string is not a valid SQL name, or lacks the schema or table.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let wrong = || NameError::Parts {
            text: text.to_owned(),
            expected: "schema.table.column or database.schema.table.column",
        };
        let mut parts = parts(text)?;
        if parts.len() < 3 {
            return Err(wrong());
        }
        let column = parts.pop().ok_or_else(wrong)?;
        let table = Qualified::of(parts).ok_or_else(wrong)?;
        Ok(Self { table, column })
    }
}

impl fmt::Display for Qualified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.database().unwrap_or_default(),
            self.schema().unwrap_or_default(),
            self.name(),
        ];
        f.write_str(&join(parts))
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.table, quote(&self.column))
    }
}

impl<'de> Deserialize<'de> for Qualified {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Joins the non-empty parts with dots, quoted as in SQL.
pub fn join<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(quote)
        .collect();
    parts.join(".")
}

/// Double-quotes a name if SQL would otherwise fold or split it.
pub fn quote(name: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit() || c == '$' || !c.is_ascii()
    };
    let starts_well = name.starts_with(|c: char| !c.is_ascii_digit() && c != '$');
    if starts_well && name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

fn parts(text: &str) -> Result<Vec<String>, NameError> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_part(text, quoted)?,
            None => plain_part(text, rest)?,
        };
        if part.is_empty() {
            return Err(NameError::Empty(text.to_owned()));
        }
        found.push(cut(part));
        match after.chars().next() {
            None => return Ok(found),
            Some('.') => rest = &after[1..],
            Some(character) => {
                return Err(NameError::NeedsQuotes {
                    text: text.to_owned(),
                    character,
                });
            }
        }
    }
}

fn quoted_part<'a>(text: &str, mut rest: &'a str) -> Result<(String, &'a str), NameError> {
    let mut part = String::new();
    loop {
        let (before, after) = rest
            .split_once('"')
            .ok_or_else(|| NameError::Unclosed(text.to_owned()))?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                part.push('"');
                rest = more;
            }
            None => return Ok((part, after)),
        }
    }
}

fn plain_part<'a>(text: &str, rest: &'a str) -> Result<(String, &'a str), NameError> {
    let end = rest.find('.').unwrap_or(rest.len());
    let (part, after) = rest.split_at(end);
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
    let first_is_wrong = part
        .chars()
        .next()
        .filter(|c| c.is_ascii_digit() || *c == '$');
    match first_is_wrong.or_else(|| part.chars().find(|c| !legal(*c))) {
        Some(character) => Err(NameError::NeedsQuotes {
            text: text.to_owned(),
            character,
        }),
        // PostgreSQL folds only ASCII letters in a UTF-8 database.
        None => Ok((part.to_ascii_lowercase(), after)),
    }
}

fn cut(mut part: String) -> String {
    part.truncate(part.floor_char_boundary(LONGEST));
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_as_sql() -> Result<(), NameError> {
        let name = Qualified::parse("Shop.\"Odd.Na\"\"me\"")?;
        assert_eq!(
            (name.database(), name.schema(), name.name()),
            (None, Some("shop"), "Odd.Na\"me")
        );
        assert_eq!(name.to_string(), "shop.\"Odd.Na\"\"me\"");
        let column = Column::parse("Main.public.Customers.E_Mail")?;
        assert_eq!(column.table.database(), Some("main"));
        assert_eq!(column.to_string(), "main.public.customers.e_mail");
        assert_eq!(Qualified::parse("ÄPFEL")?.name(), "Äpfel");
        Ok(())
    }

    #[test]
    fn long_names_are_truncated_as_by_the_server() -> Result<(), NameError> {
        assert_eq!(Qualified::parse(&"a".repeat(70))?.name().len(), 63);
        assert_eq!(Qualified::parse(&"ä".repeat(40))?.name().len(), 62);
        Ok(())
    }

    #[test]
    fn an_invalid_name_is_an_error() {
        assert!(matches!(Qualified::parse("a..b"), Err(NameError::Empty(_))));
        assert!(matches!(Qualified::parse(""), Err(NameError::Empty(_))));
        assert!(matches!(
            Qualified::parse("\"a"),
            Err(NameError::Unclosed(_))
        ));
        assert!(matches!(
            Qualified::parse("my-table"),
            Err(NameError::NeedsQuotes { character: '-', .. })
        ));
        assert!(matches!(
            Qualified::parse("\"a\"b"),
            Err(NameError::NeedsQuotes { character: 'b', .. })
        ));
        assert!(matches!(
            Qualified::parse("a.b.c.d"),
            Err(NameError::Parts { .. })
        ));
        assert!(matches!(Column::parse("a.b"), Err(NameError::Parts { .. })));
        assert!(matches!(
            Column::parse("a.b.c.d.e"),
            Err(NameError::Parts { .. })
        ));
    }
}

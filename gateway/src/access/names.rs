//! Tables as people write them.

use std::str::FromStr;

use thiserror::Error;

/// A table, or all of a schema, as `schema.name` or `schema.*`. A part is folded to lower case unless it is in double quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    pub schema: String,
    /// `None`: all of the schema.
    pub name: Option<String>,
}

/// A text that names no table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TableNameError {
    #[error("write the schema too, as in public.orders")]
    NoSchema,
    #[error("a table is schema.name, or schema.* for all of a schema")]
    Parts,
    #[error("a name with other characters than letters, digits, _ and $ must be double-quoted")]
    NeedsQuotes,
    #[error("a double quote is not closed")]
    Unclosed,
}

impl FromStr for TableName {
    type Err = TableNameError;

    fn from_str(text: &str) -> Result<Self, TableNameError> {
        let (schema, rest) = part(text)?;
        let rest = rest.strip_prefix('.').ok_or(TableNameError::NoSchema)?;
        if rest == "*" {
            return Ok(TableName { schema, name: None });
        }
        match part(rest)? {
            (name, "") => Ok(TableName {
                schema,
                name: Some(name),
            }),
            _ => Err(TableNameError::Parts),
        }
    }
}

/// The name at the beginning, and what follows it.
fn part(text: &str) -> Result<(String, &str), TableNameError> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find('.').unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let is_plain =
            |character: char| character.is_alphanumeric() || character == '_' || character == '$';
        return match name.is_empty() || !name.chars().all(is_plain) {
            true => Err(TableNameError::NeedsQuotes),
            false => Ok((name.to_ascii_lowercase(), rest)),
        };
    };
    let mut name = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character != '"' {
            name.push(character);
        } else if characters.next_if(|(_, next)| *next == '"').is_some() {
            name.push('"');
        } else if name.is_empty() {
            return Err(TableNameError::NeedsQuotes);
        } else {
            return Ok((name, quoted.get(at + 1..).unwrap_or_default()));
        }
    }
    Err(TableNameError::Unclosed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_in_sql() {
        for (text, schema, name) in [
            ("public.orders", "public", Some("orders")),
            ("Public.ORDERS", "public", Some("orders")),
            ("crm.*", "crm", None),
            ("\"My Schema\".\"a.\"\"b\"", "My Schema", Some("a.\"b")),
            ("\"*\".x", "*", Some("x")),
        ] {
            let read: TableName = text.parse().expect(text);
            assert_eq!((read.schema.as_str(), read.name.as_deref()), (schema, name));
        }
        for wrong in [
            "orders", "", ".", "a.", ".a", "a.b.c", "a b.c", "\"a.b", "\"\".a", "a.\"b\"c", "a.*x",
        ] {
            assert!(wrong.parse::<TableName>().is_err(), "{wrong}");
        }
    }
}

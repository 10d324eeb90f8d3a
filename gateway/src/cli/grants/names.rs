//! Tables as they are written on the command line.

use anyhow::{Result, bail, ensure};

/// A table, or all of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub schema: String,
    /// `None`: all of the schema.
    pub name: Option<String>,
}

/// Reads `schema.name` or `schema.*`, where a part is folded to lower case unless it is in double quotes.
pub(super) fn table(text: &str) -> Result<Table> {
    let (schema, rest) = part(text)?;
    let Some(rest) = rest.strip_prefix('.') else {
        bail!("{text}: write the schema too, as in public.orders");
    };
    if rest == "*" {
        return Ok(Table { schema, name: None });
    }
    let (name, rest) = part(rest)?;
    ensure!(rest.is_empty(), "{text}: a table is schema.name");
    Ok(Table {
        schema,
        name: Some(name),
    })
}

/// The name at the beginning, and what follows it.
fn part(text: &str) -> Result<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find('.').unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let is_plain =
            |character: char| character.is_alphanumeric() || character == '_' || character == '$';
        ensure!(
            !name.is_empty() && name.chars().all(is_plain),
            "{name:?} must be double-quoted to be a name"
        );
        return Ok((name.to_ascii_lowercase(), rest));
    };
    let mut name = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character != '"' {
            name.push(character);
        } else if characters.next_if(|(_, next)| *next == '"').is_some() {
            name.push('"');
        } else {
            ensure!(!name.is_empty(), "a name is empty");
            return Ok((name, quoted.get(at + 1..).unwrap_or_default()));
        }
    }
    bail!("a double quote is not closed")
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
            let read = table(text).expect(text);
            assert_eq!((read.schema.as_str(), read.name.as_deref()), (schema, name));
        }
        for wrong in [
            "orders", "", ".", "a.", ".a", "a.b.c", "a b.c", "\"a.b", "\"\".a", "a.\"b\"c", "a.*x",
        ] {
            assert!(table(wrong).is_err(), "{wrong}");
        }
    }
}

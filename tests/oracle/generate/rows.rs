//! Rows as values, and their fields.

use super::expression::{Name, Value};
use super::world::Kind;
use super::{Column, Generator, Scopes, quoted};

impl Generator {
    /// `(ROW(...)).f2`, with stars in the row.
    pub fn field_of_a_row(&mut self, scopes: &Scopes, a: &Value) -> Value {
        let mut parts = vec![a.text.clone()];
        let mut texts = vec![true];
        if let Some((row, fields)) = self.row_column(scopes) {
            parts.push(format!("({row}).*"));
            texts.extend(fields.iter().map(|column| column.kind == Kind::Text));
        } else if let Some(item) = self.visible(scopes) {
            parts.push(format!("{}.*", item.reference()));
            texts.extend(item.columns.iter().map(|column| column.kind == Kind::Text));
        }
        parts.push(self.column(scopes).text);
        texts.push(true);
        let at = self.random.below(texts.len());
        let field = format!("f{}", at + 1);
        let text = format!("(ROW({})).{field}", parts.join(", "));
        let text = if texts[at] {
            text
        } else {
            format!("{text}::text")
        };
        Value::strong(text, &field)
    }

    /// A field of a row that was an array element, a subquery or a CASE.
    pub fn of_a_nested_row(&mut self, scopes: &Scopes, otherwise: Value) -> Value {
        let Some(item) = self.visible(scopes) else {
            return otherwise;
        };
        let texts: Vec<&Column> = item
            .columns
            .iter()
            .filter(|column| column.kind == Kind::Text)
            .collect();
        if texts.is_empty() {
            return otherwise;
        }
        let name = texts[self.random.below(texts.len())].name.clone();
        let (row, field) = (quoted(&item.alias), quoted(&name));
        let text = match self.random.below(4) {
            0 => format!("((ARRAY[{row}])[1]).{field}"),
            1 => format!("(SELECT {row}).{field}"),
            2 => format!(
                "(CASE WHEN {} = 'x' THEN {row} END).{field}",
                otherwise.text
            ),
            _ => format!("(coalesce({row}, {row})).{field}"),
        };
        Value::strong(text, &name)
    }

    /// A whole row in one of its spellings, or a part of one.
    pub fn of_a_row(&mut self, scopes: &Scopes, otherwise: Value) -> Value {
        let Some(item) = self.visible(scopes) else {
            return otherwise;
        };
        let row = quoted(&item.alias);
        let texts: Vec<&Column> = item
            .columns
            .iter()
            .filter(|column| column.kind == Kind::Text)
            .collect();
        if texts.is_empty() {
            return otherwise;
        }
        let name = texts[self.random.below(texts.len())].name.clone();
        let field = quoted(&name);
        match self.random.below(7) {
            0 => Value::named_by_type(
                format!("{row}::text"),
                Name::Strong(item.alias.clone()),
                "text",
            ),
            1 => Value::strong(format!("({row}).{field}"), &name),
            2 => Value::strong(format!("{field}({row})"), &name),
            3 => Value::nameless(format!("(to_jsonb({row}) ->> 'email')")),
            4 => Value::strong(format!("concat({row}.*, {})", otherwise.text), "concat"),
            5 if !self.own_tables && (item.alias == "customers" || self.random.one_in(3)) => {
                Value::strong(format!("{row}.initcap"), "initcap")
            }
            _ => Value::strong(format!("(({row}.*)).{field}"), &name),
        }
    }

    pub fn rows_compared(&mut self, scopes: &Scopes) -> String {
        let (one, other) = (self.visible(scopes), self.visible(scopes));
        match (one, other) {
            (Some(one), Some(other)) => match self.random.below(3) {
                0 => format!("ROW({}.*) = ROW({}.*)", one.reference(), other.reference()),
                1 => format!("{} IS NOT NULL", quoted(&one.alias)),
                _ => format!("{} = {}", quoted(&one.alias), quoted(&other.alias)),
            },
            _ => "true".to_owned(),
        }
    }
}

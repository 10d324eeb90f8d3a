//! The settings of mask-columns, and the rules made from them.

use std::collections::BTreeSet;
use std::fmt;

use gatewright_policy::name::{self, Column, Qualified};
use gatewright_policy::{ColumnAction, ColumnReplacement, ColumnSource, Edit, ReplacementValue};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The policy's section of the configuration. README.md documents each key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    #[serde(default)]
    columns: Vec<Entry>,
    #[serde(default)]
    default_method: Method,
    #[serde(default)]
    pub exempt_groups: BTreeSet<String>,
    #[serde(default)]
    pub explain: Choice,
    #[serde(default)]
    pub opaque: Choice,
    #[serde(default)]
    pub trusted_functions: Vec<String>,
    #[serde(default)]
    pub predicates: Choice,
    #[serde(default = "allowed")]
    pub equality: Choice,
    #[serde(default = "one")]
    look_ups: u32,
    #[serde(default, rename = "where")]
    place: Place,
    #[serde(default)]
    pub notifications: Choice,
    #[serde(default)]
    channels: Vec<String>,
}

fn one() -> u32 {
    1
}

fn allowed() -> Choice {
    Choice::Allow
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    Allow,
    #[default]
    Refuse,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Method {
    #[default]
    Redact,
    Partial,
    Null,
    Hash,
    Email,
}

/// Where a column is masked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    /// In the statement, before the server runs it.
    #[default]
    Query,
    /// In the result.
    Result,
}

#[derive(Debug)]
enum Entry {
    Name(String),
    Full(Box<Full>),
}

/// Written by hand: the error of an untagged enum does not name the invalid key.
impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntryVisitor;

        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = Entry;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(
                    "a name such as \"schema.table.column\" or a table with `column` and `method`",
                )
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Entry, E> {
                Ok(Entry::Name(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
                let full = Full::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Entry::Full(Box::new(full)))
            }
        }

        deserializer.deserialize_any(EntryVisitor)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Full {
    column: String,
    method: Option<Method>,
    first: Option<u32>,
    last: Option<u32>,
    fill: Option<char>,
    text: Option<String>,
    #[serde(rename = "where")]
    place: Option<Place>,
}

/// A protected column and its mask.
#[derive(Debug)]
pub struct Rule {
    column: Column,
    pub mask: ColumnAction,
    /// How the statement is edited so that it reads the mask; `None` if the column is masked in the result.
    pub edit: Option<Edit>,
}

impl Settings {
    /// Whether clients may get notifications of the channel.
    pub fn lets_hear(&self, channel: &str) -> bool {
        self.notifications == Choice::Allow || self.channels.iter().any(|listed| listed == channel)
    }

    /// Checks the entries and converts them to rules. The error names the setting.
    pub fn rules(&self) -> Result<Vec<Rule>, String> {
        for (index, function) in self.trusted_functions.iter().enumerate() {
            if !function.contains('.') {
                return Err(format!(
                    "setting trusted_functions[{index}]: write \"schema.function\" instead of \"{function}\""
                ));
            }
        }
        let mut rules: Vec<Rule> = Vec::with_capacity(self.columns.len());
        let mut listed = BTreeSet::new();
        for (index, entry) in self.columns.iter().enumerate() {
            let rule = self
                .rule(entry)
                .map_err(|reason| format!("setting columns[{index}]: {reason}"))?;
            if !listed.insert(rule.column.clone()) {
                return Err(format!(
                    "setting columns[{index}]: {} is listed twice",
                    rule.column
                ));
            }
            rules.push(rule);
        }
        Ok(rules)
    }

    fn rule(&self, entry: &Entry) -> Result<Rule, String> {
        let bare;
        let full = match entry {
            Entry::Full(full) => full,
            Entry::Name(column) => {
                bare = Full {
                    column: column.clone(),
                    method: None,
                    first: None,
                    last: None,
                    fill: None,
                    text: None,
                    place: None,
                };
                &bare
            }
        };
        let column = Column::parse(&full.column).map_err(|error| error.to_string())?;
        let method = full.method.unwrap_or(self.default_method);
        full.check(method)?;
        let mask = match method {
            Method::Redact => {
                ColumnAction::Fixed(full.text.clone().unwrap_or_else(|| "***".to_owned()))
            }
            Method::Partial => ColumnAction::partial(
                full.first.unwrap_or(0),
                full.last.unwrap_or(0),
                full.fill.unwrap_or('*'),
            ),
            Method::Null => ColumnAction::Nullify,
            Method::Hash => ColumnAction::Pseudonym(name::join([
                column.table.schema().unwrap_or_default(),
                column.table.name(),
                &column.column,
            ])),
            Method::Email => ColumnAction::inspect(crate::email::LABEL),
        };
        let edit = self.edit(full, &mask, &column)?;
        Ok(Rule { column, mask, edit })
    }

    fn edit(
        &self,
        full: &Full,
        mask: &ColumnAction,
        column: &Column,
    ) -> Result<Option<Edit>, String> {
        if full.place.unwrap_or(self.place) == Place::Result {
            return Ok(None);
        }
        let value = match mask {
            ColumnAction::Fixed(text) => ReplacementValue::Fixed(text.clone()),
            ColumnAction::Partial(partial) => ReplacementValue::Partial(*partial),
            ColumnAction::Nullify => ReplacementValue::Nullify,
            ColumnAction::Inspect(_) => ReplacementValue::Text(crate::email::sql()),
            // The key of the hash never leaves the gateway.
            ColumnAction::Pseudonym(_) if full.place.is_some() => {
                return Err("method = \"hash\" requires where = \"result\"".to_owned());
            }
            ColumnAction::Pseudonym(_) | ColumnAction::Pass | ColumnAction::Observe(_) => {
                return Ok(None);
            }
        };
        Ok(Some(Edit::ReplaceColumn(ColumnReplacement {
            schema: column.table.schema().unwrap_or_default().to_owned(),
            table: column.table.name().to_owned(),
            column: column.column.clone(),
            value,
            look_ups: match self.equality {
                Choice::Allow => self.look_ups,
                Choice::Refuse => 0,
            },
        })))
    }
}

impl Full {
    fn check(&self, method: Method) -> Result<(), String> {
        let partial = self.first.is_some() || self.last.is_some() || self.fill.is_some();
        if partial && method != Method::Partial {
            return Err("first, last and fill require method = \"partial\"".to_owned());
        }
        if self.text.is_some() && method != Method::Redact {
            return Err("text requires method = \"redact\"".to_owned());
        }
        Ok(())
    }
}

impl Rule {
    pub fn table(&self) -> &Qualified {
        &self.column.table
    }

    pub fn column(&self) -> &str {
        &self.column.column
    }

    /// The qualified name of the column, quoted as in SQL.
    pub fn display(&self) -> String {
        name::join([
            self.table().schema().unwrap_or_default(),
            self.table().name(),
            self.column(),
        ])
    }

    /// Whether values from the source may be values of this column.
    pub fn feeds(&self, source: &ColumnSource) -> bool {
        self.is_table_of(source) && (source.column == self.column() || source.column == "*")
    }

    /// Whether the source is the whole row of this column's table.
    pub fn is_in_row(&self, source: &ColumnSource) -> bool {
        self.is_table_of(source) && source.column == "*"
    }

    /// Whether the source is a column of this column's table.
    pub fn is_table_of(&self, source: &ColumnSource) -> bool {
        source.table == self.table().name()
            && (source.schema.is_empty() || self.table().schema() == Some(source.schema.as_str()))
    }
}

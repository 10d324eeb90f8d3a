//! One table of the file: reads the values of its keys as they are defined, and reports what is wrong with them.

use std::cell::RefCell;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{Absent, Key, Kind, OPEN, Table};
use super::source::Source;

/// A table of the file, or the defaults of a table that the file does not have.
pub(super) struct Section<'s, 't> {
    pub(super) source: &'s Source<'t>,
    /// As in the file, such as `listen.tls`; empty for the whole file.
    name: String,
    keys: &'static Table,
    table: &'s DeTable<'t>,
    at: usize,
    /// Keys that were asked for.
    asked: RefCell<Vec<&'static str>>,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) at: usize,
}

pub(super) type Value<'s, 't> = &'s Spanned<DeValue<'t>>;

/// Stands for a key that nobody defined, which tests report.
static UNDEFINED: Key = Key {
    name: "",
    kind: Kind::Open,
    absent: Absent::Means(""),
    meaning: "",
};

impl<'s, 't> Section<'s, 't> {
    pub(super) fn new(
        source: &'s Source<'t>,
        name: String,
        keys: &'static Table,
        table: &'s DeTable<'t>,
        at: usize,
    ) -> Self {
        Self {
            source,
            name,
            keys,
            table,
            at,
            asked: RefCell::default(),
        }
    }

    pub(super) fn error(&self, at: usize, message: impl Into<String>) {
        self.source.error(at, message.into());
    }

    /// An error of the table as a whole, such as a missing key.
    pub(super) fn error_here(&self, message: impl Into<String>) {
        self.error(self.at, message);
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (At<&'s str>, Value<'s, 't>)> {
        self.table.iter().map(|(key, value)| {
            let at = key.span().start;
            let value_of_key = key.get_ref().as_ref();
            (
                At {
                    value: value_of_key,
                    at,
                },
                value,
            )
        })
    }

    /// Whether the key is in the file, whatever it holds.
    pub(super) fn has(&self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    /// The value of a key in the file.
    pub(super) fn value(&self, key: &'static str) -> Option<Value<'s, 't>> {
        self.asked.borrow_mut().push(key);
        self.table.get(key)
    }

    pub(super) fn key(&self, name: &'static str) -> &'static Key {
        let key = self.keys.key(name);
        debug_assert!(key.is_some(), "{} defines no `{name}`", self.keys.heading);
        key.unwrap_or(&UNDEFINED)
    }

    /// The value of a key as `convert` reads it, which says what it expected when it cannot. Without a valid value in
    /// the file, the default; `None` where there is no default.
    pub(super) fn read<T>(
        &self,
        name: &'static str,
        convert: impl Fn(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<At<T>> {
        if let Some(value) = self.value(name) {
            let at = value.span().start;
            match convert(value.get_ref()) {
                Ok(value) => return Some(At { value, at }),
                Err(expected) => {
                    let found = found(name, value.get_ref());
                    self.error(at, format!("`{name}` must be {expected}, not {found}"));
                }
            }
        }
        let default = self.default(name)?;
        let value = convert(default.get_ref()).ok()?;
        Some(At { value, at: self.at })
    }

    pub(super) fn default(&self, name: &'static str) -> Option<Spanned<DeValue<'static>>> {
        match self.key(name).absent {
            Absent::Default(value) if !self.keys.inherits => {
                let default = DeValue::parse(value);
                debug_assert!(default.is_ok(), "the default of `{name}` is TOML");
                default.ok()
            }
            _ => None,
        }
    }

    /// Reports a required key that is not there.
    pub(super) fn require(&self, name: &'static str) {
        if !self.has(name) {
            let Key { kind, meaning, .. } = self.key(name);
            self.error_here(format!(
                "{} requires `{name}` ({}): {meaning}",
                self.title(),
                kind.description()
            ));
        }
    }

    /// The table under a key.
    pub(super) fn section(&self, key: &'static str) -> Option<Section<'s, 't>> {
        let keys = match self.key(key).kind {
            Kind::Table(keys) => keys,
            _ => &OPEN,
        };
        let value = self.value(key)?;
        self.table_of(key, value, keys)
    }

    /// As [`Section::section`]; without the table in the file, one that has all defaults.
    pub(super) fn section_or_defaults(&self, key: &'static str) -> Section<'s, 't> {
        let Kind::Table(keys) = self.key(key).kind else {
            debug_assert!(false, "`{key}` is no table with keys");
            return Section::new(self.source, key.to_owned(), &OPEN, &self.source.empty, 0);
        };
        self.section(key).unwrap_or_else(|| {
            Section::new(
                self.source,
                self.name_of(key),
                keys,
                &self.source.empty,
                self.at,
            )
        })
    }

    /// The tables under `[[key]]`, in the file's order.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'s, 't>> {
        let Kind::Tables(keys) = self.key(key).kind else {
            debug_assert!(false, "`{key}` is not several tables");
            return Vec::new();
        };
        match self.value(key).map(|value| (value, value.get_ref())) {
            None => Vec::new(),
            Some((_, DeValue::Array(items))) => items
                .iter()
                .filter_map(|item| self.table_of(key, item, keys))
                .collect(),
            Some((value, _)) => {
                let message =
                    format!("there can be several of these: write [[{key}]], with two brackets");
                self.error(value.span().start, message);
                Vec::new()
            }
        }
    }

    /// The tables under `[key.NAME]`, by name.
    pub(super) fn named(&self, key: &'static str) -> Vec<(At<&'s str>, Section<'s, 't>)> {
        let Kind::Named(keys) = self.key(key).kind else {
            debug_assert!(false, "`{key}` is not tables with names");
            return Vec::new();
        };
        let Some(all) = self.section(key) else {
            return Vec::new();
        };
        all.entries()
            .filter_map(|(name, value)| {
                let section = all.table_of(name.value, value, keys)?;
                Some((name, section))
            })
            .collect()
    }

    pub(super) fn table_of(
        &self,
        key: &str,
        value: Value<'s, 't>,
        keys: &'static Table,
    ) -> Option<Section<'s, 't>> {
        let at = value.span().start;
        match value.get_ref() {
            DeValue::Table(table) => Some(Section::new(
                self.source,
                self.name_of(key),
                keys,
                table,
                at,
            )),
            other => {
                let found = found(key, other);
                self.error(at, format!("`{key}` must be a table, not {found}"));
                None
            }
        }
    }

    fn name_of(&self, key: &str) -> String {
        match self.name.as_str() {
            "" => key.to_owned(),
            parent => format!("{parent}.{key}"),
        }
    }

    /// Reports every key that is not defined, and names the one that may have been meant.
    pub(super) fn finish(self) {
        let known = || self.keys.all_keys().map(|key| key.name);
        for name in known() {
            debug_assert!(
                self.asked.borrow().contains(&name),
                "{} defines `{name}`, which nothing reads",
                self.keys.heading
            );
        }
        for (key, _) in self.entries() {
            if known().any(|name| name == key.value) {
                continue;
            }
            let advice = match nearest(key.value, known()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    let mut all: Vec<_> = known().collect();
                    all.sort_unstable();
                    format!("known keys: {}", all.join(", "))
                }
            };
            let title = self.title();
            self.error(
                key.at,
                format!("{title} has no key `{}`; {advice}", key.value),
            );
        }
    }

    fn title(&self) -> String {
        match self.name.as_str() {
            "" => "the file".to_owned(),
            name if self.keys.heading.starts_with("[[") => format!("[[{name}]]"),
            name => format!("[{name}]"),
        }
    }
}

/// The known name that a misspelt one may stand for.
pub(super) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// `; did you mean "x"?`, where a known name is near.
pub(super) fn suggestion<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> String {
    match nearest(name, known) {
        Some(meant) => format!("; did you mean \"{meant}\"?"),
        None => String::new(),
    }
}

/// What was found, in words. A secret is never repeated.
pub(super) fn found(key: &str, value: &DeValue<'_>) -> String {
    match value {
        _ if ["password", "client_secret", "secret"].contains(&key) => "this".to_owned(),
        DeValue::String(text) => format!("{:?}", text.chars().take(60).collect::<String>()),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
    }
}

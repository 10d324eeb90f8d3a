use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::report::{Fault, Report};
use super::units;

const LONGEST: Duration = Duration::from_secs(3650 * 86_400);

/// A file being read, and the faults found in it so far.
pub(super) struct Source<'t> {
    file: PathBuf,
    text: &'t str,
    faults: RefCell<Vec<(usize, String)>>,
}

impl<'t> Source<'t> {
    pub(super) fn new(file: &Path, text: &'t str) -> Self {
        Self {
            file: file.to_owned(),
            text,
            faults: RefCell::default(),
        }
    }

    /// Parses what can be parsed, so that a syntax error hides no other fault.
    pub(super) fn parse(&self) -> Spanned<DeTable<'t>> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            self.fault(at, format!("this is not TOML: {}", error.message()));
        }
        document
    }

    pub(super) fn root<'s>(&'s self, document: &'s Spanned<DeTable<'t>>) -> Section<'s, 't> {
        Section::new(self, String::new(), document.get_ref(), 0)
    }

    pub(super) fn fault(&self, at: usize, message: String) {
        self.faults.borrow_mut().push((at, message));
    }

    /// The folder relative paths start from.
    pub(super) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }

    /// What was read, unless anything was wrong.
    pub(super) fn outcome<T>(self, read: T) -> Result<T, Report> {
        let mut faults = self.faults.into_inner();
        if faults.is_empty() {
            return Ok(read);
        }
        faults.sort();
        faults.dedup();
        let faults = faults
            .into_iter()
            .map(|(at, message)| {
                let (line, column) = place(self.text, at);
                Fault {
                    file: self.file.clone(),
                    line,
                    column,
                    message,
                }
            })
            .collect();
        Err(Report { faults })
    }
}

fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line..).unwrap_or_default().chars().count();
    (before.matches('\n').count() + 1, column + 1)
}

/// One table of the file. What it is asked for it knows; what is left at the end is a fault.
pub(super) struct Section<'s, 't> {
    pub(super) source: &'s Source<'t>,
    /// As in the file, such as `listen.tls`; empty for the whole file.
    name: String,
    table: &'s DeTable<'t>,
    at: usize,
    known: RefCell<Vec<&'static str>>,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) at: usize,
}

type Value<'s, 't> = &'s Spanned<DeValue<'t>>;

impl<'s, 't> Section<'s, 't> {
    pub(super) fn new(
        source: &'s Source<'t>,
        name: String,
        table: &'s DeTable<'t>,
        at: usize,
    ) -> Self {
        Self {
            source,
            name,
            table,
            at,
            known: RefCell::default(),
        }
    }

    pub(super) fn fault(&self, at: usize, message: impl Into<String>) {
        self.source.fault(at, message.into());
    }

    /// A fault of the table as a whole, such as a missing key.
    pub(super) fn fault_here(&self, message: impl Into<String>) {
        self.fault(self.at, message);
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (At<&'s str>, Value<'s, 't>)> {
        self.table.iter().map(|(key, value)| {
            let at = key.span().start;
            (
                At {
                    value: key.get_ref().as_ref(),
                    at,
                },
                value,
            )
        })
    }

    /// Whether the key is there, whatever it holds.
    pub(super) fn has(&self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    pub(super) fn value(&self, key: &'static str) -> Option<Value<'s, 't>> {
        self.known.borrow_mut().push(key);
        self.table.get(key)
    }

    /// The value of a key as `convert` reads it, which says what it wanted when it cannot.
    pub(super) fn read<T>(
        &self,
        key: &'static str,
        convert: impl FnOnce(&'s DeValue<'t>) -> Result<T, String>,
    ) -> Option<At<T>> {
        let value = self.value(key)?;
        let at = value.span().start;
        match convert(value.get_ref()) {
            Ok(value) => Some(At { value, at }),
            Err(wanted) => {
                let found = found(key, value.get_ref());
                self.fault(at, format!("`{key}` must be {wanted}, not {found}"));
                None
            }
        }
    }

    pub(super) fn text(&self, key: &'static str) -> Option<At<String>> {
        let text = self.read(key, |value| {
            value
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| "a text in quotes".into())
        })?;
        if text.value.is_empty() || text.value.chars().any(char::is_control) {
            let why = "must not be empty or hold control characters";
            self.fault(text.at, format!("`{key}` {why}"));
            return None;
        }
        Some(text)
    }

    /// As [`Section::text`], and a fault when the key is not there.
    pub(super) fn required_text(&self, key: &'static str, purpose: &str) -> Option<At<String>> {
        if !self.has(key) {
            self.missing(key, purpose);
        }
        self.text(key)
    }

    /// A list of texts that must be there and must not be empty.
    pub(super) fn some_texts(&self, key: &'static str, purpose: &str) -> Vec<At<String>> {
        let Some(value) = self.value(key) else {
            self.missing(key, purpose);
            return Vec::new();
        };
        if value
            .get_ref()
            .as_array()
            .is_some_and(|items| items.is_empty())
        {
            self.fault(
                value.span().start,
                format!("`{key}` is empty; give {purpose}"),
            );
        }
        self.texts(key).unwrap_or_default()
    }

    pub(super) fn missing(&self, key: &str, purpose: &str) {
        self.fault_here(format!("{} needs `{key}`: {purpose}", self.title()));
    }

    pub(super) fn boolean(&self, key: &'static str) -> Option<bool> {
        let value = self.read(key, |value| {
            value.as_bool().ok_or_else(|| "true or false".into())
        });
        value.map(|at| at.value)
    }

    pub(super) fn integer(&self, key: &'static str, least: u64, most: u64) -> Option<u64> {
        let value = self.read(key, |value| {
            integer(value)
                .filter(|number| (least..=most).contains(number))
                .ok_or_else(|| format!("a whole number from {least} to {most}"))
        });
        value.map(|at| at.value)
    }

    /// A duration. Ten years bound it, so that adding it to a clock is always possible.
    pub(super) fn duration(&self, key: &'static str) -> Option<Duration> {
        let value = self.read(key, |value| {
            value
                .as_str()
                .and_then(units::duration)
                .filter(|duration| *duration <= LONGEST)
                .ok_or_else(|| {
                    "a time such as \"250ms\", \"30s\", \"5m\" or \"1h\", at most \"3650d\"".into()
                })
        });
        value.map(|at| at.value)
    }

    /// A duration that must not be zero.
    pub(super) fn period(&self, key: &'static str) -> Option<Duration> {
        let period = self.duration(key)?;
        if period.is_zero() {
            let at = self.value(key).map_or(self.at, |value| value.span().start);
            self.fault(at, format!("`{key}` must be longer than nothing"));
            return None;
        }
        Some(period)
    }

    /// A size in bytes between two bounds.
    pub(super) fn size(&self, key: &'static str, least: u64, most: u64) -> Option<u64> {
        let value = self.read(key, |value| {
            let bytes = value
                .as_str()
                .and_then(units::size)
                .or_else(|| integer(value));
            bytes
                .filter(|bytes| (least..=most).contains(bytes))
                .ok_or_else(|| {
                    let (least, most) = (units::size_text(least), units::size_text(most));
                    format!("a size such as \"16MiB\", from {least} to {most}")
                })
        });
        value.map(|at| at.value)
    }

    /// One of a few words, each standing for a value.
    pub(super) fn choice<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let value = self.read(key, |value| {
            let chosen = value.as_str().and_then(|text| {
                choices
                    .iter()
                    .find(|(word, _)| *word == text)
                    .map(|(_, value)| *value)
            });
            chosen.ok_or_else(|| {
                let words: Vec<_> = choices
                    .iter()
                    .map(|(word, _)| format!("\"{word}\""))
                    .collect();
                format!("one of {}", words.join(", "))
            })
        });
        value.map(|at| at.value)
    }

    /// A list of texts; a single text stands for a list of one. Empty texts are faults.
    pub(super) fn texts(&self, key: &'static str) -> Option<Vec<At<String>>> {
        let value = self.value(key)?;
        let items = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![value],
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            let at = item.span().start;
            match item.get_ref().as_str() {
                Some(text) if !text.is_empty() && !text.chars().any(char::is_control) => {
                    texts.push(At {
                        value: text.to_owned(),
                        at,
                    });
                }
                _ => {
                    let found = found(key, item.get_ref());
                    self.fault(at, format!("`{key}` must be a list of texts, not {found}"));
                }
            }
        }
        Some(texts)
    }

    /// A path, relative to the file's folder unless it is absolute.
    pub(super) fn path(&self, key: &'static str) -> Option<At<PathBuf>> {
        let At { value, at } = self.text(key)?;
        let value = self.source.folder().join(value);
        Some(At { value, at })
    }

    /// Paths, as [`Section::path`] has them; none where the key is not there.
    pub(super) fn paths(&self, key: &'static str) -> Vec<PathBuf> {
        let texts = self.texts(key).unwrap_or_default().into_iter();
        texts
            .map(|text| self.source.folder().join(text.value))
            .collect()
    }

    pub(super) fn section(&self, key: &'static str) -> Option<Section<'s, 't>> {
        let value = self.value(key)?;
        self.table_of(key, value)
    }

    /// The tables under `[[key]]`, in the file's order.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'s, 't>> {
        match self.value(key).map(|value| (value, value.get_ref())) {
            None => Vec::new(),
            Some((_, DeValue::Array(items))) => items
                .iter()
                .filter_map(|item| self.table_of(key, item))
                .collect(),
            Some((value, _)) => {
                let message =
                    format!("there can be several of these: write [[{key}]], with two brackets");
                self.fault(value.span().start, message);
                Vec::new()
            }
        }
    }

    pub(super) fn table_of(&self, key: &str, value: Value<'s, 't>) -> Option<Section<'s, 't>> {
        let at = value.span().start;
        let name = match self.name.as_str() {
            "" => key.to_owned(),
            parent => format!("{parent}.{key}"),
        };
        match value.get_ref() {
            DeValue::Table(table) => Some(Section::new(self.source, name, table, at)),
            other => {
                let found = found(key, other);
                self.fault(at, format!("`{key}` must be a table, not {found}"));
                None
            }
        }
    }

    /// Calls every key that nothing asked for a fault, and names the one that may have been meant.
    pub(super) fn finish(self) {
        let known = self.known.borrow();
        for (key, _) in self.entries() {
            if known.contains(&key.value) {
                continue;
            }
            let meant = nearest(key.value, known.iter().copied());
            let advice = match meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    let mut all = known.clone();
                    all.sort_unstable();
                    all.dedup();
                    format!("known here: {}", all.join(", "))
                }
            };
            let title = self.title();
            self.fault(
                key.at,
                format!("{title} has no key `{}`; {advice}", key.value),
            );
        }
    }

    fn title(&self) -> String {
        match self.name.as_str() {
            "" => "the file".to_owned(),
            name => format!("[{name}]"),
        }
    }
}

/// The known name a misspelt one may stand for.
pub(super) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

fn integer(value: &DeValue<'_>) -> Option<u64> {
    let number = value.as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// What was found, in words. A password is never repeated.
fn found(key: &str, value: &DeValue<'_>) -> String {
    match value {
        _ if ["password", "client_secret"].contains(&key) => "this".to_owned(),
        DeValue::String(text) => format!("{:?}", text.chars().take(60).collect::<String>()),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
    }
}

//! The values of keys, by their type. Bounds and defaults are those of the key's definition.

use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::choices::Choices;
use super::keys::{Kind, size_range};
use super::section::{At, Section, found};
use super::units;

/// Adding it to a clock is always possible.
const LONGEST: Duration = Duration::from_secs(3650 * 86_400);

/// Each gives `None` only where the file has no valid value and the key has no default.
impl Section<'_, '_> {
    pub(super) fn string(&self, name: &'static str) -> Option<At<String>> {
        let string = self.read(name, |value| {
            value
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| "a string in quotes".into())
        })?;
        if !is_clean(&string.value) {
            let why = "must not be empty or contain control characters";
            self.error(string.at, format!("`{name}` {why}"));
            return None;
        }
        Some(string)
    }

    /// As [`Section::string`], and an error when the key is not there.
    pub(super) fn required_string(&self, name: &'static str) -> Option<At<String>> {
        self.require(name);
        self.string(name)
    }

    /// A list of strings; a single string stands for a list of one.
    pub(super) fn strings(&self, name: &'static str) -> Vec<At<String>> {
        match self.value(name) {
            Some(value) => self.strings_of(name, value),
            None => self
                .default(name)
                .map_or_else(Vec::new, |value| self.strings_of(name, &value)),
        }
    }

    /// A list of strings that must be there, unless it has a default, and must not be empty.
    pub(super) fn some_strings(&self, name: &'static str) -> Vec<At<String>> {
        if self.default(name).is_none() {
            self.require(name);
        }
        if let Some(value) = self.value(name)
            && let Some(items) = value.get_ref().as_array()
            && items.is_empty()
        {
            self.error(value.span().start, format!("`{name}` must not be empty"));
        }
        self.strings(name)
    }

    fn strings_of(&self, name: &str, value: &Spanned<DeValue<'_>>) -> Vec<At<String>> {
        let items = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![value],
        };
        let mut strings = Vec::with_capacity(items.len());
        for item in items {
            let at = item.span().start;
            match item.get_ref().as_str().filter(|text| is_clean(text)) {
                Some(text) => strings.push(At {
                    value: text.to_owned(),
                    at,
                }),
                None => {
                    let found = found(name, item.get_ref());
                    self.error(
                        at,
                        format!("`{name}` must be a list of strings, not {found}"),
                    );
                }
            }
        }
        strings
    }

    /// A path, relative to the file's directory unless it is absolute.
    pub(super) fn path(&self, name: &'static str) -> Option<At<PathBuf>> {
        let At { value, at } = self.string(name)?;
        let value = self.source.directory().join(value);
        Some(At { value, at })
    }

    pub(super) fn paths(&self, name: &'static str) -> Vec<PathBuf> {
        let strings = self.strings(name).into_iter();
        strings
            .map(|string| self.source.directory().join(string.value))
            .collect()
    }

    pub(super) fn boolean(&self, name: &'static str) -> Option<bool> {
        let value = self.read(name, |value| {
            value.as_bool().ok_or_else(|| "true or false".into())
        });
        value.map(|at| at.value)
    }

    pub(super) fn integer(&self, name: &'static str) -> Option<usize> {
        let Kind::Integer(least, most) = self.key(name).kind else {
            debug_assert!(false, "`{name}` is no integer");
            return None;
        };
        let value = self.read(name, |value| {
            integer(value)
                .filter(|number| (least..=most).contains(number))
                .and_then(|number| usize::try_from(number).ok())
                .ok_or_else(|| format!("an integer from {least} to {most}"))
        });
        value.map(|at| at.value)
    }

    pub(super) fn duration(&self, name: &'static str) -> Option<Duration> {
        let is_period = matches!(self.key(name).kind, Kind::Period);
        debug_assert!(
            is_period || matches!(self.key(name).kind, Kind::Duration),
            "`{name}` is no duration"
        );
        let value = self.read(name, |value| {
            let duration = value
                .as_str()
                .and_then(units::duration)
                .filter(|duration| *duration <= LONGEST);
            match duration {
                Some(Duration::ZERO) if is_period => Err("greater than zero".into()),
                Some(duration) => Ok(duration),
                None => Err(
                    "a duration such as \"250ms\", \"30s\", \"5m\" or \"1h\", at most \"3650d\""
                        .into(),
                ),
            }
        });
        value.map(|at| at.value)
    }

    /// A size in bytes.
    pub(super) fn size(&self, name: &'static str) -> Option<usize> {
        let Kind::Size(least, most) = self.key(name).kind else {
            debug_assert!(false, "`{name}` is no size");
            return None;
        };
        let value = self.read(name, |value| {
            let bytes = value
                .as_str()
                .and_then(units::size)
                .or_else(|| integer(value));
            bytes
                .filter(|bytes| (least..=most).contains(bytes))
                .and_then(|bytes| usize::try_from(bytes).ok())
                .ok_or_else(|| format!("a size such as \"16MiB\", {}", size_range(least, most)))
        });
        value.map(|at| at.value)
    }

    /// One of a few names, each standing for a value.
    pub(super) fn choice<T: Copy + PartialEq>(
        &self,
        name: &'static str,
        choices: &Choices<T>,
    ) -> Option<T> {
        debug_assert!(
            matches!(self.key(name).kind, Kind::Choice(names) if names == choices.names),
            "`{name}` has other choices"
        );
        let value = self.read(name, |value| {
            let chosen = value.as_str().and_then(|text| choices.value(text));
            chosen.ok_or_else(|| {
                let names: Vec<_> = choices
                    .names
                    .iter()
                    .map(|name| format!("\"{name}\""))
                    .collect();
                format!("one of {}", names.join(", "))
            })
        });
        value.map(|at| at.value)
    }
}

/// Without the places where they stand.
pub(super) fn plain(strings: Vec<At<String>>) -> Vec<String> {
    strings.into_iter().map(|string| string.value).collect()
}

fn is_clean(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

fn integer(value: &DeValue<'_>) -> Option<u64> {
    let number = value.as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

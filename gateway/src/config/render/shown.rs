//! TOML, written one key at a time. Which keys a table has is defined in `keys`.

use std::fmt::{self, Display, Formatter, Write};

use crate::config::keys::{Absent, Table};

/// A table being written. All keys of its definition must be shown, left out on purpose, or noted as absent.
pub(super) struct Shown<'a, 'f> {
    f: &'a mut Formatter<'f>,
    keys: &'static Table,
    done: Vec<&'static str>,
}

impl<'a, 'f> Shown<'a, 'f> {
    /// Begins a table under its heading in the definitions.
    pub fn begin(f: &'a mut Formatter<'f>, keys: &'static Table) -> Result<Self, fmt::Error> {
        Self::headed(f, keys, keys.heading)
    }

    pub fn headed(
        f: &'a mut Formatter<'f>,
        keys: &'static Table,
        heading: &str,
    ) -> Result<Self, fmt::Error> {
        f.write_str("\n")?;
        Self::first(f, keys, heading)
    }

    /// Without an empty line before the heading.
    pub fn first(
        f: &'a mut Formatter<'f>,
        keys: &'static Table,
        heading: &str,
    ) -> Result<Self, fmt::Error> {
        writeln!(f, "{heading}")?;
        Ok(Shown {
            f,
            keys,
            done: Vec::new(),
        })
    }

    pub fn string(&mut self, name: &'static str, value: impl Display) -> fmt::Result {
        self.plain(name, quoted(&value.to_string()))
    }

    pub fn plain(&mut self, name: &'static str, value: impl Display) -> fmt::Result {
        self.done.push(name);
        writeln!(self.f, "{name} = {value}")
    }

    pub fn list(&mut self, name: &'static str, items: &[impl AsRef<str>]) -> fmt::Result {
        self.plain(name, list(items))
    }

    /// Says what holds without the key.
    pub fn absent(&mut self, name: &'static str) -> fmt::Result {
        let absent = self.keys.key(name).map(|key| key.absent);
        let Some(Absent::Means(meaning)) = absent else {
            debug_assert!(false, "{} requires `{name}`", self.keys.heading);
            return Ok(());
        };
        self.note(name, meaning)
    }

    pub fn note(&mut self, name: &'static str, note: impl Display) -> fmt::Result {
        self.done.push(name);
        writeln!(self.f, "# {name}: {note}")
    }

    /// Keys that others stand in for.
    pub fn omit(&mut self, names: &[&'static str]) {
        self.done.extend(names);
    }

    pub fn finish(self) -> fmt::Result {
        for key in self.keys.all_keys().filter(|key| !key.kind.is_table()) {
            debug_assert!(
                self.done.contains(&key.name),
                "{} does not show `{}`",
                self.keys.heading,
                key.name
            );
        }
        for name in &self.done {
            debug_assert!(
                self.keys.key(name).is_some(),
                "{} defines no `{name}`",
                self.keys.heading
            );
        }
        Ok(())
    }
}

pub(super) fn list(items: &[impl AsRef<str>]) -> String {
    let items: Vec<_> = items.iter().map(|item| quoted(item.as_ref())).collect();
    format!("[{}]", items.join(", "))
}

/// A TOML basic string (TOML 1.0, "String"), on one line whatever it holds.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A key as it must be written: bare where TOML allows it.
pub(super) fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

//! Every key of the configuration: its type, its default and its meaning. The reader accepts what is defined here, and
//! the tables in docs/configuration.md and docs/people.md are generated from it.

mod approvals;
mod console;
mod database;
mod identity;
mod listen;
mod person;
mod policies;
mod record;
mod stream;
mod traces;
mod webhook;

pub(super) use approvals::{API, API_TLS, APPROVALS, STORE};
pub(super) use console::{CONSOLE, CONSOLE_TLS};
pub(super) use database::{CATALOG, DATABASE, GRANT};
pub(super) use identity::{CLAIMS, CLIENT_CERTIFICATE, ISSUER, TOKENS};
pub(super) use listen::{ADMIN, LIMITS, LISTEN, LOG, OAUTH, TLS};
pub(super) use person::PERSON;
pub(super) use policies::{POLICIES, POLICY};
pub(super) use record::{RECORD, RECORD_MASK};
pub(super) use stream::{STREAM, STREAMS};
pub(super) use traces::TRACES;
pub(super) use webhook::WEBHOOK;

use super::units::size_text;

/// A table of the file.
pub(super) struct Table {
    /// As it is written in the file, such as `[listen.tls]` or `[[issuer]]`.
    pub heading: &'static str,
    pub keys: &'static [Key],
    /// Keys that other tables have as well.
    pub groups: &'static [&'static Group],
    /// A table whose keys have the values of another one as defaults.
    pub inherits: bool,
}

/// Keys that several tables have.
#[cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "the tests that generate the documentation read all fields"
    )
)]
pub(super) struct Group {
    pub name: &'static str,
    pub keys: &'static [Key],
    /// What the tables of the documentation say instead of listing the keys.
    pub reference: &'static str,
}

pub(super) struct Key {
    pub name: &'static str,
    pub kind: Kind,
    pub absent: Absent,
    pub meaning: &'static str,
}

/// What holds where a key is not in the file.
#[derive(Clone, Copy)]
pub(super) enum Absent {
    /// That is an error.
    Required,
    /// This value, as it would be written in the file.
    Default(&'static str),
    /// As the text says.
    Means(&'static str),
}

/// What a key's value is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    String,
    /// At least one where it is required.
    Strings,
    Path,
    Paths,
    /// An IP address and a port.
    Address,
    Boolean,
    Integer(u64, u64),
    Duration,
    /// A duration that is not zero.
    Period,
    /// A number of bytes.
    Size(u64, u64),
    /// One of these names, see [`super::choices`].
    Choice(&'static [&'static str]),
    Table(&'static Table),
    /// Any number of tables, each `[[key]]`.
    Tables(&'static Table),
    /// Any number of tables, each `[key.NAME]`.
    Named(&'static Table),
    /// A table whose keys are the user's own.
    Open,
}

impl Key {
    const fn new(name: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Key {
            name,
            kind,
            absent: Absent::Means("none"),
            meaning,
        }
    }

    const fn table(name: &'static str, table: &'static Table) -> Self {
        Key::new(name, Kind::Table(table), "")
    }

    const fn required(self) -> Self {
        Key {
            absent: Absent::Required,
            ..self
        }
    }

    const fn default(self, value: &'static str) -> Self {
        Key {
            absent: Absent::Default(value),
            ..self
        }
    }

    const fn absent(self, meaning: &'static str) -> Self {
        Key {
            absent: Absent::Means(meaning),
            ..self
        }
    }
}

impl Table {
    const fn new(heading: &'static str, keys: &'static [Key]) -> Self {
        Table {
            heading,
            keys,
            groups: &[],
            inherits: false,
        }
    }

    const fn with(self, groups: &'static [&'static Group]) -> Self {
        Table { groups, ..self }
    }

    const fn inheriting(self) -> Self {
        Table {
            inherits: true,
            ..self
        }
    }

    /// Its own keys, then those of its groups.
    pub fn all_keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        let groups = self.groups.iter().flat_map(|group| group.keys);
        self.keys.iter().chain(groups)
    }

    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.all_keys().find(|key| key.name == name)
    }
}

impl Kind {
    /// The type, in the words of the documentation.
    pub fn description(self) -> String {
        match self {
            Kind::String => "string".to_owned(),
            Kind::Strings => "list of strings".to_owned(),
            Kind::Path => "path".to_owned(),
            Kind::Paths => "list of paths".to_owned(),
            Kind::Address => "IP address and port".to_owned(),
            Kind::Boolean => "boolean".to_owned(),
            Kind::Integer(least, most) => format!("integer, {least} to {most}"),
            Kind::Duration => "duration".to_owned(),
            Kind::Period => "duration, not zero".to_owned(),
            Kind::Size(least, most) => format!("size, {}", size_range(least, most)),
            Kind::Choice(names) => names
                .iter()
                .map(|name| format!("`\"{name}\"`"))
                .collect::<Vec<_>>()
                .join(", "),
            Kind::Table(_) | Kind::Tables(_) | Kind::Named(_) | Kind::Open => "table".to_owned(),
        }
    }

    pub fn is_table(self) -> bool {
        matches!(
            self,
            Kind::Table(_) | Kind::Tables(_) | Kind::Named(_) | Kind::Open
        )
    }
}

/// A maximum of one byte less than a round size reads better as what is just too much.
pub(super) fn size_range(least: u64, most: u64) -> String {
    let (from, to, above) = (size_text(least), size_text(most), size_text(most + 1));
    if above.len() < to.len() {
        format!("{from} to less than {above}")
    } else {
        format!("{from} to {to}")
    }
}

/// For tables whose keys are the user's own.
pub(super) static OPEN: Table = Table::new("", &[]);

/// `gatewright.toml`.
pub(super) static CONFIGURATION: Table = Table::new(
    "",
    &[
        Key::table("listen", &LISTEN).required(),
        Key::table("admin", &ADMIN),
        Key::table("log", &LOG),
        Key::table("tokens", &TOKENS),
        Key::new("issuer", Kind::Tables(&ISSUER), ""),
        Key::new("client_certificate", Kind::Tables(&CLIENT_CERTIFICATE), ""),
        Key::new("database", Kind::Tables(&DATABASE), "").required(),
        Key::new("grant", Kind::Tables(&GRANT), "").required(),
        Key::table("approvals", &APPROVALS),
        Key::table("store", &STORE),
        Key::table("api", &API),
        Key::table("console", &CONSOLE),
        Key::new("webhook", Kind::Tables(&WEBHOOK), ""),
        Key::table("record", &RECORD),
        Key::table("streams", &STREAMS),
        Key::new("stream", Kind::Tables(&STREAM), ""),
        Key::table("traces", &TRACES),
        Key::table("policies", &POLICIES),
        Key::new("policy", Kind::Named(&POLICY), ""),
    ],
);

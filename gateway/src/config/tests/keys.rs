//! The definitions of keys are sound, and the tables of the documentation are generated from them.

use std::fmt::Write;

use gatewright_policy_host::PolicySettings;

use super::*;
use crate::config::keys::{self, Absent, Group, Key, Kind, PERSON, Table};
use crate::config::limits::Limits;
use crate::identity::{IssuerSettings, VerifierSettings};
use crate::listener::HandshakeSettings;
use crate::tests::{assert_current, read};

/// All tables below this one.
fn tables(root: &'static Table) -> Vec<&'static Table> {
    let mut all = Vec::new();
    for key in root.all_keys() {
        if let Kind::Table(table) | Kind::Tables(table) | Kind::Named(table) = key.kind {
            all.push(table);
            all.extend(tables(table));
        }
    }
    all
}

#[test]
fn documentation_is_current() {
    for (page, root) in [
        ("docs/configuration.md", &CONFIGURATION),
        ("docs/people.md", &PERSON),
    ] {
        let mut blocks = vec![("login-file".to_owned(), root.own_rows())];
        for table in tables(root) {
            let name = table.heading.trim_matches(['[', ']']).to_owned();
            blocks.push((name, table.rows()));
            for group in table.groups {
                blocks.push((group.name.to_owned(), rows_of(group.keys)));
            }
        }
        blocks.retain(|(_, rows)| !rows.is_empty());
        let written = read(page);
        let mut expected = written.clone();
        for (name, rows) in &blocks {
            let marker = format!("<!-- keys: {name} -->\n");
            let (before, rest) = expected
                .split_once(&marker)
                .unwrap_or_else(|| panic!("{page} has no {marker}"));
            let (_, after) = rest
                .split_once("<!-- end -->")
                .unwrap_or_else(|| panic!("{marker} has no end in {page}"));
            expected = format!("{before}{marker}\n{HEAD}{rows}\n<!-- end -->{after}");
        }
        let mut names: Vec<_> = blocks.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        let markers = written.matches("<!-- keys: ").count();
        assert_eq!(
            markers,
            names.len(),
            "tables in {page} that nobody generates"
        );
        assert_current(page, &expected);
    }
}

const HEAD: &str = "| key | type | default | meaning |\n| --- | --- | --- | --- |\n";

impl Table {
    fn own_rows(&self) -> String {
        rows_of(self.keys)
    }

    /// Its own keys, and for each group of keys a row that refers to the group's table.
    fn rows(&self) -> String {
        let mut rows = self.own_rows();
        let referred = self
            .groups
            .iter()
            .filter(|group| !group.reference.is_empty());
        for Group {
            keys, reference, ..
        } in referred
        {
            let names: Vec<_> = keys.iter().map(|key| format!("`{}`", key.name)).collect();
            writeln!(rows, "| {} | | | {reference} |", names.join(", ")).unwrap();
        }
        rows
    }
}

fn rows_of(keys: &[Key]) -> String {
    let mut rows = String::new();
    for key in keys.iter().filter(|key| !key.kind.is_table()) {
        let default = match key.absent {
            Absent::Required => "required".to_owned(),
            Absent::Default(value) => format!("`{value}`"),
            Absent::Means(meaning) => meaning.to_owned(),
        };
        let (name, kind, meaning) = (key.name, key.kind.description(), key.meaning);
        writeln!(rows, "| `{name}` | {kind} | {default} | {meaning} |").unwrap();
    }
    rows
}

#[test]
fn definitions_are_sound() {
    let roots = [&CONFIGURATION, &PERSON];
    for table in roots.into_iter().flat_map(tables).chain(roots) {
        let mut names = std::collections::BTreeSet::new();
        for key in table.all_keys() {
            let name = format!("{} {}", table.heading, key.name);
            assert!(names.insert(key.name), "{name} is defined twice");
            assert_eq!(key.meaning.is_empty(), key.kind.is_table(), "{name}");
            assert!(!key.meaning.contains(['|', '\n']), "{name}");
            // An error quotes it.
            let is_required = matches!(key.absent, Absent::Required);
            assert!(!is_required || !key.meaning.contains("]("), "{name}");
            if let Absent::Default(value) = key.absent {
                assert!(toml::de::DeValue::parse(value).is_ok(), "{name}: {value}");
            }
            if let Kind::Choice(choices) = key.kind
                && let Absent::Default(value) = key.absent
            {
                assert!(choices.contains(&value.trim_matches('"')), "{name}");
            }
        }
    }
}

/// The least configuration and the example read every table; in debug builds a table that is read must ask for exactly
/// the keys that are defined, and one that is printed must show them.
#[test]
fn every_defined_key_is_read_and_shown() {
    let folder = Folder::new();
    let certificate = "[[client_certificate]]\nuri = \"a:b\"\ngroups = \"x\"\n";
    let text = example().replace("# client_ca", "client_ca");
    let config = folder
        .load(&format!("{text}\n{certificate}"))
        .unwrap_or_else(|report| panic!("{report}"));
    let printed = config.to_string();
    for table in tables(&CONFIGURATION) {
        let heading = table.heading.replace("NAME", "row-limit");
        assert!(printed.contains(&heading), "no {heading} in\n{printed}");
    }
    for key in keys::LIMITS.all_keys() {
        assert!(printed.contains(key.name), "no {} in\n{printed}", key.name);
    }
}

/// Modules below have defaults of their own, for use without a configuration file.
#[test]
fn modules_have_the_same_defaults() {
    let config = Folder::new().load(LEAST).unwrap();
    assert_eq!(config.verifier, VerifierSettings::default());
    let issuer = IssuerSettings::new("https://id.example.com", vec!["gatewright".into()]);
    assert_eq!(config.issuers, [issuer]);
    assert_eq!(config.policies.default, PolicySettings::default());
    assert_eq!(config.listen.limits, Limits::default());
    let (read, own) = (config.listen.handshake, HandshakeSettings::default());
    assert_eq!(read.handshake_timeout, own.handshake_timeout);
    assert_eq!(read.authentication_timeout, own.authentication_timeout);
    assert_eq!(read.authentication, own.authentication);
    let profile = "[profile.x]\nissuer = \"https://id.example.com\"\nclient_id = \"cli\"\n";
    let folder = Folder::new();
    let person = person(&folder.write("login.toml", profile)).unwrap();
    let [profile] = person.profiles.values().collect::<Vec<_>>()[..] else {
        panic!("{person:?}");
    };
    assert_eq!(profile.login.redirect, crate::login::Redirect::default());
}

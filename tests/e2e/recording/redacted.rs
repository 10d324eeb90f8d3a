//! Values that are not to be recorded are not in the record, nor are passwords, and the record says so.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Psql, Version};
use gatewright_record::Event;
use gatewright_record::event::{Literals, Withheld};
use gatewright_tests::raw::{Client, error, extended, message, query, sync};

use super::fixture::{Recorded, delivered};

on_each_version!(
    no_value_of_a_statement_is_recorded_where_literals_are_redacted,
    passwords_are_never_recorded,
);

const VALUE: &str = "literal-canary";

fn no_value_of_a_statement_is_recorded_where_literals_are_redacted(version: Version) -> Result<()> {
    let keys = "literals = \"redact\"";
    let recorded = Recorded::start(version, "record_redacted", keys)?;
    let mut client = Client::connect(&recorded.served.dsn("ada")?)?;
    for sql in [
        format!("SELECT 1 WHERE 'x' = '{VALUE}' -- {VALUE}"),
        format!("INSERT INTO notes VALUES (1, $q${VALUE}$q$)"),
        format!("SELECT id FROM notes WHERE note = E'{VALUE}'"),
        format!("SELECT '{VALUE}'::int"),
        format!("SELECT broken here '{VALUE}'"),
        format!("SELECT 'never closed {VALUE}"),
        format!("COMMENT ON TABLE notes IS '{VALUE}'"),
        format!("SET application_name = '{VALUE}'"),
        format!("DO $$ BEGIN RAISE NOTICE '{VALUE}'; END $$"),
    ] {
        client.query(&sql)?;
    }
    let select = extended("SELECT id FROM notes WHERE note = $1", &[Some(VALUE)], 0);
    client.send(&[select, sync()].concat())?;
    client.until_ready()?;
    client.send(&query("COPY notes FROM STDIN"))?;
    assert_eq!(client.receive()?.tag, b'G');
    let line = format!("2\t{VALUE}\n");
    client.send(&message(b'd', &[line.as_bytes()]))?;
    client.send(&message(b'c', &[]))?;
    client.until_ready()?;
    drop(client);
    let sessions = recorded.sessions(1)?;
    let (id, events) = &sessions[0];
    let mut seen = BTreeMap::new();
    for event in events {
        let bytes = format!("{event:?}");
        // What the client named its application is no value of a statement, and is told to it.
        let is_setting = bytes.contains("application_name");
        ensure!(is_setting || !bytes.contains(VALUE), "{bytes}");
        let kind = match event {
            Event::Opened(event) => {
                assert_eq!(event.literals, Some(Literals::Redact));
                continue;
            }
            Event::Judged(event) => match &event.withheld {
                Some(Withheld::Text(text)) => {
                    assert!(text.sha256.is_some() && text.length > 20, "{text:?}");
                    "digest"
                }
                Some(Withheld::Constants) => "constants",
                other => panic!("{other:?}: {event:?}"),
            },
            Event::Attempted(event) if !event.parameters.is_empty() => {
                let [parameter] = &event.parameters[..] else {
                    panic!("{event:?}");
                };
                assert_eq!(parameter.value, None);
                assert_eq!(parameter.withheld, Some(VALUE.len() as u64));
                "parameter"
            }
            Event::Received(event) if event.withheld.is_some() => "copied",
            _ => continue,
        };
        *seen.entry(kind).or_insert(0) += 1;
    }
    for kind in ["digest", "constants", "parameter", "copied"] {
        ensure!(seen.contains_key(kind), "{kind}: {seen:?}");
    }
    let (shown, code) = recorded.command(&["sessions", "show", &id.to_string()])?;
    assert_eq!(code, Some(0), "{shown}");
    for part in [
        "values in statements are not recorded",
        "SELECT $1 WHERE $2 = $3",
        "bytes, not recorded)",
        "that is not recorded, SHA-256",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let (replayed, _) = recorded.command(&["replay", &id.to_string(), "--at-once"])?;
    assert!(
        replayed.contains("22P02: (the text is not recorded)"),
        "{replayed}"
    );
    recorded.assert_verifies()
}

fn passwords_are_never_recorded(version: Version) -> Result<()> {
    let recorded = Recorded::start(version, "record_passwords", "")?;
    let role = format!("record_passwords_{}", recorded.served.direct.port);
    let secret = "password-canary";
    let mut client = Client::connect(&recorded.served.dsn("ada")?)?;
    for sql in [
        format!("CREATE ROLE {role} LOGIN PASSWORD '{secret}'"),
        format!("ALTER ROLE {role} ENCRYPTED PASSWORD $p${secret}$p$"),
        format!("ALTER USER {role} PASSWORD '{secret}"),
        format!("SELECT 'host=h password={secret}'::text IS NULL"),
        format!("SELECT 'postgres://u:{secret}@h/d' IS NULL"),
        format!("DO $$ BEGIN ALTER ROLE {role} PASSWORD '{secret}'; END $$"),
    ] {
        let messages = client.query(&sql)?;
        if let Some(fields) = error(&messages) {
            let sqlstate = fields.get(&'C').map(String::as_str);
            assert!(matches!(sqlstate, Some("42601" | "42501")), "{fields:?}");
        }
    }
    let dsn = format!("host=h password={secret}");
    let select = extended("SELECT $1::text IS NULL", &[Some(&dsn)], 0);
    client.send(&[select, sync()].concat())?;
    client.until_ready()?;
    drop(client);
    Psql::new(&recorded.served.direct)?.query(&format!("DROP ROLE IF EXISTS {role}"))?;
    let sessions = recorded.sessions(1)?;
    let (_, events) = sessions.first().context("a session")?;
    let got = String::from_utf8_lossy(&delivered(events)).into_owned();
    ensure!(!got.contains(secret), "{got}");
    ensure!(got.contains("the text is not recorded"), "{got}");
    let mut hidden = 0;
    for event in events {
        if let Event::Judged(event) = event {
            ensure!(!event.text.contains(secret), "{event:?}");
            hidden += usize::from(event.withheld.is_some());
        }
        if let Event::Attempted(event) = event {
            let bytes = format!("{:?}", event.parameters);
            ensure!(
                event.parameters.iter().all(|p| p.value.is_none()),
                "{bytes}"
            );
        }
    }
    assert!(hidden >= 6, "{hidden} texts without passwords");
    recorded.assert_verifies()
}

//! Prepared statements on shared connections: they are the client's, whichever connection it has.

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Psql, Version};
use gatewright_tests::raw::{self, Client, Message, error, tags};

use super::{pooled, value};

const ONE: &str = "pool = \"transaction\"\npool_size = 1";

on_each_version!(
    statements_follow_their_client,
    names_are_each_clients_own,
    errors_are_the_servers_own,
    statements_that_are_skipped_are_made_when_needed,
    many_statements_have_room,
    other_columns_are_not_passed_off,
);

fn said(client: &mut Client, messages: &[Vec<u8>]) -> Result<Vec<Message>> {
    client.send(&[messages.concat(), raw::sync()].concat())?;
    client.until_ready()
}

fn code(messages: &[Message]) -> Result<String> {
    Ok(error(messages).context("no error")?[&'C'].clone())
}

fn statements_follow_their_client(version: Version) -> Result<()> {
    let served = pooled(version, "tx_follow", ONE)?;
    let (mut ada, mut grace) = (served.client("ada")?, served.client("grace")?);
    assert_eq!(
        tags(&said(
            &mut ada,
            &[
                raw::parse("s", "SELECT $1::int + 1"),
                raw::parse("", "SELECT $1::text")
            ]
        )?),
        "11Z"
    );
    let uses: [(&str, Vec<Vec<u8>>, &str); 5] = [
        (
            "named",
            vec![raw::bind("", "s", &[Some("41")], 0), raw::execute("", 0)],
            "2DCZ",
        ),
        ("described", vec![raw::describe(b'S', "s")], "tTZ"),
        (
            "unnamed",
            vec![raw::bind("", "", &[Some("x")], 0), raw::execute("", 0)],
            "2DCZ",
        ),
        ("unnamed, described", vec![raw::describe(b'S', "")], "tTZ"),
        (
            "twice",
            vec![
                raw::bind("", "s", &[Some("1")], 0),
                raw::execute("", 0),
                raw::bind("", "s", &[Some("2")], 0),
                raw::execute("", 0),
            ],
            "2DC2DCZ",
        ),
    ];
    for round in 0..2 {
        for (what, messages, expected) in &uses {
            // Another identity has the connection in between, so that it is reset.
            assert_eq!(
                value(&mut grace, "SELECT count(*) FROM pg_prepared_statements")?.as_deref(),
                Some("0")
            );
            let got = said(&mut ada, messages)?;
            assert_eq!(tags(&got), *expected, "{round} {what}: {:?}", error(&got));
        }
    }
    let got = said(
        &mut ada,
        &[raw::close(b'S', "s"), raw::bind("", "s", &[Some("1")], 0)],
    )?;
    assert_eq!(
        (tags(&got).as_str(), code(&got)?.as_str()),
        ("3EZ", "26000")
    );
    // A Query ends the unnamed statement.
    ada.query("SELECT 1")?;
    let got = said(&mut ada, &[raw::bind("", "", &[Some("x")], 0)])?;
    assert_eq!(code(&got)?, "26000");
    Ok(())
}

fn names_are_each_clients_own(version: Version) -> Result<()> {
    let served = pooled(version, "tx_names", ONE)?;
    let mut clients = [
        served.client("ada")?,
        served.client("ada")?,
        served.client("grace")?,
    ];
    for (number, client) in clients.iter_mut().enumerate() {
        for name in [
            "s",
            "gatewright_1",
            "gatewright_2",
            "gatewright_describe",
            "gatewright_show",
        ] {
            let text = format!("SELECT 'of {number}, {name}'");
            assert_eq!(tags(&said(client, &[raw::parse(name, &text)])?), "1Z");
        }
    }
    for _ in 0..2 {
        for (number, client) in clients.iter_mut().enumerate() {
            for name in [
                "s",
                "gatewright_1",
                "gatewright_2",
                "gatewright_describe",
                "gatewright_show",
            ] {
                let got = said(client, &[raw::bind("", name, &[], 0), raw::execute("", 0)])?;
                assert_eq!(
                    super::first_value(&got)?,
                    Some(format!("of {number}, {name}"))
                );
            }
        }
    }
    let [ada, ..] = &mut clients;
    let got = said(ada, &[raw::parse("s", "SELECT 2")])?;
    let fields = error(&got).context("the name is in use")?;
    assert_eq!(
        (fields[&'C'].as_str(), fields[&'M'].as_str()),
        ("42P05", "prepared statement \"s\" already exists")
    );
    ensure!(error(&ada.query("DEALLOCATE ALL")?).is_none());
    let got = said(ada, &[raw::bind("", "s", &[], 0)])?;
    let fields = error(&got).context("the statement is gone")?;
    assert_eq!(
        (fields[&'C'].as_str(), fields[&'M'].as_str()),
        ("26000", "prepared statement \"s\" does not exist")
    );
    assert_eq!(
        tags(&said(
            ada,
            &[
                raw::parse("s", "SELECT 2"),
                raw::bind("", "s", &[], 0),
                raw::execute("", 0)
            ]
        )?),
        "12DCZ"
    );
    // Closing a name that another client has does nothing to that.
    assert_eq!(
        tags(&said(
            ada,
            &[raw::close(b'S', "gatewright_3"), raw::close(b'S', "nobody")]
        )?),
        "33Z"
    );
    Ok(())
}

fn errors_are_the_servers_own(version: Version) -> Result<()> {
    let served = pooled(version, "tx_errors", ONE)?;
    let direct = Psql::new(&served.direct)?;
    direct.query("CREATE TABLE t (i int)")?;
    let (mut ada, mut grace) = (served.client("ada")?, served.client("grace")?);
    assert_eq!(
        tags(&said(&mut ada, &[raw::parse("s", "SELECT i FROM t")])?),
        "1Z"
    );
    direct.query("DROP TABLE t")?;
    value(&mut grace, "SELECT 1")?;
    let got = said(&mut ada, &[raw::bind("", "s", &[], 0), raw::execute("", 0)])?;
    assert_eq!((tags(&got).as_str(), code(&got)?.as_str()), ("EZ", "42P01"));
    direct.query("CREATE TABLE t (i int)")?;
    let got = said(&mut ada, &[raw::bind("", "s", &[], 0), raw::execute("", 0)])?;
    assert_eq!(tags(&got), "2CZ", "{:?}", error(&got));
    // In a failed transaction it is the transaction's error.
    ada.query("BEGIN; SELECT 1/0")?;
    let got = said(&mut ada, &[raw::bind("", "s", &[], 0)])?;
    assert_eq!(code(&got)?, "25P02");
    ada.query("ROLLBACK")?;
    Ok(())
}

fn statements_that_are_skipped_are_made_when_needed(version: Version) -> Result<()> {
    let served = pooled(version, "tx_skipped", ONE)?;
    let (mut ada, mut grace) = (served.client("ada")?, served.client("grace")?);
    said(
        &mut ada,
        &[raw::parse("a", "SELECT 'a'"), raw::parse("b", "SELECT 'b'")],
    )?;
    for _ in 0..3 {
        value(&mut grace, "SELECT 1")?;
        // The error comes first, so the server does not make them.
        let got = said(
            &mut ada,
            &[
                raw::parse("bad", "SELECT nothing"),
                raw::bind("", "a", &[], 0),
                raw::execute("", 0),
                raw::parse("c", "SELECT 'c'"),
            ],
        )?;
        assert_eq!(tags(&got), "EZ");
        for name in ["a", "b"] {
            let got = said(
                &mut ada,
                &[raw::bind("", name, &[], 0), raw::execute("", 0)],
            )?;
            assert_eq!(super::first_value(&got)?.as_deref(), Some(name));
        }
        let got = said(&mut ada, &[raw::bind("", "c", &[], 0)])?;
        assert_eq!(code(&got)?, "26000");
    }
    Ok(())
}

fn many_statements_have_room(version: Version) -> Result<()> {
    let served = pooled(version, "tx_room", ONE)?;
    let mut ada = served.client("ada")?;
    let names: Vec<String> = (0..700).map(|number| format!("s{number}")).collect();
    for names in names.chunks(100) {
        let made: Vec<Vec<u8>> = names
            .iter()
            .map(|name| raw::parse(name, &format!("SELECT '{name}'")))
            .collect();
        assert_eq!(tags(&said(&mut ada, &made)?), "1".repeat(100) + "Z");
    }
    for name in &names {
        let got = said(
            &mut ada,
            &[raw::bind("", name, &[], 0), raw::execute("", 0)],
        )?;
        assert_eq!(super::first_value(&got)?.as_ref(), Some(name));
    }
    let kept = value(&mut ada, "SELECT count(*) FROM pg_prepared_statements")?;
    ensure!(
        kept.as_deref()
            .is_some_and(|kept| kept.parse::<u32>().is_ok_and(|kept| kept <= 500)),
        "{kept:?}"
    );
    Ok(())
}

/// A Query in the same place sees the columns as they are now.
fn other_columns_are_not_passed_off(version: Version) -> Result<()> {
    let served = pooled(version, "tx_columns", ONE)?;
    let direct = Psql::new(&served.direct)?;
    direct.query("CREATE TABLE t (i int); INSERT INTO t VALUES (1)")?;
    let mut ada = served.client("ada")?;
    said(&mut ada, &[raw::parse("s", "SELECT * FROM t")])?;
    said(&mut ada, &[raw::bind("", "s", &[], 0), raw::execute("", 0)])?;
    direct.query("ALTER TABLE t ADD j int")?;
    // The same connection: the server says so.
    let got = said(&mut ada, &[raw::bind("", "s", &[], 0), raw::execute("", 0)])?;
    assert_eq!(code(&got)?, "0A000");
    Ok(())
}

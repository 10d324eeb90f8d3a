//! A refused statement never reaches the server, and the client sees what a PostgreSQL error would look like.

use std::collections::HashMap;

use anyhow::{Context, Result};
use gatewright_harness::Version;
use gatewright_tests::raw::{self, Client, tags};
use serde_json::Value;

use crate::world::{World, postgres, postgres_of};

on_each_version!(
    a_simple_query_is_refused_as_a_native_error,
    a_transaction_is_aborted_on_both_sides,
    a_pipeline_is_skipped_up_to_sync,
    a_statement_refused_at_parse_does_not_exist
);

fn world(test: &str) -> Result<World> {
    world_of(Version::Installed, test)
}

fn world_of(version: Version, test: &str) -> Result<World> {
    let world = World::of_version(version, test, &["deny-list"], "")?;
    world.prepare("CREATE TABLE kept AS SELECT i FROM generate_series(1, 10) AS i")?;
    Ok(world)
}

/// Statements that deny-list refuses by default, each with a marker to find in the server's log.
const REFUSED: [&str; 6] = [
    "DROP TABLE kept /* mark */",
    "TRUNCATE kept /* mark */",
    "UPDATE kept SET i = 0 /* mark */",
    "DELETE FROM kept WHERE true /* mark */",
    "WITH gone AS (DELETE FROM kept RETURNING i) SELECT count(*) FROM gone /* mark */",
    "EXPLAIN ANALYZE DELETE FROM kept /* mark */",
];

fn a_simple_query_is_refused_as_a_native_error(version: Version) -> Result<()> {
    let world = world_of(version, "refuse_simple")?;
    let mut client = world.client()?;
    for sql in REFUSED {
        let mark = format!("mark {}", world.direct.database);
        let messages = client.query(&sql.replace("mark", &mark))?;
        assert_eq!(tags(&messages), "EZ", "{sql}");
        assert_eq!(messages[1].body, b"I", "{sql}");
        assert_refusal(&messages, "deny-list").with_context(|| sql.to_owned())?;
        assert_eq!(
            rows(&client.query("SELECT count(*) FROM kept")?),
            ["10"],
            "{sql}"
        );
        assert!(
            !postgres_of(version)?.log()?.contains(&mark),
            "{sql} reached the server"
        );
    }
    Ok(())
}

#[test]
fn one_refused_statement_refuses_the_whole_message() -> Result<()> {
    let world = world("refuse_several")?;
    let mut client = world.client()?;
    let mark = format!("several_{}", world.direct.database);
    for (before, after) in [
        ("", "; SELECT 2"),
        ("INSERT INTO kept VALUES (11); ", ""),
        ("SELECT 1; ", "; SELECT 3"),
    ] {
        let messages = client.query(&format!("{before}DROP TABLE kept /* {mark} */{after}"))?;
        assert_eq!(tags(&messages), "EZ");
        assert_refusal(&messages, "deny-list")?;
    }
    assert_eq!(rows(&client.query("SELECT count(*) FROM kept")?), ["10"]);
    assert!(!postgres()?.log()?.contains(&mark));
    Ok(())
}

fn a_transaction_is_aborted_on_both_sides(version: Version) -> Result<()> {
    let world = world_of(version, "refuse_transaction")?;
    let mut client = world.client()?;
    assert_eq!(
        client
            .query("BEGIN")?
            .last()
            .map(|message| message.body.clone()),
        Some(b"T".to_vec())
    );
    client.query("INSERT INTO kept VALUES (12)")?;
    let messages = client.query("UPDATE kept SET i = 0")?;
    assert_refusal(&messages, "deny-list")?;
    assert_eq!(
        messages.last().map(|message| message.body.clone()),
        Some(b"E".to_vec())
    );
    // The server itself reports the aborted transaction; the gateway does not invent this error.
    let aborted = client.query("SELECT 1")?;
    assert_eq!(raw::error(&aborted).context("no error")?[&'C'], "25P02");
    let ended = client.query("COMMIT")?;
    assert_eq!(
        (ended[0].text().as_str(), ended[1].body.as_slice()),
        ("ROLLBACK", b"I".as_slice())
    );
    assert_eq!(rows(&client.query("SELECT count(*) FROM kept")?), ["10"]);
    Ok(())
}

#[test]
fn rolling_back_to_a_savepoint_recovers_the_transaction() -> Result<()> {
    let world = world("refuse_savepoint")?;
    let mut client = world.client()?;
    client.query("BEGIN; INSERT INTO kept VALUES (13); SAVEPOINT s")?;
    assert_refusal(&client.query("DELETE FROM kept")?, "deny-list")?;
    let back = client.query("ROLLBACK TO s")?;
    assert_eq!(
        back.last().map(|message| message.body.clone()),
        Some(b"T".to_vec())
    );
    assert_eq!(client.query("COMMIT")?[0].text(), "COMMIT");
    assert_eq!(rows(&client.query("SELECT count(*) FROM kept")?), ["11"]);
    Ok(())
}

fn a_pipeline_is_skipped_up_to_sync(version: Version) -> Result<()> {
    let world = world_of(version, "refuse_pipeline")?;
    let mut client = world.client()?;
    let mark = format!("pipe_{}", world.direct.database);
    client.send(
        &[
            raw::extended("INSERT INTO kept VALUES (14)", &[], 0),
            raw::extended(&format!("DROP TABLE kept /* {mark} */"), &[], 0),
            raw::extended(
                &format!("INSERT INTO kept VALUES (15) /* {mark} */"),
                &[],
                0,
            ),
            raw::sync(),
            raw::extended("SELECT count(*) FROM kept", &[], 0),
            raw::sync(),
        ]
        .concat(),
    )?;
    let first = client.until_ready()?;
    assert_eq!(tags(&first), "12nCEZ", "{first:?}");
    assert_refusal(&first, "deny-list")?;
    // The server rolled back the pipeline's implicit transaction, including its INSERT.
    assert_eq!(rows(&client.until_ready()?), ["10"]);
    assert!(!postgres_of(version)?.log()?.contains(&mark));
    Ok(())
}

fn a_statement_refused_at_parse_does_not_exist(version: Version) -> Result<()> {
    let world = world_of(version, "refuse_prepared")?;
    let mut client = world.client()?;
    client.send(
        &[
            raw::parse("p", "DELETE FROM kept"),
            raw::describe(b'S', "p"),
            raw::sync(),
        ]
        .concat(),
    )?;
    let messages = client.until_ready()?;
    assert_eq!(tags(&messages), "EZ");
    assert_refusal(&messages, "deny-list")?;
    client.send(&[raw::bind("", "p", &[], 0), raw::execute("", 0), raw::sync()].concat())?;
    let unknown = client.until_ready()?;
    assert_eq!(raw::error(&unknown).context("no error")?[&'C'], "26000");
    client.send(
        &[
            raw::extended("SELECT count(*) FROM kept", &[], 0),
            raw::sync(),
        ]
        .concat(),
    )?;
    assert_eq!(rows(&client.until_ready()?), ["10"]);
    Ok(())
}

#[test]
fn sql_prepare_is_judged_by_its_inner_statement() -> Result<()> {
    let world = world("refuse_sql_prepare")?;
    let mut client = world.client()?;
    assert_refusal(&client.query("PREPARE p AS DELETE FROM kept")?, "deny-list")?;
    assert_eq!(
        raw::error(&client.query("EXECUTE p")?).context("no error")?[&'C'],
        "26000"
    );
    assert_eq!(rows(&client.query("SELECT count(*) FROM kept")?), ["10"]);
    Ok(())
}

#[test]
fn invalid_syntax_gets_a_server_error_or_a_refusal() -> Result<()> {
    let world = world("refuse_syntax")?;
    let mut client = world.client()?;
    for sql in [
        "SELEKT 1",
        "SELECT FROM WHERE",
        "DROP TABLE kept; SELEKT",
        "SELECT 'open",
        "((((",
        "\u{feff}SELECT 1",
    ] {
        let messages = client.query(sql)?;
        let error = raw::error(&messages).context("no error")?;
        assert!(
            ["42601", "42501"].contains(&error[&'C'].as_str()),
            "{sql}: {error:?}"
        );
        assert_eq!(
            messages.last().map(|message| message.body.clone()),
            Some(b"I".to_vec())
        );
    }
    assert_eq!(rows(&client.query("SELECT count(*) FROM kept")?), ["10"]);
    Ok(())
}

#[test]
fn unreadable_messages_are_not_forwarded() -> Result<()> {
    let world = world("refuse_unreadable")?;
    let deep = format!("SELECT {}1{}", "(".repeat(60_000), ")".repeat(60_000));
    let chain = format!("SELECT 1{}", "+1".repeat(40_000));
    let comments = format!("SELECT 1 {} {}", "/*".repeat(5_000), "*/".repeat(5_000));
    for sql in [
        deep.as_bytes(),
        chain.as_bytes(),
        comments.as_bytes(),
        b"SELECT '\xff\xfe'",
    ] {
        let mut client = world.client()?;
        client.send(&raw::message(b'Q', &[sql, &[0]]))?;
        let messages = client.until_ready()?;
        assert!(
            raw::error(&messages).is_some(),
            "{}",
            String::from_utf8_lossy(&sql[..40])
        );
        assert_eq!(rows(&client.query("SELECT count(*) FROM kept")?), ["10"]);
    }
    assert!(!postgres()?.log()?.contains("/*/*/*/*"));
    Ok(())
}

#[test]
fn a_malformed_message_ends_the_session_with_an_error() -> Result<()> {
    let world = world("refuse_broken")?;
    let broken: [(&[u8], &str); 3] = [
        (b"Q\0\0\0\x03", "08P01"),
        (b"Q\x7f\xff\xff\xff", "54000"),
        (b"\x01\0\0\0\x04", "08P01"),
    ];
    for (bytes, sqlstate) in broken {
        let mut client = world.client()?;
        client.send(bytes)?;
        let message = client.receive()?;
        assert_eq!(message.tag, b'E', "{bytes:?}");
        let fields = message.fields();
        assert_eq!(
            (fields[&'S'].as_str(), fields[&'C'].as_str()),
            ("FATAL", sqlstate),
            "{bytes:?}: {fields:?}"
        );
        assert!(
            client.receive().is_err(),
            "the connection stays open after {bytes:?}"
        );
    }
    // A complete message with a malformed body is an error. Whether it ends the session is up to the gateway.
    for bytes in [
        raw::message(b'Q', &[b"SELECT 1"]),
        raw::message(b'B', &[b"\0\0\0\0\x7f\xff"]),
    ] {
        let mut client = world.client()?;
        client.send(&bytes)?;
        let message = client.receive()?;
        assert_eq!(
            (message.tag, message.fields()[&'C'].as_str()),
            (b'E', "08P01"),
            "{bytes:?}"
        );
    }
    // Other sessions are not affected.
    assert_eq!(
        rows(&world.client()?.query("SELECT count(*) FROM kept")?),
        ["10"]
    );
    Ok(())
}

#[test]
fn psql_shows_message_detail_and_hint() -> Result<()> {
    let world = world("refuse_psql")?;
    let mut session = world.psql()?.session()?;
    let shown = session.run("\\set VERBOSITY verbose\nDROP TABLE kept;")?;
    assert!(
        shown.contains("ERROR:  42501:") && shown.contains("DETAIL:  {") && shown.contains("HINT:"),
        "{shown}"
    );
    assert!(session.run("SELECT count(*) FROM kept;")?.contains("10"));
    Ok(())
}

/// Asserts one ErrorResponse with SQLSTATE 42501, a machine-readable DETAIL with policy and code, and a hint.
fn assert_refusal(messages: &[raw::Message], policy: &str) -> Result<()> {
    let error: HashMap<char, String> = raw::error(messages).context("no ErrorResponse")?;
    assert_eq!(
        messages
            .iter()
            .filter(|message| message.tag == b'E')
            .count(),
        1
    );
    assert_eq!(
        (
            error[&'S'].as_str(),
            error[&'V'].as_str(),
            error[&'C'].as_str()
        ),
        ("ERROR", "ERROR", "42501"),
        "{error:?}"
    );
    let detail: Value = serde_json::from_str(&error[&'D'])
        .with_context(|| format!("DETAIL is not JSON: {error:?}"))?;
    assert_eq!(detail["policy"], policy, "{detail}");
    assert!(
        detail["code"].as_str().is_some_and(|code| !code.is_empty()),
        "{detail}"
    );
    assert!(
        error.get(&'H').is_some_and(|hint| !hint.is_empty()),
        "{error:?}"
    );
    Ok(())
}

/// The first cell of each row.
fn rows(messages: &[raw::Message]) -> Vec<String> {
    let rows = messages.iter().filter(|message| message.tag == b'D');
    rows.filter_map(|message| message.cells().into_iter().next().flatten())
        .collect()
}

#[test]
fn a_wrong_password_is_refused_before_any_statement() -> Result<()> {
    let world = world("refuse_password")?;
    let dsn = world.dsn()?;
    for password in ["", "wrong", "a.b.c", &tampered(&dsn.password)] {
        let refused = Client::connect(&dsn.with_login(&dsn.user, password))
            .err()
            .context("the login succeeded")?;
        let text = refused.to_string();
        assert!(text.contains("28P01") || text.contains("28000"), "{text}");
        assert!(
            password.len() < 10 || !text.contains(password),
            "the error contains the token"
        );
    }
    Ok(())
}

/// The token with one character of its signature changed.
fn tampered(token: &str) -> String {
    let (rest, signature) = token.rsplit_once('.').unwrap_or(("", token));
    let first = if signature.starts_with('A') { "B" } else { "A" };
    format!("{rest}.{first}{}", signature.get(1..).unwrap_or(""))
}

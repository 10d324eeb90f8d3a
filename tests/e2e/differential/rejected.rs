//! Statements that the grammar rejects: the client gets the server's own error, and nothing of the text is left behind.

use anyhow::{Result, ensure};
use gatewright_harness::{GatewayCommand, Postgres, PostgresSettings, Version};
use gatewright_tests::raw::{self, Client, message};

use super::edges::{Conversation, assert_identical};

on_each_version!(
    the_error_is_the_servers_own,
    what_the_server_alone_can_read_is_refused
);

const MESSY: &[&str] = &[
    "SELEC 1",
    "SELECT FROM WHERE",
    "SELECT 1; SELEC 2; SELECT 3",
    "SELECT 'é' || ",
    "SELECT 'open",
    "SELECT \"open",
    "SELECT $x$open",
    "SELECT /* open",
    "SELECT E'\\xg' FRO 1 2",
    "SELECT U&'\\zzzz'",
    "SELECT U&'\\d800'",
    "SELECT \"\"",
    "SELECT 1e",
    "SELECT 123abc, 0x, 1__0",
    "CREATE ROLE public",
    "CREATE ASSERTION a CHECK (true)",
    "CREATE TABLE t (i int) WITH OIDS",
    "SELECT count(*) OVER (ROWS BETWEEN UNBOUNDED FOLLOWING AND CURRENT ROW)",
    "CREATE FUNCTION f(VARIADIC a int, b int",
    "SELECT * FROM w LIMIT 1, 2",
    "INSERT INTO w DEFAULT VALUES DEFAULT VALUES",
    "SELECT 1 AS a_name_that_is_longer_than_sixty_three_bytes_and_therefore_cut_by_the_scanner FRO 1 2",
    "COPY w FROM STDIN WITH CSV HEADER FOO",
    "COMMIT SELEC",
];

fn in_every_place(text: &str) -> Vec<u8> {
    let prepared = |name: &str| {
        [
            raw::parse(name, "SELECT 7"),
            raw::parse(name, text),
            raw::bind("", name, &[], 0),
            raw::execute("", 0),
            raw::sync(),
            raw::bind("", name, &[], 0),
            raw::execute("", 0),
            raw::sync(),
        ]
        .concat()
    };
    [
        raw::query(text),
        raw::query("BEGIN; INSERT INTO w VALUES (1)"),
        raw::query(text),
        raw::query(text),
        raw::query("SELECT 1"),
        raw::query("ROLLBACK"),
        raw::query("BEGIN"),
        prepared(""),
        raw::query("ROLLBACK"),
        prepared("named"),
        prepared(""),
        raw::query("SELECT count(*) FROM w"),
    ]
    .concat()
}

fn pipelines() -> Vec<Conversation> {
    let insert = || raw::extended("INSERT INTO w VALUES (2)", &[], 0);
    let count = || raw::query("SELECT count(*) FROM w");
    vec![
        (
            "behind a statement that is undone with it",
            [
                insert(),
                raw::parse("", "SELEC 1"),
                insert(),
                raw::sync(),
                count(),
            ]
            .concat(),
        ),
        (
            "behind a statement that fails",
            [
                raw::extended("SELECT 1/0", &[], 0),
                raw::parse("", "SELEC 1"),
                raw::sync(),
                count(),
            ]
            .concat(),
        ),
        (
            "a Query in a pipeline",
            [
                insert(),
                raw::query("SELEC 1"),
                insert(),
                raw::sync(),
                count(),
            ]
            .concat(),
        ),
        (
            "a Query in a pipeline that has failed",
            [
                raw::extended("SELECT 1/0", &[], 0),
                raw::query("SELEC 1"),
                raw::query("SELECT 2"),
                raw::sync(),
                count(),
            ]
            .concat(),
        ),
        (
            "parameters of a given type",
            [
                message(b'P', &[b"\0SELEC $1\0\0\x01\0\0\0\x17"]),
                raw::describe(b'S', ""),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "a name that exists",
            [
                raw::parse("p", "SELECT 5"),
                raw::sync(),
                raw::parse("p", "SELEC 1"),
                raw::sync(),
                raw::bind("", "p", &[], 0),
                raw::execute("", 0),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "one after the other",
            [
                raw::query("SELEC 1"),
                raw::query("SELEC 2"),
                raw::query("SELECT 3"),
                raw::query("SELEC 4"),
            ]
            .concat(),
        ),
        (
            "bytes that are not of the encoding",
            [
                message(b'Q', &[b"SET client_encoding TO 'SJIS'\0"]),
                message(b'Q', &[b"SELECT '\x83' \xff\0"]),
                message(b'P', &[b"\0SELECT '\xfd\xfe'\0\0\0"]),
                raw::sync(),
            ]
            .concat(),
        ),
    ]
}

fn the_error_is_the_servers_own(version: Version) -> Result<()> {
    let mut all = pipelines();
    all.extend(MESSY.iter().map(|text| (*text, in_every_place(text))));
    let direct = assert_identical(version, &all)?;
    for reported in [
        "unterminated quoted",
        "not yet implemented",
        "25P02",
        "22021",
    ] {
        assert!(direct.contains(reported), "{reported}: {direct}");
    }
    Ok(())
}

/// `SYSTEM_USER` is reserved from PostgreSQL 16 on, and the gateway's grammar is that of 18.
fn what_the_server_alone_can_read_is_refused(version: Version) -> Result<()> {
    if version != Version::Installed {
        return Ok(());
    }
    let server = Postgres::start_with(&PostgresSettings::default().version(version))?;
    let gateway = GatewayCommand::dev(&server.dsn()).start()?;
    let text = "CREATE TABLE system_user (i int)";
    let mut direct = Client::connect(&server.dsn())?;
    ensure!(
        raw::error(&direct.query(&format!("BEGIN; {text}; ROLLBACK"))?).is_none(),
        "the server can read it"
    );
    let mut client = Client::connect(&gateway.dsn()?)?;
    for _ in 0..2 {
        let replies = client.query(text)?;
        let error = raw::error(&replies).expect("a refusal");
        assert_eq!(error[&'C'], "0A000", "{error:?}");
        assert!(error[&'D'].contains("syntax error"), "{error:?}");
        assert_eq!(raw::tags(&replies), "EZ");
    }
    client.send(
        &[
            raw::parse("p", text),
            raw::bind("", "p", &[], 0),
            raw::execute("", 0),
            raw::sync(),
            raw::bind("", "p", &[], 0),
            raw::execute("", 0),
            raw::sync(),
        ]
        .concat(),
    )?;
    let refused = client.until_ready()?;
    assert_eq!(raw::tags(&refused), "EZ");
    let unknown = raw::error(&client.until_ready()?).expect("no such statement");
    assert_eq!(unknown[&'C'], "26000");
    // Names in a text that nobody has judged are not looked up for the client.
    let replies = client.query("SELECT system_user.i FROM nowhere AS system_user")?;
    let error = raw::error(&replies).expect("a refusal");
    assert_eq!(error[&'C'], "0A000", "{error:?}");
    let tables = direct.query("SELECT 1 FROM pg_class WHERE relname = 'system_user'")?;
    assert!(!raw::tags(&tables).contains('D'), "{}", raw::tags(&tables));
    Ok(())
}

//! The protocol byte for byte, beyond what drivers send: every backend message must be the same.

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Dsn, Version};
use gatewright_tests::raw::{self, Client, Message};

use super::{assert_same, both};

on_each_version!(
    every_message_is_the_same,
    startup_is_the_same,
    a_failed_login_names_the_database,
    cancel_reaches_the_statement
);

/// Conversations after a common setup. Each ends with a message that is answered by ReadyForQuery.
fn conversations() -> Vec<(&'static str, Vec<u8>)> {
    let wide = "SELECT i, repeat('w', 2000) FROM generate_series(1, 500) AS i";
    vec![
        ("empty query", raw::query("")),
        ("only a comment", raw::query("-- nothing\n")),
        (
            "several statements",
            raw::query("SELECT 1; SELECT 2; INSERT INTO w VALUES (90); SELECT count(*) FROM w"),
        ),
        (
            "an error stops the rest",
            raw::query("INSERT INTO w VALUES (91); SELECT 1/0; INSERT INTO w VALUES (92)"),
        ),
        (
            "and rolled back",
            raw::query("SELECT * FROM w WHERE i > 90"),
        ),
        (
            "extended, text",
            [
                raw::extended("SELECT $1::int + 1, $2::text", &[Some("41"), None], 0),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "extended, binary",
            [
                raw::extended(
                    "SELECT $1::int + 1, $2::timestamptz, $3::numeric",
                    &[Some("41"), Some("2024-01-01 00:00+00"), Some("1.25")],
                    1,
                ),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "describe statement",
            [
                raw::parse("s1", "SELECT i, $1::text FROM w WHERE i = $2"),
                raw::describe(b'S', "s1"),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "execute named twice",
            [
                raw::bind("", "s1", &[Some("a"), Some("1")], 0),
                raw::execute("", 0),
                raw::bind("", "s1", &[Some("b"), Some("2")], 1),
                raw::execute("", 0),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "parse under the same name again",
            [raw::parse("s1", "SELECT 1"), raw::sync()].concat(),
        ),
        (
            "close and use",
            [
                raw::close(b'S', "s1"),
                raw::bind("", "s1", &[], 0),
                raw::execute("", 0),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "close a missing statement",
            [
                raw::close(b'S', "nobody"),
                raw::close(b'P', "nobody"),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "portal executed in parts",
            [
                raw::query("BEGIN"),
                raw::parse("", wide),
                raw::bind("p", "", &[], 0),
                raw::execute("p", 3),
                raw::execute("p", 3),
                raw::describe(b'P', "p"),
                raw::execute("p", 0),
                raw::close(b'P', "p"),
                raw::sync(),
            ]
            .concat(),
        ),
        ("end of that transaction", raw::query("COMMIT")),
        (
            "pipeline of two Syncs",
            [
                raw::extended("SELECT 1", &[], 0),
                raw::sync(),
                raw::extended("SELECT 2", &[], 0),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "error in a pipeline",
            [
                raw::extended("INSERT INTO w VALUES (95)", &[], 0),
                raw::extended("SELECT 1/0", &[], 0),
                raw::extended("SELECT 'skipped'", &[], 0),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "the pipeline was one transaction",
            raw::query("SELECT * FROM w WHERE i = 95"),
        ),
        (
            "no such statement",
            [
                raw::bind("", "missing", &[], 0),
                raw::execute("", 0),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "no such portal",
            [raw::execute("missing", 0), raw::sync()].concat(),
        ),
        (
            "several in one Parse",
            [raw::parse("", "SELECT 1; SELECT 2"), raw::sync()].concat(),
        ),
        (
            "empty Parse",
            [raw::extended("", &[], 0), raw::sync()].concat(),
        ),
        (
            "too few parameters",
            [
                raw::parse("", "SELECT $1::int"),
                raw::bind("", "", &[], 0),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "a bad parameter",
            [
                raw::extended("SELECT $1::int", &[Some("x")], 0),
                raw::sync(),
            ]
            .concat(),
        ),
        ("only Sync", raw::sync()),
        (
            "Flush before Sync",
            [raw::extended("SELECT 7", &[], 0), raw::flush(), raw::sync()].concat(),
        ),
        (
            "COPY out",
            raw::query("COPY (SELECT i FROM generate_series(1, 3) AS i) TO STDOUT"),
        ),
        (
            "COPY out, binary",
            raw::query("COPY (SELECT 1, NULL, 'x'::text) TO STDOUT (FORMAT binary)"),
        ),
        (
            "COPY out, extended",
            [raw::extended("COPY w TO STDOUT", &[], 0), raw::sync()].concat(),
        ),
        (
            "COPY in",
            [
                raw::query("COPY w FROM STDIN"),
                raw::message(b'd', &[b"100\n101\n"]),
                raw::message(b'd', &[b"102\n"]),
                raw::message(b'c', &[]),
            ]
            .concat(),
        ),
        (
            "COPY in that fails",
            [
                raw::query("COPY w FROM STDIN"),
                raw::message(b'd', &[b"x\n"]),
                raw::message(b'c', &[]),
            ]
            .concat(),
        ),
        (
            "COPY in aborted by the client",
            [
                raw::query("COPY w FROM STDIN"),
                raw::message(b'd', &[b"103\n"]),
                raw::message(b'f', &[b"client gave up\0"]),
            ]
            .concat(),
        ),
        (
            "COPY in, extended",
            [
                raw::extended("COPY w FROM STDIN", &[], 0),
                raw::message(b'd', &[b"104\n"]),
                raw::message(b'c', &[]),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "between two copies",
            raw::query("COPY w TO STDOUT; SELECT count(*) FROM w; COPY w TO STDOUT"),
        ),
        (
            "transaction status",
            [
                raw::query("BEGIN"),
                raw::query("SELECT 1/0"),
                raw::query("SELECT 1"),
                raw::query("ROLLBACK"),
            ]
            .concat(),
        ),
        (
            "BEGIN in a pipeline",
            [
                raw::extended("BEGIN", &[], 0),
                raw::extended("SELECT 1", &[], 0),
                raw::sync(),
                raw::query("END"),
            ]
            .concat(),
        ),
        (
            "notices",
            raw::query(
                "DO $$ BEGIN RAISE NOTICE 'n' USING DETAIL = 'd'; END $$; DROP TABLE IF EXISTS nowhere",
            ),
        ),
        (
            "parameter status",
            raw::query("SET application_name TO 'x'; SET timezone TO 'Asia/Tokyo'; RESET timezone"),
        ),
        ("notification to itself", raw::query("LISTEN a; SELECT 1")),
        ("a wide result", raw::query(wide)),
        (
            "two hundred columns",
            raw::query(&format!("SELECT {}", vec!["NULL"; 200].join(", "))),
        ),
        (
            "function call",
            raw::message(b'F', &[&810_u32.to_be_bytes(), &[0, 0], &[0, 0], &[0, 0]]),
        ),
        (
            "function call with arguments",
            raw::message(
                b'F',
                &[
                    &177_u32.to_be_bytes(),
                    &[0, 0],
                    &[0, 2],
                    &[0, 0, 0, 1],
                    b"2",
                    &[0, 0, 0, 1],
                    b"3",
                    &[0, 0],
                ],
            ),
        ),
        (
            "no such function",
            raw::message(
                b'F',
                &[&999_999_u32.to_be_bytes(), &[0, 0], &[0, 0], &[0, 0]],
            ),
        ),
    ]
}

fn every_message_is_the_same(version: Version) -> Result<()> {
    let (direct, through) = both(version, "diff_wire", transcript)?;
    assert!(direct.contains("CopyData") && direct.lines().count() > 700);
    assert_same(&direct, &through);
    Ok(())
}

fn startup_is_the_same(version: Version) -> Result<()> {
    let parameters = [
        ("application_name", "a client"),
        ("DateStyle", "German"),
        ("client_encoding", "LATIN1"),
        ("options", "-c work_mem=3MB -c extra_float_digits=1"),
        ("search_path", "pg_catalog"),
        ("TimeZone", "Asia/Kolkata"),
    ];
    let (direct, through) = both(version, "diff_startup", |dsn| {
        let mut client = Client::connect_with(dsn, &parameters)?;
        let mut status: Vec<_> = client.parameters.clone().into_iter().collect();
        status.sort();
        let settings = "SELECT current_database(), current_user, current_setting('work_mem'), \
                        current_setting('search_path'), current_setting('extra_float_digits')";
        Ok(format!("{status:#?}\n{}", show(&client.query(settings)?)))
    })?;
    assert!(
        direct.contains("German") && direct.contains("3MB"),
        "{direct}"
    );
    assert_same(&direct, &through);
    Ok(())
}

fn a_failed_login_names_the_database(version: Version) -> Result<()> {
    let (direct, through) = both(version, "diff_login", |dsn| {
        let refused = Client::connect(&dsn.with_database("no_such_database"));
        Ok(refused
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default())
    })?;
    for text in [&direct, &through] {
        assert!(
            text.contains("3D000") && text.contains("no_such_database"),
            "{text}"
        );
    }
    Ok(())
}

fn cancel_reaches_the_statement(version: Version) -> Result<()> {
    let (direct, through) = both(version, "diff_cancel", |dsn| {
        let mut client = Client::connect(dsn)?;
        client.send(&raw::query("SELECT pg_sleep(30)"))?;
        std::thread::sleep(std::time::Duration::from_millis(300));
        let start = std::time::Instant::now();
        raw::cancel(dsn, &client.key)?;
        let messages = client.until_ready()?;
        assert!(start.elapsed() < std::time::Duration::from_secs(5));
        // A cancel request with an unknown key has no effect.
        raw::cancel(dsn, &[1, 2, 3, 4, 5, 6, 7, 8])?;
        Ok(show(&messages) + &show(&client.query("SELECT 'still usable'")?))
    })?;
    assert!(direct.contains("57014"), "{direct}");
    assert_same(&direct, &through);
    Ok(())
}

#[test]
fn a_row_of_thirty_megabytes_is_forwarded() -> Result<()> {
    let (direct, through) = both(Version::Installed, "diff_large", |dsn| {
        let mut client = Client::connect(dsn)?;
        let messages = client.query("SELECT repeat('0123456789', 3000000), 'after'")?;
        let sizes: Vec<_> = messages.iter().map(|message| message.body.len()).collect();
        let parameter = "p".repeat(20_000_000);
        client.send(
            &[
                raw::extended("SELECT length($1)", &[Some(&parameter)], 0),
                raw::sync(),
            ]
            .concat(),
        )?;
        Ok(format!("{sizes:?}\n{}", show(&client.until_ready()?)))
    })?;
    assert!(direct.contains("20000000"), "{direct}");
    assert_same(&direct, &through);
    Ok(())
}

/// The transcript of two connections: one with whole messages, one byte by byte.
fn transcript(dsn: &Dsn) -> Result<String> {
    let mut client = Client::connect(dsn)?;
    client.query("CREATE TABLE w AS SELECT i FROM generate_series(1, 5) AS i")?;
    let mut text = String::new();
    for mut client in [client, Client::connect_byte_by_byte(dsn)?] {
        for (name, bytes) in conversations() {
            text.push_str(&format!("-- {name}\n"));
            text.push_str(&to_marker(&mut client, &bytes).with_context(|| name)?);
        }
    }
    Ok(text)
}

/// Sends messages followed by a marker query, so that a conversation with several ReadyForQuery, or none, ends, too.
/// Returns the replies.
pub(super) fn to_marker(client: &mut Client, bytes: &[u8]) -> Result<String> {
    let (text, ended) = to_marker_or_end(client, bytes);
    ensure!(!ended, "the connection ended:\n{text}");
    Ok(text)
}

/// Like `to_marker`, for bytes that may end the connection. The flag is true if they did.
pub(super) fn to_marker_or_end(client: &mut Client, bytes: &[u8]) -> (String, bool) {
    // The server may close the connection before it has read everything.
    let _ = client.send(&[bytes, &raw::query("SELECT 'marker'")].concat());
    let mut text = String::new();
    let mut seen = false;
    while let Ok(message) = client.receive() {
        text.push_str(&show(std::slice::from_ref(&message)));
        seen |= message.tag == b'D' && message.body.ends_with(b"marker");
        if seen && message.tag == b'Z' {
            return (text, false);
        }
    }
    text.push_str("the connection ended\n");
    (text, true)
}

/// One line per message: its tag, and its body with unprintable bytes escaped. For errors and notices all fields except
/// those that locate the server's source code.
pub(super) fn show(messages: &[Message]) -> String {
    let mut text = String::new();
    for message in messages {
        let kind = match message.tag {
            b'd' => "CopyData".to_owned(),
            tag => char::from(tag).to_string(),
        };
        let body = match message.tag {
            b'E' | b'N' => message
                .body
                .split(|byte| *byte == 0)
                .filter(|field| !field.first().is_some_and(|letter| b"FLR".contains(letter)))
                .collect::<Vec<_>>()
                .join(&0),
            _ => message.body.clone(),
        };
        text.push_str(&format!("{kind} {}\n", body.escape_ascii()));
    }
    text
}

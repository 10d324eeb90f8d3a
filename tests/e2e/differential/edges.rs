//! Edge cases of the protocol: portals and cursors that outlive their creator, text that is not UTF-8, and bytes that end
//! a session. Each runs on its own connection, in whole messages and byte by byte.

use anyhow::{Context, Result};
use gatewright_harness::{Dsn, Version};
use gatewright_tests::raw::{self, Client, message};

use super::wire::to_marker_or_end;
use super::{assert_same, both};

on_each_version!(
    encodings_are_handled_identically,
    portals_have_the_same_lifetime,
    sessions_end_identically
);

pub(super) type Conversation = (&'static str, Vec<u8>);

fn in_block(steps: &[Vec<u8>]) -> Vec<u8> {
    [raw::query("BEGIN"), steps.concat(), raw::query("ROLLBACK")].concat()
}

fn bound(portal: &str, sql: &str, parameters: &[Option<&str>]) -> Vec<u8> {
    [raw::parse("", sql), raw::bind(portal, "", parameters, 0)].concat()
}

fn run(portal: &str, rows: u32) -> Vec<u8> {
    [raw::execute(portal, rows), raw::sync()].concat()
}

/// A statement with 65,540 parameters.
fn many_parameters() -> String {
    let parameters: Vec<String> = (1..=65_540).map(|number| format!("${number}")).collect();
    format!("SELECT ARRAY[{}]::int[]", parameters.join(","))
}

fn portals() -> Vec<Conversation> {
    let numbers = "SELECT i, i::text FROM generate_series(1, 10) AS i";
    let declare = |what: &str| raw::query(&format!("DECLARE {what} FOR {numbers}"));
    vec![
        (
            "a Bind that fails leaves a portal",
            in_block(&[
                bound("p", "SELECT $1::int", &[Some("x")]),
                raw::sync(),
                run("p", 0),
                raw::describe(b'P', "p"),
                raw::sync(),
            ]),
        ),
        (
            "a Bind with too many parameters leaves the one before",
            in_block(&[
                bound("", "SELECT $1::int", &[Some("1")]),
                raw::sync(),
                raw::bind("", "", &[Some("1"), Some("2")], 0),
                raw::sync(),
                run("", 0),
            ]),
        ),
        (
            "a statement with more parameters than their count can say",
            [
                raw::parse("", &many_parameters()),
                raw::describe(b'S', ""),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "a Bind to an existing portal",
            in_block(&[
                bound("p", "SELECT 1", &[]),
                raw::bind("p", "", &[], 0),
                raw::sync(),
                run("p", 0),
            ]),
        ),
        (
            "a Query that fails leaves a portal",
            in_block(&[raw::query("SELECT 1/0"), run("", 0), run("p", 0)]),
        ),
        (
            "a failed ROLLBACK TO leaves a portal",
            in_block(&[
                raw::query("SELECT FRO"),
                raw::query("ROLLBACK TO nowhere"),
                run("", 0),
            ]),
        ),
        (
            "rolling back to a savepoint closes the portal",
            in_block(&[
                raw::query("SAVEPOINT a"),
                raw::query("SELECT 1/0"),
                run("", 0),
                raw::query("ROLLBACK TO a"),
                run("", 0),
            ]),
        ),
        (
            "the end of a transaction, twice",
            in_block(&[
                raw::query("SELECT FRO"),
                bound("", "ROLLBACK", &[]),
                raw::execute("", 0),
                run("", 0),
            ]),
        ),
        (
            "a Query closes the unnamed portal",
            in_block(&[
                bound("", "SELECT 7", &[]),
                raw::sync(),
                raw::query("SELECT 8"),
                run("", 0),
            ]),
        ),
        (
            "a cursor fetched in parts",
            in_block(&[
                declare("c CURSOR"),
                run("c", 3),
                raw::describe(b'P', "c"),
                raw::execute("c", 2),
                raw::sync(),
                raw::query("FETCH 1 FROM c"),
                raw::execute("c", 0),
                run("c", 0),
            ]),
        ),
        (
            "a binary cursor WITH HOLD",
            [
                declare("c BINARY CURSOR WITH HOLD"),
                run("c", 3),
                raw::query("FETCH 1 FROM c"),
                run("c", 0),
                raw::close(b'P', "c"),
                run("c", 0),
            ]
            .concat(),
        ),
        (
            "a SCROLL cursor with a quoted name",
            in_block(&[
                declare("\"C \"\"c\" SCROLL CURSOR"),
                run("C \"c", 0),
                raw::query("FETCH BACKWARD 2 FROM \"C \"\"c\""),
                run("C \"c", 1),
            ]),
        ),
        (
            "a cursor in one batch",
            in_block(&[
                raw::extended(&format!("DECLARE c CURSOR FOR {numbers}"), &[], 0),
                raw::execute("c", 3),
                run("c", 3),
            ]),
        ),
        (
            "a cursor of a failed transaction",
            in_block(&[declare("c CURSOR"), raw::query("SELECT 1/0"), run("c", 0)]),
        ),
        (
            "a cursor that was closed",
            in_block(&[declare("c CURSOR"), raw::query("CLOSE c"), run("c", 0)]),
        ),
        (
            "a cursor of a function",
            in_block(&[
                raw::query("DO $$ DECLARE r refcursor := 'r'; BEGIN OPEN r FOR SELECT 1; END $$"),
                run("r", 0),
            ]),
        ),
        (
            "names redefined between Bind and Execute",
            in_block(&[
                raw::query("PREPARE s AS SELECT 'first'; DECLARE c CURSOR FOR SELECT 'first'"),
                bound("p", "EXECUTE s", &[]),
                bound("q", "FETCH ALL FROM c", &[]),
                raw::sync(),
                raw::query("DEALLOCATE s; PREPARE s AS SELECT 'second'; EXECUTE s"),
                raw::query("CLOSE c; DECLARE c CURSOR FOR SELECT 'second'; FETCH ALL FROM c"),
                run("p", 0),
                run("q", 0),
                raw::query("DEALLOCATE s"),
            ]),
        ),
        (
            "names redefined in one batch",
            in_block(&[
                raw::query("PREPARE s AS SELECT 'first'"),
                bound("p", "EXECUTE s", &[]),
                raw::extended("DEALLOCATE s", &[], 0),
                raw::parse("s", "SELECT 'second'"),
                run("p", 0),
                raw::query("DEALLOCATE s"),
            ]),
        ),
        (
            "a cursor in place of a portal",
            in_block(&[
                bound("p", "SELECT 'portal'", &[]),
                raw::sync(),
                raw::query("CLOSE p; DECLARE p CURSOR FOR SELECT 'cursor'"),
                run("p", 0),
                raw::query("CLOSE p"),
                bound("p", "SELECT 'portal again'", &[]),
                run("p", 0),
            ]),
        ),
    ]
}

/// Text that is not UTF-8, entirely or in part.
/// Texts that the server reads by settings which the same series of messages has changed, and changed back.
fn changing_settings() -> Vec<u8> {
    let run = |text: &str| raw::extended(text, &[], 0);
    // Two columns, or one.
    let text = r"SELECT '\' AS a, ' AS b --'";
    [
        run("SET standard_conforming_strings TO off"),
        run(text),
        run("SET client_encoding TO 'LATIN1'"),
        run("SELECT length('é')"),
        run(text),
        run("RESET standard_conforming_strings"),
        run(text),
        run("RESET client_encoding"),
        run("SELECT length('é')"),
        raw::sync(),
        raw::query("BEGIN; SET standard_conforming_strings TO off"),
        run("ROLLBACK"),
        run(text),
        raw::sync(),
        raw::query("BEGIN; SET LOCAL client_encoding TO 'LATIN1'"),
        raw::query("SELECT 1/0"),
        raw::query("ROLLBACK"),
        raw::query("SELECT length('é')"),
        run("SET standard_conforming_strings TO off"),
        run("SELECT 1/0"),
        run(text),
        raw::sync(),
        raw::query(text),
    ]
    .concat()
}

fn encodings() -> Vec<Conversation> {
    let set = |encoding: &str| raw::query(&format!("SET client_encoding TO '{encoding}'"));
    let query = |text: &[u8]| message(b'Q', &[text, b"\0"]);
    let prepared = |text: &[u8]| {
        let parse = message(b'P', &[b"\0", text, b"\0\0\0"]);
        [parse, rebind(), raw::sync()].concat()
    };
    let mut all = vec![(
        "text that is not UTF-8",
        [
            query(b"SELECT '\xe9\xe8'"),
            raw::parse("", "SELECT 'kept'"),
            raw::sync(),
            message(b'P', &[b"\0SELECT '\xc3'\0\0\0"]),
            raw::sync(),
            rebind(),
            raw::sync(),
            query(b"SELECT 'a\xf0\x9f\x98'"),
            query(b"SELECT '\xff'"),
        ]
        .concat(),
    )];
    all.push(("settings that change in a series", changing_settings()));
    for encoding in [
        "UNICODE",
        "LATIN1",
        "LATIN2",
        "LATIN5",
        "ISO_8859_7",
        "LATIN9",
        "WIN1250",
        "WIN1252",
        "KOI8R",
        "ISO_8859_5",
    ] {
        let text = b"SELECT '\xe9\xe8' AS \"\xe9\", length('\xe9')";
        let bytes = [
            set(encoding),
            query(text),
            prepared(text),
            raw::describe(b'S', ""),
            raw::sync(),
            query(b"SELECT missing AS \"\xe9\" FROM \"\xe8\""),
            query(b"SELECT '\xe9'::int"),
            query(b"SELECT U&'\\4e2d'"),
            set("UTF8"),
            raw::query("SELECT 'é'"),
        ];
        all.push(("one byte per character", bytes.concat()));
    }
    // The character 中, and one whose second byte is an ASCII backslash or letter.
    for (encoding, character) in [
        ("SJIS", b"\x92\x86\x83\x5c".as_slice()),
        ("BIG5", b"\xa4\xa4\xa5\x5c"),
        ("GBK", b"\xd6\xd0\x81\x5c"),
        ("GB18030", b"\xd6\xd0\x81\x5c\x81\x39\xee\x39"),
        ("UHC", b"\xf1\xe9\x81\x41"),
        ("EUC_JP", b"\xc3\xe6"),
        ("EUC_KR", b"\xf1\xe9"),
        ("EUC_CN", b"\xd6\xd0"),
    ] {
        let text = [
            b"SELECT '",
            character,
            b"', length('",
            character,
            b"') AS \"",
            character,
            b"\"",
        ];
        let bytes = [
            set(encoding),
            query(&text.concat()),
            prepared(&text.concat()),
            query(&[b"SELECT E'", character, b"'::int"].concat()),
        ];
        all.push(("two bytes per character", bytes.concat()));
    }
    let ascii = [
        set("SQL_ASCII"),
        raw::query("SELECT 'é' AS \"é\""),
        query(b"SELECT '\xe9'"),
    ];
    all.push(("no conversion", ascii.concat()));
    all.push((
        "ASCII text only",
        [
            set("SJIS"),
            query(b"SELECT 'ASCII'"),
            query(b"SELECT U&'\\4e2d'"),
        ]
        .concat(),
    ));
    all
}

fn rebind() -> Vec<u8> {
    [
        raw::bind("", "", &[], 0),
        raw::describe(b'P', ""),
        raw::execute("", 0),
    ]
    .concat()
}

fn session_ends() -> Vec<Conversation> {
    vec![
        (
            "an unknown type after a Query",
            [raw::query("SELECT pg_sleep(0.1)"), message(b'z', &[])].concat(),
        ),
        (
            "a password after a Parse",
            [raw::parse("", "SELECT 1"), message(b'p', &[b"word\0"])].concat(),
        ),
        (
            "an unknown type while skipping to Sync",
            [raw::parse("", "SELECT FRO"), message(b'z', &[])].concat(),
        ),
        (
            "Terminate after a Query",
            [raw::query("SELECT pg_sleep(0.1)"), message(b'X', &[])].concat(),
        ),
        (
            "Terminate after a Parse",
            [raw::parse("", "SELECT 1"), message(b'X', &[])].concat(),
        ),
        (
            "a Flush with a body",
            [message(b'H', &[b"x"]), raw::extended("SELECT 1", &[], 0)].concat(),
        ),
        (
            "a Sync with a body",
            [raw::extended("SELECT 1", &[], 0), message(b'S', &[b"x"])].concat(),
        ),
    ]
}

fn transcript(dsn: &Dsn, conversations: &[Conversation]) -> Result<String> {
    let mut setup = Client::connect(dsn)?;
    setup.query(
        "CREATE TABLE w (i int);
         CREATE TABLE never (i int);
         CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never'; END $$;
         CREATE TRIGGER fails BEFORE INSERT ON never EXECUTE FUNCTION fails()",
    )?;
    let mut text = String::new();
    for (number, (name, bytes)) in conversations.iter().enumerate() {
        for split in [false, true] {
            text.push_str(&format!("-- {number}: {name}, split: {split}\n"));
            let client = match split {
                false => Client::connect(dsn),
                true => Client::connect_byte_by_byte(dsn),
            };
            let mut client = client.with_context(|| format!("{number}: {name}"))?;
            let all = [bytes.as_slice(), &raw::sync()].concat();
            text.push_str(&to_marker_or_end(&mut client, &all).0);
        }
    }
    Ok(text)
}

pub(super) fn assert_identical(version: Version, conversations: &[Conversation]) -> Result<String> {
    let (direct, through) = both(version, "edges", |dsn| transcript(dsn, conversations))?;
    assert_same(&direct, &through);
    Ok(direct)
}

fn portals_have_the_same_lifetime(version: Version) -> Result<()> {
    let direct = assert_identical(version, &portals())?;
    for reported in ["25P02", "34000", "55000", "SELECT 4", "cursor"] {
        assert!(direct.contains(reported), "{reported}: {direct}");
    }
    Ok(())
}

fn encodings_are_handled_identically(version: Version) -> Result<()> {
    let direct = assert_identical(version, &encodings())?;
    for reported in ["0xe9 0xe8 0x27", "kept", "\\xe9\\xe8", "22P05"] {
        assert!(direct.contains(reported), "{reported}: {direct}");
    }
    Ok(())
}

fn sessions_end_identically(version: Version) -> Result<()> {
    let direct = assert_identical(version, &session_ends())?;
    assert!(direct.contains("invalid frontend message type 122"));
    Ok(())
}

//! What one identity leaves on a server connection does not reach the next.

use anyhow::{Context, Result, ensure};
use gatewright_harness::Version;
use gatewright_tests::raw::{self, error};

use super::{backend, pooled, value};

on_each_version!(
    nothing_of_one_identity_reaches_another,
    what_no_reset_removes_ends_the_connection,
    prepared_statements_of_messages_are_gone,
    settings_that_the_client_is_told_are_those_of_its_connection,
);

/// What one does, a question for the next, and the answer.
const LEFTOVERS: [(&str, &str, &str); 12] = [
    (
        "SET work_mem = '77MB'",
        "SELECT current_setting('work_mem') = '77MB'",
        "f",
    ),
    (
        "SELECT set_config('work_mem', '77MB', false)",
        "SELECT current_setting('work_mem') = '77MB'",
        "f",
    ),
    (
        "SET search_path = pg_catalog",
        "SELECT current_setting('search_path') LIKE '%public%'",
        "t",
    ),
    (
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SHOW transaction_read_only",
        "off",
    ),
    (
        "PREPARE secret AS SELECT 1",
        "SELECT count(*) FROM pg_prepared_statements",
        "0",
    ),
    (
        "CREATE TEMP TABLE secret AS SELECT 1",
        "SELECT count(*) FROM pg_class WHERE relname = 'secret'",
        "0",
    ),
    (
        "LISTEN secret",
        "SELECT count(*) FROM pg_listening_channels()",
        "0",
    ),
    (
        "SELECT pg_advisory_lock(42)",
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
        "0",
    ),
    (
        "BEGIN; DECLARE secret CURSOR WITH HOLD FOR SELECT 1; COMMIT",
        "SELECT count(*) FROM pg_cursors",
        "0",
    ),
    ("SELECT nextval('numbers')", "SELECT 1", "1"),
    (
        "SET standard_conforming_strings = off",
        r"SELECT length('\')",
        "1",
    ),
    (
        "BEGIN; SET LOCAL work_mem = '77MB'; COMMIT",
        "SELECT current_setting('work_mem') = '77MB'",
        "f",
    ),
];

fn nothing_of_one_identity_reaches_another(version: Version) -> Result<()> {
    let served = pooled(version, "pool_left", "pool = \"session\"\npool_size = 1")?;
    let mut ada = served.client("ada")?;
    let first = backend(&mut ada)?;
    ada.query("CREATE SEQUENCE numbers")?;
    drop(ada);
    for (left, question, answer) in LEFTOVERS {
        let mut ada = served.client("ada")?;
        let messages = ada.query(left)?;
        ensure!(error(&messages).is_none(), "{left}: {:?}", error(&messages));
        drop(ada);
        let mut grace = served.client("grace")?;
        assert_eq!(
            value(&mut grace, question)?.as_deref(),
            Some(answer),
            "{left}"
        );
        let messages = grace.query("SELECT lastval()")?;
        let fields = error(&messages).context(left)?;
        assert_eq!(fields[&'C'], "55000", "{left}: no sequence was used");
        assert_eq!(
            backend(&mut grace)?,
            first,
            "{left}: it is the same connection"
        );
    }
    Ok(())
}

/// What one does, and a question that is true where nothing is left.
const LASTING: [(&str, &str); 7] = [
    (
        "CREATE FUNCTION pg_temp.secret() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SELECT count(*) = 0 FROM pg_proc WHERE proname = 'secret'",
    ),
    (
        "SET my.secret = 'x'",
        "SELECT current_setting('my.secret', true) IS NULL",
    ),
    (
        "SELECT set_config('my.secret', 'x', false)",
        "SELECT current_setting('my.secret', true) IS NULL",
    ),
    (
        "BEGIN; SET LOCAL my.secret = 'x'; COMMIT",
        "SELECT current_setting('my.secret', true) IS NULL",
    ),
    (
        "DO $$ BEGIN EXECUTE 'SET my' || '.secret = 1'; END $$",
        "SELECT current_setting('my.secret', true) IS NULL",
    ),
    (
        "SELECT setseed(0.5)",
        "SELECT random() <> 0.9851677175347999",
    ),
    ("SET seed = 0.5", "SELECT random() <> 0.9851677175347999"),
];

/// A setting with a name of one's own stays, with an empty value, behind RESET; so does the seed of random().
fn what_no_reset_removes_ends_the_connection(version: Version) -> Result<()> {
    let served = pooled(version, "pool_lasting", "pool = \"session\"\npool_size = 1")?;
    for (left, question) in LASTING {
        let mut ada = served.client("ada")?;
        let messages = ada.query(left)?;
        ensure!(error(&messages).is_none(), "{left}: {:?}", error(&messages));
        let first = backend(&mut ada)?;
        drop(ada);
        let mut again = served.client("ada")?;
        assert_eq!(backend(&mut again)?, first, "{left}: the same identity");
        drop(again);
        let mut grace = served.client("grace")?;
        assert_eq!(value(&mut grace, question)?.as_deref(), Some("t"), "{left}");
        assert_ne!(backend(&mut grace)?, first, "{left}: another identity");
    }
    Ok(())
}

fn prepared_statements_of_messages_are_gone(version: Version) -> Result<()> {
    let served = pooled(
        version,
        "pool_messages",
        "pool = \"session\"\npool_size = 1",
    )?;
    let mut ada = served.client("ada")?;
    let first = backend(&mut ada)?;
    ada.send(
        &[
            raw::parse("secret", "SELECT 1"),
            raw::parse("", "SELECT 2"),
            raw::sync(),
        ]
        .concat(),
    )?;
    ada.until_ready()?;
    drop(ada);
    let mut grace = served.client("grace")?;
    assert_eq!(backend(&mut grace)?, first);
    for name in ["secret", ""] {
        grace.send(
            &[
                raw::bind("", name, &[], 0),
                raw::execute("", 0),
                raw::sync(),
            ]
            .concat(),
        )?;
        let messages = grace.until_ready()?;
        let fields = error(&messages).context("a statement of another")?;
        assert_eq!(fields[&'C'], "26000", "{fields:?}");
    }
    let made = [
        raw::parse("secret", "SELECT 3"),
        raw::bind("", "secret", &[], 0),
        raw::execute("", 0),
        raw::sync(),
    ];
    grace.send(&made.concat())?;
    assert_eq!(
        super::first_value(&grace.until_ready()?)?.as_deref(),
        Some("3")
    );
    Ok(())
}

fn settings_that_the_client_is_told_are_those_of_its_connection(version: Version) -> Result<()> {
    let served = pooled(version, "pool_told", "pool = \"session\"\npool_size = 1")?;
    let mut ada = served.client("ada")?;
    let told = ada.parameters.clone();
    let first = backend(&mut ada)?;
    ada.query(
        "SET client_encoding = LATIN1; SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German'",
    )?;
    drop(ada);
    let mut grace = served.client("grace")?;
    assert_eq!(backend(&mut grace)?, first);
    assert_eq!(grace.parameters, told);
    assert_eq!(
        value(&mut grace, "SELECT 'é' || length('é')")?.as_deref(),
        Some("é1")
    );
    assert_eq!(
        value(&mut grace, "SHOW TimeZone")?,
        told.get("TimeZone").cloned()
    );
    Ok(())
}

//! Transaction mode: a connection for each transaction, and what is refused because it needs a session.

use std::thread;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Psql, Version};
use gatewright_tests::raw::{self, Client, error, tags};

use super::{backend, pooled, value};
use crate::served::Served;
use crate::world::eventually;

const ONE: &str = "pool = \"transaction\"\npool_size = 1";

on_each_version!(
    many_clients_share_few_connections,
    who_gets_no_connection_keeps_the_session,
    what_needs_a_session_is_refused,
    what_ends_with_the_transaction_works,
    nothing_of_one_identity_reaches_another,
    settings_are_those_of_the_connection,
    a_client_that_leaves_takes_its_transaction_with_it,
    sessions_outlive_the_server,
    a_cancel_request_reaches_its_own_statement_only,
    pipelines_copies_and_portals_work,
);

fn many_clients_share_few_connections(version: Version) -> Result<()> {
    let served = pooled(version, "tx_many", "pool = \"transaction\"\npool_size = 2")?;
    let mut clients = (0..12)
        .map(|number| served.client(["ada", "grace", "joan"][number % 3]))
        .collect::<Result<Vec<_>>>()?;
    let mut backends = std::collections::BTreeSet::new();
    for _ in 0..3 {
        for client in &mut clients {
            backends.insert(backend(client)?);
        }
    }
    ensure!(backends.len() <= 2, "{backends:?}");
    // In a transaction the connection stays.
    let [first, second, third, ..] = clients.as_mut_slice() else {
        anyhow::bail!("there are twelve")
    };
    for client in [&mut *first, &mut *second] {
        client.query("BEGIN")?;
    }
    let own = (backend(first)?, backend(second)?);
    assert_ne!(own.0, own.1);
    assert_eq!((backend(first)?, backend(second)?), own);
    third.send(&raw::query("SELECT 'waited'"))?;
    first.query("COMMIT")?;
    assert_eq!(
        super::first_value(&third.until_ready()?)?.as_deref(),
        Some("waited")
    );
    second.query("ROLLBACK")?;
    Ok(())
}

fn who_gets_no_connection_keeps_the_session(version: Version) -> Result<()> {
    let keys = format!("{ONE}\npool_wait = \"300ms\"");
    let served = pooled(version, "tx_wait", &keys)?;
    let (mut ada, mut grace) = (served.client("ada")?, served.client("grace")?);
    ada.query("BEGIN")?;
    let in_vain = [
        (raw::query("SELECT 1"), "EZ"),
        (
            [raw::extended("SELECT 1", &[], 0), raw::sync()].concat(),
            "EZ",
        ),
        (
            [raw::parse("s", "SELECT 1"), raw::flush(), raw::sync()].concat(),
            "EZ",
        ),
    ];
    for (bytes, expected) in in_vain {
        grace.send(&bytes)?;
        let messages = grace.until_ready()?;
        assert_eq!(tags(&messages), expected);
        let fields = error(&messages).context("an error")?;
        assert_eq!(
            (fields[&'S'].as_str(), fields[&'C'].as_str()),
            ("ERROR", "53300")
        );
        ensure!(fields[&'M'].contains("pool_wait"), "{fields:?}");
        assert_eq!(messages[1].body, b"I");
    }
    // What needs no server needs no connection.
    grace.send(&[raw::sync(), raw::flush(), raw::sync()].concat())?;
    assert_eq!(tags(&grace.until_ready()?), "Z");
    assert_eq!(tags(&grace.until_ready()?), "Z");
    ada.query("COMMIT")?;
    // The connection is reset first, which may take longer than a client waits here.
    eventually("there is a connection again", || {
        Ok(tags(&grace.query("SELECT 1")?) == "TDCZ")
    })
}

const REFUSED: [&str; 26] = [
    "LISTEN channel",
    "CREATE TEMP TABLE t (i int)",
    "CREATE TEMP TABLE t AS SELECT 1",
    "CREATE TEMP VIEW v AS SELECT 1",
    "CREATE TEMP SEQUENCE s",
    "CREATE TABLE pg_temp.t (i int)",
    "CREATE TABLE pg_temp.t AS SELECT 1",
    "SELECT 1 AS i INTO TEMP t",
    "SELECT 1 AS i INTO pg_temp.t",
    "SELECT 1 AS i INTO TEMP t UNION SELECT 2",
    "SET work_mem = '1MB'",
    "SET search_path = pg_catalog",
    "SET my.own = 'x'",
    "SET TIME ZONE 'UTC'",
    "SET NAMES 'LATIN1'",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "SELECT set_config('work_mem', '1MB', false)",
    "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_lock(1)",
    "SELECT pg_advisory_lock_shared(1, 2)",
    "SELECT pg_advisory_unlock(1)",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "DEALLOCATE p",
    "LOAD 'auto_explain'",
];

fn what_needs_a_session_is_refused(version: Version) -> Result<()> {
    let served = pooled(version, "tx_refused", ONE)?;
    let mut ada = served.client("ada")?;
    for statement in REFUSED {
        for bytes in [
            raw::query(statement),
            raw::query(&format!("BEGIN; {statement}; COMMIT")),
            [raw::extended(statement, &[], 0), raw::sync()].concat(),
        ] {
            ada.send(&bytes)?;
            let messages = ada.until_ready()?;
            let fields =
                error(&messages).with_context(|| format!("{statement} was not refused"))?;
            assert_eq!(fields[&'C'], "0A000", "{statement}: {fields:?}");
            ensure!(
                fields[&'M'].ends_with("not supported with transaction pooling"),
                "{fields:?}"
            );
            ensure!(fields.contains_key(&'H'), "{fields:?}");
        }
        assert_eq!(tags(&ada.query("SELECT 1")?), "TDCZ");
    }
    Ok(())
}

/// One message each, in which nothing fails.
const WORKS: [&str; 17] = [
    "BEGIN; SET LOCAL work_mem = '1MB'; SELECT 1; COMMIT",
    "BEGIN; SELECT set_config('work_mem', '1MB', true); COMMIT",
    "BEGIN; SET LOCAL my.own = 'x'; SELECT current_setting('my.own'); COMMIT",
    "BEGIN; CREATE TEMP TABLE t (i int) ON COMMIT DROP; INSERT INTO t VALUES (1); COMMIT",
    "BEGIN; CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 1; COMMIT",
    "BEGIN; SELECT pg_advisory_xact_lock(1); COMMIT",
    "BEGIN; DECLARE c CURSOR FOR SELECT 1; FETCH c; CLOSE c; COMMIT",
    "BEGIN ISOLATION LEVEL SERIALIZABLE; SET TRANSACTION READ ONLY; COMMIT",
    "NOTIFY channel, 'text'",
    "RESET ALL",
    "RESET work_mem",
    "SET work_mem TO DEFAULT",
    "DISCARD ALL",
    "DEALLOCATE ALL",
    "UNLISTEN *",
    "CLOSE ALL",
    "SELECT pg_advisory_unlock_all()",
];

fn what_ends_with_the_transaction_works(version: Version) -> Result<()> {
    let served = pooled(version, "tx_works", ONE)?;
    let (mut ada, mut grace) = (served.client("ada")?, served.client("grace")?);
    for statement in WORKS {
        let messages = ada.query(statement)?;
        ensure!(
            error(&messages).is_none(),
            "{statement}: {:?}",
            error(&messages)
        );
        for client in [&mut grace, &mut ada] {
            assert_eq!(
                value(client, "SELECT current_setting('work_mem') = '1MB'")?.as_deref(),
                Some("f")
            );
        }
    }
    Ok(())
}

/// What one does, and a question that is true for another.
const LEFT: [(&str, &str); 8] = [
    (
        "DO $$ BEGIN EXECUTE 'SET work' || '_mem = ''77MB'''; END $$",
        "SELECT current_setting('work_mem') <> '77MB'",
    ),
    (
        "DO $$ BEGIN EXECUTE 'SET my' || '.own = 1'; END $$",
        "SELECT current_setting('my.own', true) IS NULL",
    ),
    (
        "BEGIN; SET LOCAL my.own = 1; COMMIT",
        "SELECT current_setting('my.own', true) IS NULL",
    ),
    (
        "DO $$ BEGIN EXECUTE 'CREATE TEMP' || ' TABLE secret AS SELECT 1'; END $$",
        "SELECT count(*) = 0 FROM pg_class WHERE relname = 'secret'",
    ),
    (
        "DO $$ BEGIN EXECUTE 'LISTEN' || ' secret'; END $$",
        "SELECT count(*) = 0 FROM pg_listening_channels()",
    ),
    (
        "DO $$ BEGIN PERFORM pg_notify('x', ''); EXECUTE 'SELECT pg_advisory' || '_lock(7)'; END $$",
        "SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    ),
    (
        "DO $$ BEGIN EXECUTE 'PREPARE' || ' secret AS SELECT 1'; END $$",
        "SELECT count(*) = 0 FROM pg_prepared_statements",
    ),
    (
        "SELECT setseed(0.5)",
        "SELECT random() NOT IN (0.9851677175347999, 0.985167717534799)",
    ),
];

fn nothing_of_one_identity_reaches_another(version: Version) -> Result<()> {
    let served = pooled(version, "tx_left", ONE)?;
    Psql::new(&served.direct)?.query("CREATE TABLE numbered (id serial, name text)")?;
    let (mut ada, mut grace) = (served.client("ada")?, served.client("grace")?);
    for (left, question) in LEFT {
        let messages = ada.query(left)?;
        ensure!(error(&messages).is_none(), "{left}: {:?}", error(&messages));
        assert_eq!(value(&mut grace, question)?.as_deref(), Some("t"), "{left}");
    }
    // Ordinary statements leave the values of sequences, and the statements that are prepared.
    ada.send(
        &[
            raw::parse("secret", "INSERT INTO numbered (name) VALUES ('x')"),
            raw::bind("", "secret", &[], 0),
            raw::execute("", 0),
            raw::sync(),
        ]
        .concat(),
    )?;
    assert_eq!(tags(&ada.until_ready()?), "12CZ");
    assert_eq!(
        value(&mut grace, "SELECT count(*) FROM pg_prepared_statements")?.as_deref(),
        Some("0")
    );
    let messages = grace.query("SELECT lastval()")?;
    assert_eq!(
        error(&messages).context("a value of another's")?[&'C'],
        "55000"
    );
    for name in ["secret", "gatewright_1", "gatewright_2", ""] {
        for bytes in [raw::bind("", name, &[], 0), raw::describe(b'S', name)] {
            grace.send(&[bytes, raw::sync()].concat())?;
            let messages = grace.until_ready()?;
            assert_eq!(
                error(&messages).context("another's statement")?[&'C'],
                "26000",
                "{name}"
            );
        }
    }
    Ok(())
}

/// Code that the gateway has not read may set anything. The client is told of what its next connection has.
fn settings_are_those_of_the_connection(version: Version) -> Result<()> {
    let served = pooled(version, "tx_settings", ONE)?;
    let mut ada = served.client("ada")?;
    let before = ada.parameters["TimeZone"].clone();
    let told = |messages: &[raw::Message]| -> Vec<String> {
        let settings = messages.iter().filter(|message| message.tag == b'S');
        settings
            .map(|message| String::from_utf8_lossy(&message.body).replace('\0', "="))
            .collect()
    };
    let set = "DO $$ BEGIN EXECUTE 'SET Time' || 'Zone = ''Asia/Tokyo'''; EXECUTE 'SET standard_conforming' || '_strings = off'; END $$";
    let messages = ada.query(set)?;
    ensure!(
        told(&messages).contains(&"TimeZone=Asia/Tokyo=".to_owned()),
        "{:?}",
        told(&messages)
    );
    let messages = ada.query(r"SELECT length('\'), current_setting('TimeZone')")?;
    ensure!(
        told(&messages).contains(&format!("TimeZone={before}=")),
        "{:?}",
        told(&messages)
    );
    ensure!(
        told(&messages).contains(&"standard_conforming_strings=on=".to_owned()),
        "{:?}",
        told(&messages)
    );
    let row = messages
        .iter()
        .find(|message| message.tag == b'D')
        .context("a row")?;
    assert_eq!(row.cells(), [Some("1".to_owned()), Some(before)]);
    Ok(())
}

fn a_client_that_leaves_takes_its_transaction_with_it(version: Version) -> Result<()> {
    let served = pooled(version, "tx_leave", ONE)?;
    Psql::new(&served.direct)?.query("CREATE TABLE kept (i int)")?;
    let mut grace = served.client("grace")?;
    for bytes in [
        raw::query("BEGIN; INSERT INTO kept VALUES (1)"),
        [
            raw::extended("INSERT INTO kept VALUES (2)", &[], 0),
            raw::flush(),
        ]
        .concat(),
        [
            raw::query("COPY kept FROM STDIN"),
            raw::message(b'd', &[b"3\n"]),
        ]
        .concat(),
    ] {
        let mut ada = served.client("ada")?;
        ada.send(&bytes)?;
        ada.receive()?;
        drop(ada);
        assert_eq!(
            value(&mut grace, "SELECT count(*) FROM kept")?.as_deref(),
            Some("0")
        );
    }
    Ok(())
}

fn sessions_outlive_the_server(version: Version) -> Result<()> {
    let served = pooled(
        version,
        "tx_restart",
        "pool = \"transaction\"\npool_size = 3",
    )?;
    let mut ada = served.client("ada")?;
    ada.send(&[raw::parse("kept", "SELECT 'still here'"), raw::sync()].concat())?;
    ada.until_ready()?;
    let first = backend(&mut ada)?;
    let direct = Psql::new(&served.direct)?;
    direct.query(&format!("SELECT pg_terminate_backend({first}, 10000)"))?;
    assert_ne!(backend(&mut ada)?, first);
    ada.send(
        &[
            raw::bind("", "kept", &[], 0),
            raw::execute("", 0),
            raw::sync(),
        ]
        .concat(),
    )?;
    assert_eq!(
        super::first_value(&ada.until_ready()?)?.as_deref(),
        Some("still here")
    );
    // In a transaction its end is the session's.
    ada.query("BEGIN")?;
    let second = backend(&mut ada)?;
    direct.query(&format!("SELECT pg_terminate_backend({second}, 10000)"))?;
    let last = ada.receive()?;
    assert_eq!(error(&[last]).context("a farewell")?[&'C'], "57P01");
    Ok(())
}

fn a_cancel_request_reaches_its_own_statement_only(version: Version) -> Result<()> {
    let served = pooled(version, "tx_cancel", ONE)?;
    let (mut ada, mut grace) = (served.client("ada")?, served.client("grace")?);
    let dsn = served.dsn("ada")?;
    for round in 0..20 {
        let key = ada.key.clone();
        let sender = {
            let (dsn, key) = (dsn.clone(), key.clone());
            thread::spawn(move || (0..4).try_for_each(|_| raw::cancel(&dsn, &key)))
        };
        let messages = ada.query("SELECT 1")?;
        ensure!(
            error(&messages).is_none_or(|fields| fields[&'C'] == "57014"),
            "{:?}",
            error(&messages)
        );
        for _ in 0..20 {
            let messages = grace.query("SELECT pg_sleep(0.001)")?;
            ensure!(
                error(&messages).is_none(),
                "round {round}: {:?}",
                error(&messages)
            );
        }
        sender
            .join()
            .map_err(|_| anyhow::anyhow!("the sender failed"))??;
    }
    ada.send(&raw::query("SELECT pg_sleep(600)"))?;
    let direct = Psql::new(&served.direct)?;
    eventually("the statement runs", || {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active' AND datname = current_database()";
        Ok(direct.query(count)?.trim() == "1")
    })?;
    raw::cancel(&dsn, &grace.key)?;
    raw::cancel(&dsn, &ada.key)?;
    let messages = ada.until_ready()?;
    assert_eq!(error(&messages).context("its own")?[&'C'], "57014");
    Ok(())
}

fn pipelines_copies_and_portals_work(version: Version) -> Result<()> {
    let served = pooled(version, "tx_kinds", ONE)?;
    Psql::new(&served.direct)?.query("CREATE TABLE t (i int)")?;
    let mut grace = served.client("grace")?;
    let mut ada = served.client("ada")?;
    let mut others = || -> Result<()> {
        assert_eq!(value(&mut grace, "SELECT 1")?.as_deref(), Some("1"));
        Ok(())
    };
    let conversation = |client: &mut Client, bytes: &[u8], readies: usize| -> Result<String> {
        client.send(bytes)?;
        let mut all = String::new();
        for _ in 0..readies {
            all += &tags(&client.until_ready()?);
        }
        Ok(all)
    };
    let copy = [
        raw::query("COPY t FROM STDIN"),
        raw::message(b'd', &[b"1\n2\n3\n"]),
        raw::message(b'c', &[]),
    ]
    .concat();
    assert_eq!(conversation(&mut ada, &copy, 1)?, "GCZ");
    others()?;
    assert_eq!(
        conversation(&mut ada, &raw::query("COPY t TO STDOUT"), 1)?,
        "HdddcCZ"
    );
    others()?;
    // Three transactions in one go, the second of which fails.
    let three = [
        raw::extended("INSERT INTO t VALUES (4)", &[], 0),
        raw::sync(),
        raw::extended("SELECT 1 / 0", &[], 0),
        raw::extended("INSERT INTO t VALUES (5)", &[], 0),
        raw::sync(),
        raw::extended("INSERT INTO t VALUES (6)", &[], 0),
        raw::sync(),
    ]
    .concat();
    assert_eq!(conversation(&mut ada, &three, 3)?, "12nCZ1EZ12nCZ");
    others()?;
    let several = raw::query("INSERT INTO t VALUES (7); SELECT 1/0; INSERT INTO t VALUES (8)");
    assert_eq!(conversation(&mut ada, &several, 1)?, "CEZ");
    let portal = [
        raw::query("BEGIN"),
        raw::parse("p", "SELECT i FROM t ORDER BY i"),
        raw::bind("c", "p", &[], 0),
        raw::execute("c", 2),
        raw::sync(),
        raw::execute("c", 2),
        raw::sync(),
        raw::query("COMMIT"),
    ]
    .concat();
    assert_eq!(conversation(&mut ada, &portal, 4)?, "CZ12DDsZDDsZCZ");
    others()?;
    assert_eq!(
        value(
            &mut ada,
            "SELECT string_agg(i::text, ',' ORDER BY i) FROM t"
        )?
        .as_deref(),
        Some("1,2,3,4,6")
    );
    Ok(())
}

#[test]
fn the_pool_of_a_dead_server_answers_with_errors() -> Result<()> {
    let port = gatewright_harness::free_port()?;
    let served = Served::start_at(
        "tx_down",
        "",
        &format!("host = \"127.0.0.1:{port}\"\n{ONE}"),
    )?;
    let refused = served.refusal("ada")?;
    ensure!(refused.contains("08001"), "{refused}");
    Ok(())
}

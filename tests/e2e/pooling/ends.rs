//! Sessions that end in the middle of something, and cancel requests that come late.

use std::thread;

use anyhow::{Context, Result};
use gatewright_harness::{Psql, Version};
use gatewright_tests::raw::{self, error, tags};

use super::{backend, pooled, sqlstate, value};
use crate::world::eventually;

on_each_version!(
    a_connection_in_an_unknown_state_is_not_handed_on,
    a_cancel_request_never_reaches_another_session,
);

fn a_connection_in_an_unknown_state_is_not_handed_on(version: Version) -> Result<()> {
    let served = pooled(version, "pool_middle", "pool = \"session\"\npool_size = 1")?;
    Psql::new(&served.direct)?.query("CREATE TABLE kept (i int)")?;
    let cases: [(&str, Vec<u8>, usize); 6] = [
        (
            "a transaction",
            raw::query("BEGIN; INSERT INTO kept VALUES (1)"),
            3,
        ),
        ("a failed transaction", raw::query("BEGIN; SELECT 1/0"), 3),
        (
            "COPY",
            [
                raw::query("COPY kept FROM STDIN"),
                raw::message(b'd', &[b"5\n"]),
            ]
            .concat(),
            1,
        ),
        (
            "a series without Sync",
            [
                raw::extended("INSERT INTO kept VALUES (2)", &[], 0),
                raw::flush(),
            ]
            .concat(),
            4,
        ),
        (
            "an error before Sync",
            [raw::parse("", "SELECT nothing"), raw::flush()].concat(),
            1,
        ),
        ("a statement that runs", raw::query("SELECT pg_sleep(1)"), 0),
    ];
    for (what, bytes, answers) in cases {
        let mut ada = served.client("ada")?;
        let first = backend(&mut ada)?;
        ada.send(&bytes)?;
        for _ in 0..answers {
            ada.receive()?;
        }
        // With Terminate, and without.
        if answers % 2 == 1 {
            ada.send(&raw::message(b'X', &[]))?;
        }
        drop(ada);
        let mut grace = served.client("grace").with_context(|| what.to_owned())?;
        assert_ne!(backend(&mut grace)?, first, "{what}");
        assert_eq!(
            tags(&grace.query("SELECT count(*) FROM kept")?),
            "TDCZ",
            "{what}"
        );
        assert_eq!(
            value(&mut grace, "SELECT count(*) FROM kept")?.as_deref(),
            Some("0"),
            "{what}"
        );
    }
    Ok(())
}

fn a_cancel_request_never_reaches_another_session(version: Version) -> Result<()> {
    let served = pooled(
        version,
        "pool_cancel",
        "pool = \"session\"\npool_size = 1\npool_wait = \"60s\"",
    )?;
    let dsn = served.dsn("ada")?;
    for round in 0..25 {
        let mut ada = served.client("ada")?;
        let key = ada.key.clone();
        let sender = {
            let (dsn, key) = (dsn.clone(), key.clone());
            thread::spawn(move || (0..3).try_for_each(|_| raw::cancel(&dsn, &key)))
        };
        // Cancelled or not, at whatever moment.
        let messages = ada.query("SELECT 1")?;
        assert!(error(&messages).is_none_or(|fields| fields[&'C'] == "57014"));
        drop(ada);
        let mut grace = served.client("grace")?;
        for _ in 0..30 {
            let messages = grace.query("SELECT pg_sleep(0.001)")?;
            assert_eq!(
                tags(&messages),
                "TDCZ",
                "round {round}: {:?}",
                error(&messages)
            );
        }
        sender
            .join()
            .map_err(|_| anyhow::anyhow!("the sender failed"))??;
        raw::cancel(&dsn, &key)?;
        assert_eq!(tags(&grace.query("SELECT pg_sleep(0.01)")?), "TDCZ");
    }
    let mut ada = served.client("ada")?;
    let key = ada.key.clone();
    ada.send(&raw::query("SELECT pg_sleep(600)"))?;
    let running = Psql::new(&served.direct)?;
    eventually("the statement runs", || {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active' AND datname = current_database()";
        Ok(running.query(count)?.trim() == "1")
    })?;
    raw::cancel(&dsn, &key)?;
    let messages = ada.until_ready()?;
    let fields = error(&messages).context("its own cancel request")?;
    assert_eq!(fields[&'C'], "57014");
    assert_eq!(sqlstate(&mut ada, "SELECT 1/0")?, "22012");
    Ok(())
}

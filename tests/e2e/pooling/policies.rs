//! Policies on shared connections: what is masked stays masked, whichever connection a statement runs on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Result, ensure};
use gatewright_harness::{Psql, Version};
use gatewright_tests::raw::{self, Client, error};
use tempfile::TempDir;

use super::{pooled, value};
use crate::served::Served;
use crate::world::bundled;

on_each_version!(
    masks_hold_on_every_connection,
    columns_that_trade_places_show_nothing,
);

const RAW: &str = "secret@example.com";

/// A pool of this size in front of a table whose e-mail addresses are masked in the result or in the query.
fn masked(version: Version, test: &str, place: &str, size: usize) -> Result<(Served, TempDir)> {
    let policies = tempfile::tempdir()?;
    std::fs::copy(
        bundled("mask-columns")?,
        policies.path().join("mask-columns.wasm"),
    )?;
    let keys = format!(
        "pool = \"transaction\"\npool_size = {size}\npool_wait = \"60s\"\n[policies]\ndirectory = \"{}\"\n\
         [policy.mask-columns.settings]\nwhere = \"{place}\"\ncolumns = [{{ column = \"public.people.email\", method = \"redact\" }}]",
        policies.path().display()
    );
    let served = pooled(version, test, &keys)?;
    Psql::new(&served.direct)?.query(&format!(
        "CREATE TABLE people (id int, name text, email text);
         INSERT INTO people SELECT i, 'name ' || i, '{RAW}' FROM generate_series(1, 20) AS i"
    ))?;
    Ok((served, policies))
}

/// Everything that comes is looked at.
fn clean(client: &mut Client, bytes: &[u8]) -> Result<usize> {
    client.send(bytes)?;
    let messages = client.until_ready()?;
    let secret = "secret".as_bytes();
    for message in &messages {
        ensure!(
            !message
                .body
                .windows(secret.len())
                .any(|part| part == secret),
            "{message:?}"
        );
    }
    Ok(messages
        .iter()
        .filter(|message| message.tag == b'D')
        .count())
}

fn masks_hold_on_every_connection(version: Version) -> Result<()> {
    for place in ["result", "query"] {
        let (served, _policies) = masked(version, "tx_masked", place, 2)?;
        let mut clients = ["ada", "grace", "ada", "joan"]
            .map(|subject| served.client(subject))
            .into_iter()
            .collect::<Result<Vec<_>>>()?;
        for client in &mut clients {
            client.send(
                &[
                    raw::parse("all", "SELECT * FROM people WHERE id <= $1"),
                    raw::parse("", "SELECT email FROM people"),
                    raw::sync(),
                ]
                .concat(),
            )?;
            let messages = client.until_ready()?;
            ensure!(error(&messages).is_none(), "{:?}", error(&messages));
        }
        for round in 0..6_u8 {
            for client in &mut clients {
                let named = [
                    raw::bind("", "all", &[Some("7")], round % 2),
                    raw::execute("", 0),
                    raw::sync(),
                ]
                .concat();
                assert_eq!(clean(client, &named)?, 7, "{place}");
                assert_eq!(
                    clean(client, &raw::query("SELECT email, name FROM people"))?,
                    20
                );
                let parsed = [
                    raw::extended("SELECT id, email FROM people", &[], round % 2),
                    raw::sync(),
                ]
                .concat();
                assert_eq!(clean(client, &parsed)?, 20);
                assert_eq!(clean(client, &raw::query("COPY people TO STDOUT"))?, 0);
                let described = [raw::describe(b'S', "all"), raw::sync()].concat();
                clean(client, &described)?;
            }
        }
    }
    Ok(())
}

/// The table changes on another connection, again and again, while prepared statements go from connection to connection.
fn columns_that_trade_places_show_nothing(version: Version) -> Result<()> {
    let (served, _policies) = masked(version, "tx_trade", "result", 3)?;
    let done = Arc::new(AtomicBool::new(false));
    let changing = {
        let (direct, done) = (Psql::new(&served.direct)?, Arc::clone(&done));
        thread::spawn(move || -> Result<()> {
            while !done.load(Ordering::Acquire) {
                // The values go with the names, so that `email` is what is secret at any time.
                direct.query(
                    "BEGIN; ALTER TABLE people RENAME TO was; CREATE TABLE people AS SELECT id, email, name FROM was; DROP TABLE was; COMMIT",
                )?;
                direct.query(
                    "BEGIN; ALTER TABLE people RENAME TO was; CREATE TABLE people AS SELECT id, name, email FROM was; DROP TABLE was; COMMIT",
                )?;
            }
            Ok(())
        })
    };
    let mut rows = 0;
    let outcome = (|| -> Result<()> {
        let mut clients = ["ada", "grace", "ada"]
            .map(|subject| served.client(subject))
            .into_iter()
            .collect::<Result<Vec<_>>>()?;
        for round in 0..60 {
            for client in &mut clients {
                if round % 5 == 0 {
                    let made = [
                        raw::close(b'S', "s"),
                        raw::parse("s", "SELECT * FROM people"),
                        raw::sync(),
                    ]
                    .concat();
                    clean(client, &made)?;
                }
                let run = [raw::bind("", "s", &[], 0), raw::execute("", 0), raw::sync()].concat();
                rows += clean(client, &run)?;
            }
        }
        Ok(())
    })();
    done.store(true, Ordering::Release);
    changing
        .join()
        .map_err(|_| anyhow::anyhow!("the changes failed"))??;
    outcome?;
    ensure!(rows > 0, "no statement succeeded");
    let mut ada = served.client("ada")?;
    assert_eq!(
        value(&mut ada, "SELECT count(*) FROM people")?.as_deref(),
        Some("20")
    );
    Ok(())
}

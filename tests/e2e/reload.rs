//! A reload under load loses no statement and leaves none unjudged.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use gatewright_harness::free_port;
use gatewright_tests::raw::{self, Client};

use crate::guest;
use crate::served::Served;
use crate::world::{World, eventually, put};

const SESSIONS: usize = 100;

/// The version that judged a statement: the one that allows or the one that refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Allowed,
    Refused,
}

fn world(test: &str) -> Result<World> {
    let folder = tempfile::tempdir()?;
    put(folder.path(), "flip.wasm", &guest::always("flip", None)?)?;
    World::with_directory(test, folder, "")
}

fn outcome(client: &mut Client, sql: &str) -> Result<Outcome> {
    let messages = client.query(sql)?;
    match raw::error(&messages) {
        None if raw::tags(&messages) == "TDCZ" => Ok(Outcome::Allowed),
        Some(error) if error[&'C'] == "42501" && error[&'M'] == "flipped" => Ok(Outcome::Refused),
        other => bail!(
            "an answer of neither version: {other:?} {}",
            raw::tags(&messages)
        ),
    }
}

#[test]
fn running_statements_finish_and_later_ones_are_judged_by_the_new_version() -> Result<()> {
    let world = world("reload_flight")?;
    let mut clients = (0..SESSIONS)
        .map(|_| world.client())
        .collect::<Result<Vec<_>>>()?;
    for client in &mut clients {
        client.send(&raw::query("SELECT 1, pg_sleep(2)"))?;
    }
    eventually("all of them have reached the server", || {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT 1, pg_sleep(2)' AND datname = current_database()";
        Ok(world.prepare(count)? == SESSIONS.to_string())
    })?;
    put(
        world.policies.path(),
        "flip.wasm",
        &guest::always("flip", Some("flipped"))?,
    )?;
    let mut witness = world.client()?;
    eventually("the new version is in force", || {
        Ok(outcome(&mut witness, "SELECT 1")? == Outcome::Refused)
    })?;
    for client in &mut clients {
        let messages = client.until_ready()?;
        assert_eq!(raw::tags(&messages), "TDCZ", "{:?}", raw::error(&messages));
    }
    for client in &mut clients {
        assert_eq!(outcome(client, "SELECT 1")?, Outcome::Refused);
    }
    Ok(())
}

#[test]
fn what_was_opened_before_is_judged_by_the_new_version() -> Result<()> {
    let world = world("reload_opened")?;
    let rows = "SELECT generate_series(1, 10)";
    let portal = [
        raw::parse("", rows),
        raw::bind("opened", "", &[], 0),
        raw::execute("opened", 1),
    ]
    .concat();
    // How each is opened, and read again; the last one in a series without Sync.
    let opened = [
        (
            "CZ",
            raw::query(&format!("PREPARE opened AS {rows}")),
            raw::query("EXECUTE opened"),
            "42501",
        ),
        (
            "CCTDCZ",
            raw::query(&format!(
                "BEGIN; DECLARE opened CURSOR FOR {rows}; FETCH opened"
            )),
            raw::query("FETCH opened"),
            "42501",
        ),
        (
            "CZ12DsZ",
            [raw::query("BEGIN"), portal.clone(), raw::sync()].concat(),
            [raw::execute("opened", 1), raw::sync()].concat(),
            "55000",
        ),
        (
            "12Ds",
            [portal, raw::flush()].concat(),
            [raw::execute("opened", 1), raw::sync()].concat(),
            "55000",
        ),
    ];
    let mut clients = Vec::new();
    for (replies, open, again, refused) in &opened {
        let mut client = world.client()?;
        client.send(open)?;
        let mut seen = String::new();
        while seen != *replies {
            seen.push(char::from(client.receive()?.tag));
            ensure!(replies.starts_with(&seen), "{seen}");
        }
        clients.push((client, again, *refused));
    }
    put(
        world.policies.path(),
        "flip.wasm",
        &guest::always("flip", Some("flipped"))?,
    )?;
    let mut witness = world.client()?;
    eventually("the new version is in force", || {
        Ok(outcome(&mut witness, "SELECT 1")? == Outcome::Refused)
    })?;
    for (mut client, again, refused) in clients {
        client.send(again)?;
        let messages = client.until_ready()?;
        let error = raw::error(&messages).context("an error")?;
        assert_eq!(error[&'C'], refused, "{error:?}");
        assert!(!raw::tags(&messages).contains('D'));
    }
    Ok(())
}

#[test]
fn under_load_every_statement_is_judged_by_one_of_the_versions() -> Result<()> {
    let world = world("reload_load")?;
    let dsn = world.dsn()?;
    let stop = AtomicBool::new(false);
    let allow = guest::always("flip", None)?;
    let refuse = guest::always("flip", Some("flipped"))?;
    let mut flips = Vec::new();
    let journals: Result<Vec<Vec<(Instant, Instant, Outcome)>>> = std::thread::scope(|scope| {
        let sessions: Vec<_> = (0..SESSIONS)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::connect(&dsn)?;
                    let mut journal = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let start = Instant::now();
                        let met = outcome(&mut client, "SELECT 1")?;
                        journal.push((start, Instant::now(), met));
                    }
                    Ok(journal)
                })
            })
            .collect();
        let mut witness = Client::connect(&dsn)?;
        let flipped = (0..6).try_for_each(|turn| {
            let (wasm, wanted) = if turn % 2 == 0 {
                (&refuse, Outcome::Refused)
            } else {
                (&allow, Outcome::Allowed)
            };
            let before = Instant::now();
            put(world.policies.path(), "flip.wasm", wasm)?;
            let mut seen = before;
            eventually("the new version is in force", || {
                seen = Instant::now();
                Ok(outcome(&mut witness, "SELECT 1")? == wanted)
            })?;
            // No statement that starts after one was judged by the new version may be judged by the old one.
            flips.push((before, Instant::now(), wanted));
            std::thread::sleep(Duration::from_millis(200));
            anyhow::Ok(())
        });
        stop.store(true, Ordering::Relaxed);
        let journals = sessions.into_iter().map(|session| {
            session
                .join()
                .map_err(|_| anyhow::anyhow!("a session panicked"))?
        });
        let journals = journals.collect();
        flipped?;
        journals
    });
    let journals = journals?;
    let total: usize = journals.iter().map(Vec::len).sum();
    assert!(
        journals.iter().all(|journal| !journal.is_empty()) && total > 1000,
        "only {total} statements"
    );
    for (index, (_, settled, wanted)) in flips.iter().enumerate() {
        let next = flips.get(index + 1).map(|(before, _, _)| *before);
        for (start, end, met) in journals.iter().flatten() {
            let within = start > settled && next.is_none_or(|next| *end < next);
            assert!(
                !within || met == wanted,
                "a statement was judged by the version before change {index}"
            );
        }
    }
    Ok(())
}

#[test]
fn removing_the_file_of_an_optional_policy_unloads_it() -> Result<()> {
    let world = world("reload_optional")?;
    put(
        world.policies.path(),
        "flip.wasm",
        &guest::always("flip", Some("flipped"))?,
    )?;
    let mut client = world.client()?;
    eventually("it refuses", || {
        Ok(outcome(&mut client, "SELECT 1")? == Outcome::Refused)
    })?;
    std::fs::remove_file(world.policies.path().join("flip.wasm"))?;
    eventually("the policy is unloaded", || {
        Ok(outcome(&mut client, "SELECT 1")? == Outcome::Allowed)
    })
}

#[test]
fn a_policy_is_in_force_within_a_second() -> Result<()> {
    let world = world("reload_quick")?;
    let mut client = world.client()?;
    let wasm = guest::always("flip", Some("flipped"))?;
    let start = Instant::now();
    put(world.policies.path(), "flip.wasm", &wasm)?;
    while outcome(&mut client, "SELECT 1")? == Outcome::Allowed {
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "not in force after {:?}",
            start.elapsed()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

#[test]
fn a_reload_says_what_it_does_not_change() -> Result<()> {
    let served = Served::start("reload_fixed", "", "")?;
    let tables = format!(
        "[approvals]\npeople = [\"{}\"]\nreviewers = [\"dba\"]\n[api]\naddress = \"127.0.0.1:{}\"\n[log]\nlevel = \"debug\"\n",
        served.issuer.url,
        free_port()?,
    );
    served.reconfigure("[admin]", &format!("{tables}[admin]"))?;
    eventually("the configuration is read", || {
        Ok(served.gateway.log()?.contains("configuration reloaded"))
    })?;
    let log = served.gateway.log()?;
    let warned = |setting: &str| {
        let mut lines = log.lines();
        lines.any(|line| line.contains("a reload does not change this") && line.contains(setting))
    };
    for setting in ["[approvals]", "[store]", "[api]", "[log]"] {
        ensure!(warned(setting), "{setting}: {log}");
    }
    for setting in ["[listen] address", "[admin]", "[policies]"] {
        ensure!(!warned(setting), "{setting}: {log}");
    }
    Ok(())
}

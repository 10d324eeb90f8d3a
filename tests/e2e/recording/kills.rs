//! A gateway that is killed at random points, many times, has recorded every statement that reached the server.
//! `GATEWRIGHT_RECORD_KILLS` says how often; without it, it is killed as often as it can be in about a minute.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gatewright_contract::SessionId;
use gatewright_harness::{Psql, Version, soak};
use gatewright_record::Event;
use gatewright_record::directory::Directory;
use gatewright_record::session;
use gatewright_tests::raw::Client;

use super::fixture::Recorded;
use crate::world::{eventually, postgres_of};

const CLIENTS: usize = 4;

/// Without a number of kills, no round begins after so long.
const TIME_BOX: Duration = Duration::from_secs(45);

#[test]
fn nothing_that_reached_the_server_is_missing_whenever_the_gateway_is_killed() -> Result<()> {
    let version = Version::Installed;
    let wanted = std::env::var("GATEWRIGHT_RECORD_KILLS").ok();
    let wanted: Option<usize> = wanted.map(|text| text.parse()).transpose()?;
    let mut recorded = Recorded::start(version, "record_kills", "durability = \"statement\"")?;
    let mut chance = soak::seed().unwrap_or(0x5eed) | 1;
    let mut log = Markers::at_its_end(version)?;
    let mut known = BTreeSet::new();
    let begun = Instant::now();
    let mut kills = 0;
    let mut statements = 0;
    while wanted.map_or(begun.elapsed() < TIME_BOX, |wanted| kills < wanted) {
        let clients = clients(&recorded, kills)?;
        let prefix = format!("{kills}-");
        eventually("a statement has reached the server", || {
            Ok(log.peek()?.iter().any(|marker| marker.starts_with(&prefix)))
        })?;
        std::thread::sleep(Duration::from_micros(next(&mut chance) % 150_000));
        recorded.served.gateway.process().signal("KILL")?;
        stop(clients)?;
        gone(&recorded)?;
        let reached: BTreeSet<String> = log.take()?;
        let attempted = attempted(&recorded, &known)?;
        let missing: Vec<_> = reached
            .iter()
            .filter(|marker| marker.starts_with(&prefix) && !attempted.contains(*marker))
            .collect();
        ensure!(
            missing.is_empty(),
            "kill {kills}: {missing:?} reached the server and are not recorded"
        );
        statements += reached.len();
        recorded.served.start_again()?;
        ensure_closed(&recorded, &mut known)?;
        kills += 1;
    }
    println!("{kills} kills, {statements} statements had reached the server");
    ensure!(
        kills > 0 && statements >= kills,
        "{kills} kills, {statements} statements"
    );
    recorded.assert_verifies()
}

struct Clients {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

fn clients(recorded: &Recorded, round: usize) -> Result<Clients> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut threads = Vec::new();
    for number in 0..CLIENTS {
        let mut client: Client = recorded.served.client(&format!("client{number}"))?;
        let stop = Arc::clone(&stop);
        threads.push(std::thread::spawn(move || {
            for count in 0_u64.. {
                let sql = format!("SELECT 'kill-{round}-{number}-{count}', repeat('x', 500)");
                if stop.load(Ordering::Relaxed) || client.query(&sql).is_err() {
                    return;
                }
            }
        }));
    }
    Ok(Clients { stop, threads })
}

fn stop(clients: Clients) -> Result<()> {
    clients.stop.store(true, Ordering::Relaxed);
    for thread in clients.threads {
        thread.join().ok().context("a client has panicked")?;
    }
    Ok(())
}

/// The server has noticed that nobody is there any more, and logs nothing more of it.
fn gone(recorded: &Recorded) -> Result<()> {
    let psql = Psql::new(&recorded.served.direct)?;
    eventually("the server's sessions are over", || {
        let count = psql.query(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )?;
        Ok(count.trim() == "0")
    })
}

/// Every execution of sessions that are not known yet has an end.
fn ensure_closed(recorded: &Recorded, known: &mut BTreeSet<SessionId>) -> Result<()> {
    for (id, segments) in Directory::new(&recorded.directory).list()? {
        if !known.insert(id) {
            continue;
        }
        let (mut open, mut has_ended) = (BTreeSet::new(), false);
        let scans = session::read(&segments, &mut |event| match event {
            Event::Attempted(event) => {
                open.insert(event.execution);
            }
            Event::Completed(event) => {
                open.remove(&event.execution);
            }
            Event::Ended(_) => has_ended = true,
            _ => {}
        })?;
        ensure!(
            open.is_empty() && has_ended,
            "session {id}: {open:?} have no end"
        );
        let is_whole = scans.iter().all(|(_, scan)| scan.damages.is_empty());
        ensure!(is_whole, "session {id}");
    }
    Ok(())
}

/// The markers of attempted statements in sessions that are not known yet.
fn attempted(recorded: &Recorded, known: &BTreeSet<SessionId>) -> Result<BTreeSet<String>> {
    let mut markers = BTreeSet::new();
    for (id, segments) in Directory::new(&recorded.directory).list()? {
        if known.contains(&id) {
            continue;
        }
        let mut judged = BTreeMap::new();
        session::read(&segments, &mut |event| match event {
            Event::Judged(event) => {
                judged.insert(event.statement, event.text);
            }
            Event::Attempted(event) => {
                let text = judged.get(&event.statement);
                let marker = text.and_then(|text| text.split('\'').nth(1));
                let marker = marker.and_then(|marker| marker.strip_prefix("kill-"));
                markers.extend(marker.map(str::to_owned));
            }
            _ => {}
        })?;
    }
    Ok(markers)
}

/// The statements in the server's log, which other tests share.
struct Markers {
    version: Version,
    read: usize,
}

impl Markers {
    fn at_its_end(version: Version) -> Result<Self> {
        let read = postgres_of(version)?.log()?.len();
        Ok(Markers { version, read })
    }

    fn peek(&self) -> Result<BTreeSet<String>> {
        Ok(self.since()?.0)
    }

    fn take(&mut self) -> Result<BTreeSet<String>> {
        let (markers, end) = self.since()?;
        self.read = end;
        Ok(markers)
    }

    fn since(&self) -> Result<(BTreeSet<String>, usize)> {
        let log = postgres_of(self.version)?.log()?;
        let new = log.get(self.read..).unwrap_or_default();
        let markers = new.split("SELECT 'kill-").skip(1);
        let markers = markers.filter_map(|rest| Some(rest.split_once('\'')?.0.to_owned()));
        Ok((markers.collect(), log.len()))
    }
}

/// xorshift.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

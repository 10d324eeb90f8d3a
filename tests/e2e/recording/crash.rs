//! A gateway that is killed has recorded every statement that reached the server.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use gatewright_contract::Outcome;
use gatewright_harness::Version;
use gatewright_record::Event;
use gatewright_tests::raw::Client;

use super::fixture::Recorded;
use crate::world::{eventually, postgres_of};

on_each_version!(what_reached_the_server_is_recorded_when_the_gateway_is_killed);

const CLIENTS: usize = 4;

fn what_reached_the_server_is_recorded_when_the_gateway_is_killed(version: Version) -> Result<()> {
    let mut recorded = Recorded::start(version, "record_crash", "durability = \"statement\"")?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let mut client: Client = recorded.served.client(&format!("client{number}"))?;
        let stop = Arc::clone(&stop);
        clients.push(std::thread::spawn(move || {
            // Until the gateway is gone.
            for count in 0_u64.. {
                let sql = format!("SELECT 'marker-{number}-{count}', repeat('x', 1000)");
                if stop.load(Ordering::Relaxed) || client.query(&sql).is_err() {
                    return;
                }
            }
        }));
    }
    let database = recorded.served.direct.database.clone();
    let reached = || -> Result<BTreeSet<String>> {
        // Other tests share the server's log.
        let log = postgres_of(version)?.log()?;
        let markers = log.split("SELECT 'marker-").skip(1);
        Ok(markers
            .filter_map(|rest| Some(rest.split_once('\'')?.0.to_owned()))
            .collect())
    };
    eventually("the server has had statements", || {
        Ok(reached()?.len() > 300)
    })?;
    recorded.served.gateway.process().signal("KILL")?;
    for client in clients {
        client
            .join()
            .ok()
            .with_context(|| format!("a client of {database}"))?;
    }
    stop.store(true, Ordering::Relaxed);
    let reached = reached()?;
    let recorded_now = attempted(&recorded)?;
    let missing: Vec<_> = reached.difference(&recorded_now).collect();
    ensure!(
        missing.is_empty(),
        "{missing:?} reached the server and are not recorded"
    );

    recorded.served.start_again()?;
    let sessions = recorded.sessions(CLIENTS)?;
    for (id, events) in &sessions {
        let count =
            |wanted: fn(&Event<'_>) -> bool| events.iter().filter(|event| wanted(event)).count();
        let attempted = count(|event| matches!(event, Event::Attempted(_)));
        let completed = count(|event| matches!(event, Event::Completed(_)));
        assert_eq!(attempted, completed, "session {id}");
        let lost = count(
            |event| matches!(event, Event::Completed(event) if event.outcome == Outcome::Lost),
        );
        assert!(lost <= 1, "session {id}");
    }
    recorded.assert_verifies()
}

/// The markers of statements that were attempted.
fn attempted(recorded: &Recorded) -> Result<BTreeSet<String>> {
    let mut markers = BTreeSet::new();
    for (_, events) in recorded.read()? {
        let mut judged = std::collections::HashMap::new();
        for event in events {
            match event {
                Event::Judged(event) => {
                    judged.insert(event.statement, event.text);
                }
                Event::Attempted(event) => {
                    let text = judged.get(&event.statement).context("a judgement")?;
                    let marker = text.split('\'').nth(1).unwrap_or_default();
                    markers.extend(marker.strip_prefix("marker-").map(str::to_owned));
                }
                _ => {}
            }
        }
    }
    Ok(markers)
}

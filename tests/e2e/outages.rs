//! Servers that end a session, restart, crash, or are not running.

use std::collections::HashMap;

use anyhow::{Context, Result};
use gatewright_harness::{GatewayCommand, Postgres, PostgresSettings, Psql, free_port};
use gatewright_tests::raw::{self, Client, tags};

use crate::served::Served;
use crate::world::eventually;

/// The next ErrorResponse; messages of the running statement may precede it.
fn next_error(client: &mut Client) -> Result<HashMap<char, String>> {
    loop {
        let message = client.receive()?;
        if message.tag == b'E' {
            return Ok(message.fields());
        }
    }
}

#[test]
fn a_session_ended_by_the_server_receives_its_error() -> Result<()> {
    let served = Served::start("outage_end", "", "")?;
    let psql = Psql::new(&served.direct)?;
    for statement in [None, Some("SELECT pg_sleep(600)")] {
        let mut client = served.client("ada")?;
        let pid = client.query("SELECT pg_backend_pid()")?[1].cells()[0]
            .clone()
            .context("no process")?;
        if let Some(sql) = statement {
            client.send(&raw::query(sql))?;
        }
        psql.query(&format!("SELECT pg_terminate_backend({pid})"))?;
        let reported = next_error(&mut client)?;
        assert_eq!(reported[&'S'], "FATAL");
        assert_eq!(reported[&'C'], "57P01");
        assert!(
            reported[&'M'].contains("administrator command"),
            "{reported:?}"
        );
        assert!(client.receive().is_err(), "the connection is still open");
    }
    Ok(())
}

#[test]
fn a_restart_ends_sessions_and_new_ones_are_served() -> Result<()> {
    let mut postgres = Postgres::start()?;
    let gateway = GatewayCommand::dev(&postgres.dsn()).start()?;
    let mut idle = Client::connect(&gateway.dsn()?)?;
    let mut busy = Client::connect(&gateway.dsn()?)?;
    idle.query("SET application_name = 'idle'")?;
    busy.send(&raw::query("SELECT pg_sleep(600)"))?;
    eventually("the statement runs", || {
        let count = idle.query("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%600%'")?;
        Ok(count[1].cells()[0].as_deref() == Some("2"))
    })?;
    postgres.stop()?;
    for client in [&mut idle, &mut busy] {
        let reported = next_error(client)?;
        assert_eq!(
            (reported[&'S'].as_str(), reported[&'C'].as_str()),
            ("FATAL", "57P01")
        );
        assert!(client.receive().is_err(), "the connection is still open");
    }
    let down = match Client::connect(&gateway.dsn()?) {
        Ok(_) => anyhow::bail!("a session opened without a server"),
        Err(error) => format!("{error:#}"),
    };
    assert!(down.contains("FATAL") && down.contains("08001"), "{down}");
    let port = postgres.port().to_string();
    assert!(
        !down.contains(&port),
        "the error contains an internal address: {down}"
    );
    postgres.restart()?;
    let mut again = Client::connect(&gateway.dsn()?)?;
    assert_eq!(tags(&again.query("SELECT 1")?), "TDCZ");
    Ok(())
}

#[test]
fn a_crash_ends_sessions_with_only_the_error_of_the_server() -> Result<()> {
    let postgres =
        Postgres::start_with(&PostgresSettings::default().set("restart_after_crash", "on"))?;
    let gateway = GatewayCommand::dev(&postgres.dsn()).start()?;
    let mut client = Client::connect(&gateway.dsn()?)?;
    client.send(&raw::query("SELECT pg_backend_pid(), pg_sleep(0)"))?;
    let pid = client.until_ready()?[1].cells()[0]
        .clone()
        .context("no process")?;
    let mut other = Client::connect(&gateway.dsn()?)?;
    postgres.kill_backend(&pid)?;
    assert!(client.receive().is_err(), "a message after the kill");
    // The postmaster terminates all other sessions and reinitializes.
    let mut last = None;
    while let Ok(message) = other.receive() {
        last = Some(message.fields());
    }
    assert_eq!(last.context("no final error")?[&'C'], "57P02");
    eventually("the server accepts connections again", || {
        Ok(Client::connect(&gateway.dsn()?).is_ok())
    })
}

#[test]
fn a_server_that_is_not_running() -> Result<()> {
    let host = format!("host = \"127.0.0.1:{}\"", free_port()?);
    let served = Served::start_at("outage_none", "", &host)?;
    let reported = served.refusal("ada")?;
    assert!(
        reported.contains("FATAL") && reported.contains("08001"),
        "{reported}"
    );
    assert!(!reported.contains("127.0.0.1"), "{reported}");
    Ok(())
}

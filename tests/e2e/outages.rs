//! Servers that end a session, go away, come back, or are not there.

use std::collections::HashMap;

use anyhow::{Context, Result};
use gatewright_harness::{GatewayCommand, Postgres, PostgresSettings, Psql, free_port};
use gatewright_tests::raw::{self, Client, tags};

use crate::served::Served;
use crate::world::eventually;

/// What a statement that runs has begun to say may come first.
fn next_error(client: &mut Client) -> Result<HashMap<char, String>> {
    loop {
        let message = client.receive()?;
        if message.tag == b'E' {
            return Ok(message.fields());
        }
    }
}

#[test]
fn a_session_that_the_server_ends_says_so() -> Result<()> {
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
        let told = next_error(&mut client)?;
        assert_eq!(told[&'S'], "FATAL");
        assert_eq!(told[&'C'], "57P01");
        assert!(told[&'M'].contains("administrator command"), "{told:?}");
        assert!(client.receive().is_err(), "the connection is open");
    }
    Ok(())
}

#[test]
fn a_server_that_restarts_ends_sessions_and_serves_new_ones() -> Result<()> {
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
        let told = next_error(client)?;
        assert_eq!(
            (told[&'S'].as_str(), told[&'C'].as_str()),
            ("FATAL", "57P01")
        );
        assert!(client.receive().is_err(), "the connection is open");
    }
    let down = match Client::connect(&gateway.dsn()?) {
        Ok(_) => anyhow::bail!("a session without a server"),
        Err(error) => format!("{error:#}"),
    };
    assert!(down.contains("FATAL") && down.contains("08001"), "{down}");
    let port = postgres.port().to_string();
    assert!(!down.contains(&port), "an internal address shows: {down}");
    postgres.restart()?;
    let mut again = Client::connect(&gateway.dsn()?)?;
    assert_eq!(tags(&again.query("SELECT 1")?), "TDCZ");
    Ok(())
}

#[test]
fn a_server_that_crashes_ends_sessions_without_a_word_of_the_gateways() -> Result<()> {
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
    assert!(client.receive().is_err(), "killed, and it speaks");
    // The postmaster ends all other sessions and starts over.
    let mut last = None;
    while let Ok(message) = other.receive() {
        last = Some(message.fields());
    }
    assert_eq!(last.context("no last words")?[&'C'], "57P02");
    eventually("the server is back", || {
        Ok(Client::connect(&gateway.dsn()?).is_ok())
    })
}

#[test]
fn a_server_that_is_not_there() -> Result<()> {
    let host = format!("host = \"127.0.0.1:{}\"", free_port()?);
    let served = Served::start_at("outage_none", "", &host)?;
    let told = served.refusal("ada")?;
    assert!(told.contains("FATAL") && told.contains("08001"), "{told}");
    assert!(!told.contains("127.0.0.1"), "{told}");
    Ok(())
}

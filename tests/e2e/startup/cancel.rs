//! Cancel requests without TLS.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Result, ensure};
use gatewright_harness::{Psql, Version};
use gatewright_tests::raw::{self, Client, tags};

use super::cancel_request;
use crate::served::Served;
use crate::world::eventually;

/// Waits until `count` statements with `pg_sleep(600)` are running.
pub fn wait_until_running(ask: impl Fn(&str) -> Result<String>, count: usize) -> Result<()> {
    eventually("the statement runs", || {
        let running = ask("SELECT count(*) FROM pg_stat_activity \
             WHERE state = 'active' AND query LIKE '%sleep(600)%' AND pid <> pg_backend_pid()")?;
        Ok(running == count.to_string())
    })
}

/// Sends the request and waits until the gateway has closed its connection.
fn cancel(served: &Served, key: &[u8]) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", served.port))?;
    stream.write_all(&cancel_request(key))?;
    let mut said = Vec::new();
    stream.read_to_end(&mut said)?;
    assert!(said.is_empty(), "{said:?}");
    Ok(())
}

#[test]
fn only_the_holder_of_the_key_can_cancel() -> Result<()> {
    let served = Served::start("open_cancel", "", "")?;
    let psql = Psql::new(&served.direct)?;
    let mine = |sql: &str| psql.query(&format!("{sql} AND datname = current_database()"));
    let sleep = raw::query("SELECT pg_sleep(600)");
    let mut ada: Client = served.client("ada")?;
    let mut grace: Client = served.client("grace")?;
    ada.send(&sleep)?;
    grace.send(&sleep)?;
    wait_until_running(mine, 2)?;
    // The right process id with another secret, another session's secret, and a key of another length.
    let mut guessed = ada.key.clone();
    guessed[7] ^= 1;
    cancel(&served, &guessed)?;
    cancel(&served, &[&ada.key[..4], &grace.key[4..]].concat())?;
    cancel(&served, &[&ada.key[..], &[0; 28]].concat())?;
    cancel(&served, &grace.key)?;
    let messages = grace.until_ready()?;
    assert_eq!(
        raw::error(&messages).map(|error| error[&'C'].clone()),
        Some("57014".to_owned())
    );
    // Had one of those reached the server, it would have arrived before the valid one.
    wait_until_running(mine, 1)?;
    cancel(&served, &ada.key)?;
    assert_eq!(tags(&ada.until_ready()?), "TEZ");
    // A request for an idle session cancels nothing, and an ended session cannot be cancelled.
    cancel(&served, &ada.key)?;
    let key = ada.key.clone();
    drop(ada);
    cancel(&served, &key)?;
    assert_eq!(tags(&grace.query("SELECT 1")?), "TDCZ");
    Ok(())
}

/// libpq 18 uses protocol 3.2, with a key of 32 bytes, if told to.
#[test]
fn psql_18_speaks_protocol_3_2_and_cancels() -> Result<()> {
    let served = Served::start("open_psql_3_2", "", "")?;
    let direct = Psql::new(&served.direct)?;
    let mine = |sql: &str| direct.query(&format!("{sql} AND datname = current_database()"));
    let psql = Psql::new(&served.dsn("ada")?)?.version(Version::Eighteen)?;
    let psql = psql
        .environment("PGMINPROTOCOLVERSION", "3.2")
        .environment("PGMAXPROTOCOLVERSION", "3.2");
    let mut session = psql.session()?;
    let connected = session.run("\\conninfo")?;
    assert!(connected.contains("3.2"), "{connected}");
    assert!(session.run("SELECT 6 * 7 AS answer;")?.contains("42"));
    let process = session.id().to_string();
    let waiting = std::thread::spawn(move || session.run("SELECT pg_sleep(600);"));
    wait_until_running(mine, 1)?;
    // The shell's builtin: a minimal machine has no `kill` program.
    let kill = std::process::Command::new("sh")
        .args(["-c", r#"kill -INT "$0""#, &process])
        .status()?;
    ensure!(kill.success(), "kill: {kill}");
    // psql ends the script at the cancelled statement.
    let ended = waiting
        .join()
        .map_err(|_| anyhow::anyhow!("the session panicked"))?;
    let reported = ended.unwrap_or_else(|error| error.to_string());
    assert!(
        reported.contains("canceling statement due to user request"),
        "{reported}"
    );
    Ok(())
}

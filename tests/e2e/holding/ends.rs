//! The session ends while a statement is held.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gatewright_tests::raw::{self, Client};

use super::stage::{DELETE, Stage, until_held};

fn held(stage: &Stage) -> Result<(Client, String)> {
    let mut client = stage.client()?;
    client.send(&raw::query("DELETE FROM t"))?;
    let (_, held) = until_held(&mut client)?;
    Ok((client, held))
}

#[test]
fn a_client_that_sent_more_than_is_read_ahead_is_seen_to_leave() -> Result<()> {
    let stage = Stage::start("holding_full", &[DELETE])?;
    let (client, held) = held(&stage)?;
    // The gateway leaves most of it, and the end of the stream behind it, to the kernel.
    let more = raw::query(&format!("SELECT '{}'", "x".repeat(500_000)));
    client.stream().write_all(&more)?;
    drop(client);
    stage.api().state(&held, "withdrawn")?;
    ensure!(stage.rows()? == "9");
    Ok(())
}

#[test]
fn a_server_that_ends_the_session_withdraws_it() -> Result<()> {
    let stage = Stage::start("holding_server", &[DELETE])?;
    let mut client = stage.client()?;
    // For the server the transaction is idle.
    client.query("SET idle_in_transaction_session_timeout TO '200ms'; BEGIN")?;
    client.send(&raw::query("DELETE FROM t"))?;
    let (_, held) = until_held(&mut client)?;
    let request = stage.api().state(&held, "withdrawn")?;
    ensure!(request["outcome"]["ended"] == "session ended", "{request}");
    let fatal = client.receive()?;
    ensure!(
        fatal.tag == b'E' && fatal.fields()[&'C'] == "25P03",
        "{fatal:?}"
    );
    Ok(())
}

#[test]
fn a_gateway_that_stops_withdraws_it_and_says_so() -> Result<()> {
    let mut stage = Stage::start("holding_stop", &[DELETE])?;
    let (mut client, _) = held(&stage)?;
    stage.gateway.process().signal("TERM")?;
    let fatal = client.receive()?;
    ensure!(
        fatal.tag == b'E' && fatal.fields()[&'C'] == "57P01",
        "{fatal:?}"
    );
    let status = stage.gateway.process_mut().wait(Duration::from_secs(30))?;
    ensure!(status.success(), "{status}");
    ensure!(stage.rows()? == "9");
    Ok(())
}

#[test]
fn nothing_runs_when_the_gateway_is_killed() -> Result<()> {
    let mut stage = Stage::start("holding_killed", &[DELETE])?;
    let (mut client, _) = held(&stage)?;
    stage.gateway.process().signal("KILL")?;
    stage.gateway.process_mut().wait(Duration::from_secs(30))?;
    ensure!(client.receive().is_err());
    ensure!(stage.rows()? == "9");
    Ok(())
}

#[test]
fn a_client_that_terminates_is_not_waited_for() -> Result<()> {
    let stage = Stage::start("holding_terminate", &[DELETE])?;
    let (mut client, held) = held(&stage)?;
    client.send(&raw::message(b'X', &[]))?;
    drop(client);
    let request = stage.api().state(&held, "withdrawn")?;
    ensure!(request["outcome"]["ended"] == "client left", "{request}");
    let decided = stage.api().decide_about(&held, "approve");
    decided.err().context("it can still be decided")?;
    Ok(())
}
